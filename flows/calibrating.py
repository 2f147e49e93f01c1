"""Calibration of the configured judge: draw the answers to be labelled, read labels from a labelling judge's replies, compare."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flows.judging import Subject
from flows.runspec import required_judge
from rubric_factory.errors import UsageError
from rubric_factory.judging.calibration.labels import Label, Place, label_rows, read_labels
from rubric_factory.judging.calibration.looks import log_look, looks_file, read_looks
from rubric_factory.judging.calibration.report import report
from rubric_factory.judging.calibration.responses import CALIBRATION_SPLITS, Drawn, draw, read_responses, to_lines
from rubric_factory.judging.judges import opened_judge
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.judging.store import slug
from rubric_factory.judging.watched import Watched
from rubric_factory.llm.batch_files import BatchFilesModel
from rubric_factory.records import Judgement
from rubric_factory.stages import Context
from rubric_factory.tables import judgement_rows
from rubric_factory.verdicts.stored import by_response, read_verdicts
from rubric_factory.workspace import write_text

Row = dict[str, Any]
TUNE, TEST = CALIBRATION_SPLITS
BATCH = 256


def _jsonl(path: Path, rows: Iterable[Row]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def sample(context: Context, subject: Subject, out: Path, *, responses: int, pairs: int) -> Row:
    """Draw the response set and write it; its counts by side and by kind. Errors: UsageError."""
    drawn = draw(subject.probe_tasks, responses=responses, pairs=pairs, seed=context.settings.seed)
    write_text(out, to_lines(drawn))
    sides = {
        split: {
            "responses": len(own),
            "pairs": sum(one.criteria for one in own),
            "tasks": len({one.task_id for one in own}),
            "documents": len({one.document_key for one in own}),
        }
        for split in CALIBRATION_SPLITS
        for own in [[one for one in drawn if one.split == split]]
    }
    kinds = dict(sorted(Counter(one.kind for one in drawn).items()))
    return {"responses": len(drawn), "pairs": sum(one.criteria for one in drawn), **sides, "kinds": kinds, "file": str(out)}


def _of_subject(drawn: Sequence[Drawn], subject: Subject) -> Sequence[Drawn]:
    """Errors: UsageError where an answer is to no task of the version: its rubric is not the one that was drawn with."""
    unknown = [one.task_id for one in drawn if one.task_id not in subject.tasks]
    if unknown:
        raise UsageError(
            f"{len(unknown)} of {len(drawn)} answers are to no task of {subject.name} {subject.version}, such as {unknown[0][:24]}",
            expected="the version that the answers were drawn from",
            fix="name it, or draw them again with judge sample",
        )
    return drawn


def _judged(
    context: Context, items: Sequence[JudgeInput], stage: str, files_model: BatchFilesModel | None = None
) -> tuple[list[Judgement], Watched]:
    section = required_judge(context.settings)
    with (
        opened_judge(section, context.workspace, stage=stage, account=context.account, backend=files_model) as judge,
        context.progress.step(stage, len(items), "answers") as step,
    ):
        watched = Watched(judge, step.advance)
        found = [one for start in range(0, len(items), BATCH) for one in watched.grade_many(items[start : start + BATCH])]
    return found, watched


def label(context: Context, subject: Subject, responses: Path, out: Path, files_model: BatchFilesModel | None) -> Row:
    """What the configured judge says of a response set, as labels; what it failed to say beside them, in <out>.failures.jsonl.

    With requests that nobody answered yet, the rest is written all the same, and again at the next import. Errors: UsageError where not
    one label came: nothing is written then, unless requests were.
    """
    drawn = _of_subject(read_responses(responses), subject)
    tasks = {task_id: graded.task for task_id, graded in subject.tasks.items()}
    items = [JudgeInput.of(tasks[d.task_id], subject.tasks[d.task_id].passage, d.response, d.response_id) for d in drawn]
    judged, _ = _judged(context, items, "label", files_model)
    rows, failures = label_rows(drawn, tasks, judged)
    counts = dict(sorted(Counter(row["failure"] for row in failures).items()))
    row: Row = {"labels": len(rows), "labeller": judged[0].judge, "no_label": counts}
    if not rows:
        if files_model is not None and files_model.unanswered:
            return row
        raise UsageError(f"{row['labeller']} gave not one verdict: {counts}", expected="verdicts", fix="see that the judge answers")
    _jsonl(out, rows)
    _jsonl(out.with_suffix(".failures.jsonl"), failures)
    return {**row, "file": str(out)}


def _graded_credit(context: Context, subject: Subject, labels: Sequence[Label]) -> tuple[dict[Place, float | None], str]:
    """Credit by place from the configured judge, and who that is."""
    texts = {(one.task.task_id, one.response_id): one for one in labels if one.response}
    if missing := next((one for one in labels if (one.task.task_id, one.response_id) not in texts), None):
        raise UsageError(
            f"the label on the response {missing.response_id[:24]} does not carry its text",
            expected="labels with their responses",
            fix="add the responses, or grade them elsewhere and name --judge-verdicts",
        )
    items = [JudgeInput.of(one.task, subject.tasks[one.task.task_id].passage, one.response, one.response_id) for one in texts.values()]
    judged, watched = _judged(context, items, "calibrate")
    watched.require(context.settings.probes.max_ungraded)
    rows = [row for item, one in zip(items, judged, strict=True) for row in judgement_rows(one, item.rubric)]
    return _credit(rows), watched.identity


def _credit(rows: Sequence[Mapping[str, Any]]) -> dict[Place, float | None]:
    return {
        (row["task_id"], row["response_id"], row["criterion_key"]): None if row["level"] is None else row["level"] / row["max_level"]
        for row in rows
    }


def _stored_credit(path: Path) -> tuple[dict[Place, float | None], str]:
    """Credit by place from stored verdicts, and whose they are. Errors: UsageError where they are of several judges."""
    rows = read_verdicts(path)
    by_response(rows)
    judges = sorted({str(row.get("judge", "")) for row in rows})
    if len(judges) != 1:
        raise UsageError(f"{path} holds verdicts of {len(judges)} judges", expected="one judge's", fix="name one file")
    return _credit(rows), judges[0]


def calibrate(
    context: Context, subject: Subject, labels_path: Path, verdicts: Path | None, out: Path | None, *, final: bool, who: str
) -> Row:
    """The judge beside the labels: the report of each side that may be seen, written and returned.

    Without `final` the test side is neither graded nor compared, only counted. With it the look is logged first. Errors: UsageError,
    LanguageModelError where the judge does not answer, WorkspaceError.
    """
    labels, unknown = read_labels(labels_path, [graded.task for graded in subject.tasks.values()])
    sides = {split: [one for one in labels if one.split == split] for split in CALIBRATION_SPLITS}
    seen = [TUNE, TEST] if final else [TUNE]
    chosen = [one for split in seen for one in sides[split]]
    if not chosen:
        raise UsageError(
            f"{labels_path} holds no label on the side tune", expected="labels on both sides", fix="label answers of judge sample"
        )
    credit, judge = _stored_credit(verdicts) if verdicts else _graded_credit(context, subject, chosen)
    if not any(one.place in credit for one in chosen):
        raise UsageError(
            f"no verdict of {judge} is about a labelled answer", expected="verdicts on these answers", fix="grade the file of judge sample"
        )
    digest = hashlib.sha256(labels_path.read_bytes()).hexdigest()
    row: Row = {"name": subject.name, "version": subject.version, "judge": judge, "labels_sha256": digest, "unknown": unknown}
    log = looks_file(labels_path)
    if final:
        log_look(log, who=who, judge=judge, dataset=f"{subject.name} {subject.version}", labels_sha256=digest)
    settings = context.settings
    row |= {split: report(sides[split], credit, settings.probes, seed=settings.seed) for split in seen}
    held_back = {"held_back": {"labels": len(sides[TEST]), "responses": len({one.place[:2] for one in sides[TEST]})}}
    row |= {"looks": len(read_looks(log)), "looks_file": str(log), **({} if final else held_back)}
    name = f"calibration-{slug(judge)}-{digest[:12]}{'-final' if final else ''}.json"
    path = out or context.workspace.reports / name
    write_text(path, json.dumps(row, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return {**row, "file": str(path)}
