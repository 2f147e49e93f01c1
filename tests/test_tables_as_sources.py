"""Tables as sources: every row once, bad rows recorded with their position, keys and facts from named columns."""

import base64
import bz2
import csv
import gzip
import json
import struct
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from rubric_factory.errors import ConfigurationError, SourceError, UsageError
from rubric_factory.extract.texts import read_texts
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.settings.local_sources import HuggingFaceSource, TableSource
from rubric_factory.sources.huggingface import HuggingFace
from rubric_factory.sources.protocol import Reader
from rubric_factory.sources.table import Table
from rubric_factory.stages import Context
from rubric_factory.stages.ingest import ingest
from rubric_factory.workspace import Workspace

PROSE = "The valve number {0} is closed when the pressure in the tank exceeds the limit that is set by operator {0}. "
TEXT = {"text": "body"}


def table(path: Path, columns=TEXT, max_bytes: int = 1000, **options) -> Table:
    return Table(TableSource(name="t", path=path, columns=columns, **options), Workspace(path.parent / "none"), max_bytes=max_bytes)


def reasons(source: Reader) -> dict[str, str | None]:
    return {entry.document_key.removeprefix("t/"): entry.problem and entry.problem[0] for entry in source.entries()}


def contents(source: Reader, folder: Path) -> list[bytes]:
    wanted = [entry for entry in source.entries() if entry.problem is None]
    return [Path(made).read_bytes() for _, made in source.materialise(iter(wanted), folder)]


def write_jsonl(path: Path, *rows: object) -> Path:
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows))
    return path


def test_bad_rows_of_jsonl_are_recorded_by_line(tmp_path):
    path = write_jsonl(
        tmp_path / "x.jsonl",
        {"body": "one"},
        "{broken",
        "[1, 2]",
        "",
        {"other": 1},
        {"body": None},
        {"body": 7},
        {"body": ""},
        {"body": "x" * 1001},
        {"body": "y" * 3000},
        {"body": "\ud800"},
        '{"body": "bad \\x escape"}',
        "[" * 5000,
        {"body": "last"},
    )
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes() + b'{"body": "\xff"}\n{"body": "no newline"}')
    found = reasons(table(path, max_row_bytes=2500))
    expected = {
        **{"x.jsonl:1": None, "x.jsonl:2": "invalid_json", "x.jsonl:3": "invalid_json", "x.jsonl:5": "missing_column"},
        **{"x.jsonl:6": "missing_column", "x.jsonl:7": "not_text", "x.jsonl:8": "empty", "x.jsonl:9": "too_large"},
        **{"x.jsonl:10": "too_large", "x.jsonl:11": "not_text", "x.jsonl:12": "invalid_json", "x.jsonl:13": "too_large"},
        **{"x.jsonl:14": None, "x.jsonl:15": "invalid_json", "x.jsonl:16": None},
    }
    assert found == expected
    assert contents(table(path, max_row_bytes=2500), tmp_path / "spool") == [b"one", b"last", b"no newline"]
    assert reasons(table(path, max_row_bytes=10_000))["x.jsonl:13"] == "invalid_json"  # nested deeper than a parser goes


@pytest.mark.parametrize("ending, pack", [("", bytes), (".gz", gzip.compress), (".bz2", bz2.compress)])
def test_compressed_jsonl(tmp_path, ending, pack):
    path = tmp_path / f"x.jsonl{ending}"
    path.write_bytes(pack(b'{"body": "one"}\n{"body": "two"}\n'))
    assert contents(table(path), tmp_path / "spool") == [b"one", b"two"]


def test_a_table_cut_short_or_a_bomb_keeps_what_came_before(tmp_path):
    path = tmp_path / "x.jsonl.gz"
    rows = b"".join(
        json.dumps({"body": base64.b64encode(bytes([n % 251] * 200) + str(n).encode()).decode()}).encode() + b"\n" for n in range(2000)
    )
    path.write_bytes(gzip.compress(rows)[:-200])
    found = list(reasons(table(path)).values())
    assert found[-1] == "damaged" and len(found) > 2 and set(found[:-1]) == {None}
    path.write_bytes(gzip.compress(b'{"body": "one"}\n' + b" " * 40_000_000 + b"\n"))
    assert reasons(table(path, max_ratio=50)) == {"x.jsonl.gz:1": None, "x.jsonl.gz:2": "bomb"}


