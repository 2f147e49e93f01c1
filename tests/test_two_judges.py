"""Two judges over the same stored responses: figures worked by hand, bounds as properties, and the command."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows import cli
from rubric_factory.errors import UsageError
from rubric_factory.verdicts.two_judges import compare, paired


def row(level, *, key="a", weight=4, top=2, response="r", task="t", failure=None):
    return {
        "task_id": task, "response_id": response, "criterion_key": key, "level": level, "max_level": top, "weight": weight,
        "category": "pitfall" if weight < 0 else "essential", "failure": failure,
    }  # fmt: skip


def table(levels, **changes):
    """Two criteria, a of weight 4 and a pitfall b of weight -2 with one level, for each response."""
    return [
        one
        for number, (good, bad) in enumerate(levels)
        for one in (row(good, response=str(number), **changes), row(bad, key="b", weight=-2, top=1, response=str(number), **changes))
    ]


def value(found, name):
    return found[name]["value"]


def test_figures_of_two_judges_by_hand():
    # Responses 0, 1. Proxy: full credit on a, and no bad thing; reference: half of a on the first, the bad thing on the second.
    proxy, reference = table([(2, 0), (2, 0)]), table([(1, 0), (2, 1)])
    found = compare(proxy, reference, seed=1)
    assert (found["verdicts"], found["responses"]) == (4, 2)
    assert (value(found, "agreement"), value(found, "overclaim"), value(found, "underclaim")) == (0.5, 0.5, 0.0)
    # Credit of the proxy 4 + 2 + 4 + 2 = 12, of which 2 (half of a) and 2 (the bad thing) are rejected.
    assert value(found, "rejected_credit") == pytest.approx(4 / 12)
    assert value(found, "presence_share_first") == pytest.approx(8 / 12)
    assert value(found, "presence_share_second") == pytest.approx(6 / 8)
    # Canonical: proxy 1 and 1; reference 1/2 and (4 - 2) / 4.
    assert value(found, "mean_reward_difference") == pytest.approx(0.5)
    assert "exploitation_rate" not in found


def test_the_exploitation_rate_counts_what_is_newly_credited():
    before = table([(1, 1), (1, 1)])  # half of a, and the bad thing was there
    proxy, reference = table([(2, 0)]), table([(1, 0)])
    found = compare(proxy, reference, before, seed=1)
    # New: 4 * 1/2 on a, 2 on b. Rejected of it: 2 on a.
    assert value(found, "exploitation_rate") == pytest.approx(2 / 4)
    assert value(compare(proxy, table([(2, 0)]), before, seed=1), "exploitation_rate") == 0.0
    assert value(compare(proxy, table([(0, 1)]), before, seed=1), "exploitation_rate") == 1.0
    assert compare(table([(1, 1)]), reference, before, seed=1)["exploitation_rate"] is None  # nothing is new


def test_what_has_no_partner_no_grade_or_no_baseline_is_counted_and_left_out():
    proxy = [*table([(2, 0), (2, 0)]), row(2, key="c", failure=None), row(None, key="d", failure="timeout")]
    reference = [*table([(2, 0)]), row(2, key="d"), row(1, key="e")]
    pairs, counts = paired(proxy, reference)
    assert (len(pairs), counts) == (2, {"only_first": 3, "only_second": 1, "ungraded": 1, "no_baseline": 0})
    _, counts = paired(proxy, reference, [row(1)])
    assert counts["no_baseline"] == 1


@pytest.mark.parametrize("other", [[], [row(2, response="x")], [row(None, failure="refused")]])
def test_tables_that_share_nothing_are_an_error(other):
    with pytest.raises(UsageError, match="share no graded verdict"):
        compare([row(2)], other, seed=1)


def test_another_rubric_is_an_error():
    with pytest.raises(UsageError, match="another weight or scale"):
        compare([row(2)], [row(2, weight=5)], seed=1)


LEVELS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=1, max_size=8)


@given(LEVELS, LEVELS, LEVELS)
def test_every_share_is_a_share_and_the_three_ways_to_differ_sum_to_one(first, second, before):
    size = min(len(first), len(second))
    found = compare(table(first[:size]), table(second[:size]), table(before), seed=1)
    for name, figure in found.items():
        if isinstance(figure, dict) and name != "mean_reward_difference":
            assert -1e-9 <= figure["ci95_low"] <= figure["ci95_high"] <= 1 + 1e-9 and -1e-9 <= figure["value"] <= 1 + 1e-9
    assert sum(value(found, name) for name in ("agreement", "overclaim", "underclaim")) == pytest.approx(1)
    same = compare(table(first), table(first), table(before), seed=1)
    assert value(same, "agreement") == 1.0 and value(same, "mean_reward_difference") == 0.0
    assert all(same[name] is None or value(same, name) == 0.0 for name in ("rejected_credit", "exploitation_rate"))


def stored(folder, rows, digest=None):
    folder.mkdir()
    (folder / "verdicts.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    if digest:
        (folder / "summary.json").write_text(json.dumps({"responses_sha256": digest}))
    return folder


def test_the_command_compares_folders_and_needs_no_configuration(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = stored(tmp_path / "a", table([(2, 0)]), "same"), stored(tmp_path / "b", table([(1, 0)]), "same")
    before = stored(tmp_path / "c", table([(1, 1)]))
    assert cli.run(["judge", "compare", "--json", str(first), str(second), "--baseline", str(before)]) == 0
    assert json.loads(capsys.readouterr().out)["exploitation_rate"]["value"] == 0.5
    assert cli.run(["judge", "compare", str(first), str(before)]) == 0
    assert "overclaim                1.000 [1.000, 1.000]" in capsys.readouterr().out
    other = stored(tmp_path / "d", table([(1, 0)]), "other")
    assert cli.run(["judge", "compare", str(first), str(other)]) == 2
    assert "different answers" in capsys.readouterr().err
