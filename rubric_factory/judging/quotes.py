"""Whether a judge's quote stands in the response: word for word, after the house's Unicode policy and typography are evened out.

Folded on both sides, nothing else: case, white space, kinds of quotation marks and dashes, and the marks of Markdown emphasis. A quote
may be several runs of words joined by an ellipsis; every run must be there, in order, and begin and end where words do. One run must say
something: a "the" stands in every response and shows nothing.
"""

import re

from rubric_factory import text

_TYPOGRAPHY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2010": "-", "\u2011": "-", "\u2012": "-",
                             "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2026": "...", "*": None, "`": None})  # fmt: skip
_ELLIPSIS = re.compile(r"\s*[\[(]?\.{3,}[\])]?\s*")
# A run that says something has this many words or characters, or is the whole response.
MIN_WORDS, MIN_CHARACTERS = 2, 8
_ENDS = " .,;:!?\"'()[]"


def folded(said: str) -> str:
    """Text as quotes are compared."""
    return text.squeeze(text.clean(said)[0].translate(_TYPOGRAPHY).casefold())


def stands_in(quote: str, response: str) -> bool:
    """Whether every run of the quote stands in the response, in order. A quote whose every run is too short stands nowhere."""
    source, start, found = folded(response), 0, False
    whole = source.strip(_ENDS)
    for run in _ELLIPSIS.split(folded(quote)):
        words = run.strip(_ENDS)
        if not text.words(words):
            continue
        match = re.compile(_bounded(words)).search(source, start)
        if match is None:
            return False
        start = match.end()
        found = found or len(words) >= MIN_CHARACTERS or len(text.words(words)) >= MIN_WORDS or words == whole
    return found


def _bounded(words: str) -> str:
    before = r"(?<!\w)" if words[0].isalnum() else ""
    after = r"(?!\w)" if words[-1].isalnum() else ""
    return f"{before}{re.escape(words)}{after}"
