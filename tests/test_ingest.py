"""The ingest stage: every entry accounted for, the same rows whatever the history of runs, nothing opened twice."""

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from rubric_factory import warehouse
from rubric_factory.errors import UsageError, WorkspaceError
from rubric_factory.extract.isolation import Pool
from rubric_factory.extract.texts import read_texts
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.settings.sources import FolderSource
from rubric_factory.stages import Context
from rubric_factory.stages.ingest import finish, ingest, ingest_shards, plan
from rubric_factory.tables import TEXTS, document_from_row, document_to_row
from rubric_factory.workspace import Workspace

DOCUMENTS = Path(__file__).parent / "data" / "documents"
PROSE = "The valve number {0} is closed when the pressure in the tank exceeds the limit that is set by operator {0}. "
VOLATILE = ("seconds", "shard")


def make(root: Path, workspace: str = "workspace", **extract) -> Context:
    settings = Settings(
        name="test",
        seed=1,
        author={"type": "extractive"},
        sources=[{"type": "folder", "name": "docs", "path": root / "docs"}],
        extract={"workers": 1, **extract},
    )
    return Context(settings, Workspace(root / workspace), Progress(quiet=True))


def write(root: Path, *names: str, word: str = "") -> None:
    for name in names:
        path = root / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PROSE.format(word or name) * 8)


def rows(context: Context) -> dict[str, list[dict]]:
    """The exported tables, without where and how fast a text was made."""
    found = {}
    for name in ("documents", "rejections", "entries"):
        table = pq.read_table(context.workspace.tables / f"{name}.parquet").to_pylist()
        found[name] = [{key: value for key, value in row.items() if key not in VOLATILE} for row in table]
    found["texts"] = sorted((document.document_key, document.text) for document in read_texts(context.workspace))
    return found


@pytest.fixture
def opened(monkeypatch):
    """Paths of all documents that were handed to a parser process."""
    paths: list[str] = []
    real = Pool.run

    def spy(self, jobs):
        def noted():
            for job in jobs:
                paths.append(Path(job.request["path"]).name)
                yield job

        return real(self, noted())

    monkeypatch.setattr(Pool, "run", spy)
    return paths


def test_every_entry_is_accounted_for_and_unchanged_ones_stay_closed(tmp_path, opened):
    write(tmp_path, "a.txt", "sub/b.txt")
    (tmp_path / "docs/c.bin").write_bytes(b"\0\1\2" * 200)
    (tmp_path / "docs/d.txt").write_text("short")
    (tmp_path / "docs/loop").symlink_to(".")
    shutil.copy(tmp_path / "docs/a.txt", tmp_path / "docs/z.txt")
    context = make(tmp_path)
    report = ingest(context)
    assert report.rejections == {"exact_duplicate": 1, "symlink": 1, "too_short": 1, "unsupported": 1}
    assert (report.documents_seen, report.kept, report.unchanged) == (6, 2, 0)
    assert report.kept + report.unchanged + sum(report.rejections.values()) == report.documents_seen
    assert report.cpu_seconds > 0 and report.peak_rss_mb > 0
    assert sorted(opened) == ["a.txt", "b.txt", "c.bin", "d.txt", "z.txt"]
    before = rows(context)
    opened.clear()
    again = ingest(context)
    assert opened == [] and (again.unchanged, again.kept, again.rejections, again.counts["documents"]) == (6, 0, {}, 2)
    assert rows(context) == before


def test_only_what_changed_is_opened(tmp_path, opened):
    write(tmp_path, "a.txt", "b.txt", "c.txt")
    ingest(make(tmp_path))
    opened.clear()
    write(tmp_path, "b.txt", word="changed")
    (tmp_path / "docs/c.txt").unlink()
    report = ingest(make(tmp_path))
    assert opened == ["b.txt"] and (report.unchanged, report.kept, report.counts["vanished"]) == (1, 1, 1)
    fresh = make(tmp_path, "fresh")
    ingest(fresh)
    assert rows(make(tmp_path)) == rows(fresh)