def test_keys_and_facts_come_from_the_named_columns(tmp_path):
    columns = {"text": "body", "key": "id", "uri": "url", "licence": "lic", "title": "name", "authors": "who", "date": "when", "doi": "doi"}
    path = write_jsonl(
        tmp_path / "x.jsonl",
        {"body": "one", "id": "a #1", "url": "https://x.org/a", "lic": "MIT", "name": "On  valves", "who": ["Ann", "Bob"], "when": 1999},
        {"body": "two", "id": 2, "lic": None, "who": {"no": "name"}},
        {"body": "three", "id": 2},
        {"body": "four"},
        {"body": "five", "id": ""},
        {"body": "six", "id": True},
        {"body": "seven", "id": "x" * 501},
    )
    found = list(table(path, columns, licence="CC-BY-4.0").entries())
    first, second = found[:2]
    assert (first.document_key, first.source_uri, first.licence) == ("t/a %231", "https://x.org/a", "MIT")
    assert (first.metadata.title, first.metadata.authors, first.metadata.date) == ("On valves", "Ann; Bob", "1999")
    assert (second.document_key, second.source_uri, second.licence, second.metadata.authors) == ("t/2", "2", "CC-BY-4.0", "")
    assert [entry.problem and entry.problem[0] for entry in found] == [None, None, "duplicate_key", *["bad_key"] * 4]
    assert len({entry.document_key for entry in found}) == 7


def test_csv_with_its_dialect(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes(b'\xef\xbb\xbfid;body\n1;"one; with ""quotes"" and\na line"\n2;two\n3\n4;a;b\n\n5;caf\xc3\xa9\n6;caf\xe9\n')
    source = table(path, {"text": "body", "key": "id"}, delimiter=";")
    assert reasons(source) == {"1": None, "2": None, "x.csv:3": "invalid_csv", "x.csv:4": "invalid_csv", "5": None, "x.csv:6": "not_text"}
    assert contents(source, tmp_path / "s") == [b'one; with "quotes" and\na line', b"two", "café".encode()]
    path.write_text("id,body\n1,one\n2," + "x" * 5000 + "\n3,three\n")
    assert reasons(table(path, max_row_bytes=2000)) == {"x.csv:1": None, "x.csv:2": "invalid_csv"}


def test_a_named_column_that_no_row_can_have_is_a_mistake_of_the_configuration(tmp_path):
    (tmp_path / "x.csv").write_text("id,text\n1,one\n")
    with pytest.raises(ConfigurationError, match=r"has no column 'body'; expected one of id, text"):
        list(table(tmp_path / "x.csv").entries())
    pq.write_table(pa.table({"text": ["one"]}), tmp_path / "x.parquet")
    with pytest.raises(ConfigurationError, match="has no column 'body'"):
        list(table(tmp_path / "x.parquet").entries())


def test_parquet_streams_and_reads_named_columns_alone(tmp_path):
    path = tmp_path / "x.parquet"
    rows = {"id": [f"k{n}" for n in range(100)], "body": [f"text {n}" for n in range(99)] + [None], "other": [b"x" * 1000] * 100}
    pq.write_table(pa.table(rows), path, row_group_size=30)
    source = table(path, {"text": "body", "key": "id"})
    found = reasons(source)
    assert list(found) == [*rows["id"][:99], "x.parquet:100"] and found["x.parquet:100"] == "missing_column"
    assert contents(source, tmp_path / "s")[7] == b"text 7"
    path.write_bytes(path.read_bytes()[:-20])
    assert reasons(table(path, {"text": "body", "key": "id"})) == {"x.parquet:1": "damaged"}


def test_one_value_in_every_row_of_parquet_is_a_bomb(tmp_path):
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"body": ["x" * 20_000_000] * 16}), path, compression="zstd")
    assert path.stat().st_size < 10_000
    assert reasons(table(path)) == {"x.parquet:1": "bomb"}
    pq.write_table(pa.table({"body": ["x" * 4_000_000] * 16}), path, compression="zstd")
    assert reasons(table(path, max_ratio=3))["x.parquet:1"] == "bomb", "the group is small, its rows are not"


