"""Verdicts, whoever left them: read, aggregated again, summed up by criterion. No judge is asked."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import UsageError
from rubric_factory.intervals import wilson
from rubric_factory.records import Category, JudgeFailure
from rubric_factory.reward import Grades, aggregated
from rubric_factory.tables import VERDICTS

Row = dict[str, Any]
# Who answered which task: (task_id, response_id).
ResponseKey = tuple[str, str]
# Where a folder keeps its verdicts: of `judge`, of a training run's rollouts, of an evaluation.
PLACES = ("verdicts.parquet", "verdicts.jsonl", "verdicts", "evaluation_verdicts.parquet")
_NEEDED = ("task_id", "response_id", "criterion_key", "level", "max_level", "weight", "category", "failure")


def verdict_files(path: Path) -> list[Path]:
    """The files of verdicts that a path means: itself, or those of its folder (PLACES), in name order. Errors: UsageError."""
    if path.is_dir():
        path = next((path / name for name in PLACES if (path / name).exists()), path)
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files or not all(file.is_file() for file in files):
        raise UsageError(
            f"no verdicts at {path}",
            expected="a folder of `judge`, of a training run or of an evaluation, or one file of verdicts",
            fix="name the folder or file",
        )
    return files


def _rows(file: Path) -> list[Row]:
    try:
        if file.suffix == ".parquet":
            found: list[Row] = pq.read_table(file).to_pylist()
        else:
            found = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
        for row in found:
            missing = [name for name in _NEEDED if name not in row]
            if missing:
                raise ValueError(f"no column {missing[0]!r}")
            _checked(row)
    except (OSError, ValueError, TypeError, KeyError, AttributeError, pa.ArrowException) as error:
        raise UsageError(
            f"{file} is no table of verdicts: {error}", expected=f"the columns {', '.join(VERDICTS.names)}", fix="grade the answers again"
        ) from None
    return found


def _checked(row: Row) -> None:
    """Errors: ValueError where a row is no verdict, KeyError or TypeError where a value has another type."""
    Category(row["category"])
    if row["failure"] is not None:
        JudgeFailure(row["failure"])
    if row["level"] is not None and not 0 <= row["level"] <= row["max_level"]:
        raise ValueError(f"level {row['level']} of {row['criterion_key']} is not within 0 .. {row['max_level']}")


def read_verdicts(path: Path) -> list[Row]:
    """Rows of VERDICTS in stored order, from a path as verdict_files takes it. Errors: UsageError."""
    return [row for file in verdict_files(path) for row in _rows(file)]


def by_response(rows: Iterable[Row]) -> dict[ResponseKey, list[Row]]:
    """Rows of each response, in stored order. Errors: UsageError where a criterion of one response has two verdicts."""
    found: dict[ResponseKey, list[Row]] = {}
    for row in rows:
        found.setdefault((row["task_id"], row["response_id"]), []).append(row)
    for (task_id, response_id), own in found.items():
        if len({row["criterion_key"] for row in own}) != len(own):
            raise UsageError(
                f"the response {response_id} to {task_id} has two verdicts on one criterion", expected="one", fix="name one file"
            )
    return found


def reward_of_rows(rows: Sequence[Row], aggregation: str) -> float | None:
    """Reward of one response from its stored rows, as reward_of gives it of its judgement: None where any criterion has no grade.

    None too where rows are missing (a part of a rubric would score too high) or disagree on the failure of the response. A file from before
    the column `criteria` cannot say what is missing: see unknown_extent.
    """
    if not rows or any(row["level"] is None for row in rows) or len({row["failure"] for row in rows}) > 1:
        return None
    if not {row.get("criteria") for row in rows} <= {None, len(rows)}:
        return None
    weights, levels, maxima = ([row[name] for row in rows] for name in ("weight", "level", "max_level"))
    grades = Grades.of(weights, levels, maxima, [Category(row["category"]) for row in rows])
    failure = rows[0]["failure"]
    return aggregated(grades, None if failure is None else JudgeFailure(failure), aggregation)


def unknown_extent(groups: Iterable[Sequence[Row]]) -> int:
    """Responses of which nothing says how many rows they should have: graded by an older version, and trusted to be whole."""
    return sum(any(row.get("criteria") is None for row in rows) for rows in groups)


def goodness(row: Row) -> float | None:
    """How far the criterion is as it should be, in [0, 1]: s / s_max, and 1 - s / s_max of a bad thing. None without a grade."""
    if row["level"] is None:
        return None
    share: float = row["level"] / row["max_level"]
    return share if row["weight"] > 0 else 1 - share


def criterion_summary(rows: Iterable[Row]) -> list[Row]:
    """A row a criterion, lowest pass rate first: n, ungraded, agreement, pass_rate with its 95 % interval (Wilson), mean_share.

    Passed: full credit, or, of a bad thing, that it is wholly absent. mean_share: mean of s / s_max. None where nothing is graded.
    agreement: of an ensemble, the mean share of its judges behind each verdict, given or withheld; None of a single judge.
    """
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["task_id"], row["criterion_key"]), []).append(row)
    found = [_criterion(task_id, key, own) for (task_id, key), own in groups.items()]
    return sorted(found, key=lambda row: (row["pass_rate"] is None, row["pass_rate"], row["criterion_key"]))


def _criterion(task_id: str, key: str, rows: Sequence[Row]) -> Row:
    graded = [row for row in rows if row["level"] is not None]
    row = {"task_id": task_id, "criterion_key": key, **{name: rows[0][name] for name in ("category", "weight", "max_level")}}
    row |= {"n": len(graded), "ungraded": len(rows) - len(graded), "agreement": _mean_agreement(rows)}
    if not graded:
        return {**row, "pass_rate": None, "ci95_low": None, "ci95_high": None, "mean_share": None}
    rate = wilson(sum(goodness(one) == 1.0 for one in graded), len(graded))
    share = sum(one["level"] / one["max_level"] for one in graded) / len(graded)
    return {**row, "pass_rate": rate.mean, "ci95_low": rate.low, "ci95_high": rate.high, "mean_share": share}


def _mean_agreement(rows: Iterable[Row]) -> float | None:
    found = [row["agreement"] for row in rows if row.get("agreement") is not None]
    return sum(found) / len(found) if found else None


def agreement_summary(rows: Iterable[Row]) -> Row | None:
    """How far the judges of an ensemble agree; None where the verdicts are a single judge's.

    verdicts: criteria that were combined; agreement: their mean share of judges behind the verdict; withheld: without a level, because too
    few agreed or none gave one; judges: by identity, {votes: levels it gave, with: share of the combined verdicts that it gave, too}.
    """
    combined = [row for row in rows if row.get("agreement") is not None]
    if not combined:
        return None
    judges: dict[str, Row] = {}
    for row in combined:
        for vote in row["votes"]:
            own = judges.setdefault(vote["judge"], {"votes": 0, "with": 0, "of": 0})
            own["votes"] += vote["level"] is not None
            own["of"] += row["level"] is not None
            own["with"] += row["level"] is not None and vote["level"] == row["level"]
    shares = {name: {"votes": own["votes"], "with": own["with"] / own["of"] if own["of"] else None} for name, own in judges.items()}
    withheld = sum(row["level"] is None for row in combined)
    return {"verdicts": len(combined), "agreement": _mean_agreement(combined), "withheld": withheld, "judges": shares}
