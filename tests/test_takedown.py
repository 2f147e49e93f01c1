"""Takedowns: what is yanked is named, marked, and kept out of every later version; versions stay as they are."""

import pytest
from factory import make_context, published, small_corpus

from rubric_factory.dataset_files import files_map
from rubric_factory.dataset_version import open_version, task_rows, verify, versions
from rubric_factory.errors import DatasetError, UsageError
from rubric_factory.publishing.diff import diff
from rubric_factory.publishing.yank import entries, yank, yanked
from rubric_factory.tables import SPLITS


def keys(folder):
    return {row["document_key"] for split in SPLITS for row in task_rows(open_version(folder), split)}


def test_a_yanked_document_is_out_of_every_later_version(tmp_path):
    context = make_context(tmp_path)
    datasets = context.workspace.datasets
    first = published(context, small_corpus(6))
    before = files_map(first)
    assert yank(datasets, "unit", "papers/d02.pdf", "rights holder asked") == ["1.0.0"]
    assert files_map(first) == before and verify(first).ok

    second = published(context)
    assert second.name == "1.1.0" and keys(second) == keys(first) - {"papers/d02.pdf"}
    assert set(diff(open_version(first), open_version(second)).documents_removed) == {"papers/d02.pdf"}
    moved = small_corpus(6)
    for position, row in enumerate(moved.documents):
        if row["document_key"] == "papers/d02.pdf":
            renamed = small_corpus(0).add("papers/other.pdf", document_id=row["document_id"])
            moved.documents[position] = renamed.documents[0]
            moved.passages = [p for p in moved.passages if p.document_key != "papers/d02.pdf"] + renamed.passages
            moved.tasks = [t for t in moved.tasks if t.document_key != "papers/d02.pdf"] + renamed.tasks
    moved.fold(context.workspace)
    assert published(context) == second, "the same bytes under another name stay out too, so nothing is new"
    assert [v.version for v in versions(datasets)] == ["1.0.0", "1.1.0"]


def test_a_yanked_source_takes_all_its_documents(tmp_path):
    context = make_context(tmp_path)
    published(context, small_corpus(4).add("books/a.pdf").add("books/b.pdf"))
    yank(context.workspace.datasets, "unit", "books", "licence withdrawn")
    assert yanked(context.workspace.datasets, "unit").holds("books/new.pdf", "0" * 64)
    assert not yanked(context.workspace.datasets, "unit").holds("papers/books/a.pdf", "0" * 64)
    assert not any(key.startswith("books/") for key in keys(published(context)))


def test_takedowns_need_a_known_target_and_a_reason(tmp_path):
    context = make_context(tmp_path)
    published(context, small_corpus(3))
    with pytest.raises(UsageError, match="no version of unit holds"):
        yank(context.workspace.datasets, "unit", "papers/none.pdf", "why not")
    with pytest.raises(UsageError, match="without a reason"):
        yank(context.workspace.datasets, "unit", "papers/d00.pdf", " ")
    assert entries(context.workspace.datasets, "unit") == []


def test_a_torn_last_line_is_left_out_and_a_damaged_one_is_said(tmp_path):
    context = make_context(tmp_path)
    published(context, small_corpus(3))
    datasets = context.workspace.datasets
    yank(datasets, "unit", "papers/d00.pdf", "one")
    path = datasets / "unit" / "yanked.jsonl"
    whole = path.read_text()
    path.write_text(whole + '{"target": "pap')
    assert [line["target"] for line in entries(datasets, "unit")] == ["papers/d00.pdf"]
    path.write_text('{"target": "pap\n' + whole)
    with pytest.raises(DatasetError, match="line 1"):
        yanked(datasets, "unit")
