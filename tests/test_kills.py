"""The author, killed as a process: nothing is lost, little is paid twice. Fifty kills: benchmarks/kills.py."""

import sys

from conftest import ROOT

sys.path.insert(0, str(ROOT / "benchmarks"))

import kills


def test_three_kills_lose_nothing_and_pay_at_most_what_was_under_way_twice(tmp_path):
    found = kills.killed(3, 90, 7, tmp_path)
    assert found.kills == 3
    assert found.same and found.tasks == found.distinct == found.passages == 90
    assert found.states == {"answered": 90}
    assert found.twice <= found.bound
