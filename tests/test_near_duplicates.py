"""Near-duplicates over versions: no text changes sides under another name, and no newcomer takes an older document's tasks."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from factory import make_context, make_task
from test_passages_stage import SIZES, document, ingested, prose

from data_contracts import check as check_module
from data_contracts.facts import near_duplicates_apart
from rubric_factory import warehouse
from rubric_factory.dataset_files import load_rows
from rubric_factory.dataset_version import ancestors, grounding, latest, open_version, task_rows
from rubric_factory.passages.dedupe import near_pairs
from rubric_factory.passages.shingles import jaccard, shingle_hashes
from rubric_factory.publishing import ancestry as ancestry_module
from rubric_factory.publishing.ancestry import Ancestry, ancestry, near_ancestors
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.stages import publish as publish_module
from rubric_factory.stages import stage as stage_module
from rubric_factory.stages.passages import passages as cut_passages
from rubric_factory.stages.publish import publish
from rubric_factory.tables import SPLITS, TABLES, passage_from_row, task_to_row

TEXTS = {f"doc{number:02d}": prose(f"topic{number}n", 5) for number in range(24)}


@pytest.fixture
def context(tmp_path, monkeypatch):
    monkeypatch.setattr(check_module, "_expectations", lambda *_: [])
    monkeypatch.setattr(publish_module, "load_back", lambda folder, counts: None)
    return make_context(tmp_path, passages=SIZES)


def staged(context, texts, refused=()):
    """Documents s/<name> with these texts through the passages stage, a task for each selected passage, gates, and the stage step.

    refused: names of the documents whose tasks fail a gate.
    """
    ingested(context.workspace, *(replace(document(name, text), page_starts=(0,), licence="CC0-1.0") for name, text in texts.items()))
    cut_passages(context)
    with warehouse.opened(context.workspace) as house, house.transaction():
        selected = {row["passage_id"] for row in house.table("selection").to_pylist() if row["selected"]}
        found = [passage_from_row(row) for row in house.table("passages").to_pylist() if row["passage_id"] in selected]
        tasks = [make_task(passage) for passage in found]
        names = [task.document_key.removeprefix("s/") for task in tasks]
        gate = {"gate": "spans", "severity": "error", "figure": 1.0, "detail": ""}
        gates = [{"task_id": t.task_id, "passed": name not in refused, **gate} for t, name in zip(tasks, names, strict=True)]
        for table, rows in (("tasks", list(map(task_to_row, tasks))), ("gate_results", gates)):
            house._connection.execute(f"DELETE FROM {table}")
            house.fold(table, pa.Table.from_pylist(rows, schema=TABLES[table][0]))
    return stage_module.stage(context)


def released(context, texts, refused=()):
    """As staged, then the contracts and publish; the report of publish."""
    staged(context, texts, refused)
    report = check_module.check(context.workspace.staging / "unit", "standard", datasets=context.workspace.datasets)
    assert [check.check for check in report.failed] == []
    return publish(context)


def sides_of(report):
    """Passage text -> side, document name -> side, task_key -> row of a published version."""
    version = open_version(Path(report.folder))
    texts = {row["text"]: split for split in SPLITS for row in grounding(version, split).values()}
    tasks = {row["task_key"]: row for split in SPLITS for row in task_rows(version, split)}
    return texts, {row["document_key"]: split for split in SPLITS for row in grounding(version, split).values()}, tasks


def rejected(context):
    with warehouse.opened(context.workspace) as house:
        owner = {row["passage_id"]: row["document_key"] for row in house.table("passages").to_pylist()}
        rows = house.table("rejections").to_pylist()
    return {(owner.get(row["record_id"], row["record_id"]), row["reason"]) for row in rows}


def revised(name, number=1):
    return f"{TEXTS[name]} Revision {number}."


def test_copies_of_published_documents_are_refused_whatever_their_name_and_no_task_changes(context):
    first = released(context, TEXTS)
    assert min(first.counts[split] for split in SPLITS) >= 2
    copied = [f"doc{number:02d}" for number in range(0, 24, 2)]
    copies = {f"{'a' if number % 2 else 'z'}copy{number:02d}": revised(name, number) for number, name in enumerate(copied)}
    again = released(context, {**TEXTS, **copies})
    assert again.content_fingerprint == first.content_fingerprint and again.version == "1.0.1", "only the card knows of the copies"
    assert rejected(context) == {(f"s/{name}", "near_duplicate") for name in copies}


def test_what_takes_the_place_of_a_document_stays_on_its_side_even_when_that_is_gone(context):
    first = released(context, TEXTS)
    before, _, _ = sides_of(first)
    later = {(f"moved{name}" if number % 2 else name): revised(name) for number, name in enumerate(TEXTS)}
    second = released(context, later)
    assert second.published
    after, _, _ = sides_of(second)
    assert {text.removesuffix(" Revision 1."): split for text, split in after.items()} == before
    third = released(context, {f"again{number}": revised(name) + " Once more." for number, name in enumerate(TEXTS)})
    after, _, _ = sides_of(third)
    assert {text.removesuffix(" Revision 1. Once more."): split for text, split in after.items()} == before


def test_a_copy_follows_a_document_that_has_no_task(context):
    """The original is kept, and its task was refused: the copy's would be the only one, on the original's side."""
    silent = list(TEXTS)[::2]
    released(context, TEXTS, refused=silent)
    sides = {key: entry["split"] for key, entry in latest(context.workspace.datasets, "unit").manifest["splits"]["documents"].items()}
    assert len(sides) == 24 and len({sides[f"s/{name}"] for name in silent}) == 3
    staged(context, {**TEXTS, **{f"a{name}": revised(name) for name in silent}}, refused=silent)
    now = json.loads((context.workspace.staging / "unit" / "staged.json").read_text())["splits"]["documents"]
    assert all(now[f"s/a{name}"]["split"] == sides[f"s/{name}"] for name in silent)


def test_a_newcomer_takes_no_task_of_an_older_document_and_its_own_passages_are_published(context):
    long = "\n\n".join(prose(f"long{number}") for number in range(7))
    texts = {**dict(list(TEXTS.items())[:12]), "middle": long}
    first = released(context, texts)
    _, documents, before = sides_of(first)
    copied = "\n\n".join([*(part + " Revised." for part in long.split("\n\n")[:5]), prose("fresh")])
    second = released(context, {**texts, "aaa": copied})
    _, now, after = sides_of(second)
    assert {key: row for key, row in after.items() if not key.startswith("s/aaa#")} == before
    assert [key for key in after if key.startswith("s/aaa#")] == ["s/aaa#p1/6/0"]
    assert now["s/aaa"] == documents["s/middle"], "its other passages are near-duplicates of that document's"
    assert {(key, reason) for key, reason in rejected(context)} == {("s/aaa", "near_duplicate")}
    assert not released(context, {**texts, "aaa": copied}).published
    third = released(context, {"aaa": copied, **{name: text for name, text in texts.items() if name != "middle"}})
    assert sum(key.startswith("s/aaa#") for key in sides_of(third)[2]) == 6, "with the older one gone, the copy stands for it"


def test_without_a_version_the_first_by_key_is_kept_and_publishing_changes_no_selection(context):
    texts = {**TEXTS, "doc00b": revised("doc00"), "aaa": revised("doc01")}
    first = released(context, texts, refused=["aaa"])
    assert rejected(context) == {("s/doc00b", "near_duplicate"), ("s/doc01", "near_duplicate")}
    assert not released(context, texts, refused=["aaa"]).published
    assert rejected(context) == {("s/doc00b", "near_duplicate"), ("s/doc01", "near_duplicate")}
    assert first.counts["tasks"] == 23


@pytest.mark.parametrize("old", ["train", "test"])
def test_the_contract_sees_a_near_duplicate_on_another_side(context, monkeypatch, old):
    """Staging is kept from looking, as it once did not: documents that are gone come back revised, under other names."""
    _, sides, _ = sides_of(released(context, TEXTS))
    moved = [name for name in TEXTS if sides[f"s/{name}"] == old]
    kept = {name: text for name, text in TEXTS.items() if name not in moved}
    monkeypatch.setattr(stage_module, "near_ancestors", lambda *arguments: {})
    staged(context, {**kept, **{f"x{name}": revised(name) for name in moved}})
    folder = context.workspace.staging / "unit"
    report = check_module.check(folder, "standard", datasets=context.workspace.datasets)
    found = next(check for check in report.checks if check.check == "apart_from_ancestors")
    rows = load_rows(folder)
    wrong = [row for split in SPLITS if split != old for row in rows.grounding[split] if "Revision" in row["text"]]
    assert wrong and found.unexpected == len(wrong) and found.severity == "error" and not report.success
    assert all(f"near-duplicate of what an ancestor had in {old}" in line for line in found.examples)
    strict = PassageSettings(near_duplicate_jaccard=0.999)
    known = ancestry(ancestors(context.workspace.datasets, "unit", "1.0.0"))
    assert not list(near_duplicates_apart(rows, known, strict)), "by the similarity that the settings name"


def test_near_ancestors_are_those_of_brute_force():
    words = [f"w{number}" for number in range(400)]
    texts = {f"n{at}": " ".join(words[at : at + 60]) for at in range(0, 200, 7)}
    old = {f"o{at}": " ".join(words[at : at + 60]) for at in range(0, 200, 5)}
    settings = PassageSettings(near_duplicate_jaccard=0.9)
    hashed = {name: shingle_hashes(text, 5) for name, text in {**texts, **old}.items()}
    expected = {name: tuple(sorted(other for other in old if jaccard(hashed[name], hashed[other]) >= 0.9)) for name in texts}
    found = near_ancestors(texts, Ancestry(dict.fromkeys(old, "train"), old), settings)
    assert found == {name: others for name, others in expected.items() if others} and len(found) > 5
    assert near_pairs([shingle_hashes("", 5)], [shingle_hashes("too short", 5)], 0.5) == []


def test_a_text_that_two_splits_held_counts_as_train(monkeypatch):
    held = {(1, "test"): "t", (1, "validation"): "v", (2, "train"): "t", (2, "test"): "w", (3, "validation"): "t"}
    rows = {key: {"g": {"sha256": text, "text": text.upper()}} for key, text in held.items()}
    monkeypatch.setattr(ancestry_module, "grounding", lambda version, split: rows.get((version, split), {}))
    expected = Ancestry({"t": "train", "v": "validation", "w": "test"}, {"t": "T", "v": "V", "w": "W"})
    assert ancestry([1, 2, 3]) == ancestry([3, 2, 1]) == expected
