"""The records every room hands over: frozen, with their invariants checked on construction.

Two identities, never mixed up: *ids* are content hashes (idempotent re-runs), *keys* are stable names that survive a rebuild.
Offsets are in Python characters (code points), half-open [start, end).
"""

from rubric_factory.records.base import content_id
from rubric_factory.records.corpus import Document, Passage, Rejection, Section
from rubric_factory.records.judgements import JudgeFailure, Judgement, Rating, Verdict
from rubric_factory.records.tasks import (
    RUBRIC_BY,
    Category,
    Criterion,
    DatasetVersion,
    Evidence,
    Level,
    Message,
    Rubric,
    Task,
    author_of,
    criterion_to_row,
)

__all__ = [
    "RUBRIC_BY",
    "Category",
    "Criterion",
    "DatasetVersion",
    "Document",
    "Evidence",
    "JudgeFailure",
    "Judgement",
    "Level",
    "Message",
    "Passage",
    "Rating",
    "Rejection",
    "Rubric",
    "Section",
    "Task",
    "Verdict",
    "author_of",
    "content_id",
    "criterion_to_row",
]
