"""Tasks that passed every gate to a staged folder: the Parquet files and configurations of a version, not yet checked or numbered."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from rubric_factory.authoring.authors import asked_as, author_identity
from rubric_factory.authoring.prompting import prompt_files
from rubric_factory.authoring.review import read_reviews
from rubric_factory.dataset_files import LOCK, Row, content_fingerprint, digest
from rubric_factory.dataset_version import ancestors, latest
from rubric_factory.errors import BlockedError, FactoryError
from rubric_factory.judging.lock import write_lock
from rubric_factory.publishing import card, splits, yank
from rubric_factory.publishing.ancestry import Ancestry, ancestry, near_ancestors
from rubric_factory.publishing.fingerprints import public_settings
from rubric_factory.publishing.manifest import count_by
from rubric_factory.publishing.parquet import write_split
from rubric_factory.publishing.staged import Staged
from rubric_factory.records import DatasetVersion, Rejection, author_of
from rubric_factory.settings.author import LanguageModelAuthor
from rubric_factory.stages import Context, StageReport
from rubric_factory.stages.judge_audit import audit_figures
from rubric_factory.stages.judged import Judged, judged
from rubric_factory.tables import QUALITY, SPLITS, rejection_rows
from rubric_factory.warehouse import Warehouse, opened
from rubric_factory.workspace import disk_error, write_text

_QUALITY = tuple(column.name for column in QUALITY)


def _author(warehouse: Warehouse, context: Context) -> tuple[str, str]:
    """Identity and evidence grade of the author. Errors: BlockedError without a task, FactoryError for tasks the settings do not name."""
    found = warehouse.rows("publishable_authors")
    if not found:
        raise BlockedError("no task may be published", expected="one at least that passed every gate", fix="see why with `inspect`")
    identity = author_identity(context.settings)
    others = warehouse.rows("asked_otherwise", asked=asked_as(context.settings))[0]["passages"]
    if {author_of(row["author"]) for row in found} != {identity} or others:
        names = ", ".join(f"{row['author']} ({row['tasks']})" for row in found)
        raise FactoryError(
            f"the tasks are not those of the configured author: {names}",
            expected=f"{identity} with today's settings",
            fix="run the author and gate steps again",
        )
    return identity, found[0]["evidence_grade"]


def _near(warehouse: Warehouse, context: Context, passages: Iterable[tuple[str, str]], known: Ancestry) -> dict[str, tuple[str, ...]]:
    """sha256 of each text that no ancestor published and that is near-duplicate of some they did -> those. passages: (cluster, sha256)."""
    new = sorted({text for _, text in passages} - known.texts.keys()) if known.texts else []
    if not new:
        return {}
    with warehouse.incoming(pa.table({"text_sha256": pa.array(new, pa.string())})):
        texts = {row["text_sha256"]: row["text"] for row in warehouse.rows("texts_by_sha256")}
    return near_ancestors(texts, known, context.settings.passages)


def _candidates(warehouse: Warehouse, context: Context, known: Ancestry) -> tuple[list[splits.Member], list[Rejection], Counter[str]]:
    """Documents that may be published, with tasks or without, those that may not, and passages per cluster."""
    settings = context.settings
    taken_down = yank.yanked(context.workspace.datasets, settings.name)
    passages: dict[tuple[str, str], list[tuple[str, str]]] = {}
    refused: dict[str, Rejection] = {}
    clusters: Counter[str] = Counter()
    for rows in warehouse.batches("kept_passages"):
        for row in rows:
            key, licence = row["document_key"], row["licence"]
            clusters[row["cluster"]] += 1
            if taken_down.holds(key, row["document_id"]):
                refused[key] = Rejection(key, "stage", "yanked", "taken down, see yanked.jsonl of the dataset")
            elif settings.publish.allowed_licences and licence not in settings.publish.allowed_licences:
                refused[key] = Rejection(key, "stage", "licence_not_allowed", f"its licence is {licence}")
            else:
                passages.setdefault((key, row["document_id"]), []).append((row["cluster"], row["text_sha256"]))
    near = _near(warehouse, context, chain.from_iterable(passages.values()), known)
    members = [
        splits.Member(key, document_id, tuple(found), tuple(sorted({old for _, text in found for old in near.get(text, ())})))
        for (key, document_id), found in sorted(passages.items())
    ]
    return members, [refused[key] for key in sorted(refused)], clusters


def _ancestry(context: Context, parent: DatasetVersion | None) -> Ancestry:
    """Every text that the parent and its ancestors published; none without a parent."""
    return ancestry([parent, *ancestors(context.workspace.datasets, parent.name, parent.parent)] if parent else [])


def _rows(warehouse: Warehouse, config: str, split: str, judge: Judged) -> Iterator[Row]:
    """Rows of one configuration and split, streamed; `incoming` holds (document_key, split)."""
    for rows in warehouse.batches("staged_grounding" if config == "grounding" else "staged_tasks", split=split):
        for row in rows:
            if config == "policy":
                yield {"task_id": row["task_id"], "prompt": row["prompt"]}
            elif config == "tasks":
                grade = {"evidence_grade": "demo"} if judge.evidence_grade == "demo" else {}
                yield {**row, "quality": {name: row[name] for name in _QUALITY}, "judge": judge.identity, **grade}
            else:
                yield row


def _write(
    warehouse: Warehouse, folder: Path, side: dict[str, str], context: Context, judge: Judged
) -> tuple[dict[str, dict[str, int]], dict[str, int]]:
    """All Parquet files; {tasks, documents, grounding} -> split -> rows, and licence -> tasks."""
    incoming = pa.table({"document_key": pa.array(list(side), pa.string()), "split": pa.array(list(side.values()), pa.string())})
    counts: dict[str, dict[str, int]] = {"tasks": {}, "grounding": {}}
    with context.progress.step("stage", 3 * len(SPLITS), "files") as step, warehouse.incoming(incoming):
        for split in SPLITS:
            for config in ("policy", "tasks", "grounding"):
                written = write_split(folder, config, split, _rows(warehouse, config, split, judge))
                if config != "policy":
                    counts[config][split] = written
                step.advance()
        documents = {row["split"]: row["documents"] for row in warehouse.rows("staged_documents")}
        counts["documents"] = dict.fromkeys(SPLITS, 0) | documents
        licences = {row["licence"]: row["tasks"] for row in warehouse.rows("staged_licences")}
    return counts, licences


def _gate_audit(warehouse: Warehouse, context: Context, judge: Judged) -> dict[str, dict[str, Any]]:
    """Figures of the audit sample, none without a judge. Errors: FactoryError where they are of other tasks or settings."""
    found = audit_figures(warehouse, context) if judge.identity else {}
    if found is None:
        raise FactoryError(
            "the audit sample of the judge's gates is not of these tasks and settings",
            expected="its figures",
            fix="run the judge-gate step",
        )
    return found


def _prompts(context: Context) -> dict[str, str]:
    """File name -> sha256 of every prompt file that a language-model author may use; nothing for the embedded ones."""
    section = context.settings.author
    return prompt_files(section) if isinstance(section, LanguageModelAuthor) else {}


def _describe(warehouse: Warehouse, context: Context, staged: dict[str, Any]) -> Staged:
    """staged.json: what was counted here, and what the stages before say."""
    gates = {
        row["gate"]: {name: row[name] for name in ("severity", "checked", "refused")} for row in warehouse.rows("gates", folder="audits")
    }
    made = {name: warehouse.count(name) for name in ("documents", "passages", "tasks")}
    funnel = warehouse.rows("funnel", folder="audits")[0]
    staged["counts"] = {**staged["counts"], "made": made, "funnel": funnel}
    return Staged(
        name=context.settings.name,
        gates=gates,
        rejections=count_by(warehouse.rows("rejections", folder="audits"), "stage", "reason", "records"),
        corpus_sha256=digest(warehouse.rows("corpus_documents")),
        prompts=_prompts(context),
        necessity=warehouse.rows("necessity", folder="audits"),
        repair=warehouse.rows("repair", folder="audits"),
        reviews=read_reviews(context.workspace.review).counts,
        **staged,
    )


def _replace(part: Path, folder: Path) -> None:
    """Put the new staged folder in the place of the old one."""
    try:
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    except OSError as error:
        raise disk_error(error, folder) from error


def stage(context: Context) -> StageReport:
    """Stage every task that may be published: splits, Parquet, judge.lock.json, settings.json, staged.json, README.md with the
    configurations only.

    Counts: tasks, documents, train, validation, test (tasks), clusters, largest_cluster. Errors: BlockedError without a task,
    FactoryError with tasks of several authors, DatasetError where an ancestor is damaged or gone, WorkspaceError on a full disk.
    """
    started = time.monotonic()
    name, workspace, publish = context.settings.name, context.workspace, context.settings.publish
    part = workspace.staging / f".{name}.part"
    with opened(workspace) as warehouse:
        author, grade = _author(warehouse, context)
        judge = judged(warehouse, context)
        parent = latest(workspace.datasets, name)
        known = _ancestry(context, parent)
        members, rejections, clusters = _candidates(warehouse, context, known)
        shares = {"test": publish.test_share, "validation": publish.validation_share}
        before = parent.manifest["splits"] if parent else {}
        assignment = splits.assign(members, splits.remembered(before, known.side), seed=context.settings.seed, shares=shares)
        rejections += assignment.dropped
        with warehouse.transaction():
            warehouse.run("forget_stage_rejections", stage="stage")
            warehouse.fold("rejections", rejection_rows(rejections))
        shutil.rmtree(part, ignore_errors=True)
        try:
            counts, licences = _write(warehouse, part, assignment.side, context, judge)
        except OSError as error:
            raise disk_error(error, part) from error
        facts = {
            "parent": parent.version if parent else None,
            "content_fingerprint": content_fingerprint(part),
            "splits": splits.record(members, assignment, before),
            "counts": counts,
            "licences": licences,
            "author": author,
            "evidence_grade": "demo" if "demo" in (grade, judge.evidence_grade) else grade,
            "judge": judge.identity,
            "lock": judge.summary,
            "probes_before": judge.probes_before,
            "probes_after": judge.probes_after,
            "solver": judge.solver,
            "gate_audit": _gate_audit(warehouse, context, judge),
            "largest_cluster_share": max(clusters.values(), default=0) / max(clusters.total(), 1),
        }
        staged = _describe(warehouse, context, facts)
        warehouse.export("rejections")
    settings = public_settings(context.settings.model_dump())
    write_text(part / "settings.json", json.dumps(settings, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    write_text(part / "README.md", card.front_matter(staged))
    if judge.lock is not None:
        write_lock(judge.lock, part / LOCK)
    staged.save(part)
    _replace(part, workspace.staging / name)
    totals = {"tasks": sum(counts["tasks"].values()), "documents": sum(counts["documents"].values()), **counts["tasks"]}
    totals |= {"clusters": sum(1 for size in clusters.values() if size > 1), "largest_cluster": max(clusters.values(), default=0)}
    return StageReport("stage", totals, dict(Counter(r.reason for r in rejections)), time.monotonic() - started)
