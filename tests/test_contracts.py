"""Contracts: what they ask, that their report is deterministic, and that every damage to a staged dataset blocks publishing."""

import hashlib
import json
import shutil
import socket
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import make_context, make_task, published, small_corpus

from data_contracts import check as check_module
from data_contracts.check import SUITES, check, contracts
from rubric_factory.dataset_files import content_fingerprint
from rubric_factory.dataset_version import open_version, trained_on, versions
from rubric_factory.errors import BlockedError, FactoryError, UsageError
from rubric_factory.publishing.parquet import write_split
from rubric_factory.publishing.yank import yank
from rubric_factory.records import Message, Passage, content_id
from rubric_factory.stages.publish import publish
from rubric_factory.stages.stage import stage
from rubric_factory.tables import PUBLISHED, SPLITS


class Staged:
    """A staged folder whose rows can be changed: edit the lists, then `save`, which also tells staged.json of them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.rows = {c: {s: self._table(c, s).to_pylist() for s in SPLITS} for c in PUBLISHED}
        self.staged = json.loads((folder / "staged.json").read_text())
        self.settings = json.loads((folder / "settings.json").read_text())

    def _table(self, config, split):
        return pq.read_table(self.folder / config / f"{split}-00000-of-00001.parquet")

    def task(self, split="train", index=0):
        return self.rows["tasks"][split][index]

    def criterion(self, index=0):
        return self.task()["rubric"][index]

    def ground(self, split="train", index=0):
        return self.rows["grounding"][split][index]

    def renamed(self, task, **changes):
        """Change a task and give it the task_id of its new content, in policy too."""
        old = task["task_id"]
        task.update(changes)
        for criterion in task["rubric"]:
            body = {k: v for k, v in criterion.items() if k not in ("criterion_id", "criterion_key")}
            criterion["criterion_id"] = content_id("criterion", [body[name] for name in sorted(body)])
        prompt = [[m["role"], m["content"]] for m in task["prompt"]]
        criteria = [c["criterion_id"] for c in task["rubric"]]
        task["task_id"] = content_id("task", prompt, task["question"], task["reference_answer"], criteria, task["grounding_id"])
        for split in SPLITS:
            for row in self.rows["policy"][split]:
                if row["task_id"] == old:
                    row.update(task_id=task["task_id"], prompt=task["prompt"])

    def reground(self, task, text, split="train"):
        """Give a task's passage another text, with every hash and id that follows from it."""
        ground = next(row for row in self.rows["grounding"][split] if row["grounding_id"] == task["grounding_id"])
        ground.update(text=text, sha256=hashlib.sha256(text.encode()).hexdigest(), char_end=ground["char_start"] + len(text))
        ground["grounding_id"] = Passage.id_of(ground["document_id"], ground["char_start"], ground["char_end"], text)
        for criterion in task["rubric"]:
            for span in criterion["evidence"]:
                span["quote"] = text[span["start"] : span["end"]]
        self.renamed(task, grounding_id=ground["grounding_id"])

    def save(self):
        for config in PUBLISHED:
            for split in SPLITS:
                write_split(self.folder, config, split, self.rows[config][split])
        self.staged["content_fingerprint"] = content_fingerprint(self.folder)
        for config in ("tasks", "grounding"):
            self.staged["counts"][config] = {split: len(self.rows[config][split]) for split in SPLITS}
        (self.folder / "staged.json").write_text(json.dumps(self.staged))
        (self.folder / "settings.json").write_text(json.dumps(self.settings))


def null_question(s):
    s.task()["question"] = None


def empty_reference(s):
    s.renamed(s.task(), reference_answer="")


def duplicate_task(s):
    s.rows["tasks"]["train"].append(s.task())
    s.rows["policy"]["train"].append(s.rows["policy"]["train"][0])


def duplicate_task_key(s):
    s.task(index=1)["task_key"] = s.task()["task_key"]


def duplicate_criterion_key(s):
    s.criterion(1)["criterion_key"] = s.criterion(0)["criterion_key"]


def task_missing_in_policy(s):
    del s.rows["policy"]["train"][0]


def other_prompt_in_policy(s):
    s.rows["policy"]["train"][0]["prompt"] = [{"role": "user", "content": "Something else, what is asked of you here?"}]


def prompt_of_an_assistant(s):
    s.renamed(s.task(), prompt=[*s.task()["prompt"], {"role": "assistant", "content": "It is"}])


def prompt_without_question(s):
    s.renamed(s.task(), prompt=[{"role": "user", "content": "Say something about parts."}])


def changed_answer_under_the_old_id(s):
    s.task()["reference_answer"] += " And more."


def changed_criterion_under_the_old_id(s):
    s.criterion()["description"] = "The answer names another part."


