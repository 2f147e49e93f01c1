"""What a manifest says that rows, card and lock say, too: `verify` compares them, so that none can be changed alone."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rubric_factory import dataset_files as files
from rubric_factory.dataset_files import DatasetRows
from rubric_factory.tables import SPLITS


def of_rows(rows: DatasetRows, manifest: Mapping[str, Any]) -> Iterator[str]:
    """What the manifest says of the rows, counted anew: numbers, licences, author, judge and evidence grade."""
    tasks = [row for split in SPLITS for row in rows.tasks[split]]
    counted = {
        "tasks": {split: len(rows.tasks[split]) for split in SPLITS},
        "grounding": {split: len(rows.grounding[split]) for split in SPLITS},
        "documents": {split: len({row["document_key"] for row in rows.tasks[split]}) for split in SPLITS},
    }
    for name, number in counted.items():
        if manifest["counts"].get(name) != number:
            yield f"counts are not those of the rows: {name}"
    if manifest.get("licences") != dict(Counter(row["licence"] for row in tasks)):
        yield "licences are not those of the rows"
    for name in ("author", "judge", "evidence_grade"):
        if any(row[name] != manifest.get(name) for row in tasks):
            yield f"{name} is not that of the rows"


def of_lock(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Lock and manifest name the same judge, or neither names one."""
    if (files.lock_digest(folder) is None) != (not manifest.get("judge")):
        yield "judge.lock.json and the manifest's judge: one without the other"
    elif manifest.get("judge"):
        try:
            identity = json.loads((folder / files.LOCK).read_text(encoding="utf-8"))["identity"]
        except (OSError, ValueError, KeyError, TypeError):
            yield "judge.lock.json cannot be read"
            return
        if identity != manifest["judge"]:
            yield "the manifest's judge is not that of judge.lock.json"


def of_card(card: str, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Gates and refusals are known from the manifest and the card alone: both say the same."""
    try:
        gates = [[name, *(str(row[key]) for key in ("severity", "checked", "refused"))] for name, row in sorted(manifest["gates"].items())]
        reasons = [(stage, *pair) for stage, found in sorted(manifest["rejections"].items()) for pair in sorted(found.items())]
        refused = [[stage, reason, str(number)] for stage, reason, number in reasons]
    except (KeyError, TypeError, AttributeError):
        yield "gates or rejections cannot be read"
        return
    if files.card_table(card, "Gates") != gates:
        yield "gates are not those of the card"
    if files.card_table(card, "Refused on the way") != refused:
        yield "rejections are not those of the card"
