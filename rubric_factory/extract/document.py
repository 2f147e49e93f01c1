"""One document from bytes to a reply: kind, parser, then what all parsers share (limits on length, language, genre)."""

import hashlib
from typing import Any

from rubric_factory.extract import genre, html, language, pdf, plain
from rubric_factory.extract.kind import Kind, kind_of
from rubric_factory.extract.result import Extracted, Refused
from rubric_factory.text import clean, squeeze, words

_PARSERS = {Kind.PDF: pdf.extract, Kind.HTML: html.extract, Kind.TEXT: plain.extract}


def parse(data: bytes, request: dict[str, Any]) -> dict[str, Any]:
    """Reply for one file. request: min_characters, max_characters, media_type ('' or absent: told from the content).

    Errors: Refused with its reason.
    """
    kind = Kind(request["media_type"]) if request.get("media_type") else kind_of(data)
    found = _PARSERS[kind](data)
    _check_length(found, int(request["min_characters"]), int(request["max_characters"]))
    tokens = words(found.text)
    code = language.language_of(found.text)
    signals = genre.signals_of(found.text, code)
    title, authors = _line(found.title), _line(found.authors)
    name = genre.genre_of(title, found.text, found.sections, signals)
    if name in ("listing", "source_code"):
        raise Refused(name, f"{signals.prose:.0%} of the words in sentences, {signals.code:.0%} of the characters in code")
    return {
        "document_id": hashlib.sha256(data).hexdigest(),
        "size_bytes": len(data),
        "media_type": str(kind),
        "text": found.text,
        "title": title,
        "authors": authors,
        "date": found.date,
        "licence": found.licence,
        "language": code,
        "genre": name,
        "page_starts": list(found.page_starts),
        "sections": [{"start": s.start, "level": s.level, "title": s.title} for s in found.sections],
        "extractor": found.extractor,
        "words": len(tokens),
        "removed_characters": found.removed_characters,
    }


def _line(text: str) -> str:
    return squeeze(clean(text)[0])[:300]


def _check_length(found: Extracted, shortest: int, longest: int) -> None:
    if len(found.text) < shortest:
        raise Refused("too_short", f"{len(found.text)} characters of text, at least {shortest} are needed")
    if len(found.text) > longest:
        raise Refused("too_long", f"{len(found.text)} characters of text, at most {longest} are kept")
