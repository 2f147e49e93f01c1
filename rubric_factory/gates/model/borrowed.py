"""Which other task's reference answer a task is tried with: the next one on a ring, so that a new task changes one neighbour, not all."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A task's reference answer with what decides who may borrow it."""

    task_id: str
    document_key: str
    genre: str
    answer: str


def _place(seed: int, task_id: str) -> str:
    return hashlib.sha256(f"{seed}/{task_id}".encode()).hexdigest()


def _along(ring: list[Reference]) -> dict[str, str]:
    """task_id -> answer of the next one on the ring that is of another document; nothing where all are of one document."""
    found: dict[str, str] = {}
    following: Reference | None = None  # nearest further on that is of another document than the one before it
    for index in range(2 * len(ring) - 1, -1, -1):
        here, after = ring[index % len(ring)], ring[(index + 1) % len(ring)]
        if after.document_key != here.document_key:
            following = after
        if following is not None and index < len(ring):
            found[here.task_id] = following.answer
    return found


def borrowed_answers(references: Iterable[Reference], seed: int) -> dict[str, str]:
    """task_id -> reference answer of another document's task: of the same genre, else of any. Nothing with a single document.

    Time: n log n for n tasks. A task that comes or goes changes the answer of those just before it on the ring only.
    """
    ring = sorted(references, key=lambda reference: _place(seed, reference.task_id))
    genres: dict[str, list[Reference]] = {}
    for reference in ring:
        genres.setdefault(reference.genre, []).append(reference)
    found = _along(ring) if ring else {}
    for members in genres.values():
        found.update(_along(members))
    return found