def zero_weight(s):
    s.criterion()["weight"] = 0
    s.renamed(s.task())


def positive_pitfall(s):
    s.criterion(1)["weight"] = 3
    s.renamed(s.task())


def no_positive_weight(s):
    del s.task()["rubric"][0]
    s.renamed(s.task())


def guide_with_a_gap(s):
    s.criterion()["scoring_guide"] = [{"level": 0, "meaning": "absent"}, {"level": 2, "meaning": "there"}]
    s.renamed(s.task())


def quote_moved_by_one(s):
    span = s.criterion()["evidence"][0]
    span.update(start=span["start"] + 1, end=span["end"] + 1)
    s.renamed(s.task())


def quote_beyond_the_passage(s):
    s.criterion()["evidence"] = [{"start": 100_000, "end": 100_010, "quote": "0123456789"}]
    s.renamed(s.task())


def changed_grounding_text(s):
    s.ground()["text"] = s.ground()["text"].replace("e", "3")


def changed_grounding_text_with_its_hash(s):
    text = s.ground()["text"].replace("e", "3")
    s.ground().update(text=text, sha256=hashlib.sha256(text.encode()).hexdigest())


def grounding_lost(s):
    del s.rows["grounding"]["train"][0]


def grounding_on_another_side(s):
    s.rows["grounding"]["test"].append(s.rows["grounding"]["train"].pop(0))


def grounding_of_no_task(s):
    extra = dict(s.ground())
    extra.update(char_start=1, char_end=1 + len(extra["text"]))
    extra["grounding_id"] = Passage.id_of(extra["document_id"], 1, extra["char_end"], extra["text"])
    s.rows["grounding"]["train"].append(extra)


def provenance_differs(s):
    s.task()["page_start"] = 0


def prompt_quotes_the_passage(s):
    text = s.ground()["text"]
    question = "Which part comes after " + " ".join(text.split()[2:12]) + "?"
    s.renamed(s.task(), question=question, prompt=[{"role": "user", "content": question}])


def document_on_two_sides(s):
    for config in ("policy", "tasks", "grounding"):
        s.rows[config]["test"].append(s.rows[config]["train"].pop(0))


def passage_text_on_two_sides(s):
    s.reground(s.task("test"), s.ground()["text"], "test")


def against_the_assignment(s):
    key = s.task()["document_key"]
    for config in ("tasks", "grounding"):
        moved = [row for row in s.rows[config]["train"] if row["document_key"] == key]
        s.rows[config]["train"] = [row for row in s.rows[config]["train"] if row["document_key"] != key]
        s.rows[config]["test"] += moved
    ids = {row["task_id"] for row in s.rows["tasks"]["test"]}
    s.rows["policy"]["test"] += [row for row in s.rows["policy"]["train"] if row["task_id"] in ids]
    s.rows["policy"]["train"] = [row for row in s.rows["policy"]["train"] if row["task_id"] not in ids]


def absolute_source(s):
    for table in ("tasks", "grounding"):
        for row in s.rows[table]["train"]:
            row["source_uri"] = "/home/someone/papers/a.pdf"


def licence_not_allowed(s):
    s.settings["publish"]["allowed_licences"] = ["CC0-1.0"]


def counts_that_lie(s):
    s.save()
    s.staged["counts"]["tasks"]["train"] += 1
    (s.folder / "staged.json").write_text(json.dumps(s.staged))


def other_column(s):
    path = s.folder / "tasks" / "train-00000-of-00001.parquet"
    pq.write_table(pq.read_table(path).append_column("note", pa.array(["x"] * len(s.rows["tasks"]["train"]))), path)


def other_type(s):
    path = s.folder / "tasks" / "train-00000-of-00001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.set_column(14, "page_start", table["page_start"].cast(pa.int32())), path)


def emptied(s):
    for config in PUBLISHED:
        for split in SPLITS:
            s.rows[config][split] = []


def unknown_grade(s):
    s.task()["evidence_grade"] = "excellent"


def key_of_another_document(s):
    s.task()["task_key"] = "papers/other.pdf#s0/0/0"


def control_character(s):
    s.reground(s.task(), s.ground()["text"] + "\x02")


def two_authors(s):
    s.task()["author"] = "someone@1"


def weight_out_of_bounds(s):
    s.criterion()["weight"] = 100_000
    s.renamed(s.task())


def question_of_one_word(s):
    s.renamed(s.task(), question="Why?", prompt=[{"role": "user", "content": "Why?"}])


def pages_backwards(s):
    for row in (s.task(), next(g for g in s.rows["grounding"]["train"] if g["grounding_id"] == s.task()["grounding_id"])):
        row.update(page_start=9, page_end=3)


def other_system_message(s):
    s.renamed(s.task(), prompt=[{"role": "system", "content": "You are a pirate."}, *s.task()["prompt"]])


