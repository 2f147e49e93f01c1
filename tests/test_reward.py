"""Rewards: each aggregation stays in the range its docstring names, and agrees with hand-worked figures."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.records import Category, Criterion, JudgeFailure, Judgement, Level, Rubric, Verdict
from rubric_factory.reward import AGGREGATIONS, all_pass, canonical, clipped, rar_explicit, reward_of, signed


@st.composite
def responses(draw, negative=True):
    """(weights, levels, maxima) of one response: 1 to 8 criteria, at least one positive weight."""
    low = -9 if negative else 1
    count = draw(st.integers(1, 8))
    weights = draw(st.lists(st.integers(low, 9).filter(bool), min_size=count, max_size=count))
    weights[draw(st.integers(0, count - 1))] = draw(st.integers(1, 9))
    maxima = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    levels = [draw(st.integers(0, maximum)) for maximum in maxima]
    return weights, levels, maxima


@given(responses())
def test_canonical_range_with_signed_weights(response):
    weights, _, _ = response
    low = -sum(-w for w in weights if w < 0) / sum(w for w in weights if w > 0)
    assert low - 1e-12 <= canonical(*response) <= 1 + 1e-12


@given(responses(negative=False))
def test_canonical_range_with_positive_weights_is_0_to_1(response):
    assert 0 <= canonical(*response) <= 1 + 1e-12


@given(responses())
def test_canonical_reaches_both_ends_of_its_range(response):
    weights, _, maxima = response
    best = [m if w > 0 else 0 for w, m in zip(weights, maxima, strict=True)]
    worst = [0 if w > 0 else m for w, m in zip(weights, maxima, strict=True)]
    assert canonical(weights, best, maxima) == pytest.approx(1)
    low = -sum(-w for w in weights if w < 0) / sum(w for w in weights if w > 0)
    assert canonical(weights, worst, maxima) == pytest.approx(low)


@pytest.mark.parametrize("name", ["rar_explicit", "signed", "all_pass"])
@given(responses())
def test_other_aggregations_range_is_0_to_1(name, response):
    assert 0 <= AGGREGATIONS[name](*response) <= 1 + 1e-12


@given(responses())
def test_all_pass_is_0_or_1_and_1_only_for_the_best(response):
    weights, levels, maxima = response
    best = [m if w > 0 else 0 for w, m in zip(weights, maxima, strict=True)]
    assert all_pass(*response) == float(levels == best)


@given(responses(), st.data())
def test_a_better_level_never_lowers_any_reward(response, data):
    weights, levels, maxima = response
    at = data.draw(st.integers(0, len(weights) - 1))
    better = list(levels)
    better[at] = min(maxima[at], levels[at] + 1) if weights[at] > 0 else max(0, levels[at] - 1)
    for aggregation in AGGREGATIONS.values():
        assert aggregation(weights, better, maxima) >= aggregation(weights, levels, maxima) - 1e-12


@given(responses(), st.integers(2, 7))
def test_scaling_all_weights_changes_no_reward(response, factor):
    weights, levels, maxima = response
    for aggregation in AGGREGATIONS.values():
        assert aggregation([w * factor for w in weights], levels, maxima) == pytest.approx(aggregation(weights, levels, maxima))


def test_hand_worked_figures():
    weights, levels, maxima = [5, 3, -2], [2, 1, 1], [2, 3, 1]
    assert canonical(weights, levels, maxima) == pytest.approx((5 + 1 - 2) / 8)
    assert rar_explicit(weights, levels, maxima) == pytest.approx(5 / 10)
    assert signed(weights, levels, maxima) == pytest.approx((5 + 1 + 0) / 10)
    assert all_pass(weights, levels, maxima) == 0


@pytest.mark.parametrize(
    ("weights", "levels", "maxima"),
    [([1, 2], [1], [1, 1]), ([-1], [0], [1]), ([1], [2], [1]), ([1], [-1], [1]), ([1], [0], [0]), ([1], [math.nan], [1]), ([], [], [])],
)
def test_impossible_input_is_an_error(weights, levels, maxima):
    for aggregation in AGGREGATIONS.values():
        with pytest.raises(ValueError):
            aggregation(weights, levels, maxima)


def _criterion(key: str, weight: int, top: int = 2) -> Criterion:
    category = Category.PITFALL if weight < 0 else Category.ESSENTIAL
    guide = tuple(Level(level, f"level {level}") for level in range(top + 1))
    return Criterion(key, key, f"criterion {key}", category, weight, (), guide, (), ())


RUBRIC = Rubric((_criterion("a", 4), _criterion("b", 2), _criterion("c", -1, top=1)))


def test_reward_of_matches_verdicts_by_key_whatever_their_order():
    verdicts = (Verdict("c", 1), Verdict("a", 2), Verdict("b", 1))
    assert reward_of(RUBRIC, Judgement("t", "r", verdicts, "judge")) == pytest.approx((4 + 1 - 1) / 6)


@pytest.mark.parametrize("failure", list(JudgeFailure))
def test_one_missing_grade_makes_the_reward_none_never_zero(failure):
    verdicts = (Verdict("a", 2), Verdict("b", None, failure=failure), Verdict("c", 0))
    assert reward_of(RUBRIC, Judgement("t", "r", verdicts, "judge")) is None
    assert reward_of(RUBRIC, Judgement("t", "r", (), "judge", failure=failure)) is None


@pytest.mark.parametrize("keys", [("a", "b"), ("a", "b", "x"), ("a", "b", "c", "c"), ()])
def test_verdicts_that_are_not_exactly_the_criteria_are_an_error(keys):
    with pytest.raises(ValueError, match="expected exactly"):
        reward_of(RUBRIC, Judgement("t", "r", tuple(Verdict(key, 0) for key in keys), "judge"))


@given(st.floats(-5, 5))
def test_clipped_range(reward):
    assert 0 <= clipped(reward) <= 1
    assert clipped(reward) == reward or not 0 <= reward <= 1
