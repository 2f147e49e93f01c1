"""atomicity: one criterion asks one thing, so that a level says what was met (a missing conjunct is the commonest exploit).

Alternatives ("heating or cooling") are one claim: any of them meets it.
"""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import sentences
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, squeeze

# What an answer does with a claim; hardly ever what a thing in the claim does.
_SAYS = (
    "states?|mentions?|explains?|identif(?:y|ies)|notes?|concludes?|justif(?:y|ies)|discusses?|argues?|points? out|recogni[sz]es?|"
    "acknowledges?|clarif(?:y|ies)|outlines?"
)
# Things do these as well ("the parser reports an error"), so they count only where nothing but the answer can be doing it.
_DOES = (
    "describes?|names?|gives?|lists?|defines?|compares?|contrasts?|specif(?:y|ies)|includes?|provides?|shows?|predicts?|computes?|calculates?|"
    "links?|relates?|distinguish(?:es)?|addresses?|indicates?|attributes?|connects?|reports?|proposes?|recommends?|suggests?|uses?|applies|"
    "interprets?|evaluates?|summari[sz]es?|illustrates?|estimates?|infers?|chooses?|selects?|determines?|analy[sz]es?|assesses|verif(?:y|ies)|"
    "derives?|quantifies|checks?|demonstrates?|observes?|warns?|stresses|arrives?|locates?|treats?|assigns?|cites?"
)
_ADVERBS = r"(?:also\s+|then\s+|correctly\s+|clearly\s+|explicitly\s+|further\s+)*"
_SUBCLAUSE = re.compile(r"\b(?:that|how|why|whether|because|which|when|if|where)\b", re.I)
# What follows a comma and starts a clause, or sets off a remark, rather than the next item of a list.
_CLAUSE = r"(?:the|an?|it|they|this|these|that|which|who|because|since|so|not|but|while|where|when|as|thus|hence|each|both|if|by|in|or)\b"
_OPENS_LIST = r"(?:of|between|among|from|to|for|by|with|in|on|like|as|such as|including|via|through|into|over|against|both)"
_REFERS = ("and", "or", "for", "in", "of", "to", "than", "case", "with", "under", "that", "from", "by", "step", "only", "between")
_BEHIND = "".join(rf"(?<!\b{word}\s)" for word in _REFERS)
# Each match joins one more claim to a criterion.
_STRONG = (
    re.compile(r"\b(?:account|explanation|description|discussion|treatment|overview|summary|mention) of [^,.;]+ and of\b", re.I),
    re.compile(r"\band,? (?:moreover|furthermore|besides|in addition|secondly|further|finally|additionally)\b|\bthen,? that\b", re.I),
    re.compile(r"\b(?:while|besides|alongside|apart from|without forgetting)\s+(?:also\s+)?\w+ing\s+(?:that|how|why)\b", re.I),
    re.compile(r"\bthat\b[^;.()]{5,}?,\s+that\b|\bthat(?: \S+){3,} / \w+ \w+ \w|\bnot only (?:says|states|explains|notes|shows)\b", re.I),
    re.compile(r"\b(?:before|after) (?:going on|moving on|turning) to\b|\b(?:whereas|while) (?:separately|independently)\b", re.I),
    re.compile(r";\s+\w"),
    re.compile(
        r"\band also\b|,\s+(?:as well as|in addition(?: to)?|along with)\b|"
        r"\b(?:as well as|in addition to|along with|together with|plus) (?:that|how|why|the fact)\b|"
        r"\b(?:while|besides|before|after) (?:also|then|further) \w+ing\b",
        re.I,
    ),
    re.compile(rf"(?:,|\band|\bbut|\bthen)\s+{_ADVERBS}(?:{_SAYS})\b(?!\s*[,.;)])(?!\s+(?:are|is|were|was|of|can|may|must)\b)", re.I),
    re.compile(r"(?<!\bhow)(?<!\bwhy)(?<!\bwhen)(?<!\bwhere)(?<!\bwhat)(?<!\bwhether)\s+and\s+(?:that|how|why|what)\b", re.I),
    # (1) … (2) …, but not "in case (b)"
    re.compile(rf"(?:^|\s)\(?(?:1|i|a)\)\s.*?\s{_BEHIND}\(?(?:2|ii|b)\)\s", re.I),
    re.compile(
        r"\bon (?:the )?one hand\b|\bnot only (?:that|how|why)\b|[–—-] (?:moreover|also|furthermore|besides|plus)\b|&\s+(?:that|how|why)\b",
        re.I,
    ),
    re.compile(
        r",\s+(?:also |further |while )?(?:noting|adding|mentioning|saying|stating|explaining|pointing out)\s+(?:that|how|why)\b", re.I
    ),
    re.compile(r"\bwith the (?:further|additional|added|extra) (?:remark|point|note|observation|statement)\b", re.I),
    re.compile(
        r"\b(?:two|three|four|five|several|multiple) (?:aspects|points|topics|things|facts|parts|elements|questions|issues|matters)\s*:",
        re.I,
    ),
)
# Joins claims where the answer's own verb governs it; within a claim ("that rows as well as columns are …") it joins things.
_AS_WELL = re.compile(r"(?<!,)\s(?:as well as|in addition(?: to)?|along with)\b(?! (?:that|how|why|the fact)\b)", re.I)
_SECOND_VERB = re.compile(rf"\b(?:and|but|then)\s+{_ADVERBS}(?:{_DOES})\b", re.I)
# "Covers both the default and its reason": half of it can be given.
_BOTH = re.compile(r"^\W*(?:the (?:answer|response) )?(?:\w+ )?both\b[^,.;]{1,80}\band\b", re.I)
# A, B, and C; but not a remark of a few words at the end: "…, and here there are none."
_COMMA_AND = re.compile(
    r",\s+and\s+(?!only\b|not\b|thus\b|hence\b|therefore\b|so\b)(?!(?:here|there|then|it|they|this|that|these)\b(?:\s+[\w'-]+){1,5}\W*$)",
    re.I,
)
_LIST = re.compile(
    rf"(\b{_OPENS_LIST}\s+(?:the\s+\w+\s+)?)?(?:[\w-]+\s+)?[\w-]+,\s+(?!{_CLAUSE})\w+(?:[\s-]\w+){{0,2}}\s+and\s+\w", re.I
)  # A, B and C
# What is named one by one, in items of any length: "Names A of B, C by D and E", "Covers these: A, B, C".
_NAMES = re.compile(
    r"^\W*(?:the (?:answer|response) )?(?:should |must )?"
    r"(?:names?|mentions?|lists?|covers?|gives?|includes?|enumerates?|cites?|identif(?:y|ies))\b"
    rf"(?:(?!\bthat\b)[^,.;])*,\s+(?!{_CLAUSE}(?<!\bthe)(?<!\ban)(?<!\ba))[^,.;]*(?:,\s*(?!{_CLAUSE})|\s+and\s+)\w",
    re.I,
)
_AND = re.compile(r"\band\b", re.I)
_OPEN_END = re.compile(r",?\s+and (?:so on|so forth|the like|the rest)\b", re.I)
# Things of which one predicate speaks: "that x, y, and z are …", and the two ends of one relation.
_ITEMS = re.compile(rf"[\w-]+,\s+(?!{_CLAUSE})(?:[\w-]+\s+){{0,2}}[\w-]+,\s+and\s+(?!{_CLAUSE})\w", re.I)
_PAIR = re.compile(r"\b(?:between|both)\s+(?!that\b|how\b|why\b)[^,.;]{1,60}?\band\b(?!\s+(?:that|how|why|what)\b)", re.I)
# What an answer does to several things at once.
_TOGETHER = re.compile(
    r"^\W*(?:assigns|maps|puts|places|plots|links|relates|connects|attributes|compares|distinguishes|orders|combines|uses|sets)\b", re.I
)
_ONE_VIEW = re.compile(r"\s+and that\b|,? (?:while|whereas|although)\b|;\s+(?=(?:it|they|this|in fact|actually)\b)", re.I)
# "(plus the point that …)": one claim more, although brackets otherwise name things.
_ASIDE = re.compile(r"\((?:and|plus|also|as well as|in addition|furthermore|moreover|besides|likewise)\b[^)]{12,}\)", re.I)
_LONGEST = 600  # characters, twice what a description may have
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|‘[^’]*’|\([^)]{3,}\)")


