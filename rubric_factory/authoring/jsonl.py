"""Small append-only JSONL files that people and training write: each line checked, an error names the line."""

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from rubric_factory.errors import UsageError, WorkspaceError
from rubric_factory.text import printable

_Row = TypeVar("_Row", bound=BaseModel)


def read_jsonl(path: Path, model: type[_Row]) -> list[_Row]:
    """Rows in order; none without the file; blank lines are skipped.

    Errors: UsageError for a line that is no such row, WorkspaceError for an unreadable file.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise WorkspaceError(
            f"cannot read {path}: {error.strerror}", expected="a readable file", fix="check path and permissions"
        ) from None
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            rows.append(model.model_validate_json(line))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            fault = f"{'.'.join(str(part) for part in first['loc'])} {first['msg']}".strip()
            raise UsageError(
                f"{path}, line {number}: {printable(fault)}",
                expected=f"one JSON object a line with the keys {', '.join(model.model_fields)}",
                fix="mend or remove the line",
            ) from None
    return rows
