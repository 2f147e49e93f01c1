"""Sample tasks for people to read: drawn by seed from every question type, with the evidence marked in the hidden passage."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rubric_factory.dataset_files import Row, iter_rows
from rubric_factory.reports.visible import Markup, cut, visible
from rubric_factory.tables import SPLITS

PER_TYPE, TYPES = 2, 10
SPAN_SHADES = 3
PASSAGE_CHARACTERS = 20_000


@dataclass(frozen=True)
class Sample:
    """One task as it stands in the version. passage: HTML with marked evidence; misplaced: criteria, from 1, without their evidence."""

    split: str
    row: Row
    title: str
    passage: Markup
    misplaced: tuple[int, ...]

    @property
    def pages(self) -> str:
        """'page 3', 'pages 3 to 4', or 'no pages' for a source without them."""
        first, last = self.row["page_start"], self.row["page_end"]
        if not first:
            return "no pages"
        return f"page {first}" if first == last else f"pages {first} to {last}"


def _rank(seed: int, task_id: str) -> str:
    return hashlib.sha256(f"{seed}/{task_id}".encode()).hexdigest()


def draw(folder: Path, seed: int) -> list[tuple[str, Row]]:
    """(split, row) of at most PER_TYPE tasks of each of the TYPES commonest question types, the same for the same rows and seed."""
    kept: dict[str, list[tuple[str, str, Row]]] = {}
    sizes: dict[str, int] = {}
    for split in SPLITS:
        for row in iter_rows(folder, "tasks", split):
            kind = row["question_type"]
            sizes[kind] = sizes.get(kind, 0) + 1
            kept[kind] = sorted([*kept.get(kind, []), (_rank(seed, row["task_id"]), split, row)], key=lambda item: item[0])[:PER_TYPE]
    commonest = sorted(kept, key=lambda kind: (-sizes[kind], kind))[:TYPES]
    return [(split, row) for kind in commonest for _, split, row in kept[kind]]


def spans_of(rubric: Sequence[dict[str, Any]], text: str) -> tuple[list[tuple[int, int, int]], tuple[int, ...]]:
    """(start, end, number of the criterion from 1) of each piece of evidence that is really there, and the numbers of those that is not."""
    found, misplaced = [], []
    for number, criterion in enumerate(rubric, 1):
        for piece in criterion["evidence"]:
            start, end = piece["start"], piece["end"]
            if 0 <= start < end <= len(text) and text[start:end] == piece["quote"]:
                found.append((start, end, number))
            else:
                misplaced.append(number)
    return found, tuple(sorted(set(misplaced)))


def highlighted(text: str, spans: Sequence[tuple[int, int, int]]) -> Markup:
    """The text with its spans marked, each stretch with the numbers of all criteria that rest on it; spans may overlap.

    A stretch lies between two neighbouring ends of spans; the more criteria rest on it, the darker its mark.
    """
    edges = sorted({0, len(text), *(end for start, stop, _ in spans for end in (start, stop))})
    parts = []
    for start, end in pairwise(edges):
        numbers = sorted({number for first, last, number in spans if first <= start and end <= last})
        if not numbers:
            parts.append(visible(text[start:end]))
            continue
        opened = Markup('<mark class="m{}">').format(min(len(numbers), SPAN_SHADES))
        parts.append(opened + visible(text[start:end]) + Markup("<sup>{}</sup></mark>").format(",".join(map(str, numbers))))
    return Markup("").join(parts)


def _sample(split: str, row: Row, grounding: Row | None) -> Sample:
    if grounding is None:
        return Sample(split, row, "", Markup("<em>The passage is not in the version.</em>"), ())
    text = grounding["text"]
    spans, misplaced = spans_of(row["rubric"], text)
    shown = highlighted(text, spans) if len(text) <= PASSAGE_CHARACTERS else cut(text, PASSAGE_CHARACTERS)
    return Sample(split, row, grounding["title"], shown, misplaced)


def samples(folder: Path, seed: int) -> list[Sample]:
    """Sample tasks with their passages, by question type, the commonest first. Errors: DatasetError."""
    drawn = draw(folder, seed)
    wanted = {row["grounding_id"] for _, row in drawn}
    passages = {
        row["grounding_id"]: row for split in SPLITS for row in iter_rows(folder, "grounding", split) if row["grounding_id"] in wanted
    }
    return [_sample(split, row, passages.get(row["grounding_id"])) for split, row in drawn]
