"""The passages stage on a real warehouse: what is cut, refused, clustered and selected, and that a re-run, a kill and a change keep it."""

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rubric_factory.errors import FactoryError, WorkspaceError
from rubric_factory.extract.texts import ShardWriter, shard_path
from rubric_factory.passages.decide import Nodes, Usable, decide
from rubric_factory.passages.dedupe import Held
from rubric_factory.passages.elders import NOTHING_OLDER, Elders
from rubric_factory.passages.lsh import signatures
from rubric_factory.passages.shingles import set_key, shingle_hashes
from rubric_factory.progress import Progress
from rubric_factory.records import Document, Section
from rubric_factory.settings import Settings
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.stages import Context
from rubric_factory.stages import passages as stage
from rubric_factory.tables import TABLES, document_to_row, passage_from_row
from rubric_factory.warehouse import Warehouse, opened
from rubric_factory.workspace import Workspace

SIZES = {"min_words": 40, "target_words": 60, "max_words": 110}
OUTPUTS = ("passages", "passage_measures", "document_measures", "document_clusters", "selection", "rejections")


def prose(topic, count=4):
    """Sentences that no other topic shares a run of words with."""
    body = []
    for number in range(count):
        names = [f"{topic}{word}" for word in ("valve", "seat", "spring", "guide", "stem")]
        tag = hashlib.sha256(f"{topic}{number}".encode()).hexdigest()[:6]
        body.append(
            f"When the {names[0]} {tag} moves, its {names[1]} lifts off and the {names[2]} pushes a {names[3]} toward that {names[4]}."
        )
    return " ".join(body)


def document(name, text, sections=(), content=None):
    digest = hashlib.sha256((content or text).encode()).hexdigest()
    return Document(digest, f"s/{name}", "s", name, "text/html", len(text), text, sections=tuple(sections))


def ingested(workspace, *documents, extraction="e1"):
    """Bring the workspace to what ingest leaves: one shard, the documents table and its export."""
    facts = {"words": 1, "removed_characters": 0, "settings_digest": extraction, "seconds": 0.0}
    rows = [document_to_row(doc, shard=f"{doc.document_id[:16]}-{doc.source_uri}", **facts) for doc in documents]
    for row in rows:
        writer = ShardWriter(shard_path(workspace, row["shard"]))
        writer.add(row)
        writer.commit()
    schema = TABLES["documents"][0]
    with opened(workspace) as house:
        house._connection.execute("DELETE FROM documents")
        house.fold("documents", pa.Table.from_pylist([{n: row[n] for n in schema.names} for row in rows], schema=schema))
        house.export("documents")


@pytest.fixture
def context(workspace):
    return make_context(workspace)


def make_context(workspace, **changes):
    author = {"type": "extractive"}
    if changes.get("withheld_sections"):
        author = {"type": "scripted", "model": "m", "revision": "r", "function": "a:b", "mode": {"type": "withheld_section"}}
    settings = Settings(name="t", seed=1, author=author, passages={**SIZES, **changes}, workspace=workspace.root)
    return Context(settings, workspace, Progress(quiet=True))


def outputs(workspace):
    return {name: pq.read_table(workspace.tables / f"{name}.parquet").to_pylist() for name in OUTPUTS}


def by_key(workspace, column):
    tables = outputs(workspace)
    names = {row["passage_id"]: f"{row['document_key']}#{row['anchor']}" for row in tables["passages"]}
    return {names[row["passage_id"]]: row[column] for row in tables["selection"]}


def test_passages_quote_their_document_and_every_one_is_selected_or_refused(context, workspace):
    docs = [document("a", f"{prose('alpha')}\n\n{prose('beta')}"), document("b", f"{prose('gamma')}\n\nOne. Two.\n\n{'x = 1; ' * 99}")]
    ingested(workspace, *docs)
    report = stage.passages(context)
    tables = outputs(workspace)
    texts = {doc.document_key: doc.text for doc in docs}
    for row in tables["passages"]:
        passage = passage_from_row(row)
        assert passage.text == texts[passage.document_key][passage.char_start : passage.char_end]
        assert passage.passage_id == passage.id_of(passage.document_id, passage.char_start, passage.char_end, passage.text)
    selected = {row["passage_id"] for row in tables["selection"] if row["selected"]}
    refused = {row["record_id"] for row in tables["rejections"]}
    assert selected | refused == {row["passage_id"] for row in tables["passages"]}
    assert not selected & refused
    assert report.counts["passages"] == len(tables["passages"]) == report.counts["selected"] + sum(report.rejections.values())
    assert report.counts["selected"] == 3
    assert all(row["stage"] == "passages" and row["detail"] for row in tables["rejections"])