# Damage and the check that must name it. Those below need no expectation: facts alone find them.
FACTS = {
    null_question: "facts.complete",
    empty_reference: "facts.complete",
    duplicate_task: "facts.unique_ids",
    duplicate_task_key: "facts.unique_ids",
    duplicate_criterion_key: "facts.unique_ids",
    task_missing_in_policy: "facts.policy_matches_tasks",
    other_prompt_in_policy: "facts.policy_matches_tasks",
    prompt_of_an_assistant: "facts.prompt_holds_question",
    prompt_without_question: "facts.prompt_holds_question",
    changed_answer_under_the_old_id: "facts.ids_from_content",
    changed_criterion_under_the_old_id: "facts.ids_from_content",
    zero_weight: "facts.ids_from_content",
    positive_pitfall: "facts.ids_from_content",
    no_positive_weight: "facts.ids_from_content",
    guide_with_a_gap: "facts.ids_from_content",
    quote_moved_by_one: "facts.evidence_verbatim",
    quote_beyond_the_passage: "facts.evidence_verbatim",
    changed_grounding_text: "facts.grounding_intact",
    changed_grounding_text_with_its_hash: "facts.grounding_intact",
    grounding_lost: "facts.grounding_of_tasks",
    grounding_on_another_side: "facts.grounding_of_tasks",
    grounding_of_no_task: "facts.grounding_of_tasks",
    provenance_differs: "facts.grounding_of_tasks",
    prompt_quotes_the_passage: "facts.prompt_apart_from_passage",
    document_on_two_sides: "facts.one_side",
    passage_text_on_two_sides: "facts.one_side",
    against_the_assignment: "facts.as_assigned",
    absolute_source: "facts.relative_sources",
    licence_not_allowed: "facts.licences_allowed",
    counts_that_lie: "facts.fingerprint_fits",
    other_column: "facts.published_schema",
    other_type: "facts.published_schema",
}
EXPECTATIONS = {
    emptied: "tasks.table_row_count_to_be_between",
    unknown_grade: "tasks.column_values_to_be_in_set:evidence_grade",
    key_of_another_document: "tasks.column_values_to_be_in_set:key_of_document",
    control_character: "passages.column_values_to_not_match_regex:text",
    two_authors: "tasks.column_unique_value_count_to_be_between:author",
    weight_out_of_bounds: "criteria.column_values_to_be_between:weight",
    question_of_one_word: "tasks.column_values_to_be_between:question_words",
    pages_backwards: "passages.column_pair_values_a_to_be_greater_than_b:page_end:page_start",
    other_system_message: "policy.column_unique_value_count_to_be_between:system_text",
}
AFTER_SAVING = {counts_that_lie, other_column, other_type}


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    root = tmp_path_factory.mktemp("original")
    context = make_context(root)
    small_corpus(8).fold(context.workspace)
    stage(context)
    return root


@pytest.fixture
def context(original, tmp_path):
    shutil.copytree(original / "staging", tmp_path / "staging")
    return make_context(tmp_path)


@pytest.mark.parametrize("damage", [*FACTS, *EXPECTATIONS], ids=lambda damage: damage.__name__)
def test_damage_blocks_publishing(context, damage, monkeypatch):
    staged = Staged(context.workspace.staging / "unit")
    damage(staged)
    if damage not in AFTER_SAVING:
        staged.save()
    if damage in FACTS:
        monkeypatch.setattr(check_module, "_expectations", lambda *_: [])  # the fact must find it alone
    report = check(staged.folder, "standard", datasets=context.workspace.datasets)
    assert {**FACTS, **EXPECTATIONS}[damage] in {f"{c.table}.{c.check}" for c in report.failed}
    with pytest.raises(BlockedError) as caught:
        report.require()
    assert caught.value.exit_code == 3
    with pytest.raises(BlockedError):
        publish(context)
    assert versions(context.workspace.datasets) == [] and not list((context.workspace.datasets / "unit").glob("[!.]*"))


def test_rows_may_say_whose_rubrics_they_have(context):
    staged = Staged(context.workspace.staging / "unit")
    staged.task()["author"] += " rubric=someone@1"
    staged.save()
    report = check(staged.folder, "standard", datasets=context.workspace.datasets)
    assert not [c for c in report.failed if "author" in c.check]


def test_a_sound_folder_passes_and_the_report_is_the_same_each_time(context):
    first = contracts(context)
    path = context.workspace.staging / "unit" / "contracts.json"
    once = path.read_bytes()
    contracts(context)
    assert path.read_bytes() == once
    report = json.loads(once)
    assert report["success"] and first.counts["failed_errors"] == 0 and first.counts["checks"] == len(report["checks"])
    for table in SUITES:
        found = [each for each in report["checks"] if each["table"] == table]
        assert len(found) >= 6 and {each["severity"] for each in found} == {"error", "warning"}
    assert {each["severity"] for each in report["checks"] if each["check"] == "above_demo_grade"} == {"warning"}


