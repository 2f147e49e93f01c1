"""Twenty random SIGKILLs of each stage, then a run to the end: are the rows those of a run that nobody disturbed?

    python benchmarks/crash.py DOCUMENTS SCRATCH [--kills 20] [--seed 1]

DOCUMENTS is a folder; SCRATCH is made anew. Every run is a process group of its own, `rubric-factory ingest`, and then the same with
`rubric-factory passages`, killed whole or the parent alone (every other time), at a time drawn from a third of the undisturbed run. Prints
one JSON object; exit status 1 where rows differ.
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

from rubric_factory.extract import compare
from rubric_factory.extract.texts import read_texts
from rubric_factory.stages import passages
from rubric_factory.workspace import Workspace

CONFIG = """
name = "crash"
seed = 1
[author]
type = "extractive"
[extract]
shard_documents = 100
"""
VOLATILE = ("seconds", "shard", "shard_row")
TABLES = (*compare.TABLES, *passages.TABLES)


def start(scratch: Path, documents: Path, workspace: str, stage: str) -> subprocess.Popen[bytes]:
    """One stage, as a person starts it."""
    command = [sys.executable, "-m", "flows.cli", stage, *([f"folder:{documents}"] if stage == "ingest" else [])]
    command += ["--config", str(scratch / "pipeline.toml"), "--workspace", str(scratch / workspace)]
    with (scratch / f"{workspace}.log").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, env=os.environ.copy())


def rows(workspace: Workspace) -> dict[str, Any]:
    """Every table of the two stages, and the texts, without where and how fast a row was made."""
    found: dict[str, Any] = {}
    for name in TABLES:
        path = workspace.tables / f"{name}.parquet"
        table = pq.read_table(path).to_pylist() if path.exists() else []
        found[name] = [{key: value for key, value in row.items() if key not in VOLATILE} for row in table]
    found["texts"] = sorted((document.document_key, document.text) for document in read_texts(workspace))
    return found


def killed(given: argparse.Namespace, stage: str, draw: random.Random) -> dict[str, Any]:
    """The stage undisturbed in `calm`, and killed so many times in `killed` and then run to its end: what was found."""
    began = time.monotonic()
    assert start(given.scratch, given.documents, "calm", stage).wait() == 0
    calm, at_work = time.monotonic() - began, 0
    for number in range(given.kills):
        process = start(given.scratch, given.documents, "killed", stage)
        try:
            process.wait(draw.uniform(0.0, calm / 3))
        except subprocess.TimeoutExpired:
            at_work += 1
            (os.killpg if number % 2 else os.kill)(process.pid, signal.SIGKILL)
            process.wait()
    assert start(given.scratch, given.documents, "killed", stage).wait() == 0
    first, second = (rows(Workspace(given.scratch / name)) for name in ("calm", "killed"))
    different = [name for name in first if first[name] != second[name]]
    counts = {name: len(first[name]) for name in first if first[name]}
    return {"kills": given.kills, "at_work": at_work, "calm_seconds": round(calm, 1), "rows": counts, "different": different}


def main() -> int:
    """Both stages, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    shutil.rmtree(given.scratch, ignore_errors=True)
    given.scratch.mkdir(parents=True)
    (given.scratch / "pipeline.toml").write_text(CONFIG)
    draw = random.Random(given.seed)
    found = {stage: killed(given, stage, draw) for stage in ("ingest", "passages")}
    print(json.dumps(found))
    return 1 if any(stage["different"] for stage in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
