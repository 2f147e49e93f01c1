"""The daily jobs: one real server, from a rebuild to a trained and evaluated version; and the pieces around it."""

import os
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
from conftest import ROOT
from daily_server import SECRET, Hook, Served, free_port
from factory import make_context, published, small_corpus

from flows import artifacts, children, cli, events, serve, webhook
from rubric_factory.dataset_version import verify
from rubric_factory.errors import ConfigurationError, FactoryError, UsageError
from rubric_factory.settings import load_settings

DOCUMENTS = ("sqlite3-doc_sqlite3_lang_savepoint.html", "postgresql-doc-15_postgresql-doc-15_html_indexes-types.html")
DOCUMENTS += ("apache2-doc_apache2-doc_manual_en_configuring.html", "linux-doc-6.1_linux-doc-6.1_html_filesystems_bfs.html")
CONFIG = """
name = "tiny"
seed = 3
[[sources]]
type = "folder"
name = "samples"
path = "docs"
licence = "CC0-1.0"
[author]
type = "extractive"
[publish]
validation_share = 0.0
test_share = 0.4
[judge]
type = "lexical"
[lock]
canary_pairs = 4
[probes]
sample_tasks = 20
[training]
steps = 1
prompts = 2
group = 2
learning_rate = 1e-4
max_response_tokens = 8
evaluation = { samples = 1 }
[training.policy]
type = "made"
reading_steps = 2
reading_batch = 2
width = 32
layers = 1
heads = 2
vocabulary = 512
context_tokens = 64
warmup_epochs = 0.0
[serve]
cron = "0 3 1 1 *"
"""
HOSTILE = "<img src=x onerror=alert(1)> [l](javascript:alert(1)) `q` **b** \u202egnp"


@pytest.fixture
def hook():
    made: list[Hook] = []

    def make(*statuses: int, **headers) -> Hook:
        made.append(Hook(*statuses, **headers))
        return made[-1]

    yield make
    for each in made:
        each.shutdown()


def test_a_failure_is_told_once_and_retried_once(hook):
    body = webhook.message("train", "swift-owl", "a" * 5000 + HOSTILE)
    good, flaky, bad = hook(200), hook(500, 200), hook(500)
    assert webhook.send(good.url, body, 5) and good.got == [(SECRET, body)]
    assert webhook.send(flaky.url, body, 5) and len(flaky.got) == 2
    assert not webhook.send(bad.url, body, 5) and len(bad.got) == 2
    assert body["event"] == "job.failed" and len(body["error"]) <= 2001 and "\u202e" not in body["error"]


def test_a_webhook_that_is_wrong_fails_nothing_and_stays_secret(hook, caplog):
    target = hook(200)
    away = hook(307, headers={"Location": target.url})
    body = webhook.message("train", "run", "error")
    for address in ("file:///etc/passwd", "ftp://host/x", f"http://127.0.0.1:{free_port()}{SECRET}", away.url):
        assert not webhook.send(address, body, 5)
    assert not target.got
    assert len(caplog.records) == 4 and SECRET not in caplog.text


