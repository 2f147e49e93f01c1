"""Killed at any durable step, or at any time, and run again: the same rows as a run that nobody disturbed."""

import functools
import hashlib
import io
import os
import shutil
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd  # noqa: F401 - pyarrow imports it on first use: here once, and not in every child
import pytest
from crash_points import chosen, crash, random_kills, steps_of

from rubric_factory import warehouse
from rubric_factory.extract.isolation import Job, Outcome
from rubric_factory.extract.texts import read_texts
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.settings.extract import ExtractSettings
from rubric_factory.stages import Context
from rubric_factory.stages import ingest as stage
from rubric_factory.tables import TABLES as ALL_TABLES
from rubric_factory.workspace import Workspace


class QuickPool:
    """Parsers in no process of their own: what is killed here is the parent, and a hundred times."""

    def __init__(self, settings: ExtractSettings) -> None:
        del settings

    def __enter__(self) -> "QuickPool":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        for job in jobs:
            text = Path(job.request["path"]).read_text()
            if text.startswith("refuse"):
                yield Outcome(job.index, 0.0, reply={"refused": ["too_short", text]})
            else:
                yield Outcome(job.index, 0.0, reply=reply_of(text))


def reply_of(text: str) -> dict[str, Any]:
    digest = hashlib.sha256(text.encode()).hexdigest()
    words = {"title": "", "authors": "", "language": "en", "genre": "other", "extractor": "none", "media_type": "text/plain"}
    counts = {"page_starts": [], "sections": [], "words": len(text.split()), "removed_characters": 0, "size_bytes": len(text)}
    return {"document_id": digest, "text": text, **words, **counts}


VOLATILE = ("seconds", "shard")
TABLES = ("entries", "documents", "rejections")


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """No parser processes, and warehouses that are migrated already: copies of one."""
    monkeypatch.setattr(stage, "Pool", QuickPool)
    empty = Workspace(tmp_path / "empty")
    with warehouse.opened(empty):
        pass
    return empty


def context_of(root: Path, workspace: str) -> Context:
    settings = Settings(
        name="test",
        seed=1,
        author={"type": "extractive"},
        sources=[
            {"type": "folder", "name": "docs", "path": root / "docs"},
            {"type": "archive", "name": "packed", "path": root / "packed.tar"},
        ],
        extract={"workers": 1, "shard_documents": 5},
    )
    return Context(settings, Workspace(root / workspace), Progress(quiet=True))


def fill(root: Path, folder: dict[str, str], packed: dict[str, str]) -> None:
    """Make the sources anew; a file that stays the same is not touched."""
    (root / "docs").mkdir(exist_ok=True)
    for path in (root / "docs").iterdir():
        if path.name not in folder:
            path.unlink()
    for name, text in folder.items():
        path = root / "docs" / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    with tarfile.open(root / "packed.tar", "w") as tar:
        for name, text in packed.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))


FIRST: dict[str, Any] = {
    "folder": {"a": "alpha", "b": "beta", "c": "refuse gamma", "d": "", "e": "alpha", "f": "zeta"},
    "packed": {"a": "one", "b": "alpha", "c": "refuse two"},
}
SECOND: dict[str, Any] = {
    "folder": {"0": "alpha", "b": "beta changed", "c": "gamma", "d": "", "e": "alpha", "f": "refuse zeta"},
    "packed": {"a": "one", "c": "refuse two", "d": "four"},
}


def state(context: Context) -> dict[str, Any]:
    """Warehouse, exported tables and texts, without where and how fast a text was made; and that nothing else is left."""
    import pyarrow.parquet as pq

    found: dict[str, Any] = {}
    with warehouse.opened(context.workspace) as house:
        tables = {name: house.table(name) for name in TABLES}
    for name, table in tables.items():
        found[name] = [{key: value for key, value in row.items() if key not in VOLATILE} for row in table.to_pylist()]
        assert table.equals(pq.read_table(context.workspace.tables / f"{name}.parquet")), f"{name} as exported"
    found["texts"] = sorted((document.document_key, document.text) for document in read_texts(context.workspace))
    shards = {row["shard"] for row in tables["documents"].to_pylist()}
    assert {path.name for path in context.workspace.texts.iterdir()} == {f"{shard}.parquet" for shard in shards}
    left = [path.name for path in context.workspace.root.rglob("*") if path.name.endswith((".part", ".journal", ".unfinished"))]
    assert not left and not context.workspace.spool.exists()
    return found


def undisturbed(root: Path) -> dict[str, Any]:
    """What two ingests make, FIRST in `before`, then SECOND in `calm`, a copy of it."""
    fill(root, **FIRST)
    stage.ingest(context_of(root, "before"))
    first = state(context_of(root, "before"))
    shutil.copytree(root / "before", root / "calm")
    fill(root, **SECOND)
    stage.ingest(context_of(root, "calm"))
    return {"first": first, "second": state(context_of(root, "calm"))}


