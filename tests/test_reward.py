"""Rewards: each aggregation stays in the range its docstring names, and agrees with figures worked by hand in exact fractions."""

import json
import math
from fractions import Fraction
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.records import Category, Criterion, JudgeFailure, Judgement, Level, Rubric, Verdict
from rubric_factory.reward import AGGREGATIONS, Grades, canonical, clipped, rar_implicit, reward_of
from rubric_factory.settings.training import AggregationName

UNIT = {"rar_explicit", "signed", "all_pass", "soft_min"}  # range [0, 1]; the others have the canonical reward's
TABLE = json.loads((Path(__file__).parent / "data" / "verdict_table.json").read_text())
POSITIVE = (Category.ESSENTIAL, Category.IMPORTANT, Category.OPTIONAL)


@st.composite
def responses(draw, negative=True):
    """(weights, levels, maxima, categories) of one response: 1 to 8 criteria, at least one positive weight."""
    low = -9 if negative else 1
    count = draw(st.integers(1, 8))
    weights = draw(st.lists(st.integers(low, 9).filter(bool), min_size=count, max_size=count))
    weights[draw(st.integers(0, count - 1))] = draw(st.integers(1, 9))
    maxima = draw(st.lists(st.integers(1, 5), min_size=count, max_size=count))
    levels = [draw(st.integers(0, maximum)) for maximum in maxima]
    return weights, levels, maxima, [draw(st.sampled_from(POSITIVE)) if w > 0 else Category.PITFALL for w in weights]


def low_end(weights) -> float:
    return sum(w for w in weights if w < 0) / sum(w for w in weights if w > 0)


def best_and_worst(weights, maxima):
    best = [m if w > 0 else 0 for w, m in zip(weights, maxima, strict=True)]
    return best, [0 if w > 0 else m for w, m in zip(weights, maxima, strict=True)]


def test_the_settings_name_every_aggregation():
    assert set(get_args(AggregationName)) == set(AGGREGATIONS)


@pytest.mark.parametrize("name", AGGREGATIONS)
@given(responses())
def test_range(name, response):
    low = 0 if name in UNIT else low_end(response[0])
    assert low - 1e-9 <= AGGREGATIONS[name](Grades.of(*response)) <= 1 + 1e-9


@pytest.mark.parametrize("name", AGGREGATIONS)
@given(responses())
def test_both_ends_of_the_range_are_reached(name, response):
    weights, _, maxima, categories = response
    best, worst = best_and_worst(weights, maxima)
    assert AGGREGATIONS[name](Grades.of(weights, best, maxima, categories)) == pytest.approx(1)
    low = 0 if name in UNIT else low_end(weights)
    assert AGGREGATIONS[name](Grades.of(weights, worst, maxima, categories)) == pytest.approx(low, abs=1e-12)


@pytest.mark.parametrize("name", AGGREGATIONS)
@given(responses(), st.data())
def test_a_better_level_never_lowers_the_reward(name, response, data):
    weights, levels, maxima, categories = response
    at = data.draw(st.integers(0, len(weights) - 1))
    better = list(levels)
    better[at] = min(maxima[at], levels[at] + 1) if weights[at] > 0 else max(0, levels[at] - 1)
    before, after = (AGGREGATIONS[name](Grades.of(weights, found, maxima, categories)) for found in (levels, better))
    assert after >= before - 1e-9


@pytest.mark.parametrize("name", AGGREGATIONS)
@given(responses(), st.integers(2, 7), st.randoms(use_true_random=False))
def test_neither_scale_of_weights_nor_order_of_criteria_matters(name, response, factor, random):
    weights, levels, maxima, categories = response
    reward = AGGREGATIONS[name](Grades.of(*response))
    assert AGGREGATIONS[name](Grades.of([w * factor for w in weights], levels, maxima, categories)) == pytest.approx(reward, abs=1e-9)
    order = list(range(len(weights)))
    random.shuffle(order)
    shuffled = Grades.of(*([column[at] for at in order] for column in response))
    assert AGGREGATIONS[name](shuffled) == pytest.approx(reward, abs=1e-9)


