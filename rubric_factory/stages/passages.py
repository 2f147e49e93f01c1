"""Texts to passages: new and changed documents are cut and measured, then clusters and selection are decided over all passages."""

import time

import pyarrow as pa

from rubric_factory.dataset_version import grounding, latest
from rubric_factory.errors import FactoryError, WorkspaceError
from rubric_factory.extract.texts import read_texts
from rubric_factory.passages.decide import Usable, decide
from rubric_factory.passages.elders import NOTHING_OLDER, Elders
from rubric_factory.passages.measures import VERSION, Measured, measured
from rubric_factory.records import content_id
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import PASSAGE_MEASURES, PASSAGES, SPLITS
from rubric_factory.warehouse import Warehouse, opened

FOLD_PASSAGES = 2_000


def cut_digest(settings: PassageSettings) -> str:
    """What the passages of a text and their measures depend on; duplicates and selection are decided anew each time."""
    return content_id("passages", VERSION, settings.model_dump(mode="json", exclude={"near_duplicate_jaccard", "per_document"}))


def _fold(warehouse: Warehouse, rows: list[tuple[Measured, str]]) -> None:
    """Whole documents at once, so that a kill leaves none half cut."""
    with warehouse.transaction():
        warehouse.fold("passages", pa.Table.from_pylist([row.passage_row(digest) for row, digest in rows], schema=PASSAGES))
        warehouse.fold("passage_measures", pa.Table.from_pylist([row.measure_row() for row, _ in rows], schema=PASSAGE_MEASURES))


def _cut(context: Context, warehouse: Warehouse) -> int:
    """Passages of vanished and changed documents go; documents without passages are cut. Their number."""
    settings = context.settings.passages
    digest = cut_digest(settings)
    with warehouse.transaction():
        warehouse.run("delete_stale_passages", digest=digest)
        warehouse.run("delete_stale_measures")
    due = {row["document_key"]: row["settings_digest"] for row in warehouse.rows("documents_to_chunk", digest=digest)}
    held: list[tuple[Measured, str]] = []
    done = 0
    with context.progress.step("passages", len(due), "documents") as step:
        for document in read_texts(context.workspace, due.keys()):
            held.extend((row, due[document.document_key]) for row in measured(document, settings))
            done += 1
            if len(held) >= FOLD_PASSAGES:
                _fold(warehouse, held)
                held = []
            step.advance()
        if held:
            _fold(warehouse, held)
    if done < len(due):
        raise WorkspaceError(
            f"the texts of {len(due) - done} of {len(due)} documents are missing",
            expected=f"them in {context.workspace.texts}",
            fix="run rubric-factory ingest, which extracts them again",
        )
    return done


def _elders(context: Context) -> Elders:
    """Passages, clusters and documents that the latest version knows. Errors: DatasetError where it cannot be read."""
    version = latest(context.workspace.datasets, context.settings.name)
    if version is None:
        return NOTHING_OLDER
    published = {passage_id: split for split in SPLITS for passage_id in grounding(version, split)}
    sides = version.manifest["splits"]
    return Elders(published, frozenset(sides.get("clusters", ())), frozenset(sides.get("documents", ())))


def _decide(context: Context, warehouse: Warehouse) -> dict[str, int]:
    """Clusters, selection and rejections over all passages, written in one transaction; the counts."""
    usable = Usable()
    for rows in warehouse.batches("usable_passages"):
        usable.add(rows)
    decision = decide(usable, context.settings.passages, _elders(context))
    with warehouse.transaction():
        warehouse.run("clear_selection")
        warehouse.run("clear_passage_rejections")
        warehouse.run("select_refused")
        warehouse.run("reject_refused")
        warehouse.fold("selection", decision.selection)
        warehouse.fold("rejections", decision.rejections)
    return decision.counts


def passages(context: Context) -> StageReport:
    """Cut, measure, deduplicate and select. Idempotent; only documents that are new, changed or cut by other settings are read.

    Counts: documents, documents_cut (this time), passages, exact_duplicates, near_duplicates, clusters (of two or more), largest_cluster,
    largest_cluster_warning (1 above 5 % of the usable passages), selected, selected_documents. A passage that the latest published version
    asks about keeps its cluster, whatever comes. Errors: FactoryError for an empty corpus, WorkspaceError for missing texts,
    DatasetError for a published version that cannot be read.
    """
    started = time.monotonic()
    with opened(context.workspace) as warehouse:
        documents = warehouse.count("documents")
        if not documents:
            raise FactoryError("there is no document in the workspace", expected="at least one", fix="run rubric-factory ingest first")
        cut = _cut(context, warehouse)
        decided = _decide(context, warehouse)
        counts = {"documents": documents, "documents_cut": cut, "passages": warehouse.count("passages"), **decided}
        rejections = {row["reason"]: row["passages"] for row in warehouse.rows("passage_rejections")}
        warehouse.export("passages", "passage_measures", "selection", "rejections")
    return StageReport("passages", counts, rejections, time.monotonic() - started)
