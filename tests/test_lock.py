"""The lock: deterministic, refuses bad judges, and notices when the model behind an unchanged name is another one."""

import dataclasses
import json

import pytest
from scripted_judges import GoodJudge, GullibleJudge, RandomJudge, hand_made_tasks

from rubric_factory.errors import BlockedError, DatasetError
from rubric_factory.judging import canary
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.lock import make_lock, read_lock, summary, verify_lock, write_lock
from rubric_factory.judging.probes.run import run_probes
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.llm.protocol import Completion, CompletionFailure
from rubric_factory.records import JudgeFailure, Judgement
from rubric_factory.settings.judge import (
    GradingSettings,
    Lexical,
    LockSettings,
    ModelGradingSettings,
    OpenAICompatibleJudge,
    ProbeSettings,
    Rules,
)
from rubric_factory.settings.llm import Sampling

TASKS = hand_made_tasks()
SMALL = LockSettings(canary_pairs=48)


def locked(judge, section=None, settings=SMALL, probes=(), **more):
    return make_lock(judge, section or Lexical(), TASKS, probes, settings, seed=5, **more)


def test_a_lock_reads_back_as_written_and_is_the_same_twice(tmp_path):
    lock = locked(GoodJudge(), probes=run_probes(GoodJudge(), TASKS, ProbeSettings(), 1))
    write_lock(lock, tmp_path / "judge.lock.json")
    back = read_lock(tmp_path / "judge.lock.json")
    assert back.to_json() == lock.to_json() and back.digest == lock.digest
    assert locked(GoodJudge(), probes=run_probes(GoodJudge(), TASKS, ProbeSettings(), 1)).digest == lock.digest
    assert verify_lock(GoodJudge(), back).passed


def test_the_canary_has_four_kinds_of_answer_and_their_verdicts():
    lock = locked(GoodJudge())
    assert len(lock.pairs) == 48 and {pair.kind for pair in lock.pairs} == set(canary.KINDS)
    means = {kind: canary.mean_reward([p for p in lock.pairs if p.kind == kind]) for kind in canary.KINDS}
    assert means["reference"] == 1.0 > means["corrupted"] and means["mismatched"] == 0.0 == lock.flip_rate
    assert all(set(pair.levels.values()) <= {0, 1, 2} for pair in lock.pairs)


def test_too_small_a_canary_and_a_failed_probe_block_the_lock():
    with pytest.raises(BlockedError, match="canary: 48 pairs, accept 64"):
        locked(GoodJudge(), settings=LockSettings())
    with pytest.raises(BlockedError, match="master_keys") as error:
        locked(GullibleJudge(), probes=run_probes(GullibleJudge(), TASKS, ProbeSettings(), 1))
    assert error.value.exit_code == 3


def test_letting_a_bad_judge_through_is_recorded():
    lock = locked(GullibleJudge(), probes=run_probes(GullibleJudge(), TASKS, ProbeSettings(), 1), allow_unlocked=True)
    assert any(line.startswith("master_keys: 1.0, accept 0.01") for line in lock.allowed)
    assert summary(lock)["allowed"] == list(lock.allowed) and summary(lock)["probes"]["empty"]["passed"] is False
    assert locked(GoodJudge()).allowed == ()


class Swapped(GullibleJudge):
    identity = GoodJudge.identity


def test_another_judge_under_the_same_name_is_caught():
    report = verify_lock(Swapped(), locked(GoodJudge()))
    assert not report.passed and report.flips > 0.02 and "flipped" in report.detail and "moved" in report.detail


def test_another_name_is_refused_without_a_call():
    report = verify_lock(GullibleJudge(), locked(GoodJudge()))
    assert not report.passed and report.detail == "the judge is gullible@1, the lock is of good@1"


class Failing(GoodJudge):
    def grade(self, item):
        return Judgement(item.task_id, item.response_id, (), self.identity, JudgeFailure.TIMEOUT)


def test_a_judge_that_no_longer_answers_does_not_verify():
    report = verify_lock(Failing(), locked(GoodJudge()))
    assert not report.passed and report.flips == 1.0


class Slightly(GoodJudge):
    """One verdict in a hundred another: within what the lock allows, and just above."""

    def __init__(self, share):
        self.share = share

    def grade_many(self, batch):
        judged = super().grade_many(batch)
        total = sum(len(j.verdicts) for j in judged)
        left = round(self.share * total)
        changed = []
        for judgement in judged:
            verdicts = []
            for verdict in judgement.verdicts:
                flip = left > 0 and verdict.level == 0 and not verdict.criterion_key.endswith("/9")
                left -= flip
                verdicts.append(dataclasses.replace(verdict, level=1) if flip else verdict)
            changed.append(dataclasses.replace(judgement, verdicts=tuple(verdicts)))
        return changed


def test_the_limits_are_those_of_the_lock():
    lock = dataclasses.replace(locked(GoodJudge()), max_drift=1.0)
    assert verify_lock(Slightly(0.015), lock).passed
    assert not verify_lock(Slightly(0.03), lock).passed
    assert verify_lock(Slightly(0.03), dataclasses.replace(lock, flip_rate=0.02)).passed
    assert not verify_lock(Slightly(0.03), dataclasses.replace(lock, flip_rate=0.5, max_drift=0.001)).passed


