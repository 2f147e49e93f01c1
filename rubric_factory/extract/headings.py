"""Which lines are headings and how deep: by the document's own outline, by their number, by type size and weight."""

import re
from collections.abc import Mapping, Sequence

from rubric_factory.extract.line import Bookmark, Line
from rubric_factory.text import squeeze

NUMBERED = re.compile(r"(?:(?:chapter|section|appendix|part)\s+)?((?:\d{1,2}|[A-Z])(?:\.\d{1,2}){0,4})[.:]?\s+(?=[^\W\d_])", re.IGNORECASE)
_NAMED = re.compile(
    r"abstract|introduction|conclusions?|references|bibliography|acknowledge?ments?|summary|discussion|preface|appendix"
    r"|zusammenfassung|einleitung|literatur(?:verzeichnis)?|résumé|bibliographie|remerciements|resumen|introducción|referencias|bibliografía"
    r"|riassunto|introduzione|bibliografia|resumo|introdução|referências",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[\W_]+")
_ENDED = re.compile(r"[.!?:;][\"'”’)\]]*$")
MAX_HEADING = 110


def outlined(pages: Sequence[Sequence[Line]], outline: Sequence[Bookmark]) -> dict[tuple[int, int], int]:
    """Level by (page index, position on it) of the lines, or pairs of lines, that print an entry of the outline."""
    wanted: dict[int, dict[str, int]] = {}
    for entry in outline:
        if 0 <= entry.page < len(pages) and (key := _key(entry.title)):
            wanted.setdefault(entry.page, {}).setdefault(key, min(6, entry.level))
    found: dict[tuple[int, int], int] = {}
    for number, titles in wanted.items():
        keys = [_key(line.text) if len(line.text) <= 2 * MAX_HEADING else "" for line in pages[number]]
        for position, key in enumerate(keys):
            following = keys[position + 1] if position + 1 < len(keys) else ""
            if key in titles:
                found.setdefault((number, position), titles[key])
            elif len(key) >= 8 and following and key + following in titles:
                found[number, position] = found[number, position + 1] = titles[key + following]
    return found


def _key(title: str) -> str:
    """Letters and digits of a title without its number: what its print and its entry in the outline have in common."""
    bare = squeeze(title)
    number = NUMBERED.match(bare)
    return _LETTERS.sub("", bare[number.end() if number else 0 :].casefold())


def is_heading(line: Line, body: float) -> bool:
    """Whether a line looks like a heading. body: type size of the text in points."""
    text = line.text
    if len(text) > MAX_HEADING:
        return False
    if line.size:
        larger, bold = line.size > 1.08 * body, line.bold and line.size >= 0.95 * body
        if not (larger or bold):
            return len(text) < 20 and _NAMED.fullmatch(squeeze(text)) is not None
    if sum(map(str.isalpha, text)) < 3 or text.endswith((",", ";")):
        return False
    numbered = NUMBERED.match(text) is not None
    if not line.size:
        counted = numbered and text[0].isdigit() and "." in text.split()[0]
        return _NAMED.fullmatch(squeeze(text)) is not None or (counted and not _ENDED.search(text) and len(text) < 70)
    return (numbered or not text.endswith(".")) and text[0] not in "•·–-*"


def level_of(text: str, line: Line, marked: int, sizes: Mapping[float, int]) -> int:
    """Depth of a heading from 1 to 6: what the outline says (marked, 0 without), else that of its number, else its rank by type size."""
    if marked:
        return marked
    if (match := NUMBERED.match(text)) is not None:
        return min(6, 1 + match[1].count("."))
    return min(6, 1 + sizes.get(line.size, 0))
