"""Stage and publish: what is staged, what blocks, versions, concurrency, and a kill at every durable step."""

import fcntl
import json
import os
import shutil
import signal
import threading
from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import AUTHOR, make_context, pass_contracts, published, small_corpus

from data_contracts.check import contracts
from rubric_factory import warehouse
from rubric_factory.dataset_files import content_fingerprint, files_map, iter_rows
from rubric_factory.dataset_version import open_version, verify, versions
from rubric_factory.errors import BlockedError, FactoryError, WorkspaceError
from rubric_factory.ledger import Answer, Ledger
from rubric_factory.publishing.diff import diff
from rubric_factory.publishing.staged import load_staged
from rubric_factory.records import Message
from rubric_factory.stages import publish as publish_module
from rubric_factory.stages.publish import publish
from rubric_factory.stages.stage import stage
from rubric_factory.tables import PUBLISHED, SPLITS, TASKS


@pytest.fixture
def context(tmp_path):
    context = make_context(tmp_path)
    small_corpus().fold(context.workspace)
    return context


def staged(context):
    stage(context)
    pass_contracts(context)
    return context.workspace.staging / "unit"


def test_rows_that_say_whose_rubrics_they_have_are_the_author_s_and_others_are_not(tmp_path):
    context = make_context(tmp_path)
    small_corpus(8).fold(context.workspace)
    with warehouse.opened(context.workspace) as house:
        tasks = house.table("tasks").to_pylist()
        tasks[0]["author"] += " rubric=someone@1"
        house.fold("tasks", pa.Table.from_pylist(tasks, schema=TASKS))
    stage(context)
    staged = load_staged(context.workspace.staging / "unit")
    assert staged.author == AUTHOR
    with warehouse.opened(context.workspace) as house:
        house.fold("tasks", pa.Table.from_pylist([{**tasks[0], "author": "someone@1"}], schema=TASKS))
    with pytest.raises(FactoryError, match="not those of the configured author"):
        stage(context)


def test_staged_folder_holds_the_contracts_columns_and_loads_as_it_is(context, tmp_path):
    report = stage(context)
    folder = context.workspace.staging / "unit"
    assert report.counts["tasks"] == 24 == sum(report.counts[split] for split in SPLITS)
    for config, schema in PUBLISHED.items():
        loaded = datasets.load_dataset(str(folder), config, cache_dir=str(tmp_path / "hf"))
        assert sorted(loaded) == sorted(SPLITS)
        assert loaded["train"].column_names == schema.names
        assert loaded["train"].features == datasets.Features.from_arrow_schema(schema)
    row = datasets.load_dataset(str(folder), "tasks", cache_dir=str(tmp_path / "hf"))["test"][0]
    assert row["quality"] == dict.fromkeys(("reference_score", "weak_score", "mismatch_score", "spread", "difficulty"))
    assert row["judge"] == "" and row["source_uri"] == row["document_key"].removeprefix("papers/")
    default = datasets.load_dataset(str(folder), cache_dir=str(tmp_path / "hf"))
    assert default["train"].column_names == ["task_id", "prompt"]


def test_an_empty_split_is_left_out_for_datasets_and_there_for_us(tmp_path):
    context = make_context(tmp_path, publish={"validation_share": 0.0, "test_share": 0.0})
    folder = published(context, small_corpus(3))
    loaded = datasets.load_dataset(str(folder), "tasks", cache_dir=str(tmp_path / "hf"))
    assert {split: loaded[split].num_rows for split in loaded} == {"train": 6}
    assert pq.read_table(folder / "tasks" / "test-00000-of-00001.parquet").num_rows == 0
    assert verify(folder).ok and "validation and test" in (folder / "README.md").read_text()


def test_versions_of_one_number_give_their_own_rows_from_one_cache(tmp_path):
    one, other = make_context(tmp_path / "one"), make_context(tmp_path / "other")
    corpus = small_corpus(8)
    folders = [published(one, corpus)]
    corpus.tasks = [replace(task, question="Why is that?", prompt=(Message("user", "Why is that?"),)) for task in corpus.tasks]
    folders.append(published(other, corpus))
    assert {folder.name for folder in folders} == {"1.0.0"}
    for config in ("policy", "tasks"):
        wanted = [list(iter_rows(folder, config, "train")) for folder in folders]
        loaded = [datasets.load_dataset(str(folder), config, cache_dir=str(tmp_path / "hf"))["train"].to_list() for folder in folders]
        assert loaded == wanted and loaded[0] != loaded[1]
    assert all(verify(folder).ok for folder in folders)
    stage(other)
    pass_contracts(other)
    assert not publish(other).published


