"""Selection: at most so many, the best of each stretch, spread over the document, the same each time."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.passages.select import best_spread

scores = st.lists(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=60)


@given(scores, st.integers(1, 20))
def test_as_many_as_allowed_ascending_and_distinct(values, limit):
    chosen = best_spread(values, limit)
    assert len(chosen) == min(limit, len(values))
    assert chosen == sorted(set(chosen))


@given(scores.filter(len), st.integers(1, 20))
def test_the_best_is_always_chosen(values, limit):
    assert max(values) in [values[at] for at in best_spread(values, limit)]


@given(scores.filter(len), st.integers(1, 20))
def test_no_gap_is_wider_than_two_stretches(values, limit):
    chosen = best_spread(values, limit)
    stretch = -(-len(values) // limit)
    edges = [-1, *chosen, len(values)]
    assert all(right - left <= 2 * stretch for left, right in pairwise(edges))


def test_the_better_one_of_each_stretch_and_the_earlier_of_equals():
    assert best_spread([0.1, 0.9, 0.5, 0.5, 0.3, 0.2], 3) == [1, 2, 4]
    assert best_spread([0.1, 0.9, 0.5], 1) == [1]
    assert best_spread([], 3) == []