def test_a_second_run_cuts_nothing_and_changes_no_row(context, workspace):
    ingested(
        workspace, document("a", prose("alpha")), document("b", prose("alpha")[:-20] + "with another end."), document("c", "Too short.")
    )
    first = stage.passages(context)
    before = outputs(workspace)
    second = stage.passages(context)
    assert (first.counts["documents_cut"], second.counts["documents_cut"]) == (3, 0)
    assert outputs(workspace) == before
    assert second.rejections == first.rejections


def test_exact_and_near_duplicates_are_refused_and_keep_one_cluster(context, workspace):
    text = prose("alpha")
    ingested(
        workspace, document("a", text), document("b", text.upper()), document("c", f"{text} And so on."), document("d", prose("delta"))
    )
    report = stage.passages(context)
    clusters = by_key(workspace, "cluster")
    family = {clusters[f"s/{name}#p0/1"] for name in "abc"}
    assert len(family) == 1
    assert clusters["s/d#p0/1"] not in family
    assert family == {row["passage_id"] for row in outputs(workspace)["passages"] if row["document_key"] == "s/a"}
    assert report.counts["exact_duplicates"] + report.counts["near_duplicates"] == 2
    assert (report.counts["clusters"], report.counts["largest_cluster"], report.counts["largest_cluster_warning"]) == (1, 3, 1)
    assert sum(by_key(workspace, "selected").values()) == 2


def test_a_changed_document_changes_only_what_hangs_on_it(context, workspace):
    docs = [document(name, prose(name * 3)) for name in "abcd"]
    ingested(workspace, *docs)
    stage.passages(context)
    before = outputs(workspace)["passages"]
    ingested(workspace, *docs[:2], document("c", prose("changed")))
    report = stage.passages(context)
    after = outputs(workspace)["passages"]
    keep = ("s/a", "s/b")
    assert [row for row in before if row["document_key"] in keep] == [row for row in after if row["document_key"] in keep]
    assert {row["document_key"] for row in after} == {"s/a", "s/b", "s/c"}
    assert (report.counts["documents_cut"], report.counts["passages"]) == (1, 3)
    assert "changedvalve" in next(row["text"] for row in after if row["document_key"] == "s/c")
    assert {row["passage_id"] for row in outputs(workspace)["passage_measures"]} == {row["passage_id"] for row in after}


def test_a_renamed_or_anew_extracted_document_is_cut_again(context, workspace):
    ingested(workspace, document("a", prose("alpha")))
    stage.passages(context)
    ingested(workspace, document("z", prose("alpha")))
    assert stage.passages(context).counts["documents_cut"] == 1
    assert {row["document_key"] for row in outputs(workspace)["passages"]} == {"s/z"}
    ingested(workspace, document("z", f"{prose('alpha')} Now read better.", content=prose("alpha")), extraction="e2")
    assert stage.passages(context).counts["documents_cut"] == 1
    assert outputs(workspace)["passages"][0]["text"].endswith("Now read better.")


def test_duplicate_documents_have_no_passages(context, workspace):
    docs = [document("a", prose("alpha")), document("b", prose("alpha"))]
    ingested(workspace, *docs)
    with opened(workspace) as house:
        house._connection.execute("UPDATE documents SET duplicate_of = 's/a' WHERE document_key = 's/b'")
        house.export("documents")
    stage.passages(context)
    assert {row["document_key"] for row in outputs(workspace)["passages"]} == {"s/a"}


