"""Texts to passages: new and changed documents are cut and measured, then clusters and selection are decided over all passages."""

import resource
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rubric_factory.dataset_version import grounding, latest
from rubric_factory.errors import FactoryError, WorkspaceError
from rubric_factory.extract.texts import shard_path
from rubric_factory.passages.columns import documents_of, lost_shards, usable_of
from rubric_factory.passages.contamination import benchmark_digest
from rubric_factory.passages.cut import ROW_FILES, WITHHELD_PASSAGES, Job
from rubric_factory.passages.decide import LARGE_CLUSTER, decide
from rubric_factory.passages.elders import NOTHING_OLDER, Elders
from rubric_factory.passages.lsh import MARGIN, PERMUTATIONS, SEED
from rubric_factory.passages.measures import VERSION
from rubric_factory.passages.withheld import VERSION as SPLIT_VERSION
from rubric_factory.passages.workers import Workers
from rubric_factory.records import DatasetVersion, content_id
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import DOCUMENT_MEASURES, PASSAGE_MEASURES, PASSAGES, SPLITS, WITHHELD_SECTIONS
from rubric_factory.warehouse import Warehouse, opened

TABLES = ("passages", "passage_measures", "document_measures", "document_clusters", "withheld_sections", "selection", "rejections")
# Settings that say how the work is done, or what is decided over all passages, and not what a document's passages are.
_NOT_OF_A_CUT = {"workers", "near_duplicate_jaccard", "per_document", "decontaminate"}
# Of a cut only where sections are withheld: rows of corpora without them are what they were before there was such a mode.
_OF_WITHHELD = {"withheld_sections", "visible_words"}


@dataclass(frozen=True)
class PassagesReport(StageReport):
    """cpu_seconds: with the cutting processes'; peak_rss_mb: of this process."""

    cpu_seconds: float = 0.0
    peak_rss_mb: float = 0.0


def cut_digest(settings: PassageSettings) -> str:
    """What the passages of a text and their measures depend on. Errors: ConfigurationError for a benchmark that cannot be read."""
    left_out, split = (_NOT_OF_A_CUT, [SPLIT_VERSION]) if settings.withheld_sections else (_NOT_OF_A_CUT | _OF_WITHHELD, [])
    dumped = settings.model_dump(mode="json", exclude=left_out)
    return content_id("passages", VERSION, dumped, benchmark_digest(settings.decontaminate), *split)


def _cluster_digest(settings: PassageSettings) -> str:
    """What connects two passages."""
    return content_id("clusters", settings.near_duplicate_jaccard, PERMUTATIONS, SEED, MARGIN)


def _folder(context: Context) -> Path:
    return context.workspace.root / "passages"


def _forget(context: Context, warehouse: Warehouse, digest: str) -> bool:
    """What is gone or changed goes, with the clusters it was in; whether anything is to be cut or decided anew. All or nothing."""
    with warehouse.transaction():
        before = warehouse.count("document_measures")
        with warehouse.incoming(pa.table({"shard": pa.array(lost_shards(warehouse, _folder(context)), pa.string())})):
            warehouse.run("passages_stale_documents", digest=digest)
        changed = warehouse.count("document_measures") < before or bool(warehouse.rows("documents_to_chunk", digest=digest))
        clusters = _cluster_digest(context.settings.passages)
        otherwise = _decided(warehouse).get("clusters") != clusters
        if changed:
            for statement in (
                "passages_stale",
                "passages_stale_measures",
                "passages_stale_withheld",
                "passages_unplace",
                "passages_unplace_documents",
            ):
                warehouse.run(statement)
        if otherwise:
            for statement in ("passages_clear_selection", "passages_clear_documents"):
                warehouse.run(statement)
            warehouse.run("passages_set_decided", kind="clusters", digest=clusters)
        if changed or otherwise:
            warehouse.run("passages_set_decided", kind="all", digest="")
    return changed


def _decided(warehouse: Warehouse) -> dict[str, str]:
    return {row["kind"]: row["digest"] for row in warehouse.rows("passages_decided")}


def _jobs(context: Context, warehouse: Warehouse, digest: str) -> Iterator[Job]:
    """The documents to cut, by row group of their texts. Errors: WorkspaceError for texts that are missing."""
    due: dict[str, dict[str, str]] = {}
    for row in warehouse.rows("documents_to_chunk", digest=digest):
        due.setdefault(row["shard"], {})[row["document_key"]] = row["settings_digest"]
    missing = 0
    for shard, keys in sorted(due.items()):
        path = shard_path(context.workspace, shard)
        try:
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    names = file.read_row_group(group, columns=["document_key"])["document_key"].to_pylist()
                    here = {name: keys.pop(name) for name in names if name in keys}
                    if here:
                        yield Job(str(path), group, here, str(_folder(context)))
        except (OSError, pa.ArrowException):
            pass
        missing += len(keys)
    if missing:
        raise WorkspaceError(
            f"the texts of {missing} documents are missing",
            expected=f"them in {context.workspace.texts}",
            fix="run rubric-factory ingest, which extracts them again",
        )


def _fold(warehouse: Warehouse, job: Job) -> None:
    """The rows of a finished job, whole documents at once, so that a kill leaves none half cut."""
    rows, documents = (pq.read_table(job.place / name) for name in ROW_FILES)
    with warehouse.transaction():
        warehouse.fold("passages", rows.select(PASSAGES.names))
        warehouse.fold("passage_measures", rows.select(PASSAGE_MEASURES.names))
        warehouse.fold("document_measures", documents.select(DOCUMENT_MEASURES.names))
        if WITHHELD_PASSAGES in documents.column_names:
            split = documents.drop_columns(["passages"]).rename_columns({WITHHELD_PASSAGES: "passages"})
            warehouse.fold("withheld_sections", split.select(WITHHELD_SECTIONS.names))
    for name in ROW_FILES:
        (job.place / name).unlink()


