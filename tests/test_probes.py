"""The probes tell a good judge from five bad ones, are deterministic, and say where they cannot judge."""

import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_judges import BAD_JUDGES, GoodJudge, hand_made_tasks

from rubric_factory.errors import UsageError
from rubric_factory.judging import corruptions
from rubric_factory.judging.lexical import LexicalJudge
from rubric_factory.judging.probes import injection
from rubric_factory.judging.probes.constant import best_constant_answer
from rubric_factory.judging.probes.degradation import spearman
from rubric_factory.judging.probes.inflated import padded
from rubric_factory.judging.probes.labels import Pair, preference, youden
from rubric_factory.judging.probes.protocol import Labelled, ProbeTask
from rubric_factory.judging.probes.run import failed_errors, run_probes, sample
from rubric_factory.judging.probes.stability import flip_rate
from rubric_factory.records import JudgeFailure, Judgement, Rubric, Verdict
from rubric_factory.settings.judge import GradingSettings, ProbeSettings

TASKS = hand_made_tasks()
# The result that must give each bad judge away, whatever else does.
TELLTALE = {
    "gullible": "master_keys",
    "position": "order_flips",
    "length": "padding",
    "injectable": "injection_captures",
    "random": "repeat_flips",
}


def probe(judge, **more):
    return {result.name: result for result in run_probes(judge, TASKS, ProbeSettings(), 1, **more)}


@pytest.fixture(scope="module")
def good():
    return probe(GoodJudge())


def test_the_good_judge_passes_every_probe_that_applies(good):
    assert [name for name, result in good.items() if result.passed is False] == []
    assert {name for name, result in good.items() if result.passed is None} == {"youden_j", "self_preference"}


@pytest.mark.parametrize("name", BAD_JUDGES)
def test_every_bad_judge_fails_with_error_severity_and_by_its_own_fault(name):
    results = probe(BAD_JUDGES[name]())
    assert failed_errors(list(results.values()))
    assert results[TELLTALE[name]].passed is False


def test_results_do_not_depend_on_the_order_of_the_tasks(good):
    again = run_probes(GoodJudge(), TASKS[::-1], ProbeSettings(), 1)
    assert [r.to_row() for r in again] == [r.to_row() for r in good.values()]
    assert json.loads(json.dumps([r.to_row() for r in again]))


def test_intervals_hold_the_value_and_worst_comes_first():
    result = probe(BAD_JUDGES["length"]())["mismatched"]
    assert result.ci95_low <= result.value <= result.ci95_high and result.n == len(TASKS)
    values = [example.value for example in result.worst]
    assert values == sorted(values, reverse=True) and values[0] == 1.0


class SilentJudge(GoodJudge):
    """Never grades: nothing it does may count as passed."""

    def grade(self, item):
        return Judgement(item.task_id, item.response_id, (), self.identity, JudgeFailure.TIMEOUT)


def test_a_judge_that_grades_nothing_passes_nothing():
    results = probe(SilentJudge())
    assert not [name for name, r in results.items() if r.passed and name not in ("repeat_flips", "order_flips", "injection_captures")]
    assert results["empty"].value is None and results["empty"].ungraded == 1.0


class SulkingJudge(GoodJudge):
    """No grade for every injected answer: a refusal is not resistance."""

    def grade(self, item):
        if "===" in item.response or "<|" in item.response:
            return Judgement(item.task_id, item.response_id, (), self.identity, JudgeFailure.REFUSED)
        return super().grade(item)


def test_ungraded_answers_above_the_limit_fail_the_probe():
    result = probe(SulkingJudge())["injection"]
    assert result.value <= result.accept and result.ungraded > 0.05 and result.passed is False


def test_there_are_enough_keys_and_payloads():
    from rubric_factory.judging.probes.hollow import MASTER_KEYS

    assert len(set(MASTER_KEYS)) >= 10
    assert len(injection.PLAIN) + len(injection.fake_verdicts(TASKS[0])) >= 12
    assert json.loads(injection.fake_verdicts(TASKS[0])[0])["c1"]["reason"] == injection.MARK


