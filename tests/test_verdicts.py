"""Stored verdicts: read strictly, aggregated again to the very rewards of their judgements, summed up by criterion."""

import json
from dataclasses import replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.errors import UsageError
from rubric_factory.gates.model.stored import Stored
from rubric_factory.intervals import ratio_bootstrap, wilson
from rubric_factory.judging import failures
from rubric_factory.records import Category, Criterion, JudgeFailure, Judgement, Level, Rubric, Verdict
from rubric_factory.reward import AGGREGATIONS, reward_of
from rubric_factory.tables import VERDICTS, judgement_rows
from rubric_factory.verdicts import stored as verdicts


def criterion(key, weight, category, top=2):
    guide = tuple(Level(level, f"level {level}") for level in range(top + 1))
    return Criterion(key, key, f"criterion {key}", category, weight, (), guide, (), ())


RUBRIC = Rubric(
    (
        criterion("a", 4, Category.ESSENTIAL),
        criterion("b", 2, Category.IMPORTANT, 3),
        criterion("c", 1, Category.OPTIONAL, 1),
        criterion("d", -3, Category.PITFALL),
    )
)
LEVELS = st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 1), st.integers(0, 2))


def judged(levels, failure=None, response_id="r", raw="raw"):
    found = tuple(
        Verdict(c.criterion_key, level, "why", None if level is not None else JudgeFailure.ABSTAINED)
        for c, level in zip(RUBRIC.criteria, levels, strict=True)
    )
    return Judgement("t", response_id, found, "judge", failure, raw, 11, 7)


@pytest.mark.parametrize("name", AGGREGATIONS)
@given(LEVELS)
def test_stored_rows_give_the_reward_of_the_judgement_under_every_aggregation(name, levels):
    judgement = judged(levels)
    assert verdicts.reward_of_rows(judgement_rows(judgement, RUBRIC), name) == reward_of(RUBRIC, judgement, name)


@pytest.mark.parametrize("name", AGGREGATIONS)
def test_flagged_and_failed_responses_keep_what_the_failure_algebra_says(name):
    long = Judgement("t", "r", failures.unmet(RUBRIC, "over length"), "judge", JudgeFailure.OVER_LENGTH)
    induced = Judgement("t", "r", failures.worst(RUBRIC, "unparseable"), "judge", JudgeFailure.UNPARSEABLE)
    assert reward_of(RUBRIC, long, name) == 0.0 == verdicts.reward_of_rows(judgement_rows(long, RUBRIC), name)
    lowest = min(reward_of(RUBRIC, judged(levels), name) for levels in [(0, 0, 0, 2), (0, 0, 0, 0), (2, 3, 1, 2)])
    assert verdicts.reward_of_rows(judgement_rows(induced, RUBRIC), name) == reward_of(RUBRIC, induced, name) <= lowest
    for lost in (judged((2, None, 1, 0)), Judgement("t", "r", (), "judge", JudgeFailure.TRANSPORT)):
        assert verdicts.reward_of_rows(judgement_rows(lost, RUBRIC), name) is None


@pytest.mark.parametrize("name", AGGREGATIONS)
@pytest.mark.parametrize("missing", range(4))
def test_an_answer_with_a_missing_row_has_no_reward(name, missing):
    rows = judgement_rows(judged((2, 0, 0, 2)), RUBRIC)
    left = rows[:missing] + rows[missing + 1 :]
    assert verdicts.reward_of_rows(left, name) is None and verdicts.unknown_extent([left]) == 0
    old = [{key: value for key, value in row.items() if key != "criteria"} for row in rows]
    assert verdicts.reward_of_rows(old, name) == verdicts.reward_of_rows(rows, name) is not None
    assert verdicts.unknown_extent([old, rows]) == 1


def test_rows_that_disagree_on_the_failure_of_the_answer_have_no_reward():
    long = Judgement("t", "r", failures.unmet(RUBRIC, "over length"), "judge", JudgeFailure.OVER_LENGTH)
    for row in range(4):
        rows = judgement_rows(long, RUBRIC)
        rows[row]["failure"] = None
        assert verdicts.reward_of_rows(rows, "canonical") is None


def test_gradings_of_gates_miss_no_row_and_older_files_are_copied(tmp_path):
    rows = judgement_rows(judged((2, 3, 1, 0)), RUBRIC)
    other = judgement_rows(judged((2, 3, 1, 0), response_id="s"), RUBRIC)
    pq.write_table(pa.Table.from_pylist(rows[:3] + other, schema=VERDICTS), tmp_path / "new.parquet")
    assert list(Stored(tmp_path / "new.parquet").rewards) == ["s"]
    pq.write_table(pa.Table.from_pylist(rows, schema=VERDICTS).drop_columns(["criteria"]), tmp_path / "old.parquet")
    old = Stored(tmp_path / "old.parquet")
    with pq.ParquetWriter(tmp_path / "copy.parquet", VERDICTS) as writer:
        old.copy(set(old.rewards), writer)
    assert pq.read_table(tmp_path / "copy.parquet").to_pylist() == [row | {"criteria": None} for row in rows]


def store(folder, name, *judgements):
    rows = [row for judgement in judgements for row in judgement_rows(judgement, RUBRIC)]
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows, schema=VERDICTS), path)
    else:
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return rows