def _cut(context: Context, warehouse: Warehouse, digest: str) -> int:
    """Cut the documents that have no passages. Their number."""
    jobs = list(_jobs(context, warehouse, digest))
    for job in jobs:
        if job.place.exists() and not all((job.place / name).exists() for name in ROW_FILES):
            shutil.rmtree(job.place)  # prints of rows that are gone
    total = sum(len(job.due) for job in jobs)
    with context.progress.step("passages", total, "documents") as step, Workers(context.settings.passages) as workers:
        for job in workers.run(jobs):
            _fold(warehouse, job)
            step.advance(len(job.due))
    return total


def _elders(context: Context, version: DatasetVersion | None) -> Elders:
    """Passages, clusters and documents that the version knows. Errors: DatasetError where it cannot be read."""
    if version is None:
        return NOTHING_OLDER
    published = {passage_id: split for split in SPLITS for passage_id in grounding(version, split)}
    sides = version.manifest["splits"]
    return Elders(published, frozenset(sides.get("clusters", ())), frozenset(sides.get("documents", ())))


def _decide(context: Context, warehouse: Warehouse, version: DatasetVersion | None) -> None:
    """Clusters, selection and rejections over all passages; only rows that differ are written, in one transaction."""
    folder = _folder(context)
    decision = decide(usable_of(warehouse, folder), documents_of(warehouse, folder), context.settings.passages, _elders(context, version))
    with warehouse.transaction():
        with warehouse.incoming(decision.selection):
            warehouse.run("selection_change")
        warehouse.run("selection_drop")
        with warehouse.incoming(decision.rejections):
            warehouse.run("passage_rejections_change")
        warehouse.run("passage_rejections_drop")
        with warehouse.incoming(decision.documents):
            warehouse.run("document_clusters_change")


def _remove_orphans(context: Context, warehouse: Warehouse) -> None:
    """Prints that no document refers to any more, and what a kill left half written, tables as well."""
    for path in (path for name in TABLES for path in context.workspace.tables.glob(f".{name}.parquet.*.part")):
        path.unlink(missing_ok=True)
    used = {row["shard"] for row in warehouse.rows("passages_shards")}
    for path in _folder(context).glob("*"):
        if path.name not in used:
            shutil.rmtree(path, ignore_errors=True)
        for name in ROW_FILES:  # folded, and not removed before a kill
            (path / name).unlink(missing_ok=True)


def _figures(warehouse: Warehouse, cut: int) -> tuple[dict[str, int], dict[str, int]]:
    """Counts and rejections of the report."""
    (row,) = warehouse.rows("passage_counts")
    usable = row.pop("usable")
    counts = {**row, "documents_cut": cut, "largest_cluster_warning": int(row["largest_cluster"] > LARGE_CLUSTER * usable)}
    return counts, {row["reason"]: row["passages"] for row in warehouse.rows("passage_rejections")}


def passages(context: Context) -> PassagesReport:
    """Cut, measure, deduplicate and select. Idempotent; only documents that are new, changed or cut by other settings are read, and only
    passages that are new, or were in a cluster that lost one, are compared.

    Counts: documents, documents_cut (this time), passages, exact_duplicates, near_duplicates, near_duplicate_documents, contaminated,
    clusters (of two or more), largest_cluster, largest_cluster_warning (1 above 5 % of the usable passages), selected,
    selected_documents. A passage that the latest published version asks about keeps its cluster, whatever comes. Errors: FactoryError
    for an empty corpus or a cutting process that died, WorkspaceError for missing texts, DatasetError for a published version that
    cannot be read, ConfigurationError for a benchmark that cannot.
    """
    started, cpu = time.monotonic(), _cpu_seconds()
    settings = context.settings.passages
    digest, version = cut_digest(settings), latest(context.workspace.datasets, context.settings.name)
    known = content_id(digest, _cluster_digest(settings), settings.per_document, _identity(version))
    with opened(context.workspace) as warehouse:
        if not warehouse.count("documents"):
            raise FactoryError("there is no document in the workspace", expected="at least one", fix="run rubric-factory ingest first")
        cut = _cut(context, warehouse, digest) if _forget(context, warehouse, digest) else 0
        due = _decided(warehouse).get("all") != known or not _exported(context)
        found = ({}, {}) if due else _figures(warehouse, cut)
    if due:  # opened anew for each step: what a step leaves in DuckDB's memory, indexes above all, would take the next one's
        with opened(context.workspace) as warehouse:
            _decide(context, warehouse, version)
        with opened(context.workspace) as warehouse:
            warehouse.export(*TABLES)
            _remove_orphans(context, warehouse)
            warehouse.run("passages_set_decided", kind="all", digest=known)
            found = _figures(warehouse, cut)
    usage = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return PassagesReport("passages", *found, time.monotonic() - started, _cpu_seconds() - cpu, usage)


def _exported(context: Context) -> bool:
    return all((context.workspace.tables / f"{name}.parquet").exists() for name in TABLES)


def _identity(version: DatasetVersion | None) -> list[str]:
    return [] if version is None else [version.version, version.content_fingerprint, version.card_fingerprint]


def _cpu_seconds() -> float:
    """CPU time of this process and of its finished children."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
