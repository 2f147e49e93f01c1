"""Training as a process: made ready, started, followed through its metrics file, its exit code mapped."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

from flows.claim import claimed
from flows.run_report import draw
from rubric_factory.errors import BlockedError, ConfigurationError, FactoryError, Interrupted
from rubric_factory.progress import Progress, Step
from rubric_factory.runs import RunSpec
from rubric_factory.workspace import disk_error

POLL_SECONDS = 0.5
GRACE_SECONDS = 20.0


def prepare(spec: RunSpec, runs: Path) -> Path:
    """The folder of a run with its run.json; the same run has the same folder. Errors: WorkspaceError."""
    folder = runs / spec.run_id
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(error, folder) from None
    spec.save(folder)
    return folder


def finished(folder: Path) -> bool:
    """Whether a run has come to its end."""
    return (folder / "summary.json").exists()


def _command(spec: RunSpec, folder: Path) -> list[str]:
    python, processes = str(spec.training.python or sys.executable), spec.training.processes
    if processes == 1:
        return [python, "-P", "-m", "training.run", str(folder)]
    return [python, "-P", "-m", "accelerate.commands.launch", "--num_processes", str(processes), "-m", "training.run", str(folder)]


def _environment(spec: RunSpec) -> dict[str, str]:
    threads = str(spec.training.threads)
    return {
        **os.environ,
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "TOKENIZERS_PARALLELISM": "false",
        "TRANSFORMERS_VERBOSITY": "error",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRL_EXPERIMENTAL_SILENCE": "1",
    }


def _new_lines(path: Path, position: int) -> tuple[list[str], int]:
    """Complete lines written since position; a shrunken file (a resume drops lines) is read from its start."""
    if not path.exists():
        return [], position
    if path.stat().st_size < position:
        position = 0
    with path.open("rb") as handle:
        handle.seek(position)
        data = handle.read()
    end = data.rfind(b"\n") + 1
    return data[:end].decode("utf-8", "replace").splitlines(), position + end


def _follow(process: "subprocess.Popen[bytes]", metrics: Path, progress: Progress) -> None:
    """Show each phase of the run as a step until the process ends. Lines of an earlier, resumed process are passed over."""
    position, phase = metrics.stat().st_size if metrics.exists() else 0, ""
    step: Step | None = None
    with contextlib.ExitStack() as shown:
        while True:
            ended = process.poll() is not None
            lines, position = _new_lines(metrics, position)
            for row in map(json.loads, lines):
                if row["phase"] != phase:
                    shown.close()
                    phase = row["phase"]
                    step = shown.enter_context(progress.step(phase, row["steps"], "steps"))
                if step is not None and row["step"] > step.done:
                    step.advance(row["step"] - step.done)
            if ended:
                return
            time.sleep(POLL_SECONDS)


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the process group: first a request, after a grace period by force, so that no GPU memory stays held."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _raise_for(code: int, log: Path) -> None:
    """The error of a run that did not end well, with the last line it wrote."""
    if code == 0:
        return
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    last = lines[-1].removeprefix("error: ") if lines else "no output"
    kinds: dict[int, type[FactoryError]] = {2: ConfigurationError, 3: BlockedError, 130: Interrupted}
    ended = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
    raise kinds.get(code, FactoryError)(f"training ended with {ended}: {last}", fix=f"see {log}, then run again: it resumes")


def _start(spec: RunSpec, folder: Path, output: IO[bytes], claim: int) -> "subprocess.Popen[bytes]":
    """The process, in a group of its own; it holds the claim too, so that it outlives a killed parent as the run's only trainer."""
    try:
        return subprocess.Popen(  # noqa: S603
            _command(spec, folder),
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            env=_environment(spec),
            start_new_session=True,
            pass_fds=(claim,),
        )
    except OSError as error:
        raise ConfigurationError(
            f"cannot start {spec.training.python}: {error.strerror}", expected="a Python interpreter", fix="set [training] python"
        ) from None


def train(spec: RunSpec, runs: Path, progress: Progress) -> Path:
    """Run `spec` to its end in a process of its own (nothing to do if it is there already); its folder.

    Errors: UnderWayError where another process trains it now, else the FactoryError that belongs to the process's exit code.
    """
    folder = prepare(spec, runs)
    log = folder / "train.log"
    with claimed(folder) as claim:
        if finished(folder):
            return folder
        with log.open("ab") as output:
            process = _start(spec, folder, output, claim)
            try:
                _follow(process, folder / "metrics.jsonl", progress)
            finally:
                stop(process)
    try:
        _raise_for(process.returncode, log)
    finally:
        draw(folder, log)
    return folder
