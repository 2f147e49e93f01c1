"""Bootstrap intervals: they hold the mean, can be recomputed, and widen when values hang together in clusters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rubric_factory.intervals import cluster_bootstrap

VALUES = st.lists(st.tuples(st.floats(-1, 1), st.sampled_from("abcdef")), min_size=1, max_size=40)


@settings(max_examples=30)
@given(VALUES)
def test_range_low_and_high_lie_within_the_values(pairs):
    values, clusters = zip(*pairs, strict=True)
    found = cluster_bootstrap(values, clusters, seed=1, repeats=200)
    assert min(values) - 1e-9 <= found.low <= found.high <= max(values) + 1e-9
    assert found.mean == pytest.approx(sum(values) / len(values))
    assert found.n == len(values)


def test_same_seed_same_interval_other_seed_another():
    values, clusters = [0.1 * i for i in range(20)], [str(i // 2) for i in range(20)]
    assert cluster_bootstrap(values, clusters, seed=3) == cluster_bootstrap(values, clusters, seed=3)
    assert cluster_bootstrap(values, clusters, seed=3) != cluster_bootstrap(values, clusters, seed=4)


def test_the_order_of_the_values_does_not_matter():
    values, clusters = [1.0, 2.0, 3.0, 4.0, 9.0], ["a", "a", "b", "c", "c"]
    forward = cluster_bootstrap(values, clusters, seed=0)
    backward = cluster_bootstrap(values[::-1], clusters[::-1], seed=0)
    assert (forward.low, forward.high) == pytest.approx((backward.low, backward.high))


def test_clusters_widen_the_interval():
    values = [float(i % 2) for i in range(40)]
    alone = cluster_bootstrap(values, [str(i) for i in range(40)], seed=0)
    together = cluster_bootstrap(sorted(values), [str(i // 10) for i in range(40)], seed=0)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)


def test_one_cluster_is_a_point():
    found = cluster_bootstrap([0.2, 0.4], ["a", "a"], seed=0)
    assert found.low == found.high == pytest.approx(found.mean) == pytest.approx(0.3)


@pytest.mark.parametrize(("values", "clusters"), [([], []), ([1.0], []), ([1.0], ["a", "b"])])
def test_impossible_input_is_an_error(values, clusters):
    with pytest.raises(ValueError, match="expected as many"):
        cluster_bootstrap(values, clusters, seed=0)
