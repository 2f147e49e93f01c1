"""Rows of a table as members of a source: the columns that its settings name, and what is wrong with a row."""

import base64
import binascii
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rubric_factory.errors import ConfigurationError
from rubric_factory.settings.local_sources import Columns
from rubric_factory.sources.protocol import Metadata, Problem, escape
from rubric_factory.sources.streamed import Member
from rubric_factory.sources.streams import Bad

_METADATA = ("title", "authors", "date", "doi", "report_number", "subjects")
_LONGEST_KEY, _LONGEST_FACT = 500, 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row. file: its file's name; number: from 1, of the line or row there. values: by column; problem: why there are none."""

    file: str
    number: int
    values: Mapping[str, Any]
    problem: Problem | None = None


def names_of(columns: Columns) -> list[str]:
    """The columns that settings name."""
    return sorted({value for value in columns.model_dump().values() if value})


def check_names(columns: Columns, found: Iterable[str], place: str) -> None:
    """Errors: ConfigurationError for a named column that a table with a header does not have."""
    found = list(found)
    for name in names_of(columns):
        if name not in found:
            raise ConfigurationError(
                f"{place} has no column {name!r}", expected=f"one of {', '.join(found[:20])}", fix="mend columns of the source"
            )


def row_members(rows: Iterable[Row], columns: Columns, media_type: str, max_bytes: int) -> Iterator[Member]:
    """Every row once. One without a usable key, or with one that a row before it has, stands under file and row number."""
    seen: set[str] = set()
    for row in rows:
        place = f"{escape(row.file)}:{row.number}"
        if row.problem is not None:
            yield Member(place, marker=" ".join(row.problem), problem=row.problem)
            continue
        try:
            uri = _key(row.values, columns) or place
            if uri in seen:
                raise Bad("duplicate_key", f"the key {uri[:80]!r} stands in a row before")
            data = _content(row.values, columns, max_bytes)
        except Bad as bad:
            yield Member(place, marker=f"{bad.reason} {bad.detail}", problem=(bad.reason, bad.detail))
            continue
        seen.add(uri)
        yield Member(
            uri,
            len(data),
            licence=_fact(row.values, columns.licence),
            source_uri=escape(_fact(row.values, columns.uri)),
            metadata=Metadata(**{name: _fact(row.values, getattr(columns, name)) for name in _METADATA}),
            media_type=media_type,
            chunks=lambda data=data: iter((data,)),  # type: ignore[misc]
        )


def _key(values: Mapping[str, Any], columns: Columns) -> str:
    """The escaped key; '' where no column holds one. Errors: Bad bad_key."""
    if not columns.key:
        return ""
    value = values.get(columns.key)
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value) or len(str(value)) > _LONGEST_KEY:
        raise Bad("bad_key", f"column {columns.key!r} holds {_shown(value)}; 1 to {_LONGEST_KEY} characters are a key")
    try:
        return escape(str(value))
    except UnicodeEncodeError:
        raise Bad("bad_key", f"column {columns.key!r} holds characters that are none") from None


def _content(values: Mapping[str, Any], columns: Columns, max_bytes: int) -> bytes:
    """The document. Errors: Bad missing_column, not_text, not_bytes, empty, too_large."""
    name = columns.text or columns.bytes
    value = values.get(name)
    if value is None:
        raise Bad("missing_column", f"no column {name!r}, or nothing in it")
    if columns.text:
        if not isinstance(value, str):
            raise Bad("not_text", f"column {name!r} holds {_shown(value)}")
        try:
            data = value.encode()
        except UnicodeEncodeError:
            raise Bad("not_text", f"column {name!r} holds characters that are none") from None
    else:
        data = _binary(value, name)
    if not data:
        raise Bad("empty", "0 bytes")
    if len(data) > max_bytes:
        raise Bad("too_large", f"{len(data)} bytes, at most {max_bytes} are opened")
    return data


def _binary(value: Any, name: str) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        try:
            return base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            raise Bad("not_bytes", f"column {name!r} holds text that is not base64") from None
    raise Bad("not_bytes", f"column {name!r} holds {_shown(value)}")


def _fact(values: Mapping[str, Any], column: str) -> str:
    """What a column says of the document, '' where it says nothing: strings, numbers, and lists of them joined by '; '."""
    value = values.get(column) if column else None
    parts = value if isinstance(value, list) else [value]
    text = "; ".join(str(part) for part in parts if isinstance(part, str | int | float) and not isinstance(part, bool))
    return " ".join(text.encode("utf-8", "replace").decode().split())[:_LONGEST_FACT]


def _shown(value: Any) -> str:
    return f"{str(value)[:40]!r}" if isinstance(value, str | int | float) else f"a value of type {type(value).__name__}"
