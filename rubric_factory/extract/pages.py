"""Plain text in printed pages, as RFCs are: form feeds, and the header and footer lines around them."""

import re
from collections import Counter

_DIGITS = re.compile(r"\d+")
_NUMBER = re.compile(r"\s*(?:\[?(?:page\s+)?[\divxlc]{1,6}\]?|-\s*\d{1,5}\s*-)\s*$", re.IGNORECASE)
_CONTINUES = re.compile(r"[^.!?:;)\]\"'>]\s*$")


def without_pages(text: str) -> tuple[str, int]:
    """Text with its page breaks mended, and how many characters of running lines went. Text without form feeds is left alone.

    A line next to a break goes if it is a page number, or if it stands (digits apart) at three breaks or more or half of them.
    """
    pages = [page.strip("\n").split("\n") for page in text.split("\f")]
    if len(pages) < 3:
        return text.replace("\f", "\n\n"), 0
    first = Counter(_frame(page[0]) for page in pages[1:])
    last = Counter(_frame(page[-1]) for page in pages[:-1])
    needed = max(2, min(3, (len(pages) - 1) // 2))
    removed = 0
    parts: list[str] = []
    for number, page in enumerate(pages):
        lines = list(page)
        if number and lines and _goes(lines[0], first, needed):
            removed += len(lines.pop(0).strip())
        if number < len(pages) - 1 and lines and _goes(lines[-1], last, needed):
            removed += len(lines.pop().strip())
        parts.append("\n".join(lines).strip("\n"))
    return _joined([part for part in parts if part.strip()]), removed


def _frame(line: str) -> str:
    return _DIGITS.sub("0", " ".join(line.split()))


def _goes(line: str, seen: Counter[str], needed: int) -> bool:
    frame = _frame(line)
    return bool(frame) and (bool(_NUMBER.match(line)) or seen[frame] >= needed)


def _joined(parts: list[str]) -> str:
    """Pages put together: a paragraph that goes on behind a break is made whole."""
    text = parts[0] if parts else ""
    for part in parts[1:]:
        opening = part.lstrip()[:1]
        goes_on = _CONTINUES.search(text) and opening.islower()
        text += ("\n" if goes_on else "\n\n") + part
    return text
