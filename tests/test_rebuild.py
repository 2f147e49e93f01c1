"""The Prefect flow: shard by shard, errors as they were raised, Ctrl-C and again, and an estimate that does nothing."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import ROOT

from flows import cli, offline
from flows.commands import demo
from flows.commands.common import Invocation
from flows.commands.rebuild import rebuild_command
from flows.summary import documents_kept, read_rows
from rubric_factory import dataset_version, warehouse
from rubric_factory.ledger import Ledger
from rubric_factory.settings import load_settings
from rubric_factory.stages import STAGES, Context, StageReport
from rubric_factory.stages.ingest import IngestReport
from rubric_factory.workspace import Workspace

SAMPLES = (
    "sqlite3-doc_sqlite3_lang_savepoint.html",
    "postgresql-doc-15_postgresql-doc-15_html_indexes-types.html",
    "linux-doc-6.1_linux-doc-6.1_html_networking_msg_zerocopy.html",
    "apache2-doc_apache2-doc_manual_en_configuring.html",
)
CONFIG = """
name = "tiny"
seed = 3
workspace = "ws"
[extract]
shard_documents = 2
[[sources]]
type = "folder"
name = "docs"
path = "docs"
[author]
type = "extractive"
"""
MODEL = 'type = "openai_compatible"\nbase_url = "http://localhost:9/v1"\nmodel = "m"\nrevision = "r"\n'


def command(*arguments):
    return [sys.executable, "-m", "flows.cli", *arguments]


def rebuild(here, *arguments):
    done = subprocess.run(command("rebuild", "--json", *arguments), cwd=here, capture_output=True, text=True, check=False)
    return done.returncode, json.loads(done.stdout.splitlines()[-1]) if done.stdout else {}, done.stderr


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    for name in SAMPLES:
        shutil.copy(ROOT / "tests" / "data" / "documents" / name, tmp_path / "docs" / name)
    (tmp_path / "pipeline.toml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return tmp_path


@pytest.fixture
def dry_run(here, capsys):
    def dry_run(*arguments, code=0):
        assert cli.run(["rebuild", "--dry-run", "--json", *arguments]) == code
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return dry_run


def test_a_rebuild_publishes_and_the_next_one_has_nothing_new(here):
    code, row, err = rebuild(here)
    assert code == 0, err
    stages = {stage["stage"]: stage for stage in row["stages"]}
    assert list(stages) == list(STAGES)
    assert (stages["ingest"]["documents_seen"], stages["ingest"]["opened"]) == (4, 4)
    assert stages["publish"]["published"] is True
    assert set(stages["ingest"]) >= {field.name for field in dataclasses.fields(IngestReport)} - {"counts"}
    assert all(stages["ingest"][name] > 0 for name in ("seconds", "cpu_seconds", "peak_rss_mb"))
    assert not [path for path in (here / "ws" / "prefect").rglob("*") if path.is_file() and "storage" in path.parts]  # no pickled result
    code, row, err = rebuild(here)
    stages = {stage["stage"]: stage for stage in row["stages"]}
    assert (stages["ingest"]["unchanged"], stages["ingest"]["opened"]) == (4, 0)
    assert stages["publish"]["published"] is False
    assert "Traceback" not in err and "refect" not in err


def test_an_interrupted_flow_ends_at_once_with_130_and_leaves_no_process(here):
    first = subprocess.Popen(
        command("rebuild"), cwd=here, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    for line in iter(first.stderr.readline, ""):
        if line.startswith("ingest"):
            break
    os.killpg(first.pid, signal.SIGINT)
    _, err = first.communicate(timeout=60)
    assert first.returncode == 130
    assert err.strip().splitlines()[-1] == "stopped; what was finished is kept; run the same command again to continue"
    assert "Traceback" not in err
    with Workspace(here / "ws").writing():
        pass
    holders = [
        p for p in Path("/proc").glob("[0-9]*/cmdline") if b"create_app" in _read(p) and str(here / "ws").encode() in _environment(p)
    ]
    assert holders == []


@pytest.mark.parametrize(("answers", "number"), [(True, signal.SIGTERM), (False, signal.SIGKILL)])
def test_a_server_that_never_answered_is_killed_at_once(answers, number, monkeypatch):
    kept = signal.getsignal(signal.SIGINT)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    answered = threading.Event()
    if answers:
        answered.set()
    wait = process.wait

    def interrupted(timeout=None):
        os.kill(os.getpid(), signal.SIGINT)  # the second Ctrl-C
        return wait(timeout)

    monkeypatch.setattr(process, "wait", interrupted)
    try:
        offline._stop(process, answered)
    finally:
        signal.signal(signal.SIGINT, kept)
    assert process.returncode == -number


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _environment(path):
    return _read(path.with_name("environ"))


def test_an_error_inside_the_flow_keeps_its_line_and_its_exit_code(here):
    code, row, err = rebuild(here, "--from", "contracts")
    assert (code, row["exit_code"]) == (3, 3)
    assert "nothing is staged" in row["error"] and err.strip().splitlines()[-1] == row["error"]
    assert "Traceback" not in err


def test_a_byte_duplicate_is_not_kept_in_any_count(here, capsys, monkeypatch):
    shutil.copy(here / "docs" / SAMPLES[0], here / "docs" / "copy.html")
    assert cli.run(["ingest", "--json"]) == 0
    counts = json.loads(capsys.readouterr().out.splitlines()[-1])
    place = Workspace(here / "ws")
    assert len(read_rows(place, "documents", "document_key")) == 5
    assert (counts["documents_seen"], counts["kept"], documents_kept(place)) == (5, 4, 4)
    version = here / "version"
    version.mkdir()
    (version / "contracts.json").write_text('{"success": true}', encoding="utf-8")
    found = SimpleNamespace(path=version, version="1.0.0", content_fingerprint="f", manifest={"evidence_grade": "demo", "author": "a"})
    monkeypatch.setattr(dataset_version, "latest", lambda folder, name: found)
    context = Context(load_settings(here / "pipeline.toml"), place)
    row = demo.summary(context, {"ingest": StageReport("ingest", {"documents_seen": 5, "documents": counts["documents"]})})
    refused = sum(row["rejections"]["ingest"].values())
    assert (row["documents_seen"], row["documents_kept"], refused) == (5, 4, 1)


@pytest.mark.parametrize("stage", STAGES)
def test_a_rebuild_can_begin_at_every_stage(stage):
    made = rebuild_command.make_context("rebuild", ["--from", stage], obj=Invocation())
    assert made.params["start"] == stage


def test_without_prefect_it_names_the_extra(here, capsys, monkeypatch):
    import importlib.util

    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "prefect" else real(name, *rest))
    assert cli.run(["rebuild"]) == 2
    assert "pip install -e '.[prefect]' in the checkout" in capsys.readouterr().err


def test_a_dry_run_counts_and_pays_nothing(here, dry_run):
    row = dry_run()
    assert (row["documents_seen"], row["documents_to_read"], row["calls"], row["money"]) == (4, 4, 0, 0.0)
    assert row["basis"]["documents_to_read"] == "measured" and row["basis"]["ingest_seconds"].startswith("estimated")
    assert not (here / "ws").exists()
    assert dry_run("--limit", "3")["documents_to_read"] == 3


def test_a_dry_run_with_a_model_estimates_calls_tokens_and_money(here, dry_run):
    text = CONFIG.replace('type = "extractive"', MODEL)
    (here / "pipeline.toml").write_text(text, encoding="utf-8")
    row = dry_run()
    assert row["calls"] > 0 and row["prompt_tokens"] > row["calls"] and row["completion_tokens"] > 0
    assert row["money"] is None and row["basis"]["money"].startswith("unknown price")
    assert row["author_seconds"] is None and row["basis"]["completion_tokens"].startswith("upper bound")
    assert not (here / "ws").exists()
    (here / "pipeline.toml").write_text(text + "[prices]\nprompt_per_million = 1.0\ncompletion_per_million = 2.0\n", encoding="utf-8")
    priced = dry_run()
    assert priced["basis"]["money"].startswith("upper bound: USD")
    assert priced["money"] == pytest.approx((row["prompt_tokens"] + 2 * row["completion_tokens"]) / 1e6, abs=0.01)


def test_a_dry_run_measures_the_passages_that_are_there(here, dry_run):
    assert cli.run(["ingest"]) == 0
    assert cli.run(["passages"]) == 0
    (here / "pipeline.toml").write_text(CONFIG.replace('type = "extractive"', MODEL), encoding="utf-8")
    row = dry_run()
    with warehouse.opened(Workspace(here / "ws")) as store:
        selected = sum(store.table("selection").column("selected").to_pylist())
    assert row["documents_to_read"] == 0 and row["passages_to_ask"] == row["calls"] / 2 == selected
    assert row["basis"]["calls"] == "measured; 2 a passage, repair on top"  # the task, and its weak answer
    with Ledger(here / "ws" / "ledger.sqlite"):
        pass
    assert dry_run("--from", "gate")["calls"] == 0


def test_a_dry_run_of_an_empty_or_missing_source_is_one_line(here, dry_run):
    (here / "empty").mkdir()
    assert "empty" in dry_run("folder:empty", code=2)["error"]
    assert "nowhere" in dry_run("folder:nowhere", code=2)["error"]
    assert not (here / "ws").exists()
