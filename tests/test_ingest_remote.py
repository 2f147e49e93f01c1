"""Remote sources through the whole of ingest: the command, its limit, its account, and a plan that asks nobody."""

import json

import pyarrow.parquet as pq
import pytest
from conftest import ROOT
from fetch_server import FetchServer, Records, document, status

from flows.cli import run
from rubric_factory.settings import load_settings

TEXT = (
    "The creep rupture strength of the alloy was measured at three temperatures. Every specimen was held under constant load until it "
    "broke, and the time to rupture was written down. At the highest temperature the grain boundaries opened first. "
)


@pytest.fixture(scope="module")
def server():
    made = FetchServer()
    yield made
    made.close()


def page(number):
    """An HTML page with a text of its own."""
    paragraphs = "".join(f"<p>Section {number} part {part}. {TEXT}</p>" for part in range(4))
    return document(
        f"<html><head><title>Page {number}</title></head><body><h1>Page {number}</h1>{paragraphs}</body></html>".encode(), "text/html"
    )


@pytest.fixture
def configured(server, tmp_path, monkeypatch):
    """A configuration with a list of URLs; the folder that commands run in."""
    server.paths.clear()
    server.forget()
    server.paths |= {f"/{n}": page(n) for n in range(4)} | {"/busy": status(403)}
    (tmp_path / "urls.txt").write_text("\n".join([*(server.url(f"/{n}") for n in range(4)), server.url("/busy"), "ftp://x/"]))
    (tmp_path / "pipeline.toml").write_text(
        """
name = "remote"
seed = 1
[author]
type = "extractive"
[extract]
workers = 1
[[sources]]
type = "url_list"
name = "web"
path = "urls.txt"
licence = "CC-BY-4.0"
network = { allow_addresses = ["127.0.0.1/32"], host_seconds = 0, retries = 0 }
"""
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ingest(capsys, *arguments):
    code = run(["ingest", "--json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def test_the_paths_of_a_list_are_relative_to_the_configuration(configured):
    assert load_settings(configured / "pipeline.toml").sources[0].path == configured / "urls.txt"


def test_ingest_fetches_reads_and_accounts_for_every_url(configured, server, capsys):
    code, row = ingest(capsys)
    assert code == 0
    assert (row["documents_seen"], row["kept"], row["unchanged"]) == (6, 4, 0)
    assert row["rejections"] == {"bad_url": 1, "http_status": 1}
    code, row = ingest(capsys)
    assert (code, row["documents_seen"], row["kept"], row["unchanged"]) == (0, 6, 0, 6)
    server.paths["/2"] = page(22)
    server.paths["/3"] = status(404)
    _, row = ingest(capsys)
    assert (row["kept"], row["unchanged"], row["rejections"]) == (1, 4, {"http_status": 1})


def test_a_limit_fetches_and_reads_the_first_alone(configured, server, capsys):
    _, row = ingest(capsys, "--limit", "3")
    asked = server.documents_asked()
    assert row["documents_seen"] == 6 and row["waiting"] == 3 and row["kept"] + sum(row["rejections"].values()) == 3
    assert sum(asked.values()) == 2, "the first in key order is no URL that can be asked for"
    _, row = ingest(capsys)
    assert row["kept"] == 2 and sum(server.documents_asked().values()) == 5


def test_a_dry_run_asks_nobody_makes_nothing_and_counts_what_is_to_be_fetched(configured, server, capsys):
    assert run(["rebuild", "--dry-run", "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["documents_seen"] == 6 and row["documents_to_fetch"] == 5
    assert not server.asked and not (configured / "workspace").exists()


def test_osti_from_the_command_line_to_documents_with_metadata(configured, server, capsys):
    (configured / "urls.txt").unlink()
    records = []
    report = min((ROOT / "tests" / "data" / "documents").glob("*.pdf"), key=lambda path: path.stat().st_size).read_bytes()
    for number in range(1, 4):
        body = report if number == 1 else b"%PDF-1.4 damaged beyond repair"
        server.paths[f"/purl/{number}"] = document(body, "application/pdf")
        links = [{"rel": "fulltext", "href": server.url(f"/purl/{number}")}]
        records.append({"osti_id": str(number), "title": f"Report {number}", "doi": "10.2172/1", "links": links})
    server.paths["/api/v1/records"] = Records(records)
    toml = (configured / "pipeline.toml").read_text().partition("[[sources]]")[0]
    (configured / "pipeline.toml").write_text(
        toml
        + f"""
[[sources]]
type = "osti"
name = "reports"
query = "creep rupture"
base_url = "{server.url("/api/v1/records")}"
network = {{ allow_addresses = ["127.0.0.1/32"], host_seconds = 0 }}
"""
    )
    assert run(["rebuild", "--dry-run"]) == 2, "nothing is listed yet"
    assert "`ingest`, which alone asks a network" in capsys.readouterr().err
    code, row = ingest(capsys, "osti:creep rupture", "--limit", "2")
    assert (code, row["documents_seen"], row["waiting"]) == (0, 3, 1)
    assert sorted(path for path in server.documents_asked() if "purl" in path) == ["/purl/1", "/purl/2"]
    assert (row["kept"], sum(row["rejections"].values())) == (1, 1), "the damaged one with its reason"
    documents = pq.read_table(configured / "workspace" / "tables" / "documents.parquet").to_pylist()
    assert [(d["document_key"], d["title"], d["doi"]) for d in documents] == [("reports/1", "Report 1", "10.2172/1")]


def test_an_unknown_source_names_the_known_ones(configured, capsys):
    assert run(["ingest", "gopher:x"]) == 2
    assert "urls:FILE" in capsys.readouterr().err


def test_no_network_is_one_line(configured, capsys):
    (configured / "urls.txt").write_text("http://127.0.0.1:9/a\n")
    assert run(["ingest"]) == 1
    line = capsys.readouterr().err.strip().splitlines()[-1]
    assert line.startswith("error: no answer from any host") and "fix: check the connection" in line
