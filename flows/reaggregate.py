"""Rewards of stored verdicts under any aggregation, without a call: `judge --reaggregate`."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.errors import UsageError
from rubric_factory.intervals import cluster_bootstrap
from rubric_factory.records import content_id
from rubric_factory.verdicts.stored import ResponseKey, by_response, read_verdicts, reward_of_rows, unknown_extent, verdict_files
from rubric_factory.workspace import Workspace, write_text

Row = dict[str, Any]
# The table of responses that lies beside a file of verdicts, by that file's name: arm, document_key, and the reward as it was stored.
BESIDE = {"verdicts.parquet": "tasks.parquet", "verdicts.jsonl": "tasks.parquet", "evaluation_verdicts.parquet": "evaluation.parquet",
          "rl_tasks_verdicts.parquet": "rl_tasks.parquet"}  # fmt: skip
ALL = "all"


def _beside(file: Path, responses: int) -> list[Row]:
    """One row a response, in the order of the verdicts: what is known of it. Errors: UsageError where the table is of other answers."""
    path = file.parent.parent / "rollouts" / file.name if file.parent.name == "verdicts" else file.parent / BESIDE.get(file.name, "")
    if not path.is_file():
        return [{}] * responses
    try:
        rows: list[Row] = pq.read_table(path).to_pylist()
    except pa.ArrowException as error:
        raise UsageError(f"{path} cannot be read: {error}", expected="the table as it was written") from None
    if len(rows) != responses:
        raise UsageError(f"{path} has {len(rows)} responses, {file} {responses}", expected="two tables of the same answers")
    return rows


def _figure(rewards: Sequence[float | None], clusters: Sequence[str], seed: int) -> Row:
    graded = [(reward, cluster) for reward, cluster in zip(rewards, clusters, strict=True) if reward is not None]
    if not graded:
        return {"mean": None, "ci95_low": None, "ci95_high": None, "n": 0, "ungraded": len(rewards)}
    found = cluster_bootstrap([reward for reward, _ in graded], [cluster for _, cluster in graded], seed=seed)
    return {"mean": found.mean, "ci95_low": found.low, "ci95_high": found.high, "n": found.n, "ungraded": len(rewards) - len(graded)}


def _rewards(path: Path, names: Sequence[str]) -> list[Row]:
    """One row a response: task_id, response_id, arm, document_key ('' where no table beside knows it), rewards by aggregation."""
    found: list[Row] = []
    seen: set[ResponseKey] = set()
    for file in verdict_files(path):
        groups = by_response(read_verdicts(file))
        for (key, rows), known in zip(groups.items(), _beside(file, len(groups)), strict=True):
            # Under permuted rubrics the verdicts name the task that graded, the rollouts the one that was asked.
            name, own = ("response_id", key[1]) if "response_id" in known else ("task_id", key[0])
            if key in seen or known.get(name, own) != own:
                raise UsageError(f"{file} has the response {key[1]} to {key[0]} twice, or beside another", expected="one table of answers")
            seen.add(key)
            rewards = {name: reward_of_rows(rows, name) for name in names}
            row = {"task_id": key[0], "response_id": key[1], "arm": known.get("arm", ALL), "document_key": known.get("document_key", "")}
            row["extent_unknown"] = bool(unknown_extent([rows]))
            found.append({**row, "rewards": rewards})
    return found


def reaggregate(path: Path, names: Sequence[str], workspace: Workspace, out: Path | None, seed: int) -> Row:
    """Mean reward a aggregation and arm with a 95 % interval by bootstrap (over documents where they are known, else tasks).

    Writes rewards.jsonl, a row a response, and summary.json. Errors: UsageError where path holds no verdicts.
    """
    rows = _rewards(path, names)
    if not rows:
        raise UsageError(f"{path} holds no verdict", expected="at least one")
    unit = "document" if all(row["document_key"] for row in rows) else "task"
    arms: dict[str, list[Row]] = {}
    for row in rows:
        arms.setdefault(row["arm"], []).append(row)
    figures = {
        name: {
            arm: _figure(
                [row["rewards"][name] for row in own], [row["document_key"] if unit == "document" else row["task_id"] for row in own], seed
            )
            for arm, own in sorted(arms.items())
        }
        for name in names
    }
    summary: Row = {"verdicts": str(path), "responses": len(rows), "intervals_over": unit, "aggregations": figures}
    summary["extent_unknown"] = sum(row["extent_unknown"] for row in rows)
    place = out or workspace.reports / f"reaggregated-{content_id('reaggregated', str(path.resolve()), list(names))[:12]}"
    write_text(place / "rewards.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    write_text(place / "summary.json", json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return {**summary, "folder": str(place)}