def test_an_unsteady_judge_has_a_flip_rate():
    assert locked(RandomJudge(), allow_unlocked=True).flip_rate > 0.1


def test_a_judge_that_contradicts_itself_is_not_locked_unless_let_through():
    with pytest.raises(BlockedError, match=r"flip rate 0\.3.*accept <= 0\.1"):
        locked(RandomJudge())
    lock = locked(RandomJudge(), allow_unlocked=True)
    assert [line.partition(":")[0] for line in lock.allowed] == ["canary"] and lock.flip_rate > 0.1
    assert locked(RandomJudge(), settings=LockSettings(canary_pairs=48, max_flip_rate=0.5)).allowed == ()


@pytest.mark.parametrize("section", [Lexical(), Rules()])
def test_an_embedded_judge_with_other_settings_is_refused(section):
    judge = open_judge(Lexical(), None)
    assert verify_lock(judge, locked(judge)).passed
    lock = dataclasses.replace(locked(judge), identity=open_judge(section, None).identity)
    other = section.model_copy(update={"grading": GradingSettings(max_response_characters=99)})
    report = verify_lock(open_judge(other, None), lock)
    assert not report.passed and "max_response_characters 99, not 8000" in report.detail


class Model:
    """A served model: answers like the good judge, or, swapped, with full marks; revision and name stay."""

    model, revision = "judge-8b", "abc123"

    def __init__(self):
        self.swapped, self.served, self.seeds = False, "judge-8b-awq", []

    def complete(self, requests):
        for request in requests:
            self.seeds.append(request.seed)
            shown = request.messages[-1].content
            response = shown.split("=== RESPONSE TO GRADE", 1)[1]
            reply = {}
            for name, entry in request.schema["properties"].items():
                top = max(level for level in entry["properties"]["level"]["enum"] if level is not None)
                block = shown.split(f"\n{name}: ", 1)[1].split("\n\n")[0]
                wanted = [line.split(": ", 1)[1] for line in block.splitlines() if line.startswith("  required element")]
                met = all(element in response for element in wanted)
                quote = response.split("```")[1].strip()  # all of it
                reply[name] = {"reason": "as stated", "quote": quote, "level": top if self.swapped or met else 0}
            yield request.request_id, Completion(json.dumps(reply), served_model=self.served, prompt_tokens=100, completion_tokens=20)


SECTION = OpenAICompatibleJudge(model="judge-8b", revision="abc123", base_url="http://localhost:1/v1")


def test_weights_swapped_behind_an_unchanged_name_are_caught():
    model = Model()
    judge = LanguageModelJudge(model, ModelGradingSettings(), Sampling(), "model")
    lock = locked(judge, SECTION)
    assert lock.served == ("judge-8b-awq",) and lock.prompt_hash and lock.sampling["temperature"] == 0.0
    assert verify_lock(judge, lock).passed
    model.swapped = True
    report = verify_lock(judge, lock)
    assert not report.passed and report.flips > 0.3


def test_another_served_id_is_caught_even_with_the_same_verdicts():
    model = Model()
    lock = locked(LanguageModelJudge(model, ModelGradingSettings(), Sampling(), "model"), SECTION)
    model.served = "judge-8b-int4"
    report = verify_lock(LanguageModelJudge(model, ModelGradingSettings(), Sampling(), "model"), lock)
    assert not report.passed and "judge-8b-int4" in report.detail


def test_verifying_asks_anew_so_that_no_ledger_can_answer_for_the_server():
    model = Model()
    judge = LanguageModelJudge(model, ModelGradingSettings(), Sampling(), "model")
    lock = locked(judge, SECTION)
    before = set(model.seeds)
    verify_lock(judge, lock)
    verify_lock(judge, lock)
    fresh = model.seeds[len(model.seeds) - 2 * len(lock.pairs) :]
    assert len(set(fresh)) == 2 and not set(fresh) & before


def test_a_dead_server_does_not_verify():
    class Dead(Model):
        def complete(self, requests):
            for request in requests:
                yield request.request_id, Completion(failure=CompletionFailure.TRANSPORT, detail="refused")

    lock = locked(LanguageModelJudge(Model(), ModelGradingSettings(), Sampling(), "model"), SECTION)
    assert not verify_lock(LanguageModelJudge(Dead(), ModelGradingSettings(), Sampling(), "model"), lock).passed


@pytest.mark.parametrize("content", [None, "", "{}", "[]", '{"format": 2}', '{"format": 1, "pairs": [{}]}', "\x00"])
def test_a_missing_or_damaged_lock_is_one_clear_error(tmp_path, content):
    path = tmp_path / "judge.lock.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DatasetError, match=r"judge\.lock\.json"):
        read_lock(path)


def test_the_lock_holds_no_weights_of_the_canary_in_the_prompt():
    item = JudgeInput.of(TASKS[0].task, TASKS[0].passage_text, "x")
    from rubric_factory.judging.prompting import messages

    shown = messages(item)[1].content
    assert "weight" not in shown and "essential" not in shown and TASKS[0].task.rubric.criteria[0].criterion_key not in shown
