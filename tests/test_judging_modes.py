"""Modes of grading: how many calls, who sees what, partial failures of several calls, ratings that stay ratings to the end."""

import json
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_judges import hand_made_tasks

from rubric_factory.evaluation import GradedTask, Response, category_means, grade, judgements_of, share
from rubric_factory.judging import canary
from rubric_factory.judging.failures import decide
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.levels import keys, levels, shares
from rubric_factory.judging.lock import make_lock, read_lock, verify_lock, write_lock
from rubric_factory.judging.modes import MODES
from rubric_factory.judging.probes.protocol import Labelled
from rubric_factory.judging.probes.run import run_probes
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.ledger import Ledger, look
from rubric_factory.llm.protocol import Completion, CompletionFailure
from rubric_factory.records import JudgeFailure, Judgement, Rating, Verdict
from rubric_factory.reward import AGGREGATIONS, reward_of
from rubric_factory.settings.judge import (
    GradingMode,
    LockSettings,
    ModelGradingSettings,
    OpenAICompatibleJudge,
    ProbeSettings,
    ScriptedJudge,
)
from rubric_factory.settings.llm import Sampling
from rubric_factory.tables import RATING, judgement_rows
from rubric_factory.verdicts.stored import by_response, criterion_summary, reward_of_rows

TASKS = hand_made_tasks()
PROBE = TASKS[0]
RUBRIC = PROBE.task.rubric
RATED = [name for name, mode in MODES.items() if mode.scale]


def item(response="An answer.", probe=PROBE, **more):
    return JudgeInput.of(probe.task, probe.passage_text, response, **more)


class Model:
    """Answers from a function of the request; remembers what it was asked."""

    model, revision = "m", "r"

    def __init__(self, answer):
        self.answer, self.asked = answer, []

    def complete(self, requests):
        for request in requests:
            self.asked.append(request)
            said = self.answer(request)
            yield request.request_id, said if isinstance(said, Completion) else Completion(said, prompt_tokens=10, completion_tokens=5)


def fine(request, level=0, rating=7):
    names = request.schema["properties"]
    if "rating" in names:
        return json.dumps({"reason": "as a whole", "rating": rating})
    return json.dumps({name: {"reason": "as stated", "quote": "", "level": level} for name in names})


def judge(answer=fine, **grading):
    model = Model(answer)
    return LanguageModelJudge(model, ModelGradingSettings(**{"quotes": "given", **grading}), Sampling(), "model"), model


def shown(request):
    return request.messages[-1].content


def test_one_dict_names_all_modes_and_the_settings_know_no_other():
    assert set(get_args(GradingMode)) == set(MODES) and ModelGradingSettings().mode == "all_criteria"


@pytest.mark.parametrize(("mode", "size", "calls"), [
    ("all_criteria", 4, [4]), ("some_criteria", 3, [3, 1]), ("some_criteria", 9, [4]), ("one_criterion", 4, [1, 1, 1, 1]),
    ("holistic", 4, [0]), ("direct_likert", 4, [0]), ("reference_likert", 4, [0]), ("predefined", 4, [4]),
])  # fmt: skip
def test_every_mode_takes_its_calls(mode, size, calls):
    one, model = judge(mode=mode, criteria_per_call=size)
    found = one.grade_many([item()])[0]
    assert [sum(name.startswith("c") for name in request.schema["properties"]) for request in model.asked] == calls
    assert found.failure is None and found.prompt_tokens == 10 * len(calls)
    if mode in RATED:
        assert found.rating is not None and found.verdicts == ()
    else:
        assert [v.criterion_key for v in found.verdicts] == [c.criterion_key for c in RUBRIC.criteria] and found.rating is None


