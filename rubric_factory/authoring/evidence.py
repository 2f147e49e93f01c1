"""Where a quoted text really stands in a passage: offsets are computed here, never taken from a model."""

import unicodedata
from functools import lru_cache

from rubric_factory.records import Evidence

# Variants that a model writes plainly. All quotation marks are one, because constrained decoding of a bounded string (xgrammar 0.2.7)
# cannot write a double one.
_PLAIN = str.maketrans('"‘’‚‛“”„‟‐‑‒–—−', "'''''''''------")


@lru_cache(maxsize=64)
def _folded(text: str) -> tuple[str, tuple[int, ...]]:
    """The text without white space, compatibility forms and typographic marks plain; and where each character of it stood."""
    found: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        for one in unicodedata.normalize("NFKC", character).translate(_PLAIN):
            if not one.isspace():
                found.append(one)
                places.append(place)
    return "".join(found), tuple(places)


def locate(quote: str, passage: str) -> Evidence | None:
    """The span of a passage that a quote names, None where there is none.

    Exact first; else the same characters in the same order, with any white space or none between them, all quotation marks read as one,
    dashes, ligatures and other compatibility forms as plain ones. The evidence holds the passage's own characters. Case, letters and
    other punctuation must agree.
    """
    quote = quote.strip()
    start = passage.find(quote)
    if quote and start >= 0:
        return Evidence(start, start + len(quote), quote)
    wanted, (folded, places) = _folded(quote)[0], _folded(passage)
    start = folded.find(wanted)
    if not wanted or start < 0:
        return None
    first, end = places[start], places[start + len(wanted) - 1] + 1
    return Evidence(first, end, passage[first:end])
