"""requests.jsonl: what a trained policy fails at, as the author's work list (after LegalDrill, arXiv 2604.23809: failure-driven items).

Append-only JSONL in the workspace, a row a failure, keyed by stable keys: {criterion_key, task_key, document_key, pass_rate, reason}.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from rubric_factory.authoring.jsonl import read_jsonl
from rubric_factory.records import Criterion, Rejection, content_id
from rubric_factory.text import printable

# Failures of one passage that are shown to the author, the worst first.
_SHOWN = 8


class Wish(BaseModel):
    """One row. pass_rate in [0, 1]: share of the policy's answers that met the criterion. task_key or document_key says where."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    criterion_key: str = ""
    task_key: str = ""
    document_key: str = ""
    pass_rate: float = Field(default=0.0, ge=0, le=1)
    reason: str = ""


def read_wishes(path: Path) -> list[Wish]:
    """Rows of a requests.jsonl, none without the file. Errors: as read_jsonl."""
    return read_jsonl(path, Wish)


def digest(wishes: Sequence[Wish]) -> str:
    """What a passage was asked for: the same wishes, the same digest."""
    return content_id("wishes", [wish.model_dump(mode="json") for wish in wishes])[:12]


def by_passage(wishes: Iterable[Wish], passages: Mapping[str, tuple[str, str]]) -> tuple[dict[str, tuple[Wish, ...]], list[Rejection]]:
    """passage_id -> its wishes, worst first; and a Rejection for each wish that names no passage of today.

    passages: passage_key -> (passage_id, document_key). A wish of a task goes to that task's passage; one whose task is gone, or that
    names a document alone, to every passage of the document.
    """
    documents: dict[str, list[str]] = {}
    for passage_id, document in passages.values():
        documents.setdefault(document, []).append(passage_id)
    found: dict[str, list[Wish]] = {}
    rejections = []
    for wish in wishes:
        known = passages.get(wish.task_key.rpartition("/")[0])
        names = [known[0]] if known else documents.get(wish.document_key, [])
        if not names:
            name = wish.task_key or wish.document_key or wish.criterion_key or "requests.jsonl"
            rejections.append(Rejection(name, "author", "request_without_passage", "no selected passage has this key"))
        for name in names:
            found.setdefault(name, []).append(wish)
    return {
        name: tuple(sorted(rows, key=lambda wish: (wish.pass_rate, wish.criterion_key, wish.reason))) for name, rows in found.items()
    }, rejections


def failures_text(wishes: Sequence[Wish], criteria: Iterable[Criterion]) -> str:
    """The worst failures as lines: the criterion where it is known, how often it is met, why not. Untrusted text: fence it."""
    described = {criterion.criterion_key: criterion.description for criterion in criteria}
    lines = []
    for wish in wishes[:_SHOWN]:
        what = described.get(wish.criterion_key, "a criterion of this passage")
        lines.append(f"- {printable(what, 300)} Met by {wish.pass_rate:.0%} of the answers. {printable(wish.reason, 300)}".rstrip())
    return "\n".join(lines)
