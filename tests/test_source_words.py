"""SOURCE arguments: every kind, told or seen from the path; a configured source keeps its terms."""

import zipfile
from pathlib import Path

import pytest

from flows import pipeline
from flows.source_words import source_of
from rubric_factory.errors import UsageError
from rubric_factory.settings import Settings
from rubric_factory.settings.local_sources import Columns

COLUMNS = Columns(text="body")


def settings(*sources: dict) -> Settings:
    return Settings(name="t", seed=1, author={"type": "extractive"}, sources=sources)


@pytest.mark.parametrize(
    "word, kind, name",
    [
        ("folder:papers", "folder", "papers"),
        ("papers", "folder", "papers"),
        ("archive:x.bin", "archive", "x.bin"),
        ("x.tar.gz", "archive", "x.tar.gz"),
        ("x.zip", "archive", "x.zip"),
        ("table:papers", "table", "papers"),
        ("rows.jsonl.gz", "table", "rows.jsonl.gz"),
        ("rows.PARQUET", "table", "rows.PARQUET"),
        ("urls:list.txt", "url_list", "list.txt"),
        ("osti:heat pumps", "osti", "osti"),
        ("s3://bucket/prefix", "object_store", "prefix"),
    ],
)
def test_every_kind(tmp_path, monkeypatch, word, kind, name):
    monkeypatch.chdir(tmp_path)
    Path("papers").mkdir()
    for file in ("x.bin", "x.tar.gz", "x.zip", "rows.jsonl.gz", "rows.PARQUET", "list.txt"):
        Path(file).touch()
    source = source_of(word, settings(), COLUMNS)
    assert (source.type, source.name) == (kind, name)
    if kind in ("folder", "archive", "table", "url_list"):
        assert source.path.is_absolute() and source.path.exists()


def test_a_configured_source_keeps_its_terms(tmp_path):
    rows = {"type": "table", "name": "mine", "path": tmp_path / "rows.csv", "columns": {"text": "t", "key": "k"}, "licence": "MIT"}
    (tmp_path / "rows.csv").touch()
    found = source_of(str(tmp_path / "rows.csv"), settings(rows), None)
    assert (found.name, found.licence, found.columns.key) == ("mine", "MIT", "k")


def test_what_is_no_source(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("notes.doc").touch()
    for word in ("missing", "notes.doc", "missing.zip", "tape:x", "folder:", "s3:bucket", "osti:"):
        with pytest.raises(UsageError, match="unknown source"):
            source_of(word, settings(), COLUMNS)
    Path("rows.csv").touch()
    with pytest.raises(UsageError, match="--text-column or --bytes-column"):
        source_of("rows.csv", settings(), None)


def test_the_command_takes_archives_and_tables(tmp_path, monkeypatch, capsys):
    import json

    from flows import cli

    monkeypatch.chdir(tmp_path)
    Path("pipeline.toml").write_text('name = "t"\nseed = 1\n[author]\ntype = "extractive"\n[extract]\nworkers = 1\n')
    prose = "The valve number {0} is closed when the pressure in the tank exceeds the limit set by operator {0}. "
    with zipfile.ZipFile("x.zip", "w") as archive:
        archive.writestr("a.txt", prose.format(1) * 8)
    Path("rows.csv").write_text(f"id,body\nk1,{prose.format(2) * 8}\nk2,short\n")
    assert cli.run(["ingest", "x.zip", "rows.csv", "--text-column", "body", "--key-column", "id", "--json"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert {name: row[name] for name in ("documents_seen", "kept", "unchanged", "rejections")} == {
        "documents_seen": 3,
        "kept": 2,
        "unchanged": 0,
        "rejections": {"too_short": 1},
    }
    assert row["seconds"] > 0 and row["cpu_seconds"] > 0 and row["peak_rss_mb"] > 0
    assert cli.run(["ingest", "x.zip", "--text-column", "a", "--bytes-column", "b"]) == 2
    assert cli.run(["ingest", "rows.csv"]) == 2 and "--text-column" in capsys.readouterr().err
    assert pipeline.parse_sources([], settings()) == ()
