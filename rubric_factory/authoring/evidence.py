"""Where a quoted text really stands in a passage: offsets are computed here, never taken from a model."""

import re

from rubric_factory.records import Evidence

# Variants that a model writes plainly: one character each, so that offsets hold. All quotation marks are one, because constrained
# decoding of a bounded string (xgrammar 0.2.7) cannot write a double one.
_PLAIN = str.maketrans('"‘’‚‛“”„‟‐‑‒–—−\u00a0\u2009\u202f', "'''''''''------   ")


def locate(quote: str, passage: str) -> Evidence | None:
    """The span of a passage that a quote names, None where there is none.

    Exact first; else the same words with any whitespace between them all quotation marks read as one, dashes and blanks as plain ones.
    The evidence holds the passage's own characters. Case, words and other punctuation must agree.
    """
    quote = quote.strip()
    if not quote:
        return None
    start = passage.find(quote)
    if start >= 0:
        return Evidence(start, start + len(quote), quote)
    pattern = r"\s+".join(re.escape(part) for part in quote.translate(_PLAIN).split())
    match = re.search(pattern, passage.translate(_PLAIN)) if pattern else None
    return Evidence(match.start(), match.end(), passage[match.start() : match.end()]) if match else None
