"""Windows and buckets on a clock that a test moves: what may be sent when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.llm.limits import BURST_SECONDS, Bucket, Clock, Window

AMOUNTS = st.lists(st.tuples(st.floats(0, 3), st.floats(0.5, 40)), min_size=1, max_size=60)


@given(st.floats(30, 6000), AMOUNTS, st.floats(0, 60), st.floats(1, 120))
def test_no_stretch_of_time_takes_more_than_its_share(per_minute, steps, start, length):
    """Spend whenever it is allowed, after pauses of any length: no stretch holds more than the rate, one burst and one amount."""
    bucket, now, spent = Bucket(per_minute, 0.0), 0.0, []
    for pause, amount in steps:
        now += pause
        now += bucket.wait(amount, now)
        assert bucket.wait(amount, now) < 1e-6
        bucket.spend(amount, now)
        spent.append((now, amount))
    rate, largest = per_minute / 60, max(amount for _, amount in spent)
    inside = sum(amount for at, amount in spent if start <= at < start + length)
    assert inside <= rate * (length + BURST_SECONDS) + max(1.0, largest) + 1e-6


def test_what_was_reserved_in_vain_is_given_back():
    bucket = Bucket(60, 0.0)
    bucket.spend(31, 0.0)
    assert bucket.wait(1, 0.0) == pytest.approx(31)
    bucket.spend(-30, 0.0)
    assert bucket.wait(1, 0.0) == pytest.approx(1)


def test_unused_time_does_not_pile_up():
    bucket = Bucket(60, 0.0)
    bucket.spend(1, 3600.0)
    assert bucket.wait(1, 3600.0) == pytest.approx(1)


def test_a_refusal_halves_the_window_once_for_all_that_were_sent_before():
    window = Window(64, 100)
    for _ in range(64):
        window.throttled(sent=0.0, now=1.0)
    assert window.limit == 32
    window.throttled(sent=1.5, now=2.0)
    assert window.limit == 16


def test_the_window_never_closes_and_never_exceeds_its_ceiling():
    window = Window(8, 100)
    for now in range(100):
        window.throttled(sent=now, now=now)
    assert window.limit == 1
    for now in range(1000):
        window.answered(0.1, sent=100 + now, now=100 + now)
        assert window.limit <= 8
    assert window.limit == 8


def test_slow_answers_shrink_the_window_before_they_time_out():
    window = Window(100, slow_seconds=10)
    for now in range(200):
        window.answered(9.0, sent=now - 9, now=now)
    assert window.limit == 100
    for now in range(200, 400):
        window.answered(12.0, sent=now - 12, now=now)
    shrunk = window.limit
    assert shrunk < 50
    for now in range(400, 2000):
        window.answered(5.0, sent=now - 5, now=now)
    assert window.limit == 100


def test_a_single_slow_answer_says_nothing():
    window = Window(100, slow_seconds=10)
    window.answered(1.0, 0.0, 1.0)
    window.answered(60.0, 1.0, 61.0)
    assert window.limit == 100


def test_a_scaled_clock_runs_faster():
    slow, fast = Clock(), Clock(1000)
    before = slow.now(), fast.now()
    after = slow.now(), fast.now()
    assert after[1] - before[1] > 100 * (after[0] - before[0])