SEES = {
    "all_criteria": {"passage", "rubric"}, "some_criteria": {"passage", "rubric"}, "one_criterion": {"passage", "rubric"},
    "holistic": {"passage", "rubric", "weights"}, "direct_likert": set(), "reference_likert": {"reference"}, "predefined": {"passage"},
    "reflection": {"passage", "rubric"},
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
def test_nobody_sees_more_than_the_mode_allows(mode):
    one, model = judge(mode=mode)
    probe = replace(PROBE, task=replace(PROBE.task, reference_answer="REFERENCE SAYS SO."), passage_text="PASSAGE SAYS SO.")
    one.grade_many([item(probe=probe)])
    texts = ["\n".join(message.content for message in request.messages) for request in model.asked]
    signs = {
        "passage": "PASSAGE SAYS SO.",
        "reference": "REFERENCE SAYS SO.",
        "rubric": "States reaction.",
        "weights": "weight: +5 (essential)",
    }
    assert {name for name, sign in signs.items() if any(sign in text for text in texts)} == SEES[mode]
    assert not any(RUBRIC.criteria[0].criterion_key in text for text in texts) and all(PROBE.task.question in text for text in texts)


def test_a_call_shows_only_its_own_criteria():
    one, model = judge(mode="one_criterion")
    one.grade_many([item()])
    assert [sum(f"States {c.title.lower()}." in shown(r) for c in RUBRIC.criteria) for r in model.asked] == [1, 1, 1, 1]


def test_answers_to_one_task_go_together_call_by_call():
    one, model = judge(mode="one_criterion")
    one.grade_many([item("First."), item("Second."), item("Other.", probe=TASKS[5])])
    order = [next(w for w in ("First.", "Second.", "Other.") if w in shown(r)) for r in model.asked]
    assert order[:8] == ["First.", "Second."] * 4 and set(order[8:]) == {"Other."}
    for first, second in zip(model.asked[0:8:2], model.asked[1:8:2], strict=True):
        assert shown(first).split("First.")[0] == shown(second).split("Second.")[0]


def test_modes_settings_and_quotes_are_part_of_the_identity():
    found = {judge(mode=mode)[0].identity for mode in MODES} | {judge(mode="some_criteria", criteria_per_call=2)[0].identity}
    assert len(found) == len(MODES) + 1 and judge(quotes="required")[0].identity not in found
    assert judge(criteria_per_call=2)[0].identity == judge()[0].identity  # not read in the default mode


# Failures of one call among several


def failing(kind, number):
    """The call about the number-th criterion fails, every time; all others are answered."""

    def answer(request):
        return kind if f"States {RUBRIC.criteria[number].title.lower()}." in shown(request) else fine(request, level=1)

    return answer


BROKEN = [
    (Completion(failure=CompletionFailure.TRANSPORT), "transport"), (Completion(failure=CompletionFailure.TIMEOUT), "timeout"),
    (Completion(failure=CompletionFailure.REFUSED), "refused"), ("babble", "unparseable"),
    (Completion("{", failure=CompletionFailure.TRUNCATED), "unparseable"),
    (json.dumps({"c1": {"reason": "?", "quote": "", "level": None}}), "abstained"),
    (json.dumps({"c1": {"reason": "made up", "quote": "nowhere to be found", "level": 1}}), "unparseable"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), BROKEN)
@pytest.mark.parametrize("number", [0, 3])
def test_one_failed_call_leaves_the_answer_without_a_reward_and_the_other_verdicts_stored(kind, name, number):
    found = judge(failing(kind, number), mode="one_criterion")[0].grade_many([item()])[0]
    assert [v.level for v in found.verdicts] == [None if n == number else 1 for n in range(4)]
    assert str(found.failure) == name == str(found.verdicts[number].failure)
    assert decide([RUBRIC], [found])[0].reward is None and decide([RUBRIC], [found])[0].kind == name
    rows = judgement_rows(found, RUBRIC)
    assert [row["level"] for row in rows] == [v.level for v in found.verdicts] and rows[number]["failure"] == name


def test_a_failed_transport_beside_an_unreadable_reply_is_never_the_policys_doing():
    def answer(request):
        if "POISON" not in shown(request):
            return fine(request)
        return "babble" if "States reaction." in shown(request) else Completion(failure=CompletionFailure.TRANSPORT)

    batch = [item(f"fine {n}") for n in range(20)] + [item("POISON")]
    found = judge(answer, mode="one_criterion")[0].grade_many(batch)[-1]
    assert found.failure is JudgeFailure.TRANSPORT and decide([RUBRIC], [found])[0].reward is None


def test_an_answer_that_breaks_one_of_its_calls_is_graded_worst_as_a_whole_where_the_judge_works():
    def answer(request):
        return "babble" if "POISON" in shown(request) and "States reaction." in shown(request) else fine(request, level=1)

    batch = [item(f"fine {n}") for n in range(20)] + [item("POISON")]
    found = judge(answer, mode="one_criterion")[0].grade_many(batch)[-1]
    decision = decide([RUBRIC], [found])[0]
    assert decision.kind == "policy_induced" and [v.level for v in found.verdicts] == [0, 0, 0, 1] and decision.reward < 0


@pytest.mark.parametrize(("broken", "induced"), [(8, True), (9, False)])
def test_nine_of_ten_first_replies_counts_calls_not_answers(broken, induced):
    """20 other answers of four calls each: 80 first replies, 72 must parse."""
    spoilt = {(f"fine {n} .", t) for n, t in zip(range(broken), ["reaction", "limit", "harm"] * 9, strict=False)}

    def answer(request):
        first = request.seed == 0 and any(f in shown(request) and f"States {t}." in shown(request) for f, t in spoilt)
        poison = "POISON" in shown(request) and "States reaction." in shown(request)
        return "babble" if poison or first else fine(request)

    batch = [item(f"fine {n} .") for n in range(20)] + [item("POISON")]
    found = judge(answer, mode="one_criterion")[0].grade_many(batch)
    assert {j.failure for j in found[:-1]} == {None}, "they parsed at the second try"
    assert (decide([RUBRIC], found[-1:])[0].kind == "policy_induced") is induced


def test_only_the_calls_that_failed_are_asked_again_hotter_and_with_another_seed():
    one, model = judge(failing("babble", 1), mode="one_criterion")
    one.grade_many([item()])
    again = [r for r in model.asked[4:] if r.request_id != "canary"]
    assert len(again) == 2 and all("States limit." in shown(r) for r in again)
    assert [(r.seed, r.temperature) for r in [model.asked[0], *again]] == [(0, 0.0), (1, 0.3), (2, 0.3)]


def test_a_quote_out_of_thin_air_is_asked_again_and_a_later_failure_takes_nothing_away():
    made_up = json.dumps({f"c{n}": {"reason": "x", "quote": "nowhere to be found" if n == 1 else "", "level": 1} for n in range(1, 5)})
    for last, level, failure in ((None, 0, None), ("babble", None, "unparseable"), (made_up, None, "unparseable")):
        replies = [made_up, "babble", last]
        one, _ = judge(lambda request, replies=replies: replies[request.seed] or fine(request))
        found = one.grade_many([item("One.")])[0]
        assert found.verdicts[0].level == level and (found.failure and str(found.failure)) == failure
        assert found.prompt_tokens == 30 and found.verdicts[1].level == (0 if last is None else 1)


def test_a_void_verdict_is_never_policy_induced():
    def answer(request):
        return (
            fine(request).replace('"quote": "", "level": 0', '"quote": "made up words", "level": 1')
            if "POISON" in shown(request)
            else fine(request)
        )

    found = judge(answer)[0].grade_many([item(f"fine {n}") for n in range(20)] + [item("POISON")])[-1]
    assert found.failure is JudgeFailure.UNPARSEABLE and decide([RUBRIC], [found])[0].reward is None


# Ratings


@given(st.integers(1, 10), st.sampled_from(sorted(AGGREGATIONS)))
def test_a_rating_is_its_own_reward_under_any_aggregation(value, aggregation):
    judgement = Judgement("t", "r", (), "j", rating=Rating(value, 1, 10))
    assert reward_of(RUBRIC, judgement, aggregation) == (value - 1) / 9


def test_a_judgement_holds_verdicts_or_a_rating_and_a_rating_is_within_its_scale():
    with pytest.raises(ValueError, match="not both"):
        Judgement("t", "r", (Verdict("a", 1),), "j", rating=Rating(1, 1, 10))
    for value, lowest, highest in ((0, 1, 10), (11, 1, 10), (1, 1, 1)):
        with pytest.raises(ValueError, match="Rating"):
            Rating(value, lowest, highest)


def test_the_predefined_rubric_is_a_rating_of_four():
    found = judge(lambda request: fine(request).replace('"level": 0', '"level": 1', 3), mode="predefined")[0].grade_many([item()])[0]
    assert found.rating == Rating(3, 0, 4, "as stated as stated as stated as stated")
    assert decide([RUBRIC], [found])[0].reward == 0.75


@pytest.mark.parametrize("mode", RATED)
def test_the_failure_algebra_of_ratings(mode):
    def answer(request):
        if "ABSTAIN" in shown(request):
            return fine(request, level=None, rating=None)
        if "SILENT" in shown(request):
            return Completion(failure=CompletionFailure.TIMEOUT)
        return "babble" if "POISON" in shown(request) else fine(request)

    batch = [item(f"fine {n}") for n in range(30)] + [item("ABSTAIN"), item("SILENT"), item("POISON"), item("x" * 9000)]
    found = judge(answer, mode=mode)[0].grade_many(batch)
    kinds = [(d.kind, d.reward) for d in decide([RUBRIC] * len(found), found)]
    assert kinds[-4:] == [("abstained", None), ("timeout", None), ("policy_induced", 0.0), ("over_length", 0.0)]
    assert {kind for kind, _ in kinds[:30]} == {"graded"} and {j.verdicts for j in found} == {()}


@pytest.mark.parametrize(("rating", "failure"), [(Rating(7, 1, 10, "good"), None), (Rating(1, 1, 10), JudgeFailure.OVER_LENGTH)])
def test_a_stored_rating_is_one_row_and_aggregates_to_its_reward(rating, failure):
    judgement = Judgement("t", "r", (), "j", failure, "raw", 3, 2, rating)
    rows = judgement_rows(judgement, RUBRIC)
    assert [(row["criterion_key"], row["max_level"], row["raw"]) for row in rows] == [(RATING, 9, "raw")]
    assert reward_of_rows(rows, "canonical") == reward_of(RUBRIC, judgement)
    assert criterion_summary(rows)[0]["mean_share"] == pytest.approx((rating.value - 1) / 9) and len(by_response(rows)) == 1


def test_an_evaluation_of_ratings_reads_back_and_has_no_shares_by_category():
    tasks = {PROBE.task.task_id: GradedTask(PROBE.task, PROBE.passage_text, "hand")}
    responses = [Response("arm", 0, PROBE.task.task_id, "An answer.")]
    rows, judged = grade(tasks, responses, judge(mode="holistic")[0])
    stored = [row for judgement in judged for row in judgement_rows(judgement, RUBRIC)]
    back = list(judgements_of(stored).values())
    assert rows[0]["reward"] == reward_of(RUBRIC, back[0]) == pytest.approx(6 / 9)
    assert category_means(tasks, responses, back, share, 1) == {}


def test_levels_and_shares_name_a_rating_by_its_key():
    rated, failed = Judgement("t", "r", (), "j", rating=Rating(4, 1, 10)), Judgement("t", "r", (), "j", JudgeFailure.TIMEOUT)
    assert levels(rated) == {RATING: 4} and shares(rated, RUBRIC) == {RATING: pytest.approx(1 / 3)}
    assert keys(RUBRIC, [failed, rated]) == [RATING] and len(keys(RUBRIC, [failed])) == len(RUBRIC.criteria) and levels(failed) == {}


def by_words(request):
    """A rater that goes by the words it shares with the reference; unsteady where the answer is short."""
    said = shown(request)
    if "rating" not in request.schema["properties"]:
        return fine(request)
    reference, response = (said.split(f"=== {name}")[1].split("```")[1] for name in ("REFERENCE", "RESPONSE"))
    wanted, given_ = set(reference.lower().split()), response.lower().split()
    ratio = sum(word in wanted for word in set(given_)) / len(wanted) if given_ else 0.0
    return fine(request, rating=1 + round(9 * ratio))


SECTION = OpenAICompatibleJudge(
    model="m", revision="r", base_url="http://localhost:1/v1", grading={"mode": "reference_likert", "quotes": "given"}
)


def test_a_lock_of_a_rating_judge_holds_and_breaks(tmp_path):
    one, model = judge(by_words, mode="reference_likert")
    lock = make_lock(one, SECTION, TASKS, (), LockSettings(canary_pairs=48), seed=5)
    write_lock(lock, tmp_path / "lock.json")
    lock = read_lock(tmp_path / "lock.json")
    assert lock.aggregation == "rar_implicit" and lock.flip_rate == 0.0 and all(set(pair.levels) == {RATING} for pair in lock.pairs)
    means = {kind: canary.mean_reward([p for p in lock.pairs if p.kind == kind]) for kind in canary.KINDS}
    assert means["reference"] == 1.0 > max(means["weak"], means["mismatched"]) > 0
    assert verify_lock(one, lock).passed
    model.answer = fine
    report = verify_lock(one, lock)
    assert not report.passed and report.flips > 0.5
    assert not verify_lock(judge(by_words)[0], lock).passed, "another mode is another judge"


def test_probes_try_a_rating_judge_by_its_rewards():
    labelled = [Labelled(PROBE, "x", {RUBRIC.criteria[0].criterion_key: True})]
    found = {r.name: r for r in run_probes(judge(by_words, mode="reference_likert")[0], TASKS, ProbeSettings(), 1, labelled=labelled)}
    assert found["reference"].value == 1.0 and found["empty"].value == 0.0 and found["injection_captures"].value == 0.0
    assert found["repeat_flips"].value == found["order_flips"].value == 0.0 and found["ladder"].passed
    assert found["changed_number"].n > 0 and found["changed_number"].passed is False, "one flipped fact costs a whole rating little"
    assert found["youden_j/all"].passed is None


def test_the_ledger_counts_answers_not_calls(tmp_path):
    """What `cost` divides by: a response that took four calls is one response, tries and all."""
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        section = ScriptedJudge(model="m", revision="r", function="test_judging_modes:unsteady", grading={"mode": "one_criterion"})
        found = open_judge(section, ledger, stage="judge").grade_many([item(f"Answer {n}.") for n in range(3)])
        row = look.costs(ledger)[0]
    assert {j.failure for j in found} == {None} and (row["calls"], row["asked"], row["subjects"]) == (3 * 5, 3, 1)


def unsteady(request):
    """One of the four calls about an answer is unreadable at first."""
    return "babble" if request.seed == 0 and "States limit." in shown(request) else fine(request)
