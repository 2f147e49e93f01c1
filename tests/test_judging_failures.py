"""The failure algebra: what an ungraded answer becomes, and when a run must stop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.judging import failures
from rubric_factory.judging.failures import FailureMonitor, Replies
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Category, Criterion, JudgeFailure, Judgement, Level, Rubric, Verdict
from rubric_factory.tables import VERDICTS, judgement_rows

NO_GRADE = [JudgeFailure.TRANSPORT, JudgeFailure.TIMEOUT, JudgeFailure.REFUSED, JudgeFailure.ABSTAINED]


def criterion(key, weight, top=2):
    guide = tuple(Level(level, f"level {level}") for level in range(top + 1))
    category = Category.PITFALL if weight < 0 else Category.ESSENTIAL
    return Criterion(key, "Title", "Description", category, weight, ("element",), guide, (), ())


RUBRIC = Rubric((criterion("a", 5), criterion("b", 3, 1), criterion("c", -2, 3)))
ITEM = JudgeInput("t", "r", "Question?", "Passage.", RUBRIC, "Answer.")


@pytest.mark.parametrize("failure", NO_GRADE)
@pytest.mark.parametrize("induced", [False, True])
def test_a_reply_that_never_came_is_no_grade_whatever_the_batch_says(failure, induced):
    judgement = failures.settle(ITEM, Replies(failure=failure), "judge@1", induced=induced)
    assert judgement.verdicts == () and judgement.failure is failure
    assert failures.decide([RUBRIC], [judgement]) == [failures.Decision(None, str(failure))]


def test_over_length_is_zero_with_every_criterion_unmet_pitfalls_too():
    judgement = failures.over_length(ITEM, "judge@1")
    assert [v.level for v in judgement.verdicts] == [0, 0, 0]
    assert failures.decide([RUBRIC], [judgement]) == [failures.Decision(0.0, "over_length")]


def test_unparseable_by_the_policy_is_the_lowest_reward_and_flagged():
    judgement = failures.settle(ITEM, Replies(failure=JudgeFailure.UNPARSEABLE), "judge@1", induced=True)
    assert [v.level for v in judgement.verdicts] == [0, 0, 3]
    assert failures.decide([RUBRIC], [judgement]) == [failures.Decision(-2 / 8, "policy_induced")]


def test_unparseable_by_the_judge_is_no_grade():
    judgement = failures.settle(ITEM, Replies(failure=JudgeFailure.UNPARSEABLE), "judge@1", induced=False)
    assert failures.decide([RUBRIC], [judgement]) == [failures.Decision(None, "unparseable")]


def test_one_abstention_leaves_the_whole_rollout_without_a_reward_but_keeps_the_verdicts():
    verdicts = (Verdict("a", 2), Verdict("b", None, failure=JudgeFailure.ABSTAINED), Verdict("c", 0))
    judgement = failures.settle(ITEM, Replies(verdicts, first_parsed=True), "judge@1", induced=False)
    assert judgement.verdicts == verdicts
    assert failures.decide([RUBRIC], [judgement]) == [failures.Decision(None, "abstained")]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.data(), st.booleans())
def test_policy_induced_needs_the_canary_and_nine_of_ten_others(first_parsed, data, canary):
    index = data.draw(st.integers(0, len(first_parsed) - 1))
    others = first_parsed[:index] + first_parsed[index + 1 :]
    expected = canary and len(others) > 0 and sum(others) / len(others) >= 0.9
    assert failures.policy_induced(first_parsed, index, canary) == expected


@given(st.lists(st.sampled_from([None, *NO_GRADE, JudgeFailure.UNPARSEABLE]), max_size=30), st.booleans())
def test_no_failure_ever_earns_more_than_the_worst_grade(kinds, canary):
    full = (Verdict("a", 2), Verdict("b", 1), Verdict("c", 0))
    sent = [(ITEM, Replies(() if k else full, k, first_parsed=k is None)) for k in kinds]
    decided = failures.decide([RUBRIC] * len(kinds), failures.settle_batch(sent, "judge@1", canary_parsed=canary))
    assert len(decided) == len(kinds)
    for kind, decision in zip(kinds, decided, strict=True):
        assert decision.reward == 1.0 if kind is None else decision.reward in (None, -2 / 8)


def test_the_monitor_is_silent_below_64_and_at_five_percent():
    assert FailureMonitor().observe([None] * 63) is None
    assert FailureMonitor().observe([1.0] * 95 + [None] * 5) is None


def test_the_monitor_stops_with_share_and_kinds():
    reason = FailureMonitor().observe([0.5] * 94 + [None] * 6, ["graded"] * 94 + ["refused"] * 2 + ["timeout"] * 4)
    assert reason is not None and "refused: 2" in reason and "timeout: 3" in reason and "5.1%" in reason


def test_the_monitor_forgets_what_left_the_window():
    monitor = FailureMonitor()
    assert monitor.observe([None] * 3 + [1.0] * 497) is None
    assert monitor.share == 3 / 500
    assert monitor.observe([1.0] * 3) is None and monitor.share == 0.0
    assert monitor.observe([None] * 25) is None
    assert "5.2%" in (monitor.observe([None]) or "")


@given(st.lists(st.one_of(st.none(), st.floats(-1, 1)), max_size=700))
def test_the_monitor_agrees_with_the_rule_spelt_out(rewards):
    stop = None
    for seen in range(64, len(rewards) + 1):
        recent = rewards[max(0, seen - 500) : seen]
        if sum(r is None for r in recent) > 0.05 * len(recent):
            stop = seen
            break
    monitor, stopped = FailureMonitor(), None
    for position, reward in enumerate(rewards, start=1):
        if stopped is None and monitor.observe([reward]) is not None:
            stopped = position
    assert stopped == stop


def test_verdict_rows_keep_ungraded_criteria_and_the_raw_reply_once():
    import pyarrow as pa

    judgement = Judgement("t", "r", (), "judge@1", JudgeFailure.TIMEOUT, "detail", 10, 3)
    rows = judgement_rows(judgement, RUBRIC)
    assert [row["raw"] for row in rows] == ["detail", None, None]
    assert [row["level"] for row in rows] == [None] * 3 and {row["failure"] for row in rows} == {"timeout"}
    assert [row["weight"] for row in rows] == [5, 3, -2] and [row["max_level"] for row in rows] == [2, 1, 3]
    assert pa.Table.from_pylist(rows, schema=VERDICTS).num_rows == 3