def test_the_harness_counts_and_kills(tmp_path):
    path = tmp_path / "file"

    def action() -> None:
        path.write_text("one")
        path.rename(path.with_name("renamed"))
        with path.with_name("renamed").open() as handle:
            os.fsync(handle.fileno())

    assert steps_of(action) == ["rename", "fsync"]
    assert crash(action, 1) and path.exists()
    assert crash(action, 2) and not path.exists()
    assert not crash(action, 3)


def test_every_step_of_making_a_warehouse_is_a_crash_point(tmp_path):
    def make(at: int) -> None:
        with warehouse.opened(Workspace(tmp_path / str(at))) as house:
            house.export()

    steps = steps_of(lambda: make(0))
    for at in chosen(steps, 8):  # most are migrations, one like the other
        assert crash(functools.partial(make, at), at)
        make(at)
        assert {path.name for path in (tmp_path / str(at) / "tables").glob("*.parquet")} == {f"{name}.parquet" for name in ALL_TABLES}


def test_every_step_of_a_first_ingest_is_a_crash_point(tmp_path, quick):
    fill(tmp_path, **FIRST)
    shutil.copytree(quick.root, tmp_path / "calm")
    steps = steps_of(lambda: stage.ingest(context_of(tmp_path, "calm")))
    expected = state(context_of(tmp_path, "calm"))
    assert {"fsync", "rename", "unlink", "commit", "checkpoint"} <= set(steps)
    for at in range(1, len(steps) + 1):
        context = context_of(tmp_path, f"w{at}")
        shutil.copytree(quick.root, context.workspace.root)
        assert crash(lambda context=context: stage.ingest(context), at), at
        report = stage.ingest(context)
        assert report.documents_seen == report.kept + report.unchanged + sum(report.rejections.values()) == 9, at
        assert state(context) == expected, (at, steps[at - 1])
        shutil.rmtree(context.workspace.root)


def test_steps_of_a_second_ingest_are_crash_points(tmp_path, quick):
    expected = undisturbed(tmp_path)["second"]
    shutil.copytree(tmp_path / "before", tmp_path / "counted")
    steps = steps_of(lambda: stage.ingest(context_of(tmp_path, "counted")))
    for at in chosen(steps, 12):  # a first ingest has them all
        context = context_of(tmp_path, f"w{at}")
        shutil.copytree(tmp_path / "before", context.workspace.root)
        assert crash(lambda context=context: stage.ingest(context), at), at
        stage.ingest(context)
        assert state(context) == expected, (at, steps[at - 1])
        shutil.rmtree(context.workspace.root)


@pytest.mark.parametrize("at", [36, 50, 63])
def test_killed_twice_in_a_row(tmp_path, at, quick):
    fill(tmp_path, **FIRST)
    calm, context = context_of(tmp_path, "calm"), context_of(tmp_path, "w")
    stage.ingest(calm)
    assert crash(lambda: stage.ingest(context), at)
    crash(lambda: stage.ingest(context), at // 2)
    stage.ingest(context)
    assert state(context) == state(calm)


def test_killed_and_then_the_sources_change(tmp_path, quick):
    """A resumed run reads what there is now, whatever the killed one had begun."""
    fill(tmp_path, **SECOND)
    stage.ingest(context_of(tmp_path, "calm"))
    expected = {name: rows for name, rows in state(context_of(tmp_path, "calm")).items() if name in ("texts", "rejections")}
    for at in (35, 45, 55, 65):
        fill(tmp_path, **FIRST)
        context = context_of(tmp_path, f"w{at}")
        crash(lambda context=context: stage.ingest(context), at)
        fill(tmp_path, **SECOND)
        stage.ingest(context)
        found = state(context)
        assert {name for name, _ in found["texts"]} | {row["record_id"] for row in found["rejections"]} == {
            *(name for name, _ in expected["texts"]),
            *(row["record_id"] for row in expected["rejections"]),
        }, at


def test_random_kills(tmp_path):
    """A few here, with real parser processes; benchmarks/crash.py does twenty on real documents."""
    prose = " The valve is closed when the pressure in the tank exceeds the limit that the operator has set." * 8
    fill(tmp_path, *({name: text + prose for name, text in FIRST[part].items()} for part in ("folder", "packed")))
    calm, context = context_of(tmp_path, "calm"), context_of(tmp_path, "w")
    stage.ingest(calm)
    random_kills(lambda: stage.ingest(context), kills=5, longest=2.0, seed=7)
    stage.ingest(context)
    assert state(context) == state(calm)
