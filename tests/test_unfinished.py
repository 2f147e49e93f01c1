"""Reading and warm-up of a made policy: killed, they go on, to the weights of an undisturbed policy; no other's state is continued."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")

from safetensors.torch import load_file  # noqa: E402
from training_case import tiny_spec, tiny_training  # noqa: E402

from rubric_factory.settings.training import MadePolicy  # noqa: E402
from training import unfinished  # noqa: E402
from training.data import VersionData  # noqa: E402
from training.policy import base_policy  # noqa: E402

SHAPE = {"vocabulary": 512, "width": 32, "layers": 1, "heads": 2, "context_tokens": 64}
POLICY = MadePolicy(**SHAPE, reading_steps=25, reading_batch=2, warmup_epochs=6)
# Writes the state after every step up to 11, and is killed at 21: what came between is lost.
KILLED = """
import os, signal, sys
from pathlib import Path
import torch
from rubric_factory.runs import RunSpec
from training import unfinished
from training.data import VersionData
from training.policy import base_policy
folder = Path(sys.argv[1])
unfinished.SECONDS = 0.0
def report(row):
    if row["step"] == 11:
        unfinished.SECONDS = 1e9
    if row["step"] == 21:
        os.kill(os.getpid(), signal.SIGKILL)
torch.set_num_threads(1)
spec = RunSpec.load(folder)
base_policy(spec, VersionData.open(spec), report)
"""


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    root = tmp_path_factory.mktemp("unfinished")
    spec = tiny_spec(root, training=tiny_training().model_copy(update={"policy": POLICY}))
    data = VersionData.open(spec)
    return spec, data, weights(base_policy(spec, data, lambda row: None))


def weights(folder: Path):
    return load_file(folder / "model.safetensors")


def equal(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def elsewhere(case, folder: Path):
    """The spec with a folder of policies of its own."""
    return case[0].model_copy(update={"policies": folder})


def killed(spec, folder: Path) -> None:
    spec.save(folder)
    command = [sys.executable, "-c", KILLED, str(folder)]
    assert subprocess.run(command, check=False, cwd=Path(__file__).parent.parent).returncode == -9


def test_a_killed_reading_goes_on_and_ends_in_the_same_weights(case, tmp_path):
    spec = elsewhere(case, tmp_path / "policies")
    killed(spec, tmp_path)
    assert len(list(spec.policies.glob(".*.unfinished.pt"))) == 1
    steps, folder = reading_steps(spec, case[1])
    assert steps == [21, 25]
    assert equal(weights(folder), case[2])
    assert not list(spec.policies.glob(".*"))


def test_a_stopped_warm_up_goes_on_and_ends_in_the_same_weights(case, tmp_path, monkeypatch):
    spec = elsewhere(case, tmp_path / "policies")
    monkeypatch.setattr(unfinished, "SECONDS", 0.0)

    def report(row):
        if row["phase"] == "warm-up" and row["step"] == 1:
            monkeypatch.setattr(unfinished, "SECONDS", 1e9)  # what comes now is lost
        if row["phase"] == "warm-up" and row["step"] == 2:
            raise Stopped

    with pytest.raises(Stopped):
        base_policy(spec, case[1], report)
    rows = []
    folder = base_policy(spec, case[1], rows.append)
    assert [(row["phase"], row["step"]) for row in rows] == [("warm-up", step) for step in range(2, rows[0]["steps"] + 1)]
    assert equal(weights(folder), case[2])
    assert not list(spec.policies.glob(".*"))


class Stopped(Exception):
    """A person stops the run."""


def stopped_reading(case, tmp_path, monkeypatch):
    """A spec whose reading was stopped after 11 of 25 steps."""

    def report(row):
        if row["step"] == 11:
            raise Stopped

    spec = elsewhere(case, tmp_path / "policies")
    monkeypatch.setattr(unfinished, "SECONDS", 0.0)
    with pytest.raises(Stopped):
        base_policy(spec, case[1], report)
    return spec


def reading_steps(spec, data) -> tuple[list[int], Path]:
    rows = []
    folder = base_policy(spec, data, rows.append)
    return [row["step"] for row in rows if row["phase"] == "reading"], folder


@pytest.mark.parametrize("change", [{"seed": 2}, {"training": {"reading_steps": 26}}, {"training": {"reading_batch": 3}}])
def test_another_configuration_does_not_go_on(case, tmp_path, monkeypatch, change):
    spec = stopped_reading(case, tmp_path, monkeypatch)
    if "training" in change:
        policy = POLICY.model_copy(update=change["training"])
        change = {"training": spec.training.model_copy(update={"policy": policy})}
    steps, _ = reading_steps(spec.model_copy(update=change), case[1])
    assert steps[0] == 1
    assert reading_steps(spec, case[1])[0] == [21, 25]


def test_other_texts_do_not_go_on(case, tmp_path, monkeypatch):
    spec = stopped_reading(case, tmp_path, monkeypatch)
    data = VersionData.open(case[0])
    key = sorted(data.passages)[0]
    data.passages[key] = data.passages[key] + " More."
    assert reading_steps(spec, data)[0][0] == 1


@pytest.mark.parametrize("name", ["torch", "transformers", "threads"])
def test_other_arithmetic_does_not_go_on(case, tmp_path, monkeypatch, name):
    spec = stopped_reading(case, tmp_path, monkeypatch)
    (path,) = spec.policies.glob(".*.unfinished.pt")
    state = torch.load(path, weights_only=True)
    state["identity"][name] = "another"
    torch.save(state, path)
    steps, folder = reading_steps(spec, case[1])
    assert steps[0] == 1 and equal(weights(folder), case[2])


def test_a_damaged_state_is_no_error(case, tmp_path, monkeypatch):
    spec = stopped_reading(case, tmp_path, monkeypatch)
    (path,) = spec.policies.glob(".*.unfinished.pt")
    for damage in (b"", path.read_bytes()[:-1000], json.dumps({}).encode()):
        path.write_bytes(damage)
        monkeypatch.setattr(unfinished, "SECONDS", 1e9)
        rows = []
        with pytest.raises(Stopped):
            base_policy(spec, case[1], lambda row, rows=rows: stop_at_once(row, rows))
        assert rows == [1]


def stop_at_once(row, rows) -> None:
    rows.append(row["step"])
    raise Stopped