@given(responses())
def test_all_pass_is_0_or_1_and_1_only_for_the_best(response):
    weights, levels, maxima, _ = response
    assert AGGREGATIONS["all_pass"](Grades.of(*response)) == float(levels == best_and_worst(weights, maxima)[0])


@given(responses())
def test_a_gate_only_ever_holds_the_canonical_reward_down_to_zero(response):
    grades = Grades.of(*response)
    for name in ("essential_gated", "veto"):
        assert AGGREGATIONS[name](grades) in (canonical(grades), min(canonical(grades), 0.0))
    if AGGREGATIONS["veto"](grades) == canonical(grades) and canonical(grades) > 0:
        essential = [g for g, c in zip(grades.shares, grades.categories, strict=True) if c is Category.ESSENTIAL]
        assert all(g > 0 for g in essential)


@given(responses(negative=False))
def test_without_bad_things_healthbench_of_whole_credit_is_canonical(response):
    weights, levels, maxima, categories = response
    binary = [m if level == m else 0 for level, m in zip(levels, maxima, strict=True)]
    grades = Grades.of(weights, binary, maxima, categories)
    assert AGGREGATIONS["healthbench"](grades) == pytest.approx(canonical(grades))
    assert AGGREGATIONS["signed"](grades) == pytest.approx(canonical(grades))


# ---- the fixed verdict table, worked again in exact fractions: nothing of the package's own arithmetic is used below ----


def exact(name, weights, levels, maxima, categories):
    """The published formula, or ours, over fractions; transcendental ones through math on fractions."""
    g = [Fraction(level, top) for level, top in zip(levels, maxima, strict=True)]
    plus = sum(w for w in weights if w > 0)
    r = sum((w * x for w, x in zip(weights, g, strict=True)), Fraction(0)) / plus
    cost = sum((-w * x for w, x in zip(weights, g, strict=True) if w < 0), Fraction(0)) / plus
    good = [x if w > 0 else 1 - x for w, x in zip(weights, g, strict=True)]
    size = sum(abs(w) for w in weights)
    match name:
        case "canonical":
            return r
        case "rar_explicit":
            v = [{"essential": 10, "important": 7, "optional": 3, "pitfall": 9}[c] for c in categories]
            return Fraction(sum(a for a, x in zip(v, good, strict=True) if x == 1), sum(v))
        case "signed":
            return sum((abs(w) * x for w, x in zip(weights, good, strict=True)), Fraction(0)) / size
        case "healthbench":
            return Fraction(sum(w for w, x in zip(weights, g, strict=True) if x == 1), plus)
        case "all_pass":
            return Fraction(int(all(x == 1 for x in good)))
        case "essential_gated":
            return r if all(x == 1 for x, c in zip(g, categories, strict=True) if c == "essential") else min(r, Fraction(0))
        case "veto":
            dead = any((c == "essential" and x == 0) or (c == "pitfall" and x == 1) for x, c in zip(g, categories, strict=True))
            return min(r, Fraction(0)) if dead else r
        case "saturation":
            total = 0.0
            for d in sorted(set(categories) - {"pitfall"}):
                own = [(w, x) for w, x, c in zip(weights, g, categories, strict=True) if c == d]
                share = sum((w * x for w, x in own), Fraction(0)) / sum(w for w, _ in own)
                total += sum(w for w, _ in own) * (1 - math.exp(-2 * share)) / (1 - math.exp(-2))
            return total / plus - cost
        case "pairwise_interaction":
            own = [(w, x) for w, x in zip(weights, g, strict=True) if w > 0]
            pairs = [(a, b) for i, a in enumerate(own) for b in own[i + 1 :]]
            if not pairs:
                return r
            joint = sum((a * x * b * y for (a, x), (b, y) in pairs), Fraction(0)) / sum(a * b for (a, _), (b, _) in pairs)
            return (r + cost) / 2 + joint / 2 - cost
        case "targeted_shaping":
            return (math.exp(2 * (r + cost)) - 1) / (math.exp(2) - 1) - cost
        case "soft_min":
            return -math.log(sum(abs(w) * math.exp(-5 * x) for w, x in zip(weights, good, strict=True)) / size) / 5
    raise AssertionError(name)


