"""Synthetic rows for tests: documents, passages, tasks and gate results of a small dataset, folded into a warehouse."""

import hashlib
import json
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from rubric_factory import warehouse
from rubric_factory.authoring.extractive.author import IDENTITY
from rubric_factory.dataset_files import content_fingerprint, file_sha256
from rubric_factory.progress import Progress
from rubric_factory.records import Category, Criterion, Evidence, Level, Message, Passage, Rubric, Task
from rubric_factory.settings import Settings
from rubric_factory.stages import Context
from rubric_factory.tables import TABLES, passage_to_row, task_to_row
from rubric_factory.workspace import Workspace

AUTHOR = IDENTITY
WORDS = ("steel", "copper", "pump", "valve", "rotor", "sensor", "flux", "torque", "strain", "weld", "joint", "axle", "beam", "filter")


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def sentence(seed: str, length: int = 40) -> str:
    """Deterministic words that no other seed shares in order."""
    digits = sha(seed)
    return " ".join(f"{WORDS[int(digits[i % 64], 16) % len(WORDS)]}{digits[(i * 3) % 60 : (i * 3) % 60 + 4]}" for i in range(length)) + "."


def make_passage(document_key: str, ordinal: int, text: str = "", document_id: str = "") -> Passage:
    text = text or sentence(f"{document_key}/{ordinal}")
    document_id = document_id or sha(document_key)
    start = 1000 * ordinal
    return Passage(
        Passage.id_of(document_id, start, start + len(text), text),
        document_id,
        document_key,
        f"s{ordinal}/0",
        f"Section {ordinal}",
        0,
        start,
        start + len(text),
        ordinal + 1,
        ordinal + 1,
        text,
    )


def make_criterion(key: str, passage: Passage, weight: int = 5) -> Criterion:
    quote = passage.text[0:10]
    return Criterion(
        key,
        "Names the part",
        "The answer names the part." if weight > 0 else "The answer names a part that is not there.",
        Category.ESSENTIAL if weight > 0 else Category.PITFALL,
        weight,
        (quote,),
        (Level(0, "absent"), Level(1, "partly"), Level(2, "complete")),
        ("look for the name",),
        (Evidence(0, 10, quote),) if weight > 0 else (),
    )


def make_task(passage: Passage, slot: int = 0, **changes: Any) -> Task:
    key = f"{passage.passage_key}/{slot}"
    question = f"Which component does section {passage.section} name first, variant {slot}?"
    task = Task(
        task_key=key,
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        document_key=passage.document_key,
        prompt=(Message("user", question),),
        question=question,
        question_type="definition",
        reference_answer=f"It names {passage.text[0:10]} first.",
        rubric=Rubric((make_criterion(f"{key}/0", passage), make_criterion(f"{key}/1", passage, -2))),
        author=AUTHOR,
        evidence_grade="demo",
    )
    return replace(task, **changes)


@dataclass
class Corpus:
    """What is folded into the warehouse; edit the lists before `fold`."""

    documents: list[dict[str, Any]] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    clusters: dict[str, str] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    def add(self, document_key: str, passages: int = 2, *, texts: tuple[str, ...] = (), **columns: Any) -> "Corpus":
        """A document with its passages, one task each."""
        source, uri = document_key.split("/", 1)
        document_id = columns.get("document_id", sha(document_key))
        base: dict[str, Any] = dict.fromkeys(TABLES["documents"][0].names)
        base |= {"document_key": document_key, "document_id": document_id, "source": source, "source_uri": uri}
        base |= {"media_type": "application/pdf", "size_bytes": 1, "title": f"Title of {uri}", "authors": "", "language": "en"}
        base |= {"licence": "CC-BY-4.0", "genre": "report", "page_count": 9, "characters": 900, "words": 90, "removed_characters": 0}
        base |= {"extractor": "test", "settings_digest": "d", "shard": "0", "seconds": 0.0}
        self.documents.append({**base, **columns})
        for ordinal in range(passages):
            passage = make_passage(document_key, ordinal, texts[ordinal] if ordinal < len(texts) else "", document_id)
            self.passages.append(passage)
            self.tasks.append(make_task(passage))
        return self

    def fold(self, workspace: Workspace) -> None:
        """Replace the whole content of the warehouse by this corpus."""
        workspace.warehouse.unlink(missing_ok=True)
        shutil.rmtree(workspace.tables, ignore_errors=True)
        with warehouse.opened(workspace) as house, house.transaction():
            house.fold("documents", pa.Table.from_pylist(self.documents, schema=TABLES["documents"][0]))
            rows = [passage_to_row(p, len(p.text.split()), "d") for p in self.passages]
            house.fold("passages", pa.Table.from_pylist(rows, schema=TABLES["passages"][0]))
            selection: list[dict[str, Any]] = []
            for p in self.passages:
                cluster = self.clusters.get(p.passage_id, p.passage_id)
                selection.append({"passage_id": p.passage_id, "cluster": cluster, "duplicate_of": None, "score": 1.0, "selected": True})
            house.fold("selection", pa.Table.from_pylist(selection, schema=TABLES["selection"][0]))
            house.fold("tasks", pa.Table.from_pylist([task_to_row(t) for t in self.tasks], schema=TABLES["tasks"][0]))
            gates: list[dict[str, Any]] = []
            for task in self.tasks:
                passed = task.task_key not in self.refused
                gates.append({"task_id": task.task_id, "gate": "spans", "severity": "error", "passed": passed, "figure": 1.0, "detail": ""})
                gates.append(
                    {"task_id": task.task_id, "gate": "style", "severity": "warning", "passed": False, "figure": 0.5, "detail": ""}
                )
            house.fold("gate_results", pa.Table.from_pylist(gates, schema=TABLES["gate_results"][0]))


def small_corpus(documents: int = 12) -> Corpus:
    """Documents papers/d00.pdf … with two passages and two tasks each."""
    corpus = Corpus()
    for index in range(documents):
        corpus.add(f"papers/d{index:02d}.pdf")
    return corpus


def make_context(root: Path, **changes: Any) -> Context:
    """A quiet context over root with the extractive author and even shares, so that small corpora have every split."""
    publish = {"validation_share": 0.3, "test_share": 0.3} | changes.pop("publish", {})
    sources = changes.pop("sources", ({"type": "folder", "name": "papers", "path": str(root / "papers")},))
    settings = Settings(name="unit", seed=7, workspace=root, sources=sources, author={"type": "extractive"}, publish=publish, **changes)  # type: ignore[arg-type]
    return Context(settings, Workspace(root), Progress(quiet=True))


def published(context: Context, corpus: Corpus | None = None) -> Path:
    """Fold (where a corpus is given), stage and publish with contracts passed unasked; the version's folder."""
    from rubric_factory.stages.publish import publish
    from rubric_factory.stages.stage import stage

    if corpus is not None:
        corpus.fold(context.workspace)
    stage(context)
    pass_contracts(context)
    return Path(publish(context).folder)


def pass_contracts(context: Context) -> None:
    """A contract report that passes the staged files as they are, without asking: for tests of what comes after."""
    folder = context.workspace.staging / context.settings.name
    report = {"success": True, "profile": "standard", "checks": [], "content_fingerprint": content_fingerprint(folder)}
    report["staged_sha256"] = file_sha256(folder / "staged.json")
    (folder / "contracts.json").write_text(json.dumps(report), encoding="utf-8")
