"""`train` and `evaluate`: one run a version, stopped and carried on, planned before it is paid; served models see the prompt alone."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from aiohttp import web
from chat_server import ChatServer, reply, status
from conftest import ROOT
from factory import make_context, published, small_corpus

from flows import cli, policies, train_estimate
from flows.claim import UnderWayError, claimed
from flows.commands.common import Invocation
from flows.resolve import run_folder, version_folder
from rubric_factory import evaluation
from rubric_factory.dataset_version import open_version
from rubric_factory.errors import UsageError
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import make_lock, read_lock, write_lock
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.settings.judge import Lexical, LockSettings
from rubric_factory.settings.training import MadePolicy

HEAD = """
name = "unit"
seed = 7
workspace = "ws"
[author]
type = "extractive"
"""
JUDGE = """
[judge]
type = "lexical"
"""
SHAPE = (
    "vocabulary = 512, width = 32, layers = 1, heads = 2, context_tokens = 64, reading_steps = 2, reading_batch = 2, warmup_epochs = 0.0"
)
TRAINING = f"""
[training]
steps = 2
prompts = 2
group = 2
learning_rate = 1e-4
max_response_tokens = 8
save_steps = 1
policy = {{ type = "made", {SHAPE} }}
evaluation = {{ samples = 1 }}
"""
# A trainer that takes its time once, then comes to its end: what a killed and resumed run looks like from outside.
STUB = """#!{python}
import json, pathlib, sys, time
folder = pathlib.Path(sys.argv[-1])
first = not (folder / "begun").exists()
(folder / "begun").write_text(str(__import__("os").getpid()))
if first:
    time.sleep(600)