def test_values_of_parquet_that_are_too_long_or_no_text(tmp_path):
    def cells(*values: bytes) -> pa.Array:
        joined = b"".join(values)
        ends = [sum(len(value) for value in values[:n]) for n in range(len(values) + 1)]
        return pa.StringArray.from_buffers(len(values), pa.py_buffer(struct.pack(f"<{len(ends)}i", *ends)), pa.py_buffer(joined))

    values = cells(b"one", b"caf\xe9", b"x" * 3000, b"four")
    pq.write_table(pa.table({"body": values, "day": pa.array([0, 0, 0, 2**30], pa.date32())}), tmp_path / "x.parquet")
    path, names = tmp_path / "x.parquet", {"1": None, "2": "not_text", "3": "too_large", "4": None}
    assert reasons(table(path, max_row_bytes=2000)) == {f"x.parquet:{n}": reason for n, reason in names.items()}
    assert reasons(table(path, {"text": "body", "date": "day"}))["x.parquet:4"] == "unreadable"


def test_bytes_are_files_and_kinds_are_told_or_found(tmp_path):
    pdf = (Path(__file__).parent / "data/documents/r-cran-mcmc_lib_R_site-library_mcmc_doc_temper.pdf").read_bytes()
    pq.write_table(pa.table({"file": [pdf, b"", None]}), tmp_path / "x.parquet")
    source = table(tmp_path / "x.parquet", {"bytes": "file"}, max_bytes=10_000_000)
    assert reasons(source) == {"x.parquet:1": None, "x.parquet:2": "empty", "x.parquet:3": "missing_column"}
    assert contents(source, tmp_path / "s") == [pdf]
    path = write_jsonl(tmp_path / "y.jsonl", {"file": base64.b64encode(b"one").decode()}, {"file": "not base64!"}, {"file": 3})
    source = table(path, {"bytes": "file"}, media_type="text/html")
    assert reasons(source) == {"y.jsonl:1": None, "y.jsonl:2": "not_bytes", "y.jsonl:3": "not_bytes"}
    assert next(source.entries()).media_type == "text/html"


def test_a_folder_of_tables_in_the_order_of_names(tmp_path):
    write_jsonl(tmp_path / "b.jsonl", {"body": "two"})
    write_jsonl(tmp_path / "a.ndjson", {"body": "one"})
    (tmp_path / "readme.md").write_text("no table")
    assert list(reasons(table(tmp_path))) == ["a.ndjson:1", "b.jsonl:1"]
    for path in (tmp_path / "missing", tmp_path / "readme.md"):
        with pytest.raises(UsageError, match="no table at"):
            table(path).check()


def test_one_of_text_and_bytes_is_needed():
    for columns in ({}, {"text": "a", "bytes": "b"}, {"txt": "a"}):
        with pytest.raises(ValidationError):
            TableSource(name="t", path=Path("x.csv"), columns=columns)


def saved(folder: Path, splits: bool = False) -> Path:
    import datasets

    rows = datasets.Dataset.from_dict({"id": ["a", "b", "c"], "body": ["one", None, "three"], "other": [1, 2, 3]})
    (datasets.DatasetDict({"train": rows, "test": rows.select([0])}) if splits else rows).save_to_disk(str(folder))
    return folder


def huggingface(tmp_path: Path, **options) -> HuggingFace:
    source = HuggingFaceSource(name="t", columns={"text": "body", "key": "id"}, **options)
    return HuggingFace(source, Workspace(tmp_path / "w"), max_bytes=1000)


def test_a_saved_dataset(tmp_path, capfd):
    source = huggingface(tmp_path, path=saved(tmp_path / "d"))
    assert reasons(source) == {"a": None, "train:2": "missing_column", "c": None}
    assert contents(source, tmp_path / "s") == [b"one", b"three"]
    source = huggingface(tmp_path, path=saved(tmp_path / "e", splits=True), split="test")
    assert reasons(source) == {"a": None}
    with pytest.raises(UsageError, match="no split 'dev'"):
        reasons(huggingface(tmp_path, path=tmp_path / "e", split="dev"))
    with pytest.raises(SourceError, match="cannot read the dataset"):
        (tmp_path / "f").mkdir()
        reasons(huggingface(tmp_path, path=tmp_path / "f"))


