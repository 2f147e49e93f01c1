"""A file of answers under the configured judge: read strictly, graded, and written as verdicts, rewards and a summary."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.evaluating import figures
from flows.judging import Subject
from flows.runspec import required_judge
from rubric_factory.dataset_files import LOCK
from rubric_factory.errors import UsageError
from rubric_factory.evaluation import EVALUATION, Response, grade
from rubric_factory.judging.judges import opened_judge
from rubric_factory.judging.lock import read_lock
from rubric_factory.judging.watched import Watched
from rubric_factory.llm.batch_files import BatchFilesModel
from rubric_factory.stages import Context
from rubric_factory.tables import VERDICTS, judgement_rows
from rubric_factory.verdicts.stored import agreement_summary, criterion_summary
from rubric_factory.workspace import atomic_path, write_text

Row = dict[str, Any]
ARM = "responses"
SHOWN = 5


@dataclass(frozen=True)
class Answers:
    """The answers of a file that can be graded, and the task ids that cannot: unknown to the version, or given before.

    missing: tasks without an answer, of the splits that have any.
    """

    responses: tuple[Response, ...]
    unknown: tuple[str, ...]
    duplicate: tuple[str, ...]
    missing: tuple[str, ...]
    sha256: str

    def accounts(self) -> Row:
        """{answers, graded_tasks, unknown, duplicate, missing}, of the last three the number and the first ids."""
        row: Row = {"answers": len(self.responses) + len(self.unknown) + len(self.duplicate), "responses_sha256": self.sha256}
        for name in ("unknown", "duplicate", "missing"):
            found = getattr(self, name)
            row |= {name: len(found), f"{name}_task_ids": list(found[:SHOWN])}
        return row


def _files(path: Path) -> list[Path]:
    """The file itself, or the Parquet files of a folder (rollouts of a run). Errors: UsageError."""
    files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not files:
        raise UsageError(
            f"cannot read {path}: no Parquet file in it", expected="JSON lines, Parquet, or a run's rollouts/", fix="check its path"
        )
    return files


def _rows(path: Path) -> Iterator[tuple[int, Any]]:
    """(line number, row) of a file, None for a line that is no JSON. Errors: UsageError."""
    try:
        if path.suffix == ".parquet":
            yield from enumerate(pq.read_table(path).to_pylist(), start=1)
            return
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        raise UsageError(f"cannot read {path}: {error}", expected="a UTF-8 file of JSON lines, or Parquet", fix="check its path") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except ValueError:
                yield number, None


def _lines(path: Path) -> Iterator[tuple[str, str, str]]:
    """(task_id, response, response_id or ''). Errors: UsageError that names the line."""
    for number, row in _rows(path):
        answer = [row.get(name, "") for name in ("task_id", "response", "response_id")] if isinstance(row, dict) else []
        if not answer or not all(isinstance(part, str) for part in answer) or not {"task_id", "response"} <= row.keys():
            raise UsageError(
                f"line {number} of {path} is no answer",
                expected='{"task_id": "...", "response": "..."}',
                fix="mend the line, then run again",
            )
        yield answer[0], answer[1], answer[2]


def read_answers(path: Path, splits: dict[str, str]) -> Answers:
    """Answers of a file or folder; a task has several where each has its response_id, else the first one counts.

    splits: task_id -> split. Errors: UsageError.
    """
    files = _files(path)
    responses: dict[tuple[str, str], Response] = {}
    named: set[str] = set()
    unknown, duplicate = [], []
    for task_id, text, response_id in (line for file in files for line in _lines(file)):
        if task_id not in splits:
            unknown.append(task_id)
        elif (task_id, response_id) in responses or response_id in named:
            duplicate.append(task_id)
        else:
            responses[task_id, response_id] = Response(ARM, 0, task_id, text, response_id)
            named |= {response_id} - {""}
    if not responses:
        raise UsageError(
            f"{path} holds no answer to a task of this version", expected="task_ids of its tasks", fix="see `policy` of the version"
        )
    answered = {task_id for task_id, _ in responses}
    touched = {splits[task_id] for task_id in answered}
    missing = tuple(task_id for task_id, split in splits.items() if split in touched and task_id not in answered)
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    return Answers(tuple(responses.values()), tuple(unknown), tuple(duplicate), missing, digest)


def _jsonl(path: Path, rows: Iterable[Row]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _parquet(path: Path, rows: list[Row], schema: pa.Schema) -> None:
    with atomic_path(path) as part:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), part)


def judge_answers(
    context: Context, subject: Subject, folder: Path, answers: Answers, out: Path | None, files_model: BatchFilesModel | None = None
) -> Row:
    """Grade the answers; verdicts (a row a verdict), tasks (a row an answer), criteria, summary.json; returns the summary.

    files_model: answers instead of the judge's own backend; while it has none for some requests, nothing is written and the row is empty.
    folder: of the version, whose lock is named beside the judge that graded. Errors: LanguageModelError where the judge does not answer.
    """
    settings = context.settings
    with (
        opened_judge(required_judge(settings), context.workspace, stage="judge", account=context.account, backend=files_model) as judge,
        context.progress.step("judge", None, "answers") as step,
    ):
        watched = Watched(judge, step.advance)
        rows, judged = grade(subject.tasks, answers.responses, watched)
        if files_model is not None and files_model.unanswered:
            return {}
        watched.require(settings.probes.max_ungraded)
    pairs = zip(answers.responses, judged, strict=True)
    verdicts = [row for response, one in pairs for row in judgement_rows(one, subject.tasks[response.task_id].task.rubric)]
    own = read_lock(folder / LOCK).identity if (folder / LOCK).is_file() else ""
    summary: Row = {"name": subject.name, "version": subject.version, "judge": judged[0].judge, "locked_judge": own, **answers.accounts()}
    summary |= {"failures": dict(sorted(Counter(str(one.failure) for one in judged if one.failure).items()))}
    summary |= {"ensemble": agreed} if (agreed := agreement_summary(verdicts)) else {}
    summary |= figures(rows, verdicts, subject.tasks, settings.seed)
    place = out or context.workspace.reports / f"judged-{subject.name}-{subject.version}-{answers.sha256[:12]}"
    _jsonl(place / "verdicts.jsonl", verdicts)
    _jsonl(place / "tasks.jsonl", rows)
    _jsonl(place / "criteria.jsonl", criterion_summary(verdicts))
    _parquet(place / "verdicts.parquet", verdicts, VERDICTS)
    _parquet(place / "tasks.parquet", rows, EVALUATION)
    write_text(place / "summary.json", json.dumps(summary, indent=2, sort_keys=True, ensure_ascii=False) + "\n")
    return {**summary, "folder": str(place)}