def test_an_edit_that_keeps_size_and_time_is_seen(tmp_path, opened):
    write(tmp_path, "a.txt", "b.txt", word="seven")
    context, path = make(tmp_path), tmp_path / "docs/b.txt"
    ingest(context)
    before = path.stat()
    path.write_text(path.read_text().replace("seven", "eight"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    opened.clear()
    assert (ingest(context).unchanged, opened) == (1, ["b.txt"])
    assert "eight" in dict(rows(context)["texts"])["docs/b.txt"]


def test_settings_that_change_the_text_open_all_and_others_none(tmp_path, opened):
    write(tmp_path, "a.txt")
    ingest(make(tmp_path))
    opened.clear()
    ingest(make(tmp_path, workers=2, shard_documents=7, recycle_documents=3))
    assert opened == []
    assert ingest(make(tmp_path, min_characters=5000)).rejections == {"too_short": 1}
    assert opened == ["a.txt"]


def test_rows_do_not_depend_on_history_or_shard_size(tmp_path):
    names = [f"{n}.txt" for n in range(7)]
    write(tmp_path, *names, "x.txt", word="same")
    write(tmp_path, *names[2:])
    ingest(make(tmp_path, shard_documents=2))
    (tmp_path / "docs/x.txt").rename(tmp_path / "docs/y.txt")
    (tmp_path / "docs/0.txt").unlink()
    ingest(make(tmp_path, shard_documents=3))
    fresh = make(tmp_path, "fresh", workers=2)
    ingest(fresh)
    found = rows(make(tmp_path))
    assert found == rows(fresh)
    duplicates = [(row["document_key"], row["duplicate_of"]) for row in found["documents"] if row["duplicate_of"]]
    assert duplicates == [("docs/y.txt", "docs/1.txt")]
    assert len(found["texts"]) == 6


def duplicates(context: Context) -> dict[str, str]:
    return {row["document_key"]: row["duplicate_of"] for row in rows(context)["documents"] if row["duplicate_of"]}


def test_the_older_of_two_copies_stays_whatever_their_names(tmp_path):
    context = make(tmp_path)
    write(tmp_path, "m.txt", "n.txt", word="same")
    ingest(context)
    assert duplicates(context) == {"docs/n.txt": "docs/m.txt"}
    write(tmp_path, "a.txt", word="same")
    report = ingest(context)
    assert (report.kept, report.rejections, report.unchanged) == (0, {"exact_duplicate": 1}, 2)
    assert duplicates(context) == {"docs/a.txt": "docs/m.txt", "docs/n.txt": "docs/m.txt"}
    write(tmp_path, "m.txt", word="same")  # written anew, with the same bytes
    ingest(context)
    assert duplicates(context) == {"docs/a.txt": "docs/m.txt", "docs/n.txt": "docs/m.txt"}
    (tmp_path / "docs/m.txt").unlink()
    write(tmp_path, "0.txt", word="same")
    ingest(context)
    assert duplicates(context) == {"docs/0.txt": "docs/a.txt", "docs/n.txt": "docs/a.txt"}
    write(tmp_path, "a.txt", word="another")
    ingest(context)
    assert duplicates(context) == {"docs/n.txt": "docs/0.txt"}  # of two older copies the first key


def test_nobody_reads_a_copy_before_an_ingest_has_ended(tmp_path):
    context = make(tmp_path)
    write(tmp_path, "a.txt", "b.txt", word="same")
    list(ingest_shards(context, plan(context).shards))
    with warehouse.opened(context.workspace) as house:
        assert house.rows("ingest_kept") == [{"documents": 0}]
    assert ingest(context).counts["documents"] == 1


def test_a_duplicate_steps_up_when_the_first_vanishes(tmp_path, opened):
    write(tmp_path, "a.txt", "b.txt", word="same")
    assert ingest(make(tmp_path)).rejections == {"exact_duplicate": 1}
    (tmp_path / "docs/a.txt").unlink()
    opened.clear()
    report = ingest(make(tmp_path))
    assert (report.counts["documents"], report.unchanged, report.rejections, opened) == (1, 1, {}, [])
    assert [document.document_key for document in read_texts(make(tmp_path).workspace)] == ["docs/b.txt"]


def test_refused_and_kept_change_places(tmp_path):
    write(tmp_path, "a.txt")
    (tmp_path / "docs/b.txt").write_text("short")
    context = make(tmp_path)
    ingest(context)
    (tmp_path / "docs/a.txt").write_text("brief")
    write(tmp_path, "b.txt")
    ingest(context)
    found = rows(context)
    assert [row["document_key"] for row in found["documents"]] == ["docs/b.txt"]
    assert [row["record_id"] for row in found["rejections"]] == ["docs/a.txt"]


@pytest.mark.parametrize("stop_at", [1, 2, 4, 5])
def test_an_interrupted_run_continues(tmp_path, monkeypatch, stop_at, opened):
    write(tmp_path, *(f"{n}.txt" for n in range(5)))
    context = make(tmp_path, shard_documents=4)
    done = 0

    def interrupt(step, count=1):
        nonlocal done
        done += count
        if count and done >= stop_at:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("rubric_factory.progress.Step.advance", interrupt)
        ingest(context)
    opened.clear()
    report = ingest(context)
    # Outcomes are noted before they are counted: what was finished is not opened again.
    assert len(opened) == 5 - stop_at and report.counts["documents"] == report.kept + report.unchanged == 5
    fresh = make(tmp_path, "fresh")
    ingest(fresh)
    assert rows(context) == rows(fresh)
    assert {path.suffix for path in context.workspace.texts.iterdir()} == {".parquet"}


def test_a_torn_journal_line_costs_that_line(tmp_path, opened):
    write(tmp_path, "a.txt", "b.txt")
    context = make(tmp_path)
    todo = plan(context)
    list(ingest_shards(context, todo.shards))
    shard = next(context.workspace.texts.glob("*.parquet"))
    kept = pq.read_table(shard).to_pylist()
    shard.unlink()
    reply = {**kept[0], "sections": kept[0]["sections"]}
    line = json.dumps({"index": 0, "seconds": 1.0, "reply": reply, "refused": None})
    shard.with_suffix(".journal").write_text(line + "\n" + line.replace('"index": 0', '"index": 1')[:99])
    opened.clear()
    ingest(context)
    assert opened == ["b.txt"] and len(rows(context)["texts"]) == 2


def test_a_complete_shard_is_reused_and_a_damaged_or_lost_one_made_again(tmp_path, opened):
    write(tmp_path, "a.txt")
    context = make(tmp_path)
    todo = plan(context)
    assert dict(ingest_shards(context, todo.shards)) == {todo.shards[0].name: {"kept": 1, "refused": 0}}
    opened.clear()
    ingest(context)
    assert opened == []
    shard = next(context.workspace.texts.glob("*.parquet"))
    shard.unlink()
    ingest(context)
    assert opened == ["a.txt"] and len(rows(context)["texts"]) == 1
    fresh = make(tmp_path, "fresh")
    fresh.workspace.texts.mkdir(parents=True)
    (fresh.workspace.texts / shard.name).write_bytes(b"PAR1 torn")
    ingest(fresh)
    assert rows(fresh) == rows(context)


def test_plan_shards_finish_compose_to_ingest(tmp_path):
    write(tmp_path, *(f"{n}.txt" for n in range(5)))
    flow = make(tmp_path, "flow", shard_documents=2)
    todo = plan(flow)
    assert [len(shard.entries) for shard in todo.shards] == [2, 2, 1]
    for shard in reversed(todo.shards):
        list(ingest_shards(flow, [shard]))
    counts, rejections = finish(flow, todo)
    assert (counts["kept"], rejections) == (5, {})
    whole = make(tmp_path, "whole")
    ingest(whole)
    assert rows(flow) == rows(whole)


def test_a_limit_reads_the_first_entries_and_loses_none(tmp_path, opened):
    write(tmp_path, *(f"{n}.txt" for n in range(5)))
    context = make(tmp_path)
    todo = plan(context, limit=2)
    list(ingest_shards(context, todo.shards))
    counts, _ = finish(context, todo)
    assert opened == ["0.txt", "1.txt"]
    assert (counts["documents_seen"], counts["kept"], counts["waiting"]) == (5, 2, 3)
    assert ingest(context).kept == 3
    counts, _ = finish(context, plan(context, limit=1))
    assert (counts["documents"], counts["unchanged"]) == (5, 5)


def test_a_full_disk_is_told_and_a_run_continues(tmp_path, monkeypatch):
    write(tmp_path, "a.txt")
    context = make(tmp_path)
    with monkeypatch.context() as patch:

        def full(*_, **__):
            raise OSError(28, "No space left on device")

        patch.setattr(pq.ParquetWriter, "write_table", full)
        with pytest.raises(WorkspaceError, match="no space left"):
            ingest(context)
    assert ingest(context).kept == 1


def test_bad_sources_are_told(tmp_path):
    (tmp_path / "docs").mkdir()
    with pytest.raises(UsageError, match="empty corpus"):
        ingest(make(tmp_path))
    write(tmp_path, "a.txt")
    source = FolderSource(name="docs", path=tmp_path / "docs")
    with pytest.raises(UsageError, match="two sources are named docs"):
        ingest(make(tmp_path), [source, source])
    with pytest.raises(UsageError, match="lies in the source"):
        ingest(make(tmp_path, "docs/workspace"))
    assert ingest(make(tmp_path), [source.model_copy(update={"name": "other"})]).kept == 1


def test_documents_survive_the_round_trip(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("r-cran-mcmc_lib_R_site-library_mcmc_doc_temper.pdf", "sqlite3-doc_sqlite3_lang_savepoint.html"):
        shutil.copy(DOCUMENTS / name, tmp_path / "docs")
    context = make(tmp_path)
    ingest(context)
    pdf, html = read_texts(context.workspace)
    assert (pdf.media_type, html.media_type) == ("application/pdf", "text/html")
    assert len(pdf.page_starts) == 6 and html.page_starts == ()
    assert pdf.page_starts[0] == 0 and pdf.page_starts[-1] < len(pdf.text)
    for document in (pdf, html):
        assert document.sections and all(document.text.startswith(s.title, s.start) for s in document.sections)
        row = document_to_row(document, words=1, removed_characters=0, settings_digest="", shard="", seconds=0.0)
        assert sorted(row) == sorted(TEXTS.names) and document_from_row(row) == document
    assert [d.document_key for d in read_texts(context.workspace, {html.document_key})] == [html.document_key]
    with warehouse.opened(context.workspace) as house:
        assert house.count("documents") == 2
