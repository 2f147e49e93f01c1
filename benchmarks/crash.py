"""Twenty random SIGKILLs, then a run to the end: are the rows those of a run that nobody disturbed?

    python benchmarks/crash.py DOCUMENTS SCRATCH [--kills 20] [--seed 1]

DOCUMENTS is a folder; SCRATCH is made anew. Every run is a process group of its own, `rubric-factory ingest`, killed whole or the parent
alone (every other time), at a time drawn from the length of the undisturbed run. Prints one JSON object; exit status 1 where rows differ.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rubric_factory.extract.texts import read_texts
from rubric_factory.workspace import Workspace

CONFIG = """
name = "crash"
seed = 1
[author]
type = "extractive"
[extract]
shard_documents = 100
"""
VOLATILE = ("seconds", "shard")


def start(scratch: Path, documents: Path, workspace: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "flows.cli", "ingest", f"folder:{documents}", "--config", str(scratch / "pipeline.toml")]
    log = (scratch / f"{workspace}.log").open("ab")
    return subprocess.Popen(
        [*command, "--workspace", str(scratch / workspace)], stdout=log, stderr=log, start_new_session=True, env=os.environ.copy()
    )


def rows(workspace: Workspace) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in ("entries", "documents", "rejections"):
        table = pq.read_table(workspace.tables / f"{name}.parquet").to_pylist()
        found[name] = [{key: value for key, value in row.items() if key not in VOLATILE} for row in table]
    found["texts"] = sorted((document.document_key, document.text) for document in read_texts(workspace))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    shutil.rmtree(given.scratch, ignore_errors=True)
    given.scratch.mkdir(parents=True)
    (given.scratch / "pipeline.toml").write_text(CONFIG)
    began = time.monotonic()
    assert start(given.scratch, given.documents, "calm").wait() == 0
    calm = time.monotonic() - began
    draw, killed = random.Random(given.seed), 0
    for number in range(given.kills):
        process = start(given.scratch, given.documents, "killed")
        try:
            process.wait(draw.uniform(0.0, calm / 3))
        except subprocess.TimeoutExpired:
            killed += 1
            (os.killpg if number % 2 else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
    assert start(given.scratch, given.documents, "killed").wait() == 0
    first, second = (rows(Workspace(given.scratch / name)) for name in ("calm", "killed"))
    same = {name: first[name] == second[name] for name in first}
    counts = {name: len(first[name]) for name in first}
    print(json.dumps({"kills": given.kills, "at_work": killed, "calm_seconds": round(calm, 1), "rows": counts, "same": same}))
    return 0 if all(same.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
