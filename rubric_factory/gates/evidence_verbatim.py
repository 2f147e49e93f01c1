"""evidence_verbatim: every quoted span is really in the passage, and every essential criterion rests on one."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import FUNCTION_WORDS
from rubric_factory.records import Category
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, words

# What code has between its words and prose has not; a hyphen within a word is prose.
_CODE_SYMBOL = re.compile(r"[_=<>(){}\[\]+*/\\|&^%$#@~]|::|(?<!\w)-(?=[\w-])|\w\.(?=\w)|(?<=[a-z])[A-Z]|(?<=[A-Za-z])\d")
_CODE_CHARACTERS = 12
_FEW = 4  # words; a longer run of function words says something: "as I do not use it at all"


def long_enough(quote: str, least: int) -> bool:
    """Whether a quote can be evidence: enough words, symbols of code counted, or 12 characters of code; not a few function words alone."""
    size, symbols = len(words(quote)), len(_CODE_SYMBOL.findall(quote))
    if not symbols and size <= _FEW and not any(len(word) > 1 and word not in FUNCTION_WORDS for word in words(quote)):
        return False
    return size >= least or (size >= 2 and size + symbols >= least) or (symbols > 0 and len(quote.strip()) >= _CODE_CHARACTERS)


def evidence_verbatim(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of faults: spans not of the passage, criteria all of whose spans are too short, essential ones without any.

    A word alone may stand beside a longer quote: together they say what the criterion rests on.
    """
    faults: list[str] = []
    for criterion in item.task.rubric.criteria:
        if criterion.category is Category.ESSENTIAL and not criterion.evidence:
            faults.append(f"essential criterion without evidence: {printable(criterion.title, 60)}")
        if criterion.evidence and not any(long_enough(span.quote, settings.min_evidence_words) for span in criterion.evidence):
            faults.append(f"fewer than {settings.min_evidence_words} words: {printable(criterion.evidence[0].quote, 60)}")
        faults += [
            f"not in the passage at {span.start}: {printable(span.quote, 60)}"
            for span in criterion.evidence
            if item.passage.text[span.start : span.end] != span.quote
        ]
    return GateFinding(not faults, len(faults), faults[0] if faults else "")