def test_only_tasks_that_passed_their_gates_are_staged(tmp_path):
    context, corpus = make_context(tmp_path), small_corpus(6)
    corpus.refused = {corpus.tasks[0].task_key}
    corpus.documents[1]["duplicate_of"] = "papers/d00.pdf"
    corpus.documents[2]["document_id"] = "f" * 64  # changed since its tasks were written
    corpus.fold(context.workspace)
    assert stage(context).counts["tasks"] == 7
    keys = {
        row
        for split in SPLITS
        for row in pq.read_table(tmp_path / "staging/unit/tasks" / f"{split}-00000-of-00001.parquet")["task_key"].to_pylist()
    }
    assert corpus.tasks[0].task_key not in keys and corpus.tasks[1].task_key in keys
    assert not any(key.startswith(("papers/d01", "papers/d02")) for key in keys)


def test_nothing_to_stage_and_other_authors_are_said(tmp_path):
    context, corpus = make_context(tmp_path), small_corpus(2)
    corpus.refused = {task.task_key for task in corpus.tasks}
    corpus.fold(context.workspace)
    with pytest.raises(BlockedError, match="no task may be published"):
        stage(context)
    other = make_context(tmp_path, publish={})
    small_corpus(2).fold(other.workspace)
    with warehouse.opened(other.workspace) as house:
        house.fold("authored", house.table("authored").from_pylist([{"passage_id": "p", "author": "someone else", "tasks": 1}]))
    with pytest.raises(FactoryError, match="not those of the configured author"):
        stage(other)


def test_disallowed_licences_are_refused_with_a_rejection(tmp_path):
    context, corpus = make_context(tmp_path, publish={"allowed_licences": ("CC-BY-4.0",)}), small_corpus(6)
    corpus.documents[0]["licence"] = None
    corpus.fold(context.workspace)
    report = stage(context)
    assert report.rejections == {"licence_not_allowed": 1} and report.counts["documents"] == 5
    with warehouse.opened(context.workspace) as house:
        rows = house.table("rejections").to_pylist()
    assert [(row["record_id"], row["stage"], row["reason"]) for row in rows] == [("papers/d00.pdf", "stage", "licence_not_allowed")]


def test_staging_twice_gives_the_same_bytes(context):
    stage(context)
    folder = context.workspace.staging / "unit"
    first = files_map(folder)
    stage(context)
    assert files_map(folder) == first


def test_near_duplicate_documents_share_a_side(tmp_path):
    context, corpus = make_context(tmp_path), small_corpus(10)
    for passage in corpus.passages[::2][1:6]:
        corpus.clusters[passage.passage_id] = corpus.passages[0].passage_id
    corpus.fold(context.workspace)
    report = stage(context)
    assert report.counts["clusters"] == 1 and report.counts["largest_cluster"] == 6
    splits = json.loads((tmp_path / "staging/unit/staged.json").read_text())["splits"]
    assert len({splits["documents"][f"papers/d{i:02d}.pdf"]["split"] for i in range(6)}) == 1
    assert corpus.passages[0].passage_id in splits["clusters"] and corpus.passages[2].passage_id not in splits["clusters"]


def test_documents_without_a_task_have_a_side_but_are_not_counted(tmp_path):
    context, corpus = make_context(tmp_path), small_corpus(6)
    corpus.refused = {task.task_key for task in corpus.tasks[:2]}
    corpus.clusters[corpus.passages[0].passage_id] = corpus.passages[2].passage_id
    corpus.fold(context.workspace)
    report = stage(context)
    staged = json.loads((tmp_path / "staging/unit/staged.json").read_text())
    assert report.counts["documents"] == 5 == sum(staged["counts"]["documents"].values())
    sides = staged["splits"]["documents"]
    assert len(sides) == 6 and sides["papers/d00.pdf"]["split"] == sides["papers/d01.pdf"]["split"]
    assert len(staged["splits"]["texts"]) == 12 and len(staged["splits"]["clusters"]) == 11


