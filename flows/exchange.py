"""Requests out and answers in by files, in the place of the configured model: `--export-requests DIR` and `--import-responses DIR`."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rubric_factory.errors import UsageError
from rubric_factory.llm.batch_files import BatchFilesModel, Counts
from rubric_factory.settings.author import Writing, writers_of
from rubric_factory.settings.judge import Ensemble
from rubric_factory.settings.llm import LanguageModelSection
from rubric_factory.text import printable
from rubric_factory.workspace import Workspace, write_text

SHOWN = 5


def files_model(section: object, export: Path | None, answers: Path | None) -> BatchFilesModel | None:
    """The files that answer instead of the model of a section, None where no folder is named.

    Its model, revision and sampling stay, so the requests are the very ones that would go over HTTP. Errors: UsageError.
    """
    if export is None and answers is None:
        return None
    if isinstance(section, Ensemble):
        raise UsageError(
            "an ensemble asks several models, and a folder stands for one",
            expected='a judge of one model, or members of type "batch_files" with folders of their own',
            fix="leave --export-requests and --import-responses out",
        )
    if not isinstance(section, LanguageModelSection):
        kind = getattr(section, "type", "none")
        raise UsageError(
            f"{kind!r} calls no language model",
            expected="a section that names one",
            fix="leave --export-requests and --import-responses out",
        )
    if answers is not None and not answers.is_dir():
        raise UsageError(f"no folder at {answers}", expected="the folder of the answered *.jsonl files", fix="check --import-responses")
    return BatchFilesModel.between(section, export, answers)


def author_files(section: object, export: Path | None, answers: Path | None) -> list[BatchFilesModel]:
    """The files of the author and of each co-author, none where no folder is named. A co-author's lie in author-2, author-3, ... inside.

    Errors: UsageError.
    """
    first = files_model(section, export, answers)
    if first is None:
        return []
    co_authors = writers_of(section)[1:] if isinstance(section, Writing) else ()
    folders = [[None if folder is None else folder / f"author-{number}" for folder in (export, answers)] for number in range(2, 9)]
    return [first, *(BatchFilesModel.between(one, *inner) for one, inner in zip(co_authors, folders, strict=False))]


def exchanged(files: Sequence[BatchFilesModel], workspace: Workspace, name: str) -> dict[str, Any]:
    """What was written, read and is missing, in figures; the list of what is missing goes to reports/<name>-missing.jsonl.

    A request that the batch answered with an error is missing too, with that error; it costs no attempt: the same file may be read again.
    """
    path = workspace.reports / f"{name}-missing.jsonl"
    rows = [
        {"key": key, "subject": request.subject, "part": request.part, "error": each.errors.get(key, "")}
        for each in files
        for request in each.unanswered
        for key in [request.key(each.model, each.revision)]
    ]
    write_text(path, "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows))
    lines = {key: sum(asdict(each.counts)[key] for each in files) for key in asdict(Counts())}
    taken = sum(each.taken for each in files)
    return {
        "exported": sum(each.written for each in files),
        "taken": taken,
        "not_needed": lines["answers"] - taken,
        **{key: lines[key] for key in ("duplicates", "errors", "garbage")},
        "missing": len(rows),
        "missing_file": str(path),
        "missing_first": rows[:SHOWN],
    }


def shown(row: dict[str, Any]) -> list[str]:
    """The same as lines for a person."""
    lines = [
        f"requests: {row['exported']} written now; answers: {row['taken']} taken, {row['not_needed']} not needed, "
        f"{row['duplicates']} twice, {row['errors']} errors, {row['garbage']} unreadable lines"
    ]
    if row["missing"]:
        lines.append(f"{row['missing']} requests have no answer yet, all of them in {row['missing_file']}:")
        lines += [
            printable(f"  {one['key'][:12]} {one['subject'][:24]} {one['part']} {one['error']}".rstrip(), 300)
            for one in row["missing_first"]
        ]
        lines.append("answer what was written, then import it; where the author or judge goes on from an answer, export again")
    return lines
