"""Ensembles: the rule that combines verdicts, failures that never become scores, every member locked by itself, and all that grades."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import make_context, published
from hypothesis import given
from hypothesis import strategies as st
from judged_corpus import CountingJudge, hand_made_corpus, judged_context
from scripted_judges import GoodJudge, GullibleJudge, hand_made_tasks
from test_judging_modes import Model, fine
from test_judging_replies import ROWS, Parrot

from flows import cli
from flows.estimate import estimate_rebuild
from flows.exchange import files_model
from flows.forecast import forecast
from flows.pipeline import run_stage
from flows.reference import settings_reference
from rubric_factory import warehouse
from rubric_factory.dataset_version import open_version, task_rows
from rubric_factory.errors import BlockedError, ConfigurationError, UsageError
from rubric_factory.grading import Grader
from rubric_factory.judging import combined
from rubric_factory.judging.ensemble import EnsembleJudge
from rubric_factory.judging.failures import decide
from rubric_factory.judging.judges import JUDGES, open_judge
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.lexical import LexicalJudge
from rubric_factory.judging.lock import make_lock, read_lock, summary, verify_lock, write_lock
from rubric_factory.judging.modes import MODES
from rubric_factory.judging.probes.run import failed_errors, run_probes
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.judging.store import grading_of
from rubric_factory.ledger import Ledger
from rubric_factory.records import JudgeFailure, Judgement, Verdict
from rubric_factory.reports.audit_page import audit_page
from rubric_factory.settings import load_settings
from rubric_factory.settings.judge import (
    RATING_MODES,
    Ensemble,
    GradingSettings,
    Lexical,
    LockSettings,
    ModelGradingSettings,
    OpenAICompatibleJudge,
    ProbeSettings,
    Rules,
    ScriptedJudge,
)
from rubric_factory.settings.llm import Sampling
from rubric_factory.tables import SPLITS, VERDICTS, judgement_rows
from rubric_factory.verdicts.stored import agreement_summary, criterion_summary, read_verdicts, reward_of_rows

TASKS = hand_made_tasks()
PROBE = TASKS[0]
RUBRIC = PROBE.task.rubric
GOOD, BAD = RUBRIC.criteria[0], RUBRIC.criteria[3]  # the last one is a pitfall
MEMBERS = Ensemble(members=(Lexical(), Rules(), ScriptedJudge(model="m", revision="r", function="x:y")))
VOTES = st.lists(st.none() | st.integers(0, 3), min_size=1, max_size=7)


def item(response="An answer.", probe=PROBE):
    return JudgeInput.of(probe.task, probe.passage_text, response)


def vote(level, criterion=GOOD, failure=JudgeFailure.ABSTAINED):
    return Verdict(criterion.criterion_key, level, f"says {level}", None if level is not None else failure)


def named(judge, name):
    judge.identity = name
    return judge


def ensemble(*judges, section=MEMBERS, **rule):
    return EnsembleJudge(section.model_copy(update=rule), judges)


def model_judge(model, **grading):
    return LanguageModelJudge(model, ModelGradingSettings(**{"quotes": "given", "tries": 1, **grading}), Sampling(), "model")


# The rule


@pytest.mark.parametrize(("votes", "level", "agreed"), [
    ([1, 1, 0], 1, 2 / 3), ([1, 1, 1], 1, 1.0), ([0, 1], None, 0.5), ([1, 0, 2], None, 1 / 3), ([None, None, None], None, 0.0),
    ([1, 1, None], 1, 2 / 3), ([1, None, None], None, 1 / 3), ([2, 2, 2, 0, 1], 2, 0.6), ([2, 2, 0, 0, 1], None, 0.4),
])  # fmt: skip
def test_the_majority_carries_where_enough_of_all_members_agree(votes, level, agreed):
    found = combined.verdict(GOOD, [vote(one) for one in votes], "majority", 0.6)
    assert found.level == level and found.agreement == pytest.approx(agreed)
    assert found.failure == (JudgeFailure.ABSTAINED if level is None else None)
    assert found.reason == (f"says {level}" if level is not None else f"the judges say {', '.join(str(v).lower() for v in votes)}")


@pytest.mark.parametrize(("votes", "positive", "negative"), [([0, 1, 2], 1, 1), ([0, 1], 0, 1), ([0, 0, 1, 2], 0, 1), ([2, None], 2, 2)])
def test_of_two_middle_levels_the_median_takes_the_one_that_earns_less(votes, positive, negative):
    found = [combined.verdict(c, [vote(one, c) for one in votes], "median", 0.0).level for c in (GOOD, BAD)]
    assert found == [positive, negative]


@given(VOTES, st.sampled_from(["majority", "median"]), st.sampled_from([0.0, 0.5, 0.6, 2 / 3, 1.0]), st.randoms(use_true_random=False))
def test_a_combined_verdict_is_what_members_said_often_enough_in_whatever_order(votes, combine, least, random):
    mixed = random.sample(votes, len(votes))
    one, two = (combined.verdict(GOOD, [vote(level) for level in some], combine, least) for some in (votes, mixed))
    assert (one.level, one.agreement, one.failure) == (two.level, two.agreement, two.failure)
    assert 0 <= one.agreement <= 1 and (one.level is None) == (one.failure is not None)
    if one.level is not None:
        assert one.level in votes and one.agreement == votes.count(one.level) / len(votes) >= least
    if len(set(votes)) == 1 and votes[0] is not None:
        assert (one.level, one.agreement) == (votes[0], 1.0)
    stricter = combined.verdict(GOOD, [vote(level) for level in votes], combine, 1.0)
    assert stricter.level in (one.level, None)


def test_where_all_members_fail_for_one_reason_that_is_the_reason():
    given_ = [vote(None, failure=JudgeFailure.REFUSED)] * 2
    assert combined.verdict(GOOD, given_, "majority", 0.5).failure is JudgeFailure.REFUSED
    assert combined.verdict(GOOD, [*given_, vote(None)], "majority", 0.5).failure is JudgeFailure.ABSTAINED


# Failures


def judged(levels, failure=None):
    keys = [c.criterion_key for c in RUBRIC.criteria]
    verdicts = tuple(
        Verdict(key, level, "", None if level is not None else JudgeFailure.ABSTAINED) for key, level in zip(keys, levels, strict=True)
    )
    return Judgement(PROBE.task.task_id, "r", verdicts, "j", failure, "raw", 10, 5)


FULL, NONE = (1, 1, 1, 0), (0, 0, 0, 1)
SILENT = Judgement(PROBE.task.task_id, "r", (), "j")


@pytest.mark.parametrize(("given_", "reward", "kind"), [
    ([judged(FULL)] * 3, 1.0, "graded"),
    ([judged(FULL), judged(FULL), judged(NONE)], 1.0, "graded"),
    ([judged(FULL), judged(NONE)], None, "abstained"),
    ([judged(FULL), judged(FULL), judged((1, 1, 1, None), JudgeFailure.ABSTAINED)], 1.0, "graded"),
    ([judged(FULL), judged((1, None, 1, 0), JudgeFailure.ABSTAINED), judged((1, 0, 1, 0))], None, "abstained"),
    ([judged(FULL), judged(FULL), replace(SILENT, failure=JudgeFailure.TRANSPORT)], None, "transport"),
    ([judged(FULL), judged(FULL), replace(SILENT, failure=JudgeFailure.TIMEOUT)], None, "timeout"),
    ([judged(FULL), judged(FULL), replace(SILENT, failure=JudgeFailure.REFUSED)], 1.0, "graded"),
    ([replace(SILENT, failure=JudgeFailure.REFUSED)] * 3, None, "refused"),
    ([replace(SILENT, failure=JudgeFailure.UNPARSEABLE)] * 3, None, "unparseable"),
    ([replace(SILENT, failure=JudgeFailure.UNPARSEABLE), replace(SILENT, failure=JudgeFailure.REFUSED)], None, "abstained"),
    ([judged((0, 0, 0, 0), JudgeFailure.OVER_LENGTH)] * 3, 0.0, "over_length"),
    ([judged(NONE, JudgeFailure.UNPARSEABLE)] * 3, -2 / 12, "policy_induced"),
    ([judged(FULL), judged(FULL), judged(NONE, JudgeFailure.UNPARSEABLE)], 1.0, "graded"),
    ([judged(FULL), judged(NONE, JudgeFailure.UNPARSEABLE), judged(NONE, JudgeFailure.UNPARSEABLE)], None, "abstained"),
    ([judged(NONE, JudgeFailure.UNPARSEABLE)] * 2 + [replace(SILENT, failure=JudgeFailure.UNPARSEABLE)], None, "unparseable"),
])  # fmt: skip
def test_the_failure_algebra_of_several_judges(given_, reward, kind):
    found = combined.judgement(item(), given_, "e", "majority", 0.6)
    decision = decide([RUBRIC], [found])[0]
    assert decision.kind == kind and decision.reward == (None if reward is None else pytest.approx(reward))
    rows = judgement_rows(found, RUBRIC)
    stored = pa.Table.from_pylist(rows, schema=VERDICTS).to_pylist()
    again = reward_of_rows(stored, "canonical")
    assert again == (None if reward is None else pytest.approx(reward)) and all(len(row["votes"]) == len(given_) for row in stored)
    if reward is None and kind in ("refused", "unparseable"):
        assert {row["failure"] for row in stored} == {kind}, "an outage of every judge is not called an abstention"
    assert all((one["level"] is None) != (one["failure"] is None) for row in stored for one in row["votes"]), "a vote or why there is none"
    assert found.prompt_tokens == sum(one.prompt_tokens for one in given_) == sum(v["prompt_tokens"] for v in stored[0]["votes"])


@given(st.lists(st.sampled_from([None, *JudgeFailure]), min_size=2, max_size=4), st.data())
def test_no_failure_of_a_member_is_ever_counted_as_a_level(failures, data):
    given_ = []
    for failure in failures:
        flagged = failure in (JudgeFailure.OVER_LENGTH, JudgeFailure.UNPARSEABLE)
        given_.append(judged(NONE if flagged else FULL, failure) if failure is None or flagged else replace(SILENT, failure=failure))
    found = combined.judgement(item(), given_, "e", data.draw(st.sampled_from(["majority", "median"])), 0.0)
    decision = decide([RUBRIC], [found])[0]
    if decision.kind == "graded":
        assert None in failures and decision.reward == 1.0
    elif decision.reward is not None:
        assert len(set(failures)) == 1 and failures[0] is not None


@pytest.mark.parametrize("mode", ["all_criteria", "some_criteria"])
def test_no_adversarial_reply_to_one_member_earns_what_the_others_do_not_give(mode):
    for row in ROWS:
        if row["taken"]:
            continue
        for second in (Renamed(row["reply"]), Model(fine)):
            one = EnsembleJudge(MEMBERS, [model_judge(Parrot(row["reply"]), mode=mode), model_judge(second, mode=mode)])
            found = one.grade_many([item(f"Answer {n}.") for n in range(2)])
            assert {d.reward for d in decide([RUBRIC] * 2, found)} == {None}, row
            assert pa.Table.from_pylist([r for j in found for r in judgement_rows(j, RUBRIC)], schema=VERDICTS).num_rows == 2 * 4


class Renamed(Parrot):
    revision = "another"


# Settings


def test_what_cannot_be_combined_is_refused_by_name(tmp_path):
    lexical = {"type": "lexical"}
    model = {"type": "openai_compatible", "model": "m", "revision": "r", "base_url": "http://x/v1"}
    for members, said in (
        ([lexical], "at least 2"),
        ([lexical, {**model, "grading": {"mode": "holistic"}}], "holistic"),
        ([lexical, {**model, "grading": {"max_response_characters": 5}}], "max_response_characters"),
        ([{"type": "vllm", "model": name, "revision": "r"} for name in "ab"], "gpu_memory_utilization may sum to 1"),
        ([lexical, {"type": "ensemble", "members": [lexical, lexical]}], "does not match any of the expected tags"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            load(tmp_path, members)
    with pytest.raises(ConfigurationError, match=r"lexical@\d+ twice"):
        ensemble(LexicalJudge(GradingSettings()), LexicalJudge(GradingSettings()))
    assert {name for name, mode in MODES.items() if mode.scale} == RATING_MODES


def test_the_same_judge_twice_is_refused_as_the_configuration_is_read(tmp_path):
    model = {"type": "openai_compatible", "model": "m", "revision": "r", "base_url": "http://x/v1"}
    graded = lambda **grading: {**model, "grading": grading}  # noqa: E731
    for members in (
        [{"type": "lexical"}, {"type": "lexical"}],
        [model, {**model, "base_url": "http://y/v1", "sampling": {"temperature": 0.5}}],
        [model, graded(criteria_per_call=2, seed=9, tries=1)],
    ):
        with pytest.raises(ConfigurationError, match="twice: it would agree with itself"):
            load(tmp_path, members)
    apart = [
        {**model, "model": "n"},
        {**model, "revision": "s"},
        graded(quotes="given"),
        graded(mode="one_criterion"),
        graded(mode="some_criteria"),
        graded(mode="some_criteria", criteria_per_call=2),
        graded(mode="reflection"),
        graded(mode="reflection", analyses=2),
    ]
    section = load(tmp_path, [model, *apart]).judge
    assert len({open_judge(one, None).identity for one in section.members}) == 9, "what is let through are judges of their own"


def test_the_reference_says_how_members_are_written():
    page = settings_reference()
    assert "`[[judge.members]]`" in page and "same max_response_characters" in page


def load(folder, members, **more):
    lines = ['name = "unit"', "seed = 7", 'author = { type = "extractive" }', "[judge]", 'type = "ensemble"']
    lines += [f"{key} = {json.dumps(value)}" for key, value in more.items()]
    for member in members:
        lines.append("[[judge.members]]")
        lines += [f"{key} = {toml(value)}" for key, value in member.items()]
    (folder / "pipeline.toml").write_text("\n".join(lines))
    return load_settings(folder / "pipeline.toml")


def toml(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(one)}" for key, one in value.items()) + " }"
    return "[" + ", ".join(toml(one) for one in value) + "]" if isinstance(value, list) else json.dumps(value)


def test_the_identity_names_rule_and_members_and_the_folders_of_members_are_found(tmp_path):
    files = {"type": "batch_files", "model": "m", "revision": "r", "requests_dir": "out", "responses_dir": "in"}
    section = load(tmp_path, [{"type": "lexical"}, files], combine="median", min_agreement=0.5).judge
    assert section.members[1].responses_dir == tmp_path / "in"
    judge = open_judge(section, None)
    members = [open_judge(one, None).identity for one in section.members]
    assert judge.identity == f"ensemble median>=0.5: {members[0]} + {members[1]}" and judge.evidence_grade == "demo"
    close = [open_judge(section.model_copy(update={"min_agreement": x}), None).identity for x in (2 / 3, 0.6666667)]
    assert close[0] != close[1], "one takes two of three, the other does not"
    hotter = load(tmp_path, [{"type": "lexical"}, {**files, "sampling": {"temperature": 0.5}}], combine="median", min_agreement=0.5).judge
    assert open_judge(hotter, None).identity == judge.identity and grading_of(hotter, "i") != grading_of(section, "i")
    with pytest.raises(UsageError, match="several models"):
        files_model(section, tmp_path, None)


# Lock, probes, money


class Swapped(GullibleJudge):
    identity = "second@1"


def three(second=None, third=None):
    return ensemble(GoodJudge(), second or named(GoodJudge(), "second@1"), third or named(GoodJudge(), "third@1"))


def locked(judge, section=MEMBERS):
    return make_lock(judge, section, TASKS, (), LockSettings(canary_pairs=48, repeats=2), seed=5)


def test_a_lock_holds_every_member_and_reads_back_as_written(tmp_path):
    lock = locked(three())
    write_lock(lock, tmp_path / "judge.lock.json")
    back = read_lock(tmp_path / "judge.lock.json")
    assert back == lock and back.digest == lock.digest and verify_lock(three(), back).passed
    assert [m.identity for m in back.members] == ["good@1", "second@1", "third@1"] and not any(m.tasks for m in back.members)
    found = summary(back)
    assert found["agreement"] == 1.0 and [m["agreement"] for m in found["members"]] == [1.0] * 3
    assert '"members"' not in make_lock(GoodJudge(), Lexical(), TASKS, (), LockSettings(canary_pairs=48), seed=5).to_json()


def test_a_swapped_member_is_caught_though_the_others_outvote_it():
    lock = locked(three())
    report = verify_lock(three(second=Swapped()), lock)
    assert not report.passed and report.flips == 0.0, "the combined verdicts are the same"
    assert "its member second@1" in report.detail and "third@1" not in report.detail


def test_another_member_another_order_or_fewer_are_refused_without_a_call():
    lock = locked(three())
    for judge in (three(third=named(GoodJudge(), "fourth@1")), ensemble(named(GoodJudge(), "second@1"), GoodJudge()), GoodJudge()):
        assert "the lock is of" in verify_lock(judge, lock).detail
    assert not verify_lock(three(), replace(lock, members=lock.members[:2])).passed


def test_a_member_asked_with_other_settings_is_refused():
    section = Ensemble(members=(Lexical(), OpenAICompatibleJudge(model="m", revision="r", base_url="http://localhost:1/v1")))
    own = Model(fine)
    first = EnsembleJudge(section, [GoodJudge(), LanguageModelJudge(own, ModelGradingSettings(), Sampling(), "model")])
    lock = locked(first, section)
    other = EnsembleJudge(section, [GoodJudge(), LanguageModelJudge(own, ModelGradingSettings(), Sampling(temperature=0.7), "model")])
    assert "temperature 0.7, not 0.0" in verify_lock(other, lock).detail and verify_lock(first, lock).passed


def test_a_gullible_member_is_outvoted_and_two_of_them_fail_the_probes():
    some = ProbeSettings(sample_tasks=4)
    one = run_probes(ensemble(GoodJudge(), GullibleJudge(), named(GoodJudge(), "third@1")), TASKS[:4], some, 1)
    assert not failed_errors(one)
    two = run_probes(ensemble(GoodJudge(), GullibleJudge(), named(GullibleJudge(), "third@1")), TASKS[:4], some, 1)
    assert {"empty", "master_keys"} & {probe.name for probe in failed_errors(two)} >= {"master_keys"}
    split = run_probes(ensemble(GoodJudge(), GullibleJudge()), TASKS[:4], some, 1)
    master = next(probe for probe in split if probe.name == "master_keys")
    assert master.value is None and master.passed is False, "two that contradict each other give no grade, and that is no pass"


def answered(request):
    return fine(request, level=0)


def test_every_members_call_goes_through_the_ledger_and_is_paid_once(tmp_path):
    sections = [ScriptedJudge(model=name, revision="r", function="test_ensemble:answered", grading={"quotes": "given"}) for name in "ab"]
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        judge = open_judge(Ensemble(members=tuple(sections)), ledger, stage="judge")
        first, again = judge.grade_many([item()]), judge.grade_many([item()])
        assert first == again and {(row["model"], row["calls"]) for row in ledger.summary()} == {("a", 1), ("b", 1)}
    assert [one.judge.split("@")[0] for one in first[0].members] == ["a", "b"] and all(one.raw for one in first[0].members)


# Summaries, stages, commands


def test_agreement_by_criterion_judge_and_overall():
    given_ = [[judged(FULL), replace(judged((1, 1, 0, 0)), judge="k"), replace(judged((0, 1, 1, 0)), judge="l")], [judged(FULL)] * 2]
    rows = [row for some in given_ for row in judgement_rows(combined.judgement(item(), some, "e", "majority", 0.7), RUBRIC)]
    found = agreement_summary(rows)
    assert found["verdicts"] == 8 and found["withheld"] == 2 and found["agreement"] == pytest.approx((2 / 3 + 1 + 2 / 3 + 5) / 8)
    assert found["judges"]["k"] == {"votes": 4, "with": 1.0}
    by = {row["criterion_key"]: row for row in criterion_summary(rows)}
    assert by[GOOD.criterion_key]["agreement"] == pytest.approx((2 / 3 + 1) / 2) and by[GOOD.criterion_key]["ungraded"] == 1
    single = judgement_rows(judged(FULL), RUBRIC)
    assert agreement_summary(single) is None and criterion_summary(single)[0]["agreement"] is None


def test_levels_that_a_rule_set_are_nobodys_votes_and_no_agreement():
    long, broken = judged((0, 0, 0, 0), JudgeFailure.OVER_LENGTH), judged(NONE, JudgeFailure.UNPARSEABLE)
    for given_ in ([long] * 2, [broken] * 2):
        assert agreement_summary(judgement_rows(combined.judgement(item(), given_, "e", "majority", 0.6), RUBRIC)) is None
    bad = [judged(NONE), replace(judged(NONE), judge="k"), replace(broken, judge="l")]
    found = agreement_summary(judgement_rows(combined.judgement(item(), bad, "e", "majority", 0.6), RUBRIC))
    assert found["agreement"] == pytest.approx(2 / 3) and found["judges"]["l"] == {"votes": 0, "with": 0.0}


@pytest.fixture
def patched(monkeypatch):
    """[judge] members lexical and rules mean the good judge under two names."""
    judges = CountingJudge(), named(CountingJudge(), "other@1")
    for kind, judge in zip(("lexical", "rules"), judges, strict=True):
        monkeypatch.setitem(JUDGES, kind, lambda section, _, judge=judge: judge)
    return judges


TWO = {"type": "ensemble", "members": [{"type": "lexical"}, {"type": "rules"}]}


def test_a_version_is_gated_locked_published_shown_and_graded_by_an_ensemble(tmp_path, patched, capsys):
    context = judged_context(tmp_path, judge=TWO)
    hand_made_corpus().fold(context.workspace)
    for stage in ("probe", "lock", "judge-gate"):
        run_stage(stage, context)
    asked = [judge.count for judge in patched]
    assert asked[0] == asked[1] > 0
    assert run_stage("judge-gate", context).counts["graded"] == 0, "stored gradings of the ensemble are read again"
    published(context)
    folder = tmp_path / "datasets/unit/1.0.0"
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["judge"] == "ensemble majority>=0.6: good@1 + other@1" and manifest["lock"]["agreement"] == 1.0
    card = (folder / "README.md").read_text()
    assert "An ensemble, share of its judges behind its canary verdicts 1.000" in card and "other@1" in card
    page, errors = audit_page(folder)
    assert not errors and "100.0% of the members" in page and "Member 2" in page
    version = open_version(folder)
    rows = [row for split in SPLITS for row in task_rows(version, split)]
    (tmp_path / "a.jsonl").write_text(
        "".join(json.dumps({"task_id": r["task_id"], "response": r["reference_answer"]}) + "\n" for r in rows[:4])
    )
    config = f'name = "unit"\nseed = 7\nauthor = {{ type = "extractive" }}\nworkspace = "{tmp_path}"\n[judge]\ntype = "ensemble"\n'
    (tmp_path / "pipeline.toml").write_text(config + 'members = [{ type = "lexical" }, { type = "rules" }]\n')
    words = ["judge", "--json", "--config", str(tmp_path / "pipeline.toml")]
    given_ = ["--dataset", "unit", "--responses", str(tmp_path / "a.jsonl"), "--out", str(tmp_path / "out")]
    assert cli.run([*words, *given_]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["ensemble"]["agreement"] == 1.0 and said["overall"]["responses"]["mean"] == 1.0
    stored = read_verdicts(tmp_path / "out")
    assert [[v["judge"] for v in row["votes"]] for row in stored] == [["good@1", "other@1"]] * len(stored)
    assert stored == [json.loads(line) for line in (tmp_path / "out/verdicts.jsonl").read_text().splitlines()]
    assert cli.run([*words, "--reaggregate", str(tmp_path / "out"), "--aggregation", "canonical"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["aggregations"]["canonical"]["responses"]["mean"] == 1.0
    grader = Grader.open(folder, open_judge(context.settings.judge, None))
    grades = grader.grade([(rows[0]["task_id"], rows[0]["reference_answer"])])
    assert grades[0].reward == 1.0 and {row["agreement"] for row in grades[0].verdicts} == {1.0}
    (tmp_path / "out/verdicts.parquet").unlink()
    patched[1].spoil = lambda asked: JudgeFailure.REFUSED
    with pytest.raises(BlockedError, match="its member other@1"):
        Grader.open(folder, open_judge(context.settings.judge, None))


def test_older_verdicts_without_agreement_are_still_copied_for_the_gates(tmp_path):
    from rubric_factory.gates.model.stored import Stored

    rows = judgement_rows(judged(FULL), RUBRIC)
    pq.write_table(pa.Table.from_pylist(rows, schema=VERDICTS).drop_columns(["agreement", "votes"]), tmp_path / "old.parquet")
    old = Stored(tmp_path / "old.parquet")
    with pq.ParquetWriter(tmp_path / "copy.parquet", VERDICTS) as writer:
        old.copy(set(old.rewards), writer)
    assert pq.read_table(tmp_path / "copy.parquet").to_pylist() == rows


def test_estimates_count_every_model_of_an_ensemble(tmp_path):
    model = {"type": "openai_compatible", "revision": "r", "base_url": "http://localhost:1/v1"}
    single = make_context(tmp_path, judge={**model, "model": "a"})
    both = make_context(
        tmp_path, judge={"type": "ensemble", "members": [{**model, "model": "a"}, {**model, "model": "b"}, {"type": "lexical"}]}
    )
    hand_made_corpus().fold(single.workspace)
    with warehouse.opened(single.workspace) as house:
        house.export("tasks")
    calls = [estimate_rebuild(context, start="gate", limit=None).figures["judge_calls"] for context in (single, both)]
    assert calls[1] == 2 * calls[0] > 0
    reflecting = make_context(tmp_path, judge={**model, "model": "a", "grading": {"mode": "reflection", "analyses": 4}})
    assert estimate_rebuild(reflecting, start="gate", limit=None).figures["judge_calls"] == 5 * calls[0]
    assert [row.get("model") for row in forecast(both) if row["stage"] in ("judge-gate", "probe")] == ["a", "a", "b", "b"]