(folder / "summary.json").write_text(json.dumps({{"heldout_reward": {{}}, "rl_train_reward": {{}}, "run_id": folder.name}}))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A published version, its lexical lock, and a configuration; read-only but for the runs folder."""
    root = tmp_path_factory.mktemp("train")
    folder = published(make_context(root / "ws"), small_corpus())
    tasks = [ProbeTask.of(t.task, t.passage, t.genre) for t in evaluation.graded_tasks(open_version(folder)).values()]
    settings = LockSettings(canary_pairs=4, repeats=2)
    write_lock(make_lock(open_judge(Lexical(), None), Lexical(), tasks, [], settings, seed=1), root / "lock.json")
    lock = read_lock(root / "lock.json")
    write_lock(replace(lock, identity="another@1"), root / "another.json")
    (root / "pipeline.toml").write_text(HEAD + JUDGE + TRAINING, encoding="utf-8")
    return root


@pytest.fixture
def here(home, monkeypatch):
    monkeypatch.chdir(home)
    return home


def run(capsys, *arguments):
    code = cli.run([*arguments, "--json"])
    captured = capsys.readouterr()
    return code, json.loads(captured.out.splitlines()[-1]), captured.err


def test_a_run_trains_once_and_its_evaluation_is_shown(here, capsys):
    code, row, err = run(capsys, "train", "unit", "--lock", "lock.json")
    assert code == 0, err
    folder = Path(row["run_path"])
    assert folder.name == row["run_id"] and not row["finished_before"]
    assert {"base", "tuned", "constant", "echo", "length"} == set(row["heldout_reward"])
    kept = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert kept["lock"] == str((folder / "judge.lock.json").resolve()) and kept["lock_digest"] == row["lock_digest"]
    assert json.loads((folder / "settings.json").read_text(encoding="utf-8"))["training"]["steps"] == 2

    (base,) = (here / "ws" / "policies").glob("[0-9a-f]*")
    shape = MadePolicy(width=32, layers=1, heads=2, vocabulary=json.loads((base / "config.json").read_text(encoding="utf-8"))["vocab_size"])
    assert policies.made_parameters(shape) == policies.safetensors_parameters(base)

    written = (folder / "evaluation.parquet").stat().st_mtime_ns
    code, again, _ = run(capsys, "train", "unit@1.0.0", "--lock", "lock.json")
    assert code == 0 and again["finished_before"] and again["run_id"] == row["run_id"]
    assert (folder / "evaluation.parquet").stat().st_mtime_ns == written

    code, shown, _ = run(capsys, "evaluate", row["run_id"][:8], "unit")
    rows = pq.read_table(folder / "evaluation.parquet").to_pylist()
    tuned = [r["reward"] for r in rows if r["arm"] == "tuned"]
    assert code == 0 and shown["overall"]["tuned"]["mean"] == pytest.approx(sum(tuned) / len(tuned))
    assert set(shown["question_type"]) == {"definition"} and set(shown["genre"]) == {"report"}
    assert set(shown["category"]) == {"essential", "pitfall"}

    # What the next dry run of the same policy knows from this run.
    code, dry, _ = run(capsys, "train", "unit", "--lock", "lock.json", "--seed", "8", "--dry-run")
    assert code == 0 and dry["step_seconds"] > 0 and dry["judge_calls_per_second_needed"] > 0
    assert dry["train_prompts_too_long"] == 0 and "tokenizer" in dry["basis"]["train_prompts_too_long"]
    assert dry["run_id"] != row["run_id"] and not (folder.parent / dry["run_id"]).exists()


def test_a_dry_run_counts_and_starts_nothing(here, capsys, tmp_path):
    arguments = ["train", "ws/datasets/unit/1.0.0", "--lock", "lock.json", "--dry-run"]
    code, row, err = run(capsys, *arguments, "--workspace", str(tmp_path / "empty"))
    assert code == 0, err
    assert (row["steps"], row["rollouts_per_step"], row["rollouts"], row["judge_calls_per_step"]) == (2, 4, 8, 4)
    assert row["step_seconds"] is None and "unknown" in row["basis"]["judge_calls_per_second_needed"]
    assert row["judge_calls_per_second_measured"] > 0
    sides = pq.read_table("ws/datasets/unit/1.0.0/tasks/train-00000-of-00001.parquet").num_rows
    assert row["train_prompts"] == sides
    assert row["weights_mb"] * 2 == pytest.approx(row["optimiser_mb"], abs=0.2) and row["reference_mb"] == 0
    assert not (tmp_path / "empty" / "runs").exists() and not (tmp_path / "empty" / "policies").exists()


def test_step_seconds_are_of_the_same_policy_only_and_survive_a_resume(here, tmp_path):
    from flows.runspec import run_spec
    from rubric_factory.settings import load_settings
    from rubric_factory.workspace import Workspace

    settings = load_settings(Path("pipeline.toml"))
    spec = run_spec(settings, Workspace(Path("ws")), Path("ws/datasets/unit/1.0.0"), lock=Path("lock.json"))
    other = spec.model_copy(update={"training": spec.training.model_copy(update={"group": 4})})
    for name, each, seconds in (("a", spec, [2.0, 4.0, 1.0, 3.0]), ("b", other, [100.0, 200.0])):
        (tmp_path / name).mkdir()
        each.save(tmp_path / name)
        lines = [json.dumps({"phase": "grpo", "step": i, "seconds": s, "judge_seconds": 0.5}) for i, s in enumerate(seconds)]
        (tmp_path / name / "metrics.jsonl").write_text("\n".join([*lines, '{"phase": "gr']), encoding="utf-8")
    assert train_estimate.step_seconds(spec, tmp_path) == (2.0, 0.5)


@pytest.mark.parametrize(
    ("config", "arguments", "code", "named"),
    [
        (HEAD + JUDGE, ["--lock", "lock.json"], 2, "[training]"),
        (HEAD + TRAINING, ["--lock", "lock.json"], 2, "[judge]"),
        (HEAD + JUDGE + TRAINING, [], 3, "judge.lock.json"),
        (HEAD + JUDGE + TRAINING, ["--lock", "another.json"], 3, "another@1"),
        (HEAD + JUDGE + TRAINING, ["--lock", "nowhere.json"], 2, "nowhere.json"),
        (HEAD + JUDGE + TRAINING, ["--lock", "pipeline.toml"], 1, "pipeline.toml"),
    ],
    ids=["no training", "no judge", "no lock", "another judge's lock", "no such lock", "no lock in it"],
)
def test_what_is_missing_is_named_before_anything_starts(here, capsys, tmp_path, config, arguments, code, named):
    (tmp_path / "c.toml").write_text(config, encoding="utf-8")
    found, _, err = run(capsys, "train", "unit", *arguments, "--config", str(tmp_path / "c.toml"))
    assert found == code and named in err and "fix:" in err and err.count("\n") == 1


def stubbed(tmp_path, here) -> list[str]:
    stub = tmp_path / "stub"
    stub.write_text(STUB.format(python=sys.executable), encoding="utf-8")
    stub.chmod(0o755)
    config = (HEAD + JUDGE + TRAINING).replace("[training]", f'[training]\npython = "{stub}"')
    (tmp_path / "c.toml").write_text(config, encoding="utf-8")
    version = str(here / "ws" / "datasets" / "unit" / "1.0.0")
    return ["train", version, "--lock", "lock.json", "--config", str(tmp_path / "c.toml"), "--workspace", str(tmp_path / "ws")]


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists() and path.read_text(encoding="utf-8"):
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} never came")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_run_leaves_no_process_and_the_same_command_carries_it_on(here, capsys, tmp_path, number):
    arguments = stubbed(tmp_path, here)
    runs = tmp_path / "ws" / "runs"
    process = subprocess.Popen(
        [sys.executable, "-m", "flows.cli", *arguments], env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True
    )
    while not list(runs.glob("*/begun")):
        time.sleep(0.05)
    (begun,) = runs.glob("*/begun")
    wait_for(begun)
    trainer = int(begun.read_text(encoding="utf-8"))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == 130 and err.splitlines()[-1].startswith("stopped;")
        assert not Path(f"/proc/{trainer}").exists()
    else:
        code, row, err = run(capsys, *arguments)  # its trainer lives on, and is the run's only one
        assert code == 1 and "under way" in err
        os.killpg(trainer, signal.SIGKILL)
        while Path(f"/proc/{trainer}").exists() and Path(f"/proc/{trainer}/stat").read_text(encoding="utf-8").split()[2] != "Z":
            time.sleep(0.05)
    code, row, err = run(capsys, *arguments)
    assert code == 0 and row["run_id"] == begun.parent.name, err


def test_a_claim_is_held_once(tmp_path):
    with claimed(tmp_path), pytest.raises(UnderWayError, match="under way"), claimed(tmp_path):
        pass
    with claimed(tmp_path):
        pass


def test_versions_and_runs_by_every_name(here, tmp_path):
    invocation = Invocation()
    folder = Path("ws/datasets/unit/1.0.0")
    for word in ("unit", "unit@1.0.0", "unit/1.0.0", "1.0.0", str(folder), str(folder.resolve())):
        assert version_folder(invocation, word).resolve() == folder.resolve()
    for word in ("unit@9.9.9", "other", "unit@", "a/b/c", "../ws"):
        with pytest.raises(UsageError):
            opened = version_folder(invocation, word)
            assert (opened / "manifest.json").exists()
            raise AssertionError(opened)
    for name in ("abcdef11", "abcdef12"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "run.json").write_text("{}", encoding="utf-8")
    there = Invocation(workspace=tmp_path)
    assert run_folder(there, "abcdef11") == run_folder(there, str(tmp_path / "runs" / "abcdef11")) == tmp_path / "runs" / "abcdef11"
    assert run_folder(there, "abc") is None and run_folder(there, "model/name") is None
    with pytest.raises(UsageError, match="2 runs"):
        run_folder(there, "abcdef")


def served(tmp_path, url: str) -> Path:
    models = f'[evaluation]\nsamples = 2\n[evaluation.models.small]\nmodel = "m"\nrevision = "r"\nbase_url = "{url}"\nretries = 0\n'
    path = tmp_path / "served.toml"
    path.write_text(HEAD + JUDGE + models + "sampling = { temperature = 0.5, max_tokens = 50 }\n", encoding="utf-8")
    return path


def test_a_served_model_sees_the_prompt_alone_and_is_asked_once(here, capsys, tmp_path):
    tasks = evaluation.graded_tasks(open_version(Path("ws/datasets/unit/1.0.0")), "test")
    by_question = {t.task.question: t for t in tasks.values()}
    bodies: list[dict] = []

    async def answer(server, request, body):
        bodies.append(body)
        return web.json_response(reply(by_question[body["messages"][-1]["content"]].task.reference_answer))

    version = str((here / "ws/datasets/unit/1.0.0").resolve())
    with ChatServer(answer) as server:
        common = ["--lock", "lock.json", "--config", str(served(tmp_path, server.url)), "--workspace", str(tmp_path / "w")]
        server.behaviour = status(500)
        code, _, err = run(capsys, "evaluate", "small", version, *common)
        assert code == 1 and "got no answer" in err and not list((tmp_path / "w" / "runs").glob("*"))
        server.behaviour = answer
        code, row, err = run(capsys, "evaluate", "small", version, *common)
        assert code == 0, err
        asked = len(bodies)
        assert asked == 2 * len(by_question) < 2 * len(tasks)  # what is asked twice is paid once
        code, again, _ = run(capsys, "evaluate", "small", version, *common)
        assert code == 0 and again == row and len(bodies) == asked
    assert all([m["content"] for m in body["messages"]] == [by_question[body["messages"][-1]["content"]].task.question] for body in bodies)
    rows = pq.read_table(Path(row["run_path"]) / "evaluation.parquet").to_pylist()
    assert {r["task_id"] for r in rows} == set(tasks) and {r["arm"] for r in rows} == {"small"}
    assert row["overall"]["small"]["mean"] == pytest.approx(sum(r["reward"] for r in rows) / len(rows))
    assert (row["refused"], row["truncated"], row["given_up"]) == (0, 0, 0)
    stored = json.loads((Path(row["run_path"]) / "summary.json").read_text(encoding="utf-8"))
    assert stored["lock_digest"] == row["lock_digest"] and stored["model"]["revision"] == "r"


def test_an_evaluation_of_another_version_or_an_unfinished_run_is_refused(here, capsys, tmp_path):
    (tmp_path / "runs" / "feedbeef").mkdir(parents=True)
    from flows.runspec import run_spec
    from rubric_factory.settings import load_settings
    from rubric_factory.workspace import Workspace

    settings = load_settings(Path("pipeline.toml"))
    version = Path("ws/datasets/unit/1.0.0")
    spec = run_spec(settings, Workspace(Path("ws")), version, lock=Path("lock.json"))
    spec.save(tmp_path / "runs" / "feedbeef")
    code, _, err = run(capsys, "evaluate", "feedbeef", str(version.resolve()), "--workspace", str(tmp_path))
    assert code == 1 and "not finished" in err
    spec.model_copy(update={"content_fingerprint": "0" * 64}).save(tmp_path / "runs" / "feedbeef")
    code, _, err = run(capsys, "evaluate", "feedbeef", str(version.resolve()), "--workspace", str(tmp_path))
    assert code == 1 and "of content 000000000000" in err
