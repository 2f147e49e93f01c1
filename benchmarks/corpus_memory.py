"""Memory of the parent at the size of 100,000 documents: copies of a workspace's real passages are folded, decided and exported.

    python -m benchmarks.corpus_memory WORKSPACE SCRATCH [--copies 3 6 12]

WORKSPACE has been through `rubric-factory passages`. A copy has the same passages under other keys, its shingles changed by a constant (so
copies are no duplicates of each other, but are clustered inside as the originals are), and a twentieth of them near-copies across. What is
measured is the stage's own `_fold`, `_decide` and `export`, in a process per size; cutting happens in processes of its own.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.corpus_stages import peak_mb
from rubric_factory.passages.cut import ROW_FILES, ROWS, Job
from rubric_factory.passages.prints import Prints, write_prints
from rubric_factory.passages.shingles import Hashes, set_key
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.stages import Context, passages
from rubric_factory.tables import DOCUMENT_MEASURES
from rubric_factory.warehouse import opened
from rubric_factory.workspace import Workspace


class Finished(Job):
    """A job whose folder is there already."""

    @property
    def place(self) -> Path:
        """Folder of the result."""
        return Path(self.folder)


def _with(table: pa.Table, **columns: list[Any]) -> pa.Table:
    for name, values in columns.items():
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, table.schema.field(name).type))
    return table


def _changed(sets: list[Hashes], constant: np.uint32, rng: np.random.Generator) -> list[Hashes]:
    found = [np.sort(one ^ constant) for one in sets]
    for at in rng.choice(len(sets), len(sets) // 20, replace=False).tolist():
        if len(sets[at]) > 20:
            near = sets[at].copy()
            where = rng.choice(len(near), max(1, len(near) // 25), replace=False)
            near[where] = rng.integers(0, 2**32, len(where), dtype=np.uint32)
            found[at] = np.unique(near)
    return found


def copy(workspace: Path, target: Path, copies: int) -> None:
    """Finished jobs of so many copies of the workspace's passages, under target/passages."""
    tables = {
        name: pq.read_table(workspace / "tables" / f"{name}.parquet") for name in ("passages", "passage_measures", "document_measures")
    }
    both = tables["passages"].sort_by("passage_id")
    measures = tables["passage_measures"].sort_by("passage_id")
    for name in ROWS.names:
        if name not in both.column_names:
            both = both.append_column(name, measures[name])
    rng = np.random.default_rng(7)
    for shard in sorted(set(both["shard"].to_pylist())):
        rows = {
            "passages": both.filter(pc.equal(both["shard"], shard)).sort_by("shard_row").select(ROWS.names),
            "documents": tables["document_measures"].filter(pc.equal(tables["document_measures"]["shard"], shard)).sort_by("shard_row"),
        }
        sets = {}
        for name, table in rows.items():
            at = np.arange(table.num_rows)
            sets[name] = Prints([workspace / "passages" / shard / f"{name}.prints"], np.zeros(len(at), dtype=np.int64), at).sets(at)
        for number in range(copies):
            place = target / "passages" / f"{number:02d}{shard[2:]}"
            place.mkdir(parents=True)
            constant = np.uint32(rng.integers(1, 2**32))
            for name, table in rows.items():
                _write(place, name, table, _changed(sets[name], constant, rng), number)


def _write(place: Path, name: str, table: pa.Table, sets: list[Hashes], number: int) -> None:
    write_prints(place / f"{name}.prints", sets)
    keys = [f"{number:02d}/{key}" for key in table["document_key"].to_pylist()]
    table = _with(table, document_key=keys, shard=[place.name] * len(sets), shard_row=list(range(len(sets))))
    table = _with(table, shingles_key=[set_key(one) if len(one) else 0 for one in sets])
    if name == "passages":
        for column in ("passage_id", "words_sha256"):
            values = table[column].to_pylist()
            table = _with(table, **{column: [hashlib.sha256(f"{number}{value}".encode()).hexdigest() for value in values]})
    pq.write_table(table.select((ROWS if name == "passages" else DOCUMENT_MEASURES).names), place / f"{name}.parquet")


def measured(target: Path) -> dict[str, Any]:
    """Fold, decide and export what lies in target/passages: rows, and peak memory after each step, in MB."""
    settings = Settings(name="memory", seed=1, author={"type": "extractive"})
    context = Context(settings, Workspace(target), Progress(quiet=True))
    found: dict[str, Any] = {}

    def note(step: str) -> None:
        found[f"{step}_peak_mb"] = peak_mb()

    note("start")
    with opened(context.workspace) as house:
        for place in sorted((target / "passages").iterdir()):
            if all((place / name).exists() for name in ROW_FILES):
                passages._fold(house, Finished("", 0, {}, str(place)))
        found |= {"passages": house.count("passages"), "documents": house.count("document_measures")}
    note("fold")
    with opened(context.workspace) as house:
        passages._decide(context, house, None)
    note("decide")
    with opened(context.workspace) as house:
        house.export(*passages.TABLES)
    note("export")
    return found


def grown(workspace: Path, scratch: Path, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """`measured`, in a process of its own, of each number of copies."""
    found = []
    for copies in sizes:
        shutil.rmtree(scratch, ignore_errors=True)
        copy(workspace, scratch, copies)
        command = [sys.executable, "-m", "benchmarks.corpus_memory", str(workspace), str(scratch), "--measure"]
        found.append({"copies": copies, **json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)})
    return found


def main() -> None:
    """Print a JSON line a size, and the growth between the last two in KB a document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--copies", type=int, nargs="+", default=(3, 6, 12))
    parser.add_argument("--measure", action="store_true", help="of the copies that lie in SCRATCH, in this process")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measured(given.scratch)))
        return
    found = grown(given.workspace, given.scratch, given.copies)
    print("\n".join(map(json.dumps, found)))
    if len(found) > 1:
        more = found[-1]["documents"] - found[-2]["documents"]
        print(f"growth: {1024 * (found[-1]['export_peak_mb'] - found[-2]['export_peak_mb']) / more:.2f} KB a document")


if __name__ == "__main__":
    main()