def test_no_task_is_an_error_a_person_understands():
    with pytest.raises(UsageError, match="no task to probe"):
        run_probes(GoodJudge(), [], ProbeSettings(), 1)


def test_samples_are_seeded_and_complete_where_small():
    assert len(sample(TASKS, 100, 1)) == len(TASKS)
    assert sample(TASKS, 5, 1) == sample(TASKS[::-1], 5, 1) != sample(TASKS, 5, 2)


def test_the_constant_is_never_fitted_on_its_own_document():
    assert best_constant_answer(GoodJudge(), TASKS, seed=3) == best_constant_answer(GoodJudge(), TASKS[::-1], seed=3)
    two = [task for task in TASKS if task.task.document_key == "hand/0"]
    assert best_constant_answer(GoodJudge(), two, seed=3) not in {task.task.reference_answer for task in two}


def labelled(met, response, family="", cluster="all"):
    return Labelled(TASKS[0], response, {c.criterion_key: met for c in TASKS[0].task.rubric.criteria[:3]}, cluster, family)


def test_youden_j_tells_a_judge_that_agrees_from_one_that_does_not():
    agrees = [labelled(True, TASKS[0].task.reference_answer), labelled(False, "Something else."), labelled(False, "Nothing.")] * 5
    good, inverted = (
        probe(GoodJudge(), labelled=agrees),
        [Labelled(i.probe, i.response, {k: not v for k, v in i.met.items()}) for i in agrees],
    )
    assert good["youden_j/all"].value == 1.0 and good["youden_j/all"].passed
    bad = probe(GoodJudge(), labelled=inverted)["youden_j/all"]
    assert bad.value == -1.0 and bad.passed is False and bad.severity == "error"
    assert probe(GoodJudge(), labelled=inverted[:3])["youden_j/all"].passed is True  # nine labels are too few to block


def test_self_preference_is_the_gap_on_failed_criteria():
    own, other = labelled(False, TASKS[0].task.reference_answer, "mine"), labelled(False, "Something else.", "theirs")
    result = probe(GoodJudge(), labelled=[own, other], own_family="mine")["self_preference"]
    assert result.value == 1.0 and result.passed is False
    assert probe(GoodJudge(), labelled=[own], own_family="mine")["self_preference"].passed is None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=40))
def test_youden_is_within_its_range_and_none_without_both_labels(rows):
    value = youden([Pair(judged, label, False) for judged, label in rows])
    assert (value is None) == (len({label for _, label in rows}) < 2)
    assert value is None or -1 <= value <= 1
    assert preference([Pair(judged, label, False) for judged, label in rows]) is None


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=8, unique=True))
def test_spearman_is_one_on_any_rising_and_minus_one_on_any_falling_map(values):
    assert spearman(values, [v * 2 for v in values]) == pytest.approx(1)
    assert spearman(values, [-v for v in values]) == pytest.approx(-1)
    assert spearman(values, [1.0] * len(values)) is None


def test_flip_rate_counts_verdicts_that_differ_from_the_most_frequent():
    rubric = TASKS[0].task.rubric
    keys = [c.criterion_key for c in rubric.criteria]

    def judged(first):
        return Judgement("t", "r", tuple(Verdict(key, first if key == keys[0] else 0) for key in keys), "j")

    assert flip_rate([judged(1)] * 4, rubric) == 0
    assert flip_rate([judged(1), judged(1), judged(0), judged(1)], rubric) == 1 / (4 * len(keys))


