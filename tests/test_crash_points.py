"""Killed at any durable step, or at any time, and run again: the same rows as a run that nobody disturbed."""

import functools
import io
import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from crash_points import crash, random_kills, steps_of

from rubric_factory import warehouse
from rubric_factory.extract.isolation import Pool
from rubric_factory.extract.texts import read_texts
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.stages import Context
from rubric_factory.stages import ingest as stage
from rubric_factory.workspace import Workspace

# The real serve loop and limits around a parser that starts in no time.
PARSER = """
import hashlib, sys
from rubric_factory.extract.result import Refused
from rubric_factory.extract.worker import serve
def parse(data, request):
    text = data.decode()
    if text.startswith("refuse"): raise Refused("too_short", text)
    return {"document_id": hashlib.sha256(data).hexdigest(), "media_type": "text/plain", "size_bytes": len(data), "text": text,
            "title": "", "authors": "", "language": "en", "genre": "other", "extractor": "none", "page_starts": [], "sections": [],
            "words": len(text.split()), "removed_characters": 0}
sys.exit(serve(lambda: parse))
"""
VOLATILE = ("seconds", "shard")
TABLES = ("entries", "documents", "rejections")


@pytest.fixture(autouse=True)
def quick_parser(monkeypatch):
    monkeypatch.setattr(stage, "Pool", functools.partial(Pool, command=(sys.executable, "-c", PARSER)))


def context_of(root: Path, workspace: str) -> Context:
    settings = Settings(
        name="test",
        seed=1,
        author={"type": "extractive"},
        sources=[
            {"type": "folder", "name": "docs", "path": root / "docs"},
            {"type": "archive", "name": "packed", "path": root / "packed.tar"},
        ],
        extract={"workers": 1, "shard_documents": 3},
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


def test_every_step_of_a_first_ingest_is_a_crash_point(tmp_path):
    fill(tmp_path, **FIRST)
    steps = steps_of(lambda: stage.ingest(context_of(tmp_path, "calm")))
    expected = state(context_of(tmp_path, "calm"))
    assert {"fsync", "rename", "unlink", "commit", "checkpoint"} <= set(steps)
    for at in range(1, len(steps) + 1):
        context = context_of(tmp_path, f"w{at}")
        assert crash(lambda context=context: stage.ingest(context), at), at
        report = stage.ingest(context)
        assert report.documents_seen == report.kept + report.unchanged + sum(report.rejections.values()) == 9, at
        assert state(context) == expected, (at, steps[at - 1])
        shutil.rmtree(context.workspace.root)


def test_every_step_of_a_second_ingest_is_a_crash_point(tmp_path):
    expected = undisturbed(tmp_path)["second"]
    shutil.copytree(tmp_path / "before", tmp_path / "counted")
    steps = steps_of(lambda: stage.ingest(context_of(tmp_path, "counted")))
    for at in range(1, len(steps) + 1):
        context = context_of(tmp_path, f"w{at}")
        shutil.copytree(tmp_path / "before", context.workspace.root)
        assert crash(lambda context=context: stage.ingest(context), at), at
        stage.ingest(context)
        assert state(context) == expected, (at, steps[at - 1])
        shutil.rmtree(context.workspace.root)


@pytest.mark.parametrize("at", [6, 20, 33])
def test_killed_twice_in_a_row(tmp_path, at):
    fill(tmp_path, **FIRST)
    calm, context = context_of(tmp_path, "calm"), context_of(tmp_path, "w")
    stage.ingest(calm)
    assert crash(lambda: stage.ingest(context), at)
    crash(lambda: stage.ingest(context), at // 2)
    stage.ingest(context)
    assert state(context) == state(calm)


def test_killed_and_then_the_sources_change(tmp_path):
    """A resumed run reads what there is now, whatever the killed one had begun."""
    fill(tmp_path, **SECOND)
    stage.ingest(context_of(tmp_path, "calm"))
    expected = {name: rows for name, rows in state(context_of(tmp_path, "calm")).items() if name in ("texts", "rejections")}
    for at in (5, 15, 25, 35):
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
    """A few here; benchmarks/crash.py does twenty on real documents."""
    fill(tmp_path, **FIRST)
    calm, context = context_of(tmp_path, "calm"), context_of(tmp_path, "w")
    stage.ingest(calm)
    random_kills(lambda: stage.ingest(context), kills=6, longest=0.5, seed=7)
    stage.ingest(context)
    assert state(context) == state(calm)