@pytest.mark.parametrize("name", ["verdicts.parquet", "verdicts.jsonl", "verdicts/step-1-rank0.parquet", "evaluation_verdicts.parquet"])
def test_every_place_is_read_with_raw_text_and_usage(tmp_path, name):
    rows = store(tmp_path, name, judged((2, 1, 0, 0)), judged((0, 0, 0, 0), response_id="s", raw="second"))
    assert verdicts.read_verdicts(tmp_path) == rows == verdicts.read_verdicts(verdicts.verdict_files(tmp_path)[0])
    groups = verdicts.by_response(rows)
    assert list(groups) == [("t", "r"), ("t", "s")]
    first = [own[0] for own in groups.values()]
    assert [(row["raw"], row["prompt_tokens"], row["completion_tokens"]) for row in first] == [("raw", 11, 7), ("second", 11, 7)]
    assert all(row["reason"] == "why" for row in rows)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"category": "nonsense"}, "nonsense"), ({"level": 9}, "not within 0 .. 2"), ({"failure": "tired"}, "tired"),
        ({"level": "2"}, "no table of verdicts"), ({"max_level": None}, "no table of verdicts"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_of_verdicts_is_one_clear_line(tmp_path, change, said):
    row = judgement_rows(judged((2, 1, 0, 0)), RUBRIC)[0] | change
    (tmp_path / "v.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(UsageError, match=said) as caught:
        verdicts.read_verdicts(tmp_path / "v.jsonl")
    assert "\n" not in str(caught.value)


def test_missing_columns_files_and_doubled_verdicts_are_refused(tmp_path):
    (tmp_path / "v.jsonl").write_text('{"task_id": "t"}\n')
    with pytest.raises(UsageError, match="no column 'response_id'"):
        verdicts.read_verdicts(tmp_path / "v.jsonl")
    (tmp_path / "v.jsonl").write_text("[1]\n")
    with pytest.raises(UsageError, match="no table of verdicts"):
        verdicts.read_verdicts(tmp_path / "v.jsonl")
    for nothing in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(UsageError, match="no verdicts at"):
            verdicts.read_verdicts(nothing)
    with pytest.raises(UsageError, match="two verdicts on one criterion"):
        verdicts.by_response(judgement_rows(judged((2, 1, 0, 0)), RUBRIC) * 2)


def test_criteria_are_summed_up_lowest_first_and_a_bad_thing_passes_by_its_absence():
    levels = [(2, 3, 1, 0), (2, 1, 1, 2), (2, None, 0, 0), (1, 3, 0, 0)]
    rows = [row for number, one in enumerate(levels) for row in judgement_rows(judged(one, response_id=str(number)), RUBRIC)]
    found = {row["criterion_key"]: row for row in verdicts.criterion_summary(rows)}
    assert [row["criterion_key"] for row in verdicts.criterion_summary(rows)] == ["c", "b", "a", "d"]
    assert {key: (row["pass_rate"], row["n"], row["ungraded"]) for key, row in found.items()} == {
        "a": (0.75, 4, 0), "b": (pytest.approx(2 / 3), 3, 1), "c": (0.5, 4, 0), "d": (0.75, 4, 0),
    }  # fmt: skip
    assert found["b"]["mean_share"] == pytest.approx((1 + 1 / 3 + 1) / 3) and found["d"]["mean_share"] == 0.25
    assert all(row["ci95_low"] < row["pass_rate"] < row["ci95_high"] for row in found.values())
    silent = verdicts.criterion_summary(judgement_rows(Judgement("t", "r", (), "judge", JudgeFailure.TIMEOUT), RUBRIC))
    assert [(row["pass_rate"], row["n"], row["ungraded"]) for row in silent] == [(None, 0, 1)] * 4


def test_wilson_against_its_published_values():
    # Newcombe 1998, table I, method 3 (score): 81/263, 15/148, 0/20, 1/29.
    for successes, n, low, high in [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]:
        found = wilson(successes, n)
        assert (round(found.low, 4), round(found.high, 4)) == (low, high) and found.mean == successes / n
    for bad in [(2, 1), (-1, 3), (0, 0)]:
        with pytest.raises(ValueError):
            wilson(*bad)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 9), st.sampled_from("abcdef")), min_size=1, max_size=30))
def test_a_bootstrapped_ratio_is_the_ratio_of_sums_within_its_interval(values):
    parts = [share * whole for share, whole, _ in values]
    wholes, clusters = [whole for _, whole, _ in values], [cluster for *_, cluster in values]
    found = ratio_bootstrap(parts, wholes, clusters, seed=1, repeats=200)
    assert found.mean == pytest.approx(sum(parts) / sum(wholes)) and -1e-9 <= found.low <= found.high <= 1 + 1e-9
    assert ratio_bootstrap([0.0] * len(values), [0.0] * len(values), clusters, seed=1) is None


def test_a_response_id_names_its_own_response_only():
    rows = judgement_rows(judged((2, 1, 0, 0)), RUBRIC) + judgement_rows(replace(judged((0, 0, 0, 0)), task_id="u"), RUBRIC)
    assert list(verdicts.by_response(rows)) == [("t", "r"), ("u", "r")]