def test_settings_of_the_selection_cut_nothing_again_and_settings_of_the_chunks_do(context, workspace):
    text = "\n\n".join(prose(f"topic{number}") for number in range(6))
    ingested(workspace, document("a", text))
    assert stage.passages(context).counts["selected"] == 6
    capped = stage.passages(make_context(workspace, per_document=2))
    assert (capped.counts["documents_cut"], capped.counts["selected"]) == (0, 2)
    assert capped.rejections == {"over_document_cap": 4}
    wider = stage.passages(make_context(workspace, target_words=100, max_words=200))
    assert (wider.counts["documents_cut"], wider.counts["passages"]) == (1, 3)


POINTS = ((Warehouse, "run"), (Warehouse, "fold"), (Warehouse, "export"), (os, "fsync"), (Path, "rename"), (Path, "unlink"))


# Of a first and of a later run each; all of them are tried with CRASH_POINTS=1000.
POINTS_TRIED = int(os.environ.get("CRASH_POINTS", "5"))


def dies_at(point, monkeypatch):
    """Every statement, fsync, rename and removal counts; the point-th raises, as a kill would stop there. Returns the counter."""
    seen = {"calls": 0}
    for owner, name in POINTS:
        real = getattr(owner, name)

        def counting(*given, real=real, **named):
            seen["calls"] += 1
            if seen["calls"] == point:
                raise KeyboardInterrupt
            return real(*given, **named)

        monkeypatch.setattr(owner, name, counting)
    return seen


def crash_corpus(workspace):
    docs = [document(name, prose(name * 2)) for name in "abc"] + [document("d", prose("aa") + " More."), document("e", prose("aa", 3))]
    ingested(workspace, *docs)
    return docs