def test_with_real_contracts_a_version_is_published_once(context):
    stage(context)
    assert contracts(context).counts["failed_errors"] == 0
    first = Path(publish(context).folder)
    assert first.name == "1.0.0" and verify(first).ok
    again = publish(context)
    assert not again.published and again.counts["published"] == 0 and again.version == "1.0.0"


def test_rebuild_publishes_nothing_new_then_one_document_changes_only_its_own(context, tmp_path):
    first = published(context)
    assert published(context) == first and [v.version for v in versions(context.workspace.datasets)] == ["1.0.0"]

    corpus = small_corpus(11).add("papers/d11.pdf", 3, document_id="e" * 64)
    second = published(context, corpus)
    assert second.name == "1.1.0" and verify(second).ok
    found = diff(open_version(first), open_version(second))
    assert found.added == ("papers/d11.pdf#s2/0/0",) and not found.removed and not found.moved
    assert set(found.changed) == {"papers/d11.pdf#s0/0/0", "papers/d11.pdf#s1/0/0"}
    assert open_version(second).parent == "1.0.0"

    third = published(make_context(tmp_path, passages={"per_document": 11}))
    assert third.name == "1.1.1" and content_fingerprint(third) == content_fingerprint(second)


def test_a_change_of_columns_is_a_major_version(context, monkeypatch):
    first = published(context)
    manifest = json.loads((first / "manifest.json").read_text())
    manifest["schema_fingerprint"] = "of an older schema"
    (first / "manifest.json").write_text(json.dumps(manifest))
    stage(context)
    pass_contracts(context)
    assert publish(context).version == "2.0.0"


def blocked(context, match):
    with pytest.raises(BlockedError, match=match) as caught:
        publish(context)
    assert caught.value.exit_code == 3
    assert versions(context.workspace.datasets) == []
    assert [path.name for path in (context.workspace.datasets / "unit").glob("[!.]*")] == []
    assert list(context.workspace.staging.glob(".*.publishing")) == []


def test_publish_needs_a_passed_report_on_exactly_these_files(context, tmp_path):
    with pytest.raises(BlockedError, match="nothing is staged"):
        publish(context)
    folder = staged(context)
    report = json.loads((folder / "contracts.json").read_text())

    (folder / "contracts.json").unlink()
    blocked(context, "no contract report")
    (folder / "contracts.json").write_text("[]")
    blocked(context, "no contract report")
    (folder / "contracts.json").write_text(json.dumps(report | {"success": False}))
    blocked(context, "contracts failed")
    failed = {"table": "tasks", "check": "x", "severity": "error", "success": False}
    (folder / "contracts.json").write_text(json.dumps(report | {"checks": [failed]}))
    blocked(context, "tasks.x")
    (folder / "contracts.json").write_text(json.dumps(report | {"content_fingerprint": "0" * 64}))
    blocked(context, "not those that the contracts checked")

    (folder / "contracts.json").write_text(json.dumps(report))
    text = (folder / "staged.json").read_text()
    (folder / "staged.json").write_text(text.replace('"name": "unit"', '"name": "unit" '))
    blocked(context, "not those that the contracts checked")
    (folder / "staged.json").write_text(text)

    small = folder / "policy" / "train-00000-of-00001.parquet"
    table, schema = pq.read_table(small), pq.read_schema(small)
    pq.write_table(table.slice(1), small)
    blocked(context, "not those that the contracts checked")
    pq.write_table(table.cast(schema), small)

    blocked(make_context(tmp_path, gates={"min_criteria": 1}), "settings are not those")
    assert publish(context).published


def test_staged_on_an_older_parent_must_be_staged_again(context):
    published(context)
    small_corpus(13).fold(context.workspace)
    folder = staged(context)
    text = json.loads((folder / "staged.json").read_text())
    (folder / "staged.json").write_text(json.dumps(text | {"parent": None}))
    pass_contracts(context)
    with pytest.raises(BlockedError, match="staged on version None"):
        publish(context)