@pytest.mark.parametrize("row", TABLE, ids=[row["name"] for row in TABLE])
@pytest.mark.parametrize("name", AGGREGATIONS)
def test_the_verdict_table_agrees_with_the_formulas(name, row):
    columns = [row[column] for column in ("weights", "levels", "maxima", "categories")]
    grades = Grades.of(*columns[:3], [Category(c) for c in columns[3]])
    assert AGGREGATIONS[name](grades) == pytest.approx(float(exact(name, *columns)), abs=1e-12)


def test_the_verdict_table_tells_all_aggregations_apart():
    outcomes = {name: tuple(round(float(exact(name, r["weights"], r["levels"], r["maxima"], r["categories"])), 6) for r in TABLE)
                for name in AGGREGATIONS}  # fmt: skip
    assert len(set(outcomes.values())) == len(AGGREGATIONS)


@pytest.mark.parametrize(("rating", "reward"), [(1, 0), (10, 1), (4, 1 / 3)])
def test_rar_implicit(rating, reward):
    assert rar_implicit(rating) == pytest.approx(reward)


@pytest.mark.parametrize("rating", [0, 11, -3])
def test_a_rating_off_the_scale_is_an_error(rating):
    with pytest.raises(ValueError, match=r"not within 1 \.\. 10"):
        rar_implicit(rating)


@pytest.mark.parametrize(
    ("weights", "levels", "maxima"),
    [([1, 2], [1], [1, 1]), ([-1], [0], [1]), ([1], [2], [1]), ([1], [-1], [1]), ([1], [0], [0]), ([1], [math.nan], [1]), ([], [], []),
     ([1, 0], [1, 1], [1, 1])],
)  # fmt: skip
def test_impossible_input_is_an_error(weights, levels, maxima):
    with pytest.raises(ValueError):
        Grades.of(weights, levels, maxima)


def _criterion(key: str, weight: int, top: int = 2) -> Criterion:
    category = Category.PITFALL if weight < 0 else Category.ESSENTIAL
    guide = tuple(Level(level, f"level {level}") for level in range(top + 1))
    return Criterion(key, key, f"criterion {key}", category, weight, (), guide, (), ())


RUBRIC = Rubric((_criterion("a", 4), _criterion("b", 2), _criterion("c", -1, top=1)))


def test_reward_of_matches_verdicts_by_key_whatever_their_order():
    verdicts = (Verdict("c", 1), Verdict("a", 2), Verdict("b", 1))
    assert reward_of(RUBRIC, Judgement("t", "r", verdicts, "judge")) == pytest.approx((4 + 1 - 1) / 6)


def test_reward_of_hands_the_categories_over():
    verdicts = (Verdict("a", 2), Verdict("b", 0), Verdict("c", 0))
    judgement = Judgement("t", "r", verdicts, "judge")
    assert reward_of(RUBRIC, judgement, "veto") == 0 < reward_of(RUBRIC, judgement, "canonical")


@pytest.mark.parametrize("name", AGGREGATIONS)
@pytest.mark.parametrize("failure", list(JudgeFailure))
def test_one_missing_grade_makes_the_reward_none_never_zero(failure, name):
    verdicts = (Verdict("a", 2), Verdict("b", None, failure=failure), Verdict("c", 0))
    assert reward_of(RUBRIC, Judgement("t", "r", verdicts, "judge"), name) is None
    assert reward_of(RUBRIC, Judgement("t", "r", (), "judge", failure=failure), name) is None


@pytest.mark.parametrize("keys", [("a", "b"), ("a", "b", "x"), ("a", "b", "c", "c"), ()])
def test_verdicts_that_are_not_exactly_the_criteria_are_an_error(keys):
    with pytest.raises(ValueError, match="expected exactly"):
        reward_of(RUBRIC, Judgement("t", "r", tuple(Verdict(key, 0) for key in keys), "judge"))


@given(st.floats(-5, 5))
def test_clipped_range(reward):
    assert 0 <= clipped(reward) <= 1
    assert clipped(reward) == reward or not 0 <= reward <= 1
