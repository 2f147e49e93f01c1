"""The rules judge: one pure check a criterion, bound by its cue."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.errors import ConfigurationError
from rubric_factory.judging.failures import decide
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.judging.rules import RULES, RulesJudge
from rubric_factory.records import Category, Criterion, Level, Rubric
from rubric_factory.settings.judge import GradingSettings

GUIDE = (Level(0, "no"), Level(1, "yes"))
QUESTION = "What should be known about the buffer pool?"


def criterion(rule, subject=("buffer pool",), cues=None):
    bound = (f"rule:{rule}", *(f"subject:{words}" for words in subject))
    return Criterion(rule, rule, "Behaviour.", Category.IMPORTANT, 2, (), GUIDE, bound if cues is None else cues, ())


BAD = ("breaks_off", "repeats_itself", "misses_length")
GOOD = tuple(rule for rule in RULES if rule not in BAD)


def graded(response, rules=GOOD, question=QUESTION, subject=("buffer pool",)):
    rubric = Rubric(tuple(criterion(rule, subject) for rule in rules))
    judgement = RulesJudge(GradingSettings()).grade_many([JudgeInput("t", "r", question, "", rubric, response)])[0]
    return {v.criterion_key: v.level for v in judgement.verdicts}, decide([rubric], [judgement])[0].reward


def test_a_good_answer_meets_every_rule():
    levels, reward = graded("The buffer pool keeps 64 pages in memory because reading them from disk again would be slow.")
    assert set(levels.values()) == {1} and reward == 1.0


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("complete_sentence", "the buffer pool keeps pages in memory"),
        ("complete_sentence", "Buffer pool pages memory disk."),
        ("names_subject", "It keeps many pages in memory."),
        ("names_subject", "The buffer pool."),
        ("gives_reason", "The buffer pool keeps pages in memory."),
        ("gives_reason", "The buffer pool because."),
        ("gives_reason", "Because because because of the buffer pool."),
        ("gives_quantity", "The buffer pool keeps many pages in memory."),
        ("gives_quantity", "buffer pool 64 pages"),
        ("gives_reason_or_quantity", "The buffer pool keeps many pages in memory."),
        ("no_repetition", "The buffer pool is good and the buffer pool is good."),
        ("no_repetition", "Pool."),
        ("within_length", "The buffer pool is small."),
        ("within_length", "The buffer pool " + "is very " * 30 + "large."),
        ("ends_cleanly", "The buffer pool keeps pages and"),
        ("ends_cleanly", "The buffer pool keeps pages. Why would it?"),
    ],
)
def test_each_rule_refuses_its_own_fault(rule, bad):
    assert graded(bad, (rule,))[0] == {rule: 0}


@pytest.mark.parametrize("rule", GOOD)
@pytest.mark.parametrize("hollow", ["", " ", ".", "Thought process:", "Solution", QUESTION, QUESTION.rstrip("?") + ".", "buffer pool " * 6])
def test_no_rule_is_met_by_hollow_answers_or_the_question(rule, hollow):
    assert graded(hollow, (rule,))[0] == {rule: 0}


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        ("breaks_off", "The buffer pool keeps pages and"),
        ("breaks_off", ""),
        ("breaks_off", "The buffer pool keeps pages. Why would it?"),
        ("repeats_itself", "The buffer pool is good and the buffer pool is good."),
        ("misses_length", "Pool."),
        ("misses_length", "It " + "is very " * 30 + "large."),
    ],
)
def test_each_bad_thing_is_seen_whatever_the_answer_is_about(rule, bad):
    assert graded(bad, (rule,))[0] == {rule: 1}
    assert graded("Some other thing keeps 64 pages in memory because it must.", (rule,))[0] == {rule: 0}


@pytest.mark.parametrize("rule", GOOD)
def test_an_answer_about_something_else_meets_nothing(rule):
    assert graded("The write log keeps 64 entries in order because a crash would otherwise lose them.", (rule,))[0] == {rule: 0}


@given(st.text(max_size=300))
def test_any_text_is_graded_within_range(text):
    levels, reward = graded(text)
    assert set(levels.values()) <= {0, 1} and 0 <= reward <= 1


@pytest.mark.parametrize("cues", [(), ("rule:unknown",), ("mentions it",), ("rule:gives_reason", "rule:within_length")])
def test_a_criterion_without_exactly_one_known_rule_is_a_configuration_error(cues):
    rubric = Rubric((criterion("x", cues=cues),))
    with pytest.raises(ConfigurationError, match="criterion x has the rules"):
        RulesJudge(GradingSettings()).grade_many([JudgeInput("t", "r", QUESTION, "", rubric, "An answer.")])


def test_over_long_answers_are_zero_by_rule():
    assert graded("x" * 8001)[1] == 0.0