def test_a_saved_dataset_with_bytes_that_are_no_text(tmp_path):
    import datasets

    texts = pa.StringArray.from_buffers(2, pa.py_buffer(struct.pack("<3i", 0, 3, 7)), pa.py_buffer(b"onecaf\xe9"))
    datasets.Dataset(pa.table({"id": ["a", "b"], "body": texts})).save_to_disk(str(tmp_path / "d"))
    assert reasons(huggingface(tmp_path, path=tmp_path / "d")) == {"a": None, "train:2": "not_text"}


def test_a_dataset_is_brought_once_and_kept(tmp_path, monkeypatch):
    """The Hub's own protocol is the library's; here it reads a folder of Parquet files, as it reads a repository."""
    (tmp_path / "repo").mkdir()
    pq.write_table(pa.table({"id": ["a", "b"], "body": ["one", "two"], "other": [1, 2]}), tmp_path / "repo/train-0.parquet")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    wanted = {"dataset": str(tmp_path / "repo"), "revision": "v1"}
    source = huggingface(tmp_path, **wanted)
    assert reasons(source) == {}  # planned before anything was brought: nothing is asked of a network
    source.acquire(Progress(quiet=True))
    (tmp_path / "repo/train-0.parquet").unlink()
    again = huggingface(tmp_path, **wanted)
    again.acquire(Progress(quiet=True))
    assert reasons(again) == {"a": None, "b": None} and contents(again, tmp_path / "s") == [b"one", b"two"]
    assert [path.name[0] for path in (tmp_path / "w/originals/huggingface").iterdir()] != ["."]
    with pytest.raises(SourceError, match="cannot bring"):
        huggingface(tmp_path, dataset=str(tmp_path / "nowhere"), revision="v1").acquire(Progress(quiet=True))
    for options in ({"dataset": "a/b"}, {}, {"dataset": "a/b", "revision": "x", "path": tmp_path}):
        with pytest.raises(ValidationError):
            huggingface(tmp_path, **options)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_a_table_through_the_ingest(tmp_path, kind):
    path = tmp_path / f"x.{kind}"

    def write(*rows: dict[str, str]) -> None:
        if kind == "jsonl":
            write_jsonl(path, *rows)
        elif kind == "csv":
            with path.open("w", newline="") as handle:
                writer = csv.DictWriter(handle, ["id", "body", "title"])
                writer.writeheader()
                writer.writerows(rows)
        else:
            pq.write_table(pa.Table.from_pylist(list(rows)), path)

    rows = [{"id": str(n), "body": PROSE.format(n) * 8, "title": f"Title {n}"} for n in range(4)]
    rows[1]["body"] = f"<p>\n\n{rows[1]['body']}"  # plain text, because the source says so
    write(*rows)
    source = {
        "type": "table",
        "name": "t",
        "path": path,
        "columns": {"text": "body", "key": "id", "title": "title"},
        "media_type": "text/plain",
    }
    settings = Settings(name="t", seed=1, author={"type": "extractive"}, sources=[source], extract={"workers": 1, "shard_documents": 3})
    context = Context(settings, Workspace(tmp_path / "w"), Progress(quiet=True))
    assert (report := ingest(context)).kept == 4, report.rejections
    found = {document.document_key: document for document in read_texts(context.workspace)}
    assert found["t/1"].text.startswith("<p>") and found["t/1"].media_type == "text/plain"
    assert {document.title for document in found.values()} == {f"Title {n}" for n in range(4)}
    rows[2]["title"] = "Another title"
    write(*rows[1:])
    report = ingest(context)
    assert (report.unchanged, report.kept, report.counts["vanished"]) == (2, 1, 1)
    assert {document.title for document in read_texts(context.workspace, {"t/2"})} == {"Another title"}
