"""A folder of a hundred hostile inputs of our own making: every one is recorded, within its limits, and the run goes on."""

import re
import sys
import urllib.parse
from pathlib import Path

import hostile_files
import hostile_pdf
import pyarrow.parquet as pq
import pytest

from rubric_factory.extract import isolation
from rubric_factory.extract.isolation import Pool
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.stages import Context
from rubric_factory.stages.ingest import ingest
from rubric_factory.workspace import Workspace

LIMITS = {"workers": 2, "wall_seconds": 10.0, "cpu_seconds": 10, "memory_mb": 400, "min_characters": 100, "max_bytes": 50_000_000}
EXPECTED = hostile_files.EXPECTED | {f"{name}.pdf": reason for name, reason in hostile_pdf.EXPECTED.items()}
PARSERS = {"lxml", "trafilatura", "pypdfium2"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """(report, outcome by name, what the pool said, names in the folder, parsers the parent imported)."""
    root = tmp_path_factory.mktemp("hostile")
    folder = root / "docs"
    folder.mkdir()
    for name, data in hostile_pdf.documents().items():
        (folder / f"{name}.pdf").write_bytes(data)
    names = hostile_files.fill(folder)
    source = {"type": "folder", "name": "docs", "path": folder}
    settings = Settings(name="test", seed=1, author={"type": "extractive"}, sources=[source], extract=LIMITS)
    context, said, real = Context(settings, Workspace(root / "workspace"), Progress(quiet=True)), [], Pool.run

    def noted(self, jobs):
        for outcome in real(self, jobs):
            said.append(outcome)
            yield outcome

    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Pool, "run", noted)
        report = ingest(context)
    imported = {name.partition(".")[0] for name in set(sys.modules) - before}
    found = {}
    for table, key, reason in (("documents", "document_key", None), ("rejections", "record_id", "reason")):
        for row in pq.read_table(context.workspace.tables / f"{table}.parquet").to_pylist():
            if reason or row.get("duplicate_of") is None:
                found[named(row[key])] = row[reason] if reason else "kept"
    return report, found, said, names, imported


def named(key: str) -> str:
    """The name in the folder that a key stands for."""
    return urllib.parse.unquote_to_bytes(key.removeprefix("docs/")).decode("utf-8", "surrogateescape")


def test_every_input_is_recorded_once(hostile):
    report, found, _, names, _ = hostile
    assert len(names) >= 60 and set(found) == names
    assert report.documents_seen == len(names) == report.kept + sum(report.rejections.values())


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_what_comes_of_it(hostile, name):
    assert hostile[1][name] == EXPECTED[name]


def test_nothing_takes_longer_than_its_limit_or_more_memory(hostile):
    said = hostile[2]
    assert len(said) > 60
    for outcome in said:
        assert outcome.seconds <= LIMITS["wall_seconds"] + isolation.GRACE_SECONDS
        assert outcome.peak_mb <= LIMITS["memory_mb"]


def test_what_cost_a_process_is_recorded_with_its_seconds_and_memory(hostile):
    costly = [outcome for outcome in hostile[2] if outcome.refused and outcome.refused[0] in ("timeout", "out_of_memory", "worker_crashed")]
    assert costly
    for outcome in costly:
        assert re.search(r"after \d+\.\d s, peak [1-9]\d* MiB, limit 400 MiB", outcome.refused[1])


def test_the_parent_imports_no_parser(hostile):
    assert not PARSERS & hostile[4]


def test_recipes_are_what_they_say():
    documents = hostile_pdf.documents()
    assert {f"{name}.pdf" for name in documents} | set(hostile_files.contents()) >= {name for name in EXPECTED if name.endswith(".pdf")} - {
        "fifo.pdf",
        "sock.pdf",
        "sparse.pdf",
    }
    assert Path(hostile_pdf.REAL).is_file() and max(map(len, documents.values())) < 10_000_000