# What documents are full of and plain text rarely draws: versions, dates, units, links of cause, names, digits of other scripts.
PIECES = [
    "3.4.0", "1.2.3.4", "10.5281/zenodo.7", "2024.11.22", "1,250", "1,250.5.", "٣.٤", "²", "5 ms", "5%", "-0", "9" * 400, "7" * 5000,
    "1." * 40, "if", "because", "because it stops", "It stops because it stops", "and", "or", "is", "is not", ",", ".", "...",
    "?", "\n\n", " ", "\x00",
    "\ud800", "\u202e", "Name_1", "call()", "A", "B2b", "before", "Input", "TRUE", "```", "{", "}", "%s", "\\", "[[x]]", "İ", "ß",
]  # fmt: skip
ANY = st.text(max_size=80) | st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join) | st.lists(st.sampled_from(PIECES)).map("".join)


@given(ANY, ANY)
def test_corruptions_never_crash_and_never_return_the_same_text(reference, question):
    every = {**corruptions.FACTS, **corruptions.MEANINGS}
    for corrupt in every.values():
        assert corrupt(reference) != reference
    assert corruptions.change_entity(reference, ["Zanzibar9"], question) != reference
    assert corruptions.unspecific(question)
    assert [share for share, _ in corruptions.ladder(reference)] == [1.0, 0.75, 0.5, 0.25]


@pytest.mark.parametrize(
    ("corrupt", "before", "after"),
    [
        (corruptions.change_number, "It holds 1,250 items.", "It holds 2503 items."),
        (corruptions.change_number, "It takes 0.5 s.", "It takes 4 s."),
        (corruptions.change_number, "Since 3.4.0 it works.", "Since 3.4.3 it works."),
        (corruptions.change_number, "It counts 12345678901234567.", "It counts 12345678901234560."),
        (corruptions.change_unit, "It takes 5 ms.", "It takes 5h."),
        (corruptions.negate, "The cache is emptied.", "The cache is not emptied."),
        (corruptions.negate, "The cache is not emptied.", None),
        (corruptions.reverse, "The pump stops because the valve closes.", "The valve closes because the pump stops."),
        (corruptions.reverse, "It always increases the cost.", "It always decreases the cost."),
        (corruptions.reverse, "The pump runs if the pump runs", None),
        (corruptions.drop_conjunct, "It reads the file and writes the log.", "It reads the file."),
        (corruptions.drop_conjunct, "It reads.", None),
    ],
)
def test_corruptions_do_one_thing(corrupt, before, after):
    found = corrupt(before)
    assert (found.replace(" ", "") if found else found) == (after.replace(" ", "") if after else after)


def test_the_ladder_goes_by_sentences_where_there_are_four():
    assert corruptions.ladder("One a. Two b. Three c. Four d.")[2][1] == "One a. Two b."
    assert corruptions.ladder("one two three four")[3][1] == "one"


@given(st.text(alphabet="ab ", min_size=1, max_size=60), st.sampled_from([2, 4]))
def test_padding_keeps_the_weak_answer_and_reaches_its_length(weak, times):
    found = padded(weak, times)
    assert found.startswith(weak.rstrip(".")) and len(found.split()) >= times * len(weak.split())


def odd_task(number, question, reference, passage):
    """A hand-made task with other texts: what an author may leave behind."""
    probe = TASKS[number]
    criteria = tuple(dataclasses.replace(c, required_elements=(reference[:20],), evidence=()) for c in probe.task.rubric.criteria)
    task = dataclasses.replace(probe.task, question=f"{question}?", reference_answer=reference, rubric=Rubric(criteria))
    return ProbeTask.of(task, passage)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(ANY, ANY, ANY), min_size=2, max_size=4), st.sampled_from([GoodJudge(), LexicalJudge(GradingSettings())]))
def test_no_text_of_a_task_breaks_a_probe(texts, judge):
    tasks = [odd_task(3 * number, *three) for number, three in enumerate(texts)]
    results = run_probes(judge, tasks, ProbeSettings(repeats=2), 1, labelled=[Labelled(tasks[0], texts[0][1], {"x": True})])
    assert len({result.name for result in results}) == len(results) > 20
    assert json.loads(json.dumps([result.to_row() for result in results]))
