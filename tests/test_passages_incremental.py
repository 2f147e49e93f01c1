"""What is continued equals what is made from scratch: clusters, selection and rejections, whatever came, went, or was extracted anew."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_passages_stage import document, ingested, make_context, outputs, prose

from rubric_factory.passages.decide import Nodes, components_of
from rubric_factory.passages.dedupe import Held
from rubric_factory.passages.lsh import signatures
from rubric_factory.passages.prints import Prints, write_prints
from rubric_factory.passages.shingles import jaccard, set_key
from rubric_factory.stages import passages as stage
from rubric_factory.warehouse import Warehouse
from rubric_factory.workspace import Workspace

THRESHOLD = 0.8


def variants(rng, count):
    """Families of edited copies, in random order: sorted distinct hashes."""
    found = []
    while len(found) < count:
        current = np.unique(rng.integers(0, 2**32, rng.integers(0, 60), dtype=np.uint32))
        for _ in range(rng.integers(1, 7)):
            found.append(current)
            keep = rng.random(len(current)) > rng.choice([0, 0.05, 0.1, 0.3])
            current = np.unique(np.concatenate((current[keep], rng.integers(0, 2**32, int((~keep).sum()), dtype=np.uint32))))
    order = rng.permutation(count)
    return [found[at] for at in order]


def nodes(sets, words, placed):
    keys = np.array([set_key(one) if len(one) else 0 for one in sets], dtype=np.int64)
    names = pa.array([str(at) for at in range(len(sets))], pa.large_string())
    return Nodes(names, np.array(words, dtype=np.int64), keys, np.array(placed, dtype=np.int64), signatures(sets), Held(sets))


def groups(names, labels):
    found = {}
    for name, label in zip(names, labels.tolist(), strict=True):
        found.setdefault(label, set()).add(name)
    return sorted(map(sorted, found.values()))


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.floats(0, 1), st.floats(0, 0.5))
@settings(max_examples=25, deadline=None)
def test_components_continued_after_arrivals_and_removals_are_those_from_scratch(seed, count, known, gone):
    rng = np.random.default_rng(seed)
    sets = variants(rng, count)
    words = rng.integers(1, 2 * count, count).tolist()
    before = np.flatnonzero(rng.random(count) < known)
    first = components_of(nodes([sets[at] for at in before], [words[at] for at in before], [-1] * len(before)), THRESHOLD)
    removed = set(before[rng.random(len(before)) < gone].tolist())
    touched = {int(label) for at, label in zip(before, first, strict=True) if int(at) in removed}
    placed = {int(at): int(label) for at, label in zip(before, first, strict=True) if int(label) not in touched}
    now = [at for at in range(count) if at not in removed]
    rng.shuffle(now)
    held = [sets[at] for at in now]
    continued = components_of(nodes(held, [words[at] for at in now], [placed.get(at, -1) for at in now]), THRESHOLD)
    scratch = components_of(nodes(held, [words[at] for at in now], [-1] * len(now)), THRESHOLD)
    assert groups(now, continued) == groups(now, scratch)


def test_only_pairs_with_something_new_are_compared():
    rng = np.random.default_rng(3)
    sets = variants(rng, 200)
    asked = []

    class Counting(Held):
        def sets(self, wanted):
            asked.extend(wanted.tolist())
            return super().sets(wanted)

    labels = components_of(nodes(sets, [0] * 200, [-1] * 200), THRESHOLD)
    placed = labels.copy()
    placed[[7, 8]] = -1
    assert (labels[[7, 8]] == [7, 8]).any() or len(asked) == 0
    again = nodes(sets, [0] * 200, placed)
    counted = Nodes(again.names, again.words, again.shingles, again.placed, again.known, Counting(sets))
    assert (components_of(counted, THRESHOLD) == labels).all()
    partners = {at for at in range(200) for new in (7, 8) if jaccard(sets[at], sets[new]) > 0.4}
    assert set(asked) <= partners | {7, 8}


def test_prints_are_read_back_from_several_files_in_any_order(tmp_path):
    rng = np.random.default_rng(5)
    files = [variants(rng, size) for size in (5, 1, 9)]
    for at, sets in enumerate(files):
        write_prints(tmp_path / f"{at}", sets)
    places = [(file, row) for file, sets in enumerate(files) for row in range(len(sets))]
    rng.shuffle(places)
    found = Prints([tmp_path / str(at) for at in range(3)], np.array([f for f, _ in places]), np.array([r for _, r in places]))
    wanted = rng.permutation(len(places))[:11]
    expected = [files[places[at][0]][places[at][1]] for at in wanted]
    assert all((one == other).all() for one, other in zip(found.sets(wanted), expected, strict=True))
    assert found.sizes(wanted).tolist() == [len(one) for one in expected]
    assert (found.signatures() == signatures([files[f][r] for f, r in places])).all()


CORPUS = {f"d{number}": " ".join(prose(f"t{number // 3 + part}", 3) for part in range(2)) + f" End {number}." for number in range(9)}


@given(st.lists(st.sampled_from(["drop", "change", "add", "copy", "extract"]), min_size=1, max_size=3), st.randoms(use_true_random=False))
@settings(max_examples=3, deadline=None)
def test_a_stage_continued_through_changes_has_the_rows_of_one_from_scratch(tmp_path_factory, steps, random):
    texts, extraction = dict(CORPUS), "e1"
    root = tmp_path_factory.mktemp("continued")
    continued = Workspace(root / "continued")

    def run(workspace):
        ingested(workspace, *(document(name, text) for name, text in sorted(texts.items())), extraction=extraction)
        stage.passages(make_context(workspace, per_document=2))

    run(continued)
    for step in steps:
        name = random.choice(sorted(texts))
        if step == "drop" and len(texts) > 1:
            del texts[name]
        elif step == "change":
            texts[name] = texts[name] + " " + prose(f"new{random.randint(0, 9)}", 2)
        elif step == "add":
            texts[f"a{random.randint(0, 99)}"] = prose(f"t{random.randint(0, 12)}", 4)
        elif step == "copy":
            texts[f"z{random.randint(0, 99)}"] = texts[name] + " Copied."
        elif step == "extract":
            extraction = f"e{random.randint(2, 9)}"
        run(continued)
    run(scratch := Workspace(root / "scratch"))
    places = ("shard", "shard_row")
    strip = [
        {table: [{k: v for k, v in row.items() if k not in places} for row in rows] for table, rows in outputs(workspace).items()}
        for workspace in (continued, scratch)
    ]
    assert strip[0] == strip[1]


def test_a_second_run_decides_and_writes_nothing_and_lost_files_are_made_again(workspace, monkeypatch):
    ingested(workspace, *(document(name, text) for name, text in CORPUS.items()))
    context = make_context(workspace)
    stage.passages(context)
    before, stamps = outputs(workspace), {path: path.stat().st_mtime_ns for path in workspace.tables.glob("*.parquet")}
    with monkeypatch.context() as patch:
        patch.setattr(stage, "decide", lambda *_: pytest.fail("decided again"))
        assert stage.passages(context).counts["documents_cut"] == 0
    assert {path: path.stat().st_mtime_ns for path in workspace.tables.glob("*.parquet")} == stamps
    folder = next((workspace.root / "passages").iterdir())
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert stage.passages(context).counts["documents_cut"] == 1, "the one document of the folder"
    assert outputs(workspace) == before


def test_rows_that_stay_are_not_written_again(workspace, monkeypatch):
    ingested(workspace, *(document(name, text) for name, text in CORPUS.items()))
    stage.passages(make_context(workspace))
    ingested(workspace, *(document(name, text) for name, text in CORPUS.items()), document("new", prose("entirely", 4)))
    written = {}
    run = Warehouse.run

    def counting(self, name, /, **parameters):
        result = run(self, name, **parameters)
        if name.endswith("_change"):
            written[name] = result.to_pylist()[0]["Count"]
        return result

    monkeypatch.setattr(Warehouse, "run", counting)
    stage.passages(make_context(workspace))
    assert written["selection_change"] == written["document_clusters_change"] == 1
    assert written["passage_rejections_change"] == 0


def test_near_duplicate_documents_give_their_passages_once(workspace):
    parts = [prose(f"p{number}", 3) for number in range(12)]
    whole = "\n\n".join(parts)
    shifted = "\n\n".join([prose("preface", 2), *parts[:5], prose("inserted", 2), *parts[5:]])
    ingested(workspace, document("a", whole), document("b", shifted), document("c", "\n\n".join(prose(f"q{n}", 3) for n in range(12))))
    context = make_context(workspace, near_duplicate_jaccard=0.7)
    report = stage.passages(context)
    tables = outputs(workspace)
    clusters = {row["document_key"]: row["cluster"] for row in tables["document_clusters"]}
    assert clusters == {"s/a": "s/a", "s/b": "s/a", "s/c": "s/c"}
    assert report.counts["near_duplicate_documents"] == 1
    selected = {row["passage_id"] for row in tables["selection"] if row["selected"]}
    assert {row["document_key"] for row in tables["passages"] if row["passage_id"] in selected} == {"s/a", "s/c"}
    details = [row["detail"] for row in tables["rejections"] if row["reason"] == "near_duplicate_document"]
    assert details and all("of s/a, whose passages are kept" in detail for detail in details)


SCRIPT = """
import sys
sys.path[:0] = [{tests!r}]
from pathlib import Path
from test_passages_stage import make_context
from rubric_factory.stages import passages as stage
from rubric_factory.passages import workers
from rubric_factory.workspace import Workspace
workers.WORTH_PROCESSES = 1
stage.passages(make_context(Workspace(Path({root!r}))))
"""


def test_killed_at_random_with_its_processes_it_continues_to_the_same_rows(tmp_path):
    tests = str(Path(__file__).parent)
    docs = [document(f"d{number:02d}", "\n\n".join(prose(f"t{number}x{part}", 4) for part in range(6))) for number in range(20)]
    plain, killed = Workspace(tmp_path / "plain"), Workspace(tmp_path / "killed")
    for workspace in (plain, killed):
        ingested(workspace, *docs)
    stage.passages(make_context(plain))
    rng = np.random.default_rng(int(os.environ.get("KILL_SEED", "1")))
    for _ in range(int(os.environ.get("KILLS", "3"))):
        running = subprocess.Popen([sys.executable, "-c", SCRIPT.format(tests=tests, root=str(killed.root))], stderr=subprocess.DEVNULL)
        time.sleep(float(rng.uniform(0.3, 3.0)))
        running.send_signal(signal.SIGKILL)
        running.wait()
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(tests=tests, root=str(killed.root))], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert outputs(killed) == outputs(plain)