def test_contracts_open_no_socket_and_leave_no_file(context, tmp_path, monkeypatch):
    def refuse(*arguments, **named):
        raise AssertionError("a socket was opened")

    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = set(context.workspace.root.rglob("*"))
    assert contracts(context).counts["failed_errors"] == 0
    assert {path.name for path in set(context.workspace.root.rglob("*")) - before} == {"contracts.json"}
    assert list(scratch.iterdir()) == []


def test_release_profile_blocks_what_standard_warns_of(context, monkeypatch):
    monkeypatch.setattr(check_module, "_expectations", lambda *_: [])
    folder = context.workspace.staging / "unit"
    assert check(folder, "standard", datasets=context.workspace.datasets).success
    assert {c.check for c in check(folder, "release", datasets=context.workspace.datasets).failed} >= {"above_demo_grade"}
    with pytest.raises(UsageError, match="unknown contract profile"):
        check(folder, "lenient", datasets=context.workspace.datasets)
    with pytest.raises(BlockedError, match="nothing is staged"):
        check(folder.parent / "other", "standard", datasets=context.workspace.datasets)


def test_an_unreadable_file_is_an_error_and_an_old_report_goes(context):
    contracts(context)
    folder = context.workspace.staging / "unit"
    (folder / "tasks" / "test-00000-of-00001.parquet").write_bytes(b"PAR1 torn")
    with pytest.raises(FactoryError, match="cannot read"):
        contracts(context)
    assert not (folder / "contracts.json").exists()


def test_held_out_tasks_that_an_ancestor_trained_on_block(tmp_path, monkeypatch):
    monkeypatch.setattr(check_module, "_expectations", lambda *_: [])
    context = make_context(tmp_path)
    first = published(context, small_corpus(8))
    trained = trained_on([open_version(first)])
    assert trained["task_key"] and all(trained.values())

    stage(context)
    staged = Staged(context.workspace.staging / "unit")
    assert staged.staged["parent"] == "1.0.0"
    key = staged.task()["document_key"]
    staged.staged["splits"]["documents"][key]["split"] = "test"
    against_the_assignment(staged)
    staged.save()
    report = check(staged.folder, "standard", datasets=context.workspace.datasets)
    assert [f"{c.table}.{c.check}" for c in report.failed] == ["facts.apart_from_ancestors"]

    stage(context)
    staged = Staged(context.workspace.staging / "unit")
    staged.reground(staged.task("test"), sorted(row["text"] for row in staged.rows["grounding"]["train"])[0], "test")
    del staged.rows["tasks"]["train"][:], staged.rows["policy"]["train"][:], staged.rows["grounding"]["train"][:]
    staged.save()
    report = check(staged.folder, "standard", datasets=context.workspace.datasets)
    assert [f"{c.table}.{c.check}" for c in report.failed] == ["facts.apart_from_ancestors"], "the passage, under another key"


def test_what_was_taken_down_blocks_even_if_it_was_staged_before(tmp_path, monkeypatch):
    monkeypatch.setattr(check_module, "_expectations", lambda *_: [])
    context = make_context(tmp_path)
    published(context, small_corpus(4))
    small_corpus(5).fold(context.workspace)
    stage(context)
    yank(context.workspace.datasets, "unit", "papers/d01.pdf", "the author asked for it")
    report = check(context.workspace.staging / "unit", "standard", datasets=context.workspace.datasets)
    assert {f"{c.table}.{c.check}" for c in report.failed} == {"facts.not_yanked"}


def test_the_documents_own_title_may_stand_in_the_prompt(tmp_path, monkeypatch):
    monkeypatch.setattr(check_module, "_expectations", lambda *_: [])
    title = "A long title of nine words about rotating machines"
    context, corpus = make_context(tmp_path), small_corpus(0)
    corpus.add("papers/a.pdf", 1, texts=(f"{title} explains why the joint fails under load.",), title=title)
    corpus.tasks[0] = make_task(
        corpus.passages[0], question=(q := f"Why does the joint fail, according to {title}?"), prompt=(Message("user", q),)
    )
    corpus.fold(context.workspace)
    stage(context)
    assert check(tmp_path / "staging/unit", "standard", datasets=context.workspace.datasets).success
    corpus.documents[0]["title"] = "Another"
    corpus.fold(context.workspace)
    stage(context)
    report = check(tmp_path / "staging/unit", "standard", datasets=context.workspace.datasets)
    assert [c.check for c in report.failed] == ["prompt_apart_from_passage"]
