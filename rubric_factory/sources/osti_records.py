"""A page of the OSTI records API as listed items. What the server says is untrusted: whatever it holds, each record ends as one item.

Source: https://www.osti.gov/api/v1/docs: GET /records?q=…&rows=…&page=… answers a JSON array of records; X-Total-Count is the number of
all, Link names the next page.
"""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rubric_factory.sources.fetch_index import Listed
from rubric_factory.sources.protocol import Metadata
from rubric_factory.sources.urls import BadUrl, parse
from rubric_factory.text import clean, printable, squeeze

MAX_CHARACTERS = 2000
_ID = re.compile(r"[0-9A-Za-z-]{1,40}")
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?")
_DOI = re.compile(r"(?i)^(https?://(dx\.)?doi\.org/|doi:)")
_AUTHOR_NOTE = re.compile(r"\[[^\]]*\]?|\(ORCID[^)]*\)?")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,80}>")
_NEXT = re.compile(r"""rel\s*=\s*"?next\b""", re.IGNORECASE)


class BadPage(ValueError):
    """An answer that is no page of records; the message says why."""


@dataclass(frozen=True, slots=True)
class Page:
    """Records of one page. total: -1 unknown. more: whether the server names a next page; None where it names none at all."""

    items: tuple[Listed, ...]
    total: int
    more: bool | None


def read_page(body: bytes, headers: Mapping[str, str]) -> Page:
    """A page from the bytes and headers of an answer. Errors: BadPage."""
    try:
        records = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadPage(f"no JSON: {printable(str(error))}") from None
    if not isinstance(records, list):
        raise BadPage(f"a JSON {type(records).__name__}, expected an array of records")
    total = headers.get("X-Total-Count", "").strip()
    link = headers.get("Link")
    return Page(
        items=tuple(_item(record) for record in records),
        total=int(total) if total.isascii() and total.isdigit() and len(total) < 12 else -1,
        more=None if link is None else bool(_NEXT.search(link)),
    )


def _item(record: Any) -> Listed:
    if not isinstance(record, dict):
        return _unusable(record, f"a record is a JSON {type(record).__name__}")
    identifier = str(record.get("osti_id", "")).strip()
    if not _ID.fullmatch(identifier):
        return _unusable(record, f"osti_id is {identifier[:60]!r}")
    metadata = _metadata(record)
    hrefs = [link.get("href") for link in _list(record.get("links")) if isinstance(link, dict) and _says_fulltext(link)]
    if not hrefs:
        return Listed(identifier, "", metadata, ("no_full_text", "the record links no full text"))
    problem = ("bad_url", "the full-text link is no text")
    for href in hrefs:
        try:
            return Listed(identifier, str(parse(str(href))), metadata)
        except BadUrl as error:
            problem = ("bad_url", f"full text: {error}")
    return Listed(identifier, "", metadata, problem)


def _unusable(record: Any, detail: str) -> Listed:
    """A record without an id of its own; named by its content, so that it is the same item in the next listing."""
    digest = hashlib.sha256(json.dumps(record, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()
    return Listed(f"record-{digest[:16]}", "", Metadata(), ("bad_record", printable(detail)))


def _says_fulltext(link: dict[str, Any]) -> bool:
    return str(link.get("rel", "")).strip().lower() == "fulltext"


def _list(value: Any) -> list[Any]:
    """A JSON value as a list: a single one, as some records have it, in a list of its own."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _text(value: Any) -> str:
    """A JSON string made plain: entities and markup resolved, blanks squeezed; '' for anything else."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return ""
    plain = _TAG.sub("", html.unescape(str(value)[: 4 * MAX_CHARACTERS]))
    return squeeze(clean(plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))[0])[:MAX_CHARACTERS]


def _author(value: Any) -> str:
    """'Doe, Jane [Laboratory] (ORCID:…)' or {first_name, last_name} as 'Doe, Jane'."""
    if isinstance(value, dict):
        return ", ".join(part for part in (_text(value.get("last_name")), _text(value.get("first_name"))) if part)
    return squeeze(_AUTHOR_NOTE.sub(" ", _text(value)))


def _joined(values: list[str]) -> str:
    return "; ".join(value for value in values if value)[:MAX_CHARACTERS]


def _metadata(record: dict[str, Any]) -> Metadata:
    date = _DATE.match(_text(record.get("publication_date")))
    return Metadata(
        title=_text(record.get("title")),
        authors=_joined([_author(value) for value in _list(record.get("authors"))]),
        date=date.group() if date else "",
        doi=_DOI.sub("", _text(record.get("doi"))),
        report_number=_joined([_text(value) for value in _list(record.get("report_number"))]),
        subjects=_joined([_text(value) for value in _list(record.get("subjects"))]),
    )
