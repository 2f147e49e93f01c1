"""JSON lines read strictly: the first bad one is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from rubric_factory.errors import UsageError

Record = TypeVar("Record")


def read_lines(path: Path, read: Callable[[Any], Record], *, what: str, expected: str) -> list[Record]:
    """read(row) of every line that is not blank, in order; a ValueError of it is one of the line. Errors: UsageError."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {error}", expected=expected, fix="check its path") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            found.append(read(json.loads(line)))
        except (ValueError, RecursionError) as error:
            raise UsageError(f"line {number} of {path} is no {what}: {error}", expected=expected, fix="mend the line") from None
    return found
