"""inspect, status and doctor on a workspace that two real documents went through."""

import importlib.util
import json
import shutil

import pytest
from conftest import ROOT

from flows import cli
from flows.needs import LOCAL

SAMPLES = ("sqlite3-doc_sqlite3_lang_savepoint.html", "texlive-latex-base-doc_texlive-doc_latex_base_lppl.pdf")
CONFIG = """
name = "two"
seed = 5
workspace = "ws"
[[sources]]
type = "folder"
name = "docs"
path = "docs"
[author]
type = "extractive"
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    here = tmp_path_factory.mktemp("two")
    (here / "docs").mkdir()
    for name in SAMPLES:
        shutil.copy(ROOT / "tests" / "data" / "documents" / name, here / "docs" / name)
    (here / "docs" / "empty.html").write_bytes(b"")
    (here / "pipeline.toml").write_text(CONFIG, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(here)
        for command in ("ingest", "passages", "author", "gate"):
            assert cli.run([command]) == 0
    return here


@pytest.fixture
def run(made, capsys, monkeypatch):
    monkeypatch.chdir(made)

    def run(*arguments, code=0):
        assert cli.run([*arguments, "--json"]) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def table(made, name):
    import pyarrow.parquet as pq

    return pq.read_table(made / "ws" / "tables" / f"{name}.parquet")


def test_a_document_is_shown_page_by_page_by_key_end_of_key_or_id(run, made):
    row = run("inspect", f"docs/{SAMPLES[1]}")
    assert row["kind"] == "document" and [page["page"] for page in row["pages"]] == list(range(1, row["page_count"] + 1))
    assert sum(len(page["text"]) for page in row["pages"]) == row["characters"]
    assert row["passages"] and row["rejections"]
    shown = [passage["key"] for page in row["pages"] for passage in page["passages"]]
    assert set(shown) == {passage["key"] for passage in row["passages"]}, "each page names the passages that lie on it"
    fates = {passage["key"]: passage["fate"] for passage in row["passages"]}
    refused = {r["record_id"]: f"{r['reason']}: {r['detail']}" for r in row["rejections"] if r["stage"] == "passages"}
    for passage in row["passages"]:
        assert fates[passage["key"]] == refused.get(passage["passage_id"], "selected")
        assert passage["selected"] == (fates[passage["key"]] == "selected")
    assert run("inspect", SAMPLES[1]) == row == run("inspect", row["document_id"][:12])


def test_a_passage_and_a_task_are_shown_with_what_hangs_on_them(run, made):
    task = table(made, "tasks").to_pylist()[0]
    row = run("inspect", task["task_key"])
    assert row["kind"] == "task" and row["question"] == task["question"] and len(row["gates"]) > 8
    passage = run("inspect", task["passage_id"][:16])
    assert passage["fate"] == "selected" and passage["measures"][0]["score"] == passage["selection"][0]["score"]
    assert passage["kind"] == "passage" and task["task_key"] in [t["task_key"] for t in passage["tasks"]]


def test_a_refused_file_says_why(run):
    row = run("inspect", "docs/empty.html")
    assert row["kind"] == "refused" and row["rejections"][0]["stage"] == "ingest" and row["rejections"][0]["reason"]


def test_untrusted_text_reaches_the_terminal_disarmed(made, monkeypatch, capsys):
    from flows.commands.inspect import _lines

    lines = "\n".join(_lines({"title": "a\x1b[31m\u202eb", "pages": [{"text": "\x9bx"}]}))
    assert "\x1b" not in lines and "\u202e" not in lines and "\x9b" not in lines


def test_status_counts_the_tables(run, made):
    row = run("status")
    assert row["tables"]["documents"] == 2 and row["tables"]["tasks"] == table(made, "tasks").num_rows
    assert {step["stage"] for step in row["progress"]} >= {"ingest", "passages", "author", "gate"}
    assert "ingest" in row["rejections"]


@pytest.mark.parametrize("absent", ["torch", "transformers", "llguidance", ""])
@pytest.mark.parametrize("place", ["author", "judge", "judge.members", "gates.judge.solver"])
def test_a_local_model_without_its_extra_is_told_by_doctor_and_dry_run(tmp_path, capsys, monkeypatch, place, absent):
    local = 'type = "local"\nmodel = "m"\nrevision = "r"\n'
    section = {"author": "", "judge.members": '[judge]\ntype = "ensemble"\n[[judge.members]]\ntype = "lexical"\n[[judge.members]]\n'}
    text = CONFIG.replace('type = "extractive"\n', local) if place == "author" else CONFIG + section.get(place, f"[{place}]\n") + local
    (tmp_path / "pipeline.toml").write_text(text, encoding="utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.txt").write_text("Water boils at 100 degrees.", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    real, known = importlib.util.find_spec, importlib.util.find_spec("json")

    def find_spec(name, *rest):
        return real(name, *rest) if name not in LOCAL else None if name == absent else known

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    assert cli.run(["rebuild", "--dry-run"]) == (2 if absent else 0)
    said = capsys.readouterr().err
    assert said.count("\n") == (1 if absent else 0) and (f"the package '{absent}' is not installed" in said) == bool(absent)
    assert cli.run(["doctor", "--json"]) == (1 if absent else 0)
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out.splitlines()[-1])["findings"]}
    found = findings["local models"]
    assert (found["state"], absent in found["detail"]) == ("bad" if absent else "ok", True)
    assert absent or found["detail"] == place.removesuffix(".members")


def test_doctor_finds_a_damaged_warehouse_and_repairs_it_from_the_files(run, made):
    states = {finding["name"]: finding["state"] for finding in run("doctor")["findings"]}
    assert states["warehouse"] == states["workspace"] == states["ledger"] == "ok"
    tasks = table(made, "tasks")
    (made / "ws" / "warehouse.duckdb").write_bytes(b"damaged" * 4000)
    found = {finding["name"]: finding for finding in run("doctor", code=1)["findings"]}
    assert found["warehouse"]["state"] == "bad" and "doctor --repair" in found["warehouse"]["detail"]
    run("doctor", "--repair")
    assert not list((made / "ws").glob("*.damaged*"))
    assert run("author")["written"] == 0
    assert run("ingest")["unchanged"] == 3
    assert table(made, "tasks") == tasks
    (made / "ws" / "warehouse.duckdb").unlink()
    gone = {finding["name"]: finding for finding in run("doctor", code=1)["findings"]}["warehouse"]
    assert gone["state"] == "bad" and "doctor --repair" in gone["detail"]
    assert run("author")["tasks"] == len(tasks)
    assert table(made, "tasks") == tasks
    assert {finding["state"] for finding in run("doctor")["findings"] if finding["name"] == "warehouse"} == {"ok"}
