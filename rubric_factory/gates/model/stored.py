"""Gradings of former runs, from the table of verdicts that they left: what was graded once is not graded again.

A response_id is `<kind>/<key>`, where the key stands for judge, task and answer together: another judge, another task or another answer
has another key, and is found by nobody. Thresholds are in no key.
"""

from collections.abc import Iterator, Set
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rubric_factory.records import Task, content_id
from rubric_factory.tables import VERDICTS
from rubric_factory.verdicts.stored import reward_of_rows

_NEEDED = ["response_id", "level", "max_level", "weight", "category", "failure", "criteria"]


def response_id(kind: str, grading: dict[str, Any], task: Task, answer: str) -> str:
    """Name of one grading. grading: what decides the judge's verdicts; answer: its text, or what names it."""
    keys = [criterion.criterion_key for criterion in task.rubric.criteria]  # a renamed task's verdicts stand under other keys
    return f"{kind}/{content_id('graded', grading, task.task_id, keys, answer)[:32]}"


class Stored:
    """rewards: response_id -> canonical reward, of graded responses only: what has no grade is asked again. path: may not exist."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.rewards = dict(_rewards(path)) if path.exists() else {}
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError):
            self.rewards = {}  # damaged: graded anew

    def copy(self, kept: Set[str], writer: pq.ParquetWriter) -> None:
        """Write the rows of these responses."""
        if not kept:
            return
        names = pa.array(sorted(kept), pa.string())
        for batch in pq.ParquetFile(self._path).iter_batches():
            rows = pa.Table.from_batches([batch])
            for field in VERDICTS:
                if field.name not in rows.column_names:  # written before there was such a column
                    rows = rows.append_column(field, pa.nulls(len(rows), field.type))
            rows = rows.select(VERDICTS.names).cast(VERDICTS)
            writer.write_table(rows.filter(pc.is_in(rows["response_id"], names)))


def _rewards(path: Path) -> Iterator[tuple[str, float]]:
    # Rows of a response stand together, as they were written.
    batches = pq.ParquetFile(path).iter_batches(batch_size=10_000, columns=_NEEDED)
    rows = (row for batch in batches for row in batch.to_pylist())
    for name, own in groupby(rows, key=lambda row: str(row["response_id"])):
        reward = reward_of_rows(list(own), "canonical")
        if reward is not None:
            yield name, reward