def _in_one_predicate(text: str, items: re.Match[str]) -> bool:
    """Whether a list is what one claim speaks of, rather than what the answer has to name one by one."""
    return bool(_SUBCLAUSE.search(text, 0, text.index(",", items.start())) or _TOGETHER.search(text) or items.group()[0].isdigit())


def joined_claims(description: str) -> int:
    """How many further claims a description joins to its first: sentences, enumerations, second claim verbs.

    Two plain 'and' count one, or three within a claim.

    Quoted and bracketed text names a thing rather than claiming it, and is left out. A list behind a preposition ("the source of A, B
    and C") or within a claim ("that A, B and C are used") is one thing, too.
    """
    description = squeeze(description)[:_LONGEST]
    bracketed = len(_ASIDE.findall(description))
    text = _OPEN_END.sub("", _QUOTED.sub(" x ", description))
    strong = bracketed + len(sentences(text)) - 1 + sum(len(pattern.findall(text)) for pattern in (*_STRONG, _COMMA_AND))
    items = sum(_in_one_predicate(text, match) for match in _ITEMS.finditer(text))
    strong -= min(items, len(_COMMA_AND.findall(text)))
    lists = [bool(match.group(1)) or _in_one_predicate(text, match) for match in _LIST.finditer(text)]
    strong += lists.count(False) + sum(not _SUBCLAUSE.search(text, 0, match.start()) for match in _AS_WELL.finditer(text))
    strong += sum(not _SUBCLAUSE.search(text, 0, match.start()) for match in _SECOND_VERB.finditer(text))
    spared = lists.count(True) + items + len(_PAIR.findall(text))
    strong = max(
        strong,
        int(bool(_BOTH.match(text)) or (not spared and bool(_NAMES.match(text)))),
    )
    return strong + max(len(_AND.findall(text)) - strong - spared, 0) // (3 if _SUBCLAUSE.search(text) else 2)


def _of_a_mistake(criterion: Criterion) -> str:
    """A description; of a pitfall without what completes the mistake: "claims that … and that …" is one mistaken view."""
    return _ONE_VIEW.sub(" ", criterion.description, count=1) if criterion.weight < 0 else criterion.description


def atomicity(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: most further claims joined in one criterion's description. Source: arXiv 2605.12474 (missing conjunct, 33 % of failures)."""
    counted = [(joined_claims(_of_a_mistake(c)), c.description) for c in item.task.rubric.criteria]
    worst, text = max(counted, key=lambda pair: pair[0])
    passed = worst <= settings.max_joined_claims
    return GateFinding(passed, worst, "" if passed else f"{worst} further claims joined in: {printable(text, 120)}")