def test_a_kill_at_any_write_of_a_first_or_of_a_later_run_leaves_what_the_next_run_completes(tmp_path, monkeypatch):
    plain = Workspace(tmp_path / "plain")
    docs = crash_corpus(plain)
    with monkeypatch.context() as patch:
        seen = dies_at(0, patch)
        stage.passages(make_context(plain))
        first = seen["calls"]
        ingested(plain, *docs[1:], document("f", prose("bb")))
        seen["calls"] = 0
        stage.passages(make_context(plain))
        later = seen["calls"]
    expected = outputs(plain)
    assert first > 40 and later > 40
    crash_corpus(done := Workspace(tmp_path / "done"))
    stage.passages(make_context(done))
    for point in [*range(2, first + 1, max(1, first // POINTS_TRIED)), *(-at for at in range(3, later + 1, max(1, later // POINTS_TRIED)))]:
        killed = Workspace(tmp_path / f"at{point}")
        if point > 0:
            crash_corpus(killed)
        else:
            shutil.copytree(done.root, killed.root)
            ingested(killed, *docs[1:], document("f", prose("bb")))
        with monkeypatch.context() as patch:
            dies_at(abs(point), patch)
            with pytest.raises(KeyboardInterrupt):
                stage.passages(make_context(killed))
        if point > 0:
            ingested(killed, *docs[1:], document("f", prose("bb")))
        stage.passages(make_context(killed))
        assert outputs(killed) == expected, point
        assert not list((killed.root / "passages").glob("*/*.parquet")), "what was folded is removed"


def test_an_empty_corpus_and_missing_texts_are_one_clear_line(context, workspace):
    with pytest.raises(FactoryError, match=r"no document in the workspace.*fix: run rubric-factory ingest"):
        stage.passages(context)
    ingested(workspace, document("a", prose("alpha")))
    next(workspace.texts.glob("*.parquet")).unlink()
    with pytest.raises(WorkspaceError, match="texts of 1 documents are missing"):
        stage.passages(context)


def test_the_tables_rebuild_the_warehouse(context, workspace):
    ingested(workspace, document("a", prose("alpha")), document("b", prose("beta")))
    stage.passages(context)
    before = outputs(workspace)
    workspace.warehouse.unlink()
    with opened(workspace) as house:
        house.load()
    assert stage.passages(context).counts["documents_cut"] == 0
    assert outputs(workspace) == before


def test_sections_reach_the_anchor(context, workspace):
    text = f"Guide\n\n{prose('alpha')}"
    ingested(workspace, document("a", text, [Section(0, 1, "Guide")]))
    stage.passages(context)
    assert [row["anchor"] for row in outputs(workspace)["passages"]] == ["§Guide/1"]


def nodes(names, texts, words=None):
    sets = [shingle_hashes(text, 5) for text in texts]
    keys = np.array([set_key(one) if len(one) else 0 for one in sets], dtype=np.int64)
    words = np.zeros(len(names), dtype=np.int64) if words is None else np.array(words, dtype=np.int64)
    return Nodes(pa.array(names, pa.large_string()), words, keys, np.full(len(names), -1), signatures(sets), Held(sets))


def decided(*rows, documents=None, settings=None, elders=NOTHING_OLDER):
    """Decision on (passage_id, document_key, start, score, text); documents are unlike each other unless their texts are given."""
    rows = sorted(rows, key=lambda row: row[1:3])
    keys = sorted({row[1] for row in rows})
    texts = [row[4] for row in rows]
    usable = Usable(
        nodes([row[0] for row in rows], texts, [texts.index(text) + 1 for text in texts]),
        np.array([keys.index(row[1]) for row in rows], dtype=np.int64),
        np.array([row[3] for row in rows], dtype=float),
        pa.nulls(len(rows), pa.large_string()),
        np.full(len(rows), np.nan),
    )
    return decide(usable, nodes(keys, [(documents or {}).get(key, key) for key in keys]), settings or PassageSettings(), elders)


def test_a_chain_of_near_duplicates_is_one_cluster_and_says_how_near_its_ends_are():
    words = [f"w{number}" for number in range(60)]
    links = [" ".join(words[shift : shift + 50]) for shift in (0, 4, 8)]
    decision = decided(*((f"p{at}", f"s/{at}", 0, 0.5, link) for at, link in enumerate(links)))
    assert {row["cluster"] for row in decision.selection.to_pylist()} == {"p0"}
    details = {row["record_id"]: row["detail"] for row in decision.rejections.to_pylist()}
    assert details["p1"] == "Jaccard similarity 0.84 with passage p0, which represents their cluster"
    assert details["p2"] == "Jaccard similarity 0.70 with passage p0, which represents their cluster"


def together(decision):
    groups = {}
    for row in decision.selection.to_pylist():
        groups.setdefault(row["cluster"], set()).add(row["passage_id"])
    return sorted(map(sorted, groups.values()))


def test_the_order_in_which_documents_come_changes_who_represents_a_cluster_but_not_the_clusters():
    rows = [(f"p{number:02d}", f"s/{number % 3}", number, number / 40, prose(f"t{number % 11}")) for number in range(30)]
    forward = decided(*rows)
    renamed = decided(*[(p, f"s/{9 - int(key[2:])}", start, score, text) for p, key, start, score, text in rows])
    assert together(forward) == together(renamed) and len(together(forward)) == 11
    kept = {row["passage_id"] for row in forward.selection.to_pylist() if row["duplicate_of"] is None}
    assert kept == {min(group, key=lambda p: (int(p[1:]) % 3, p)) for group in together(forward)}, "first by document and place"


def test_the_eldest_represents_its_cluster_and_held_out_before_trained():
    copies = [(f"p{at}", f"s/{at}", 0, 0.5, prose("same") + " Revised." * at) for at in range(6)]

    def kept(**elders):
        decision = decided(*copies, elders=Elders(**elders))
        found = {row["cluster"] for row in decision.selection.to_pylist()}
        assert {row["reason"] for row in decision.rejections.to_pylist()} == {"near_duplicate"}
        return found.pop() if len(found) == 1 else found

    assert kept() == "p0"
    assert kept(documents={"s/5", "s/3"}) == "p3"
    assert kept(documents={"s/3"}, clusters={"p4"}) == "p4"
    assert kept(documents={"s/3"}, clusters={"p4"}, published={"p5": "train"}) == "p5"
    assert kept(clusters={"p4"}, published={"p1": "train", "p5": "test", "p2": "validation"}) == "p5"


def test_nothing_usable_decides_nothing():
    decision = decided()
    assert (decision.selection.num_rows, decision.rejections.num_rows, decision.documents.num_rows) == (0, 0, 0)
