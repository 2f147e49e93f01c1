"""atomicity: one criterion asks one thing, so that a level says what was met (a missing conjunct is the commonest exploit)."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import sentences
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable

_CLAIM_VERBS = (
    "states?|mentions?|explains?|describes?|identif(?:y|ies)|names?|notes?|gives?|lists?|defines?|compares?|contrasts?|specif(?:y|ies)|"
    "includes?|provides?|shows?|recogni[sz]es?|concludes?|justif(?:y|ies)|discusses?|argues?|predicts?|computes?|calculates?|links?|"
    "relates?|distinguish(?:es)?|addresses?|acknowledges?|clarif(?:y|ies)|points? out|indicates?|attributes?|connects?|outlines?|reports?"
)
# What follows a comma and starts a clause rather than the next item of a list.
_CLAUSE = r"(?:the|an?|it|they|this|these|that|which|who|because|since|so|not|but|while|where|when|as|thus|hence|each|both)\b"
# Each match joins one more claim to a criterion.
_STRONG = (
    re.compile(r";\s+\w"),
    re.compile(r"\b(?:as well as|and also|in addition(?: to)?|along with)\b", re.I),
    re.compile(rf"(?:,|\band|\bor|\bbut|\bthen)\s+(?:also\s+|then\s+|correctly\s+|clearly\s+|explicitly\s+)*(?:{_CLAIM_VERBS})\b", re.I),
    re.compile(r",\s+(?:and|or)\s", re.I),  # A, B, and C
    re.compile(rf"\w,\s+(?!{_CLAUSE})\w+(?:[\s-]\w+){{0,2}}\s+(?:and|or)\s+\w", re.I),  # A, B and C
    re.compile(r"(?:^|\s)\(?(?:[2-9]|ii|iii|b|c)\)\s", re.I),  # (1) … (2) …
)
_AND = re.compile(r"\band\b", re.I)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|\([^)]{3,}\)")


def joined_claims(description: str) -> int:
    """How many further claims a description joins to its first: sentences, enumerations, second claim verbs; two plain 'and' count one.

    Quoted and bracketed text names a thing rather than claiming it, and is left out.
    """
    text = _QUOTED.sub(" x ", description)
    strong = len(sentences(text)) - 1 + sum(len(pattern.findall(text)) for pattern in _STRONG)
    return strong + max(len(_AND.findall(text)) - strong, 0) // 2


def atomicity(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: most further claims joined in one criterion's description. Source: arXiv 2605.12474 (missing conjunct, 33 % of failures)."""
    counted = [(joined_claims(c.description), c.description) for c in item.task.rubric.criteria]
    worst, text = max(counted, key=lambda pair: pair[0])
    passed = worst <= settings.max_joined_claims
    return GateFinding(passed, worst, "" if passed else f"{worst} further claims joined in: {printable(text, 120)}")