def test_of_several_publishers_exactly_one_wins(context):
    staged(context)
    barrier, outcomes = threading.Barrier(6), []

    def run():
        barrier.wait()
        try:
            outcomes.append(publish(context).published)
        except WorkspaceError as error:
            outcomes.append(str(error))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == 1
    assert all(each is True or each is False or "another process is publishing" in each for each in outcomes)
    assert [v.version for v in versions(context.workspace.datasets)] == ["1.0.0"]
    assert verify(context.workspace.datasets / "unit" / "1.0.0").ok


def test_a_held_lock_and_a_taken_number_are_clear_errors(context, tmp_path):
    staged(context)
    folder = context.workspace.datasets / "unit"
    folder.mkdir(parents=True)
    with (folder / ".publishing").open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(WorkspaceError, match="another process is publishing unit"):
            publish(context)
    (folder / "1.0.0").mkdir()
    (folder / "1.0.0" / "of-another-machine").touch()  # without a manifest it is no version, but its number is taken
    with pytest.raises(WorkspaceError, match="published by another process meanwhile"):
        publish(context)
    assert [path.name for path in (folder / "1.0.0").iterdir()] == ["of-another-machine"]


DURABLE = [(os, "fsync"), (Path, "rename"), (Path, "write_text"), (Path, "unlink"), (shutil, "copytree")]


def killed_at(context, step):
    """Publish in a forked child that kills itself at its step-th durable operation; whether it got to the end instead."""
    child = os.fork()
    if child == 0:
        done = 0

        def counted(real):
            def call(*arguments, **named):
                nonlocal done
                done += 1
                if done == step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)

            return call

        for owner, name in DURABLE:
            setattr(owner, name, counted(getattr(owner, name)))
        publish_module.load_back = lambda folder, counts: None
        try:
            publish(context)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) in (0, -signal.SIGKILL)
    return os.waitstatus_to_exitcode(status) == 0


def test_a_kill_at_any_durable_step_leaves_no_version_or_a_whole_one(context):
    staged(context)
    folder = context.workspace.datasets / "unit"
    left = []
    for step in range(1, 200):
        finished = killed_at(context, step)
        found = versions(context.workspace.datasets)
        assert [path.name for path in folder.glob("[!.]*")] == [version.version for version in found]
        assert all(verify(Path(version.path)).ok for version in found)
        left.append(len(found))
        if finished:
            break
        shutil.rmtree(folder)
    assert finished and step > 15, "every durable operation was tried"
    assert left[0] == 0 and left[-2:] == [1, 1], "before the rename nothing is there, after it everything"
    assert publish(context).published is False
    assert list(context.workspace.staging.glob(".*.publishing")) == []


def test_the_manifest_tells_where_the_version_came_from(context):
    with Ledger(context.workspace.ledger) as ledger:
        ledger.claim(["a", "b"], "m", "r")
        ledger.settle({"a": Answer("text", prompt_tokens=30, completion_tokens=4, seconds=0.5)}, {})
    manifest = open_version(published(context)).manifest
    assert manifest["cost"] == {"m@r": {"calls": 1, "prompt_tokens": 30, "completion_tokens": 4, "seconds": 0.5}}
    assert (manifest["author"], manifest["evidence_grade"], manifest["contract_profile"]) == (AUTHOR, "demo", "standard")
    assert manifest["gates"]["spans"] == {"severity": "error", "checked": 24, "refused": 0}
    assert manifest["software"]["version"] and len(manifest["corpus_sha256"]) == 64 and manifest["parent"] is None
    assert set(manifest["splits"]["documents"]) == {f"papers/d{index:02d}.pdf" for index in range(12)}


def test_a_full_disk_is_one_clear_line(context, monkeypatch):
    staged(context)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkspaceError, match="no space left"):
        publish(context)
    monkeypatch.undo()
    assert versions(context.workspace.datasets) == [] and publish(context).published


def test_a_folder_that_does_not_load_is_not_published(context, monkeypatch):
    staged(context)
    monkeypatch.setattr(
        publish_module, "card", lambda staged, version: "---\nconfigs:\n- config_name: policy\n  data_files: nowhere-*.parquet\n---\n"
    )
    blocked(context, "does not load")
    assert versions(context.workspace.datasets) == []


def test_no_path_of_the_machine_is_in_a_version(context, tmp_path):
    folder = published(context)
    for name in files_map(folder):
        assert str(tmp_path).encode() not in (folder / name).read_bytes(), name
    assert str(tmp_path) not in (folder / "manifest.json").read_text()
