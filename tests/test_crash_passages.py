"""The passages stage, killed before any durable step of its own, or at any time, and run again: the same rows."""

import functools
import random
import shutil
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - pyarrow imports it on first use: here once, and not in every child
import pyarrow.parquet as pq
import pytest
from crash_points import chosen, crash, random_kills, steps_of
from test_crash_points import QuickPool, fill

from rubric_factory import warehouse
from rubric_factory.passages import workers
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.stages import Context
from rubric_factory.stages import ingest as ingest_stage
from rubric_factory.stages.passages import TABLES, passages
from rubric_factory.workspace import Workspace

WORDS = tuple(
    f"{first}{second}" for first in ("val", "pum", "sen", "mot", "fil") for second in ("ve", "per", "sor", "ter", "gas", "ration")
)


def prose(number: int) -> str:
    """Some 150 words that hardly any other number shares; 100 + n is a near-copy of n."""
    draw = random.Random(number % 100)
    lines = [" ".join(["The", draw.choice(WORDS), "of the", *draw.sample(WORDS, 6), "is here."]) for _ in range(15)]
    return "\n\n".join([*lines, "It was checked twice."] if number >= 100 else lines)


def context_of(root: Path, name: str, **settings: Any) -> Context:
    made = Settings(
        name="test",
        seed=1,
        author={"type": "extractive"},
        sources=[{"type": "folder", "name": "docs", "path": root / "docs"}],
        extract={"workers": 1, "shard_documents": 4},
        passages={"workers": 1, "min_words": 30, "target_words": 60, "per_document": 2} | settings,
    )
    return Context(made, Workspace(root / name), Progress(quiet=True))


def ingested(root: Path, name: str, numbers: dict[str, int]) -> Context:
    fill(root, {file: prose(number) for file, number in numbers.items()}, {})
    context = context_of(root, name)
    ingest_stage.ingest(context)
    return context


def state(context: Context) -> dict[str, Any]:
    """Rows of the stage's tables, as exported too; prints of all of them, and nothing besides."""
    with warehouse.opened(context.workspace) as house:
        tables = {name: house.table(name) for name in TABLES}
    folder = context.workspace.root / "passages"
    for name, table in tables.items():
        assert table.equals(pq.read_table(context.workspace.tables / f"{name}.parquet")), f"{name} as exported"
    shards = set(tables["passage_measures"]["shard"].to_pylist())
    assert shards == {path.name for path in folder.iterdir()}
    assert all(sorted(path.name for path in (folder / shard).iterdir()) == ["documents.prints", "passages.prints"] for shard in shards)
    assert not [path.name for path in context.workspace.root.rglob("*.part") if path.is_file()]
    return {
        name: [{key: row[key] for key in row if key not in ("shard", "shard_row")} for row in table.to_pylist()]
        for name, table in tables.items()
    }


FIRST = {f"d{number}": number for number in range(8)} | {"e1": 101, "e2": 102}
SECOND = FIRST | {"d0": 20, "e1": 21, "f": 105}
SECOND.pop("d3")


@pytest.fixture
def quick(monkeypatch):
    """No parser processes."""
    monkeypatch.setattr(ingest_stage, "Pool", QuickPool)


def killed_everywhere(before: Context, calm: Context, root: Path, most: int) -> tuple[int, list[str]]:
    """(points tried, all steps) of the stage from `before` on: killed before each, run again, compared with `calm`."""
    shutil.copytree(before.workspace.root, calm.workspace.root)
    steps = steps_of(lambda: passages(calm))
    expected = state(calm)
    points = chosen(steps, most)
    for at in points:
        context = context_of(root, "killed")
        shutil.copytree(before.workspace.root, context.workspace.root)
        assert crash(functools.partial(passages, context), at), at
        passages(context)
        assert state(context) == expected, (at, steps[at - 1])
        shutil.rmtree(context.workspace.root)
    return len(points), steps


def test_every_step_of_a_first_run_is_a_crash_point(tmp_path, quick):
    before = ingested(tmp_path, "before", FIRST)
    tried, steps = killed_everywhere(before, context_of(tmp_path, "calm"), tmp_path, 8)
    assert {"fsync", "rename", "unlink", "commit", "checkpoint"} <= set(steps)
    rows = state(context_of(tmp_path, "calm"))
    assert {"near_duplicate", "over_document_cap"} <= {row["reason"] for row in rows["rejections"] if row["stage"] == "passages"}
    assert tried >= 8


def test_every_step_of_a_run_on_changed_documents_is_a_crash_point(tmp_path, quick):
    before = ingested(tmp_path, "before", FIRST)
    passages(before)
    ingested(tmp_path, "before", SECOND)
    tried, steps = killed_everywhere(before, context_of(tmp_path, "calm"), tmp_path, 6)
    assert tried >= 6 and "commit" in steps


def test_random_kills_with_processes_that_cut(tmp_path, quick, monkeypatch):
    """Workers are killed with their parent, or live on and end by themselves; what they half wrote is made anew."""
    monkeypatch.setattr(workers, "WORTH_PROCESSES", 2)
    before = ingested(tmp_path, "before", FIRST)
    calm, killed = (context_of(tmp_path, name, workers=2) for name in ("calm", "killed"))
    for context in (calm, killed):
        shutil.copytree(before.workspace.root, context.workspace.root)
    passages(calm)
    random_kills(lambda: passages(killed), kills=4, longest=1.5, seed=3)
    passages(killed)
    assert state(killed) == state(calm)