def test_the_address_of_a_webhook_is_checked_and_never_written(tmp_path):
    path = tmp_path / "c.toml"
    path.write_text(CONFIG + f'webhook = "http://host{SECRET}"\n', encoding="utf-8")
    settings = load_settings(path)
    assert settings.serve.webhook.get_secret_value() == f"http://host{SECRET}"
    assert SECRET not in settings.model_dump_json() + repr(settings) + settings.digest()
    path.write_text(CONFIG + 'webhook = "ftp://host/x"\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"serve\.webhook"):
        load_settings(path)
    path.write_text(CONFIG.replace("0 3 1 1 *", "every day"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"serve\.cron"):
        load_settings(path)


def test_text_of_documents_is_inert_in_artifacts():
    text = artifacts.inert(HOSTILE)
    assert "<" not in text and "\u202e" not in text and "\\[l\\]\\(" in text and "\\*\\*b" in text
    assert artifacts.code("a`b`") == "`a'b'`"
    stage = {"stage": "ingest", "kept": 3, "vanished": 0, "seconds": 1.5, "published": True, "rejections": {HOSTILE: 2}}
    assert artifacts.funnel([stage]) == [
        {"stage": "ingest", "what": "kept", "count": 3},
        {"stage": "ingest", "what": artifacts.inert(f"refused: {HOSTILE}".replace("_", " ")), "count": 2},
    ]
    assert "did not get that far" in artifacts.publication([stage], "x")


def test_a_version_is_told_until_it_was_told(workspace, monkeypatch):
    name = make_context(workspace.root).settings.name
    assert events.pending(workspace, name) is None
    published(make_context(workspace.root), small_corpus())
    assert events.pending(workspace, name) == "1.0.0"
    monkeypatch.setenv("PREFECT_API_URL", f"http://127.0.0.1:{free_port()}/api")
    with pytest.raises(FactoryError, match="did not take an event"):
        events.announce(workspace, name, "1.0.0")
    assert events.pending(workspace, name) == "1.0.0"
    sent: list[dict] = []
    monkeypatch.setattr(events, "_post", lambda url, rows: sent.extend(rows))
    events.announce(workspace, name, "1.0.0")
    assert [(row["event"], row["payload"]) for row in sent] == [("dataset.published", {"name": name, "version": "1.0.0"})]
    assert sent[0]["resource"]["prefect.resource.id"] == events.resource_of(name)
    assert events.pending(workspace, name) is None


def test_a_server_whose_database_is_locked_is_told_again(hook, monkeypatch):
    monkeypatch.setattr(events, "WAIT_SECONDS", 0.0)
    busy, broken, down = hook(503, 503, 201), hook(500, 201), hook(503)
    events._post(busy.url, [{"event": "x"}])
    assert busy.got == [(SECRET, [{"event": "x"}])] * 3
    for server, tries in ((broken, 1), (down, events.TRIES)):
        with pytest.raises(FactoryError, match="did not take an event"):
            events._post(server.url, [])
        assert len(server.got) == tries


def test_a_port_in_use_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("pipeline.toml").write_text(CONFIG, encoding="utf-8")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert cli.run(["serve", "--port", str(taken.getsockname()[1])]) == 2
    err = capsys.readouterr().err
    assert "cannot listen" in err and "--port" in err and err.count("\n") == 1
    with pytest.raises(UsageError):
        serve.require_free(serve.Address("192.0.2.1", free_port()))


def test_a_dead_child_is_started_again_and_given_up_when_it_keeps_dying(tmp_path):
    def child(code: str) -> serve.Child:
        (tmp_path / "job.py").write_text(code, encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return serve.Child("worker", "job", [], environment, tmp_path / "log", (tmp_path / "up").exists)

    quick = child("raise SystemExit('no luck')")
    with pytest.raises(FactoryError, match=r"the worker ended.*log"):
        quick.start()
    assert "no luck" in (tmp_path / "log").read_text(encoding="utf-8")

    said: list[str] = []
    steady = child("import pathlib, time\npathlib.Path(__file__).with_name('up').touch()\ntime.sleep(600)")
    steady.start()
    try:
        for death in range(serve.RESTARTS + 1):
            os.kill(steady.process.pid, signal.SIGKILL)
            steady.process.wait()
            if death < serve.RESTARTS:
                steady.look(said.append)
                assert steady.process.poll() is None
        with pytest.raises(FactoryError, match="died 6 times"):
            steady.look(said.append)
        assert len(said) == serve.RESTARTS
    finally:
        children.stop(steady.process, 1)


def test_the_environment_of_the_children_is_local_and_quiet(tmp_path, monkeypatch):
    monkeypatch.setenv("PREFECT_API_KEY", "k")
    monkeypatch.setenv("PREFECT_API_URL", "https://elsewhere.example/api")
    context = make_context(tmp_path)
    found = serve.environment(context.settings, context.workspace, serve.Address("127.0.0.1", 4201))
    assert found["PREFECT_API_URL"] == "http://127.0.0.1:4201/api" and "PREFECT_API_KEY" not in found
    assert found["PREFECT_HOME"] == str(context.workspace.prefect.resolve())
    assert found["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false" and found["DO_NOT_TRACK"] == "1"


@pytest.fixture
def daily(tmp_path, hook):
    """A folder with four documents and a configuration, and `serve` over it."""
    (tmp_path / "docs").mkdir()
    for name in DOCUMENTS:
        shutil.copy(ROOT / "tests/data/documents" / name, tmp_path / "docs")
    cron = f"0 {(time.gmtime().tm_hour + 12) % 24} * * *"  # far from now, whenever the test runs
    (tmp_path / "pipeline.toml").write_text('workspace = "ws"\n' + CONFIG.replace("0 3 1 1 *", cron), encoding="utf-8")
    receiver = hook(200)
    served = Served(tmp_path, receiver.url)
    served.start()
    try:
        yield served, receiver
    finally:
        if served.process.poll() is None:
            served.stop()


def test_a_rebuild_publishes_trains_once_and_evaluates_on_a_real_server(daily):
    served, receiver = daily
    runs = served.folder / "ws" / "runs"
    (scheduled,) = [d for d in served.call("/api/deployments/filter", {}) if d["schedules"]]
    assert scheduled["name"] == "tiny" and scheduled["schedules"][0]["active"]

    served.trigger("rebuild")
    served.trigger("train", name="tiny", version="9.9.9")
    (trained,) = [run for run in served.wait("train", 2) if run["state_type"] == "COMPLETED"]
    assert trained["name"] == "train tiny 1.0.0"
    (folder,) = runs.iterdir()
    assert (folder / "summary.json").exists() and (folder / "evaluation.json").exists()
    assert [run["state_type"] for run in served.runs("evaluate")] == ["COMPLETED"]
    before = (folder / "evaluation.parquet").stat().st_mtime_ns, (folder / "metrics.jsonl").read_bytes()

    # The same again: nothing new, no event, no second training; told twice by hand, trained once all the same.
    served.trigger("rebuild")
    served.trigger("train", name="tiny", version="1.0.0")
    assert [run["state_type"] for run in served.wait("rebuild", 2)] == ["COMPLETED", "COMPLETED"]
    assert len(served.wait("train", 3)) == 3
    assert served.events("dataset.published") == 1 and len(served.runs("evaluate")) == 1
    assert [path.name for path in (served.folder / "ws/datasets/tiny").iterdir() if path.is_dir()] == ["1.0.0"]
    assert before == ((folder / "evaluation.parquet").stat().st_mtime_ns, (folder / "metrics.jsonl").read_bytes())
    assert list(runs.iterdir()) == [folder]

    planned = [run for run in served.call("/api/flow_runs/filter", {}) if run["auto_scheduled"]]
    assert planned and {run["deployment_id"] for run in planned} == {scheduled["id"]}

    keys = {artifact["key"] for artifact in served.call("/api/artifacts/filter", {})}
    assert {"tiny-funnel", "tiny-gates", "tiny-version", "tiny-run", "tiny-reward-overall"} <= keys
    ((path, told),) = receiver.got
    assert path == SECRET and told["event"] == "job.failed" and told["flow"] == "train"
    assert told["run"] == "train tiny 9.9.9" and "no version tiny@9.9.9" in told["error"]

    verify(served.folder / "ws/datasets/tiny/1.0.0").require()
    assert served.stop() == 130
    assert "Traceback" not in (served.folder / "serve.err").read_text(encoding="utf-8")
    kept = b"".join(path.read_bytes() for path in (served.folder / "ws").rglob("*") if path.is_file() and "prefect" not in path.parts)
    assert SECRET.encode() not in kept
