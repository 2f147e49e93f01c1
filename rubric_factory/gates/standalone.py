"""standalone: the question is understood without any text beside it: no passage, no figure above, no pronoun without its noun."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import ASKING_WORDS, FUNCTION_WORDS
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, words

_SOURCE = (
    r"(?:passage|text|excerpt|extract|paragraph|article|paper|document|section|chapter|report|study|manuscript|snippet|context|abstract|"
    r"authors?)"
)
_MANUAL = r"(?:manual|guide|documentation|tutorial|handbook|textbook|book|readme|specification|page)"
_EXHIBIT = r"(?:code|snippet|listing|example|diagram|program|script|formula|output|command|configuration|drawing)s?"
_TOLD = r"(?:stated|described|mentioned|discussed|explained|outlined|presented|quoted|noted|said|introduced)"
# "On the interval [2, 5]", "the list [3, 1]" hold numbers of their own.
_HOLDERS = ("interval", "range", "list", "array", "vector", "index", "indices", "values", "tuple", "slice", "vertices", "weights", "domain")
_NOT_HELD = "".join(rf"(?<!\b{word} )" for word in _HOLDERS)
_SAYS = r"(?:says?|states?|describes?|mentions?|reports?|argues?|claims?|defines?|explains?|suggests?)"
# "The text font" is a font.
_MADE_OF_TEXT = (
    r"(?:fonts?|files?|editors?|fields?|box(?:es)?|areas?|modes?|layers?|formats?|class(?:es)?|sizes?|symbols?|strings?|body|width|height|blocks?|"
    r"elements?|nodes?|types?|objects?|columns?|windows?|menus?|headers?|headings?|tags?|names?|numbers?|titles?|servers?|databases?|trees?|"
    r"labels?|widgets?|cells?|lines?|commands?|managers?|switch(?:es)?|tapes?|feed|trays?)"
)
_WE = r"(?:find|found|show|showed|propose|present|report|observe|observed|use|used|develop|developed|measured|describe|conclude)"
_REFERENCES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:according to|based on|(?:stated|described|mentioned|defined|reported|discussed|noted|shown|given) (?:in|by)|from|in|per|of) "
        rf"(?:the|this|that|these) (?:\w+ )?{_SOURCE}\b(?! of\b)(?! {_MADE_OF_TEXT}\b)",
        rf"\bthis {_SOURCE}\b",
        rf"\bthe {_SOURCE} (?:above|below|provided|given|presented|{_SAYS})\b",
        r"\bdo(?:es)? the authors?\b",
        r"\bthe (?:provided|given|above|preceding|quoted|cited) "
        r"(?:passage|text|excerpt|paragraph|document|section|statement|sentence|information|figure|table)\b",
        # Unless the question goes on to give it: "Evaluate the following claim: …".
        rf"\bthe following (?:\w+ )?(?:passage|text|excerpt|paragraph|document|section|statement|sentence|claim|figure|table|{_EXHIBIT})\b"
        r"(?![^.?!]{0,60}:)(?!.{0,80}[\"“'`])",
        rf"\b(?:according to the|(?:as|in) this|as the) {_MANUAL}\b(?! (?:of|for)\b)",
        rf"\bthe (?:present|current) {_SOURCE}\b",
        r"\b(?:as|shown|listed|given|defined) (?:above|below|earlier|previously)\b",
        rf"\b(?:as (?:\w+ly )?)?{_TOLD} (?:above|below|earlier|previously|before|here)\b",
        r"\bas (?:previously|earlier|already) \w+(?:ed|wn|id)\b",
        rf"\bthe (?:\w+ )?{_EXHIBIT} (?:above|below|here|shown|given|provided|listed|presented)\b(?! by\b)",
        rf"\bthe (?:above|below|preceding|previous|quoted) {_EXHIBIT}\b",
        r"\b(?:in|from|by|see) the (?:previous|preceding|next|last|introductory) (?:section|chapter|paragraph|page|part)\b",
        r"\bin the (?:introduction|conclusions?|preface|footnote)\b(?! (?:of|to)\b)",
        r"\b(?:in|from|by|of|to) the (?:figures?|tables?|equations?|appendix)\b(?! of\b)",
        r"\b(?:figures?|figs?\.?|tables?|equations?|eqs?\.?|appendix|refs?\.) ?\(?(?:\d+|[ivx]+\b|(?-i:[A-Z])\d*\b)",
        r"\b(?:sections?|chapters?) ?\(?\d+(?:\.\d+)*(?! of the\b)(?! (?:to|verses?)\b)\b",
        # A citation stands behind a blank; an index does not, and no citation begins at 0 or follows an equals sign.
        rf"(?<![\w\])])(?<!= ){_NOT_HELD}\[[1-9]\d*(?:\s*[,–-]\s*\d+)*\](?!\s*[*/^\[(])",
        rf"\bet al\b|\bours?\b|\bwe {_WE}\b",
    )
)
_PERSONAL = frozenset(("it", "its", "itself", "they", "them", "their", "theirs", "he", "him", "his", "she", "her", "hers"))
_DEMONSTRATIVE = frozenset(("this", "these", "those"))
_EXPLETIVE = re.compile(
    r"\bit (?:takes?|took|costs?)\b(?=(?:\W+\w+){1,8}\W+to\b)|"
    r"\b(?:(?:is|was|be|makes?|making|made|finds?|takes?) it|(?:does|did|would) it (?:take|matter|follow|mean|make sense|help)|"
    r"(?:can|could|may|might|must|should|would|will) it be|"
    r"it (?:is|was|would be|can be|may be|has been|takes?|seems?|follows))\b(?=(?:\W+\w+){0,4}\W+(?:to|that|for|if|when)\b)",
    re.I,
)
_DEMONSTRATIVE_NEEDS = 3
# "On one of its sockets, a program …": the noun follows at once.
_FORWARD = re.compile(
    r"^\W*(?:\w+ ){1,6}(?:its|their|his|her)(?: [\w-]+){1,5}, (?:an?|the|one|two|some|many|several) (?!(?:same|other|former|latter)\b)\w+",
    re.I,
)
# A question may speak of documents, tables and authors of its own, as "a report in which …" or "an SQL table t".
_INTRODUCED = r"\b(?:an?|one|each|every|any|another|some|several|many|two|three|four|five|\d+)\s+(?:[\w.+/'-]+\s+){0,4}?"
_KINDS = "passage|text|excerpt|extract|paragraph|article|paper|document|section|chapter|report|study|manuscript|snippet|abstract|author"
_KIND = re.compile(rf"\b({_KINDS}|figure|table|equation|appendix)s?\b", re.I)
_WHOLE = r"(?:documents?|files?|books?|reports?|papers?|articles?|thes[ie]s|manuals?|templates?|pages?|websites?|manuscripts?)\b"
_PARTS = frozenset(("section", "chapter", "paragraph", "abstract", "text", "figure", "table", "equation", "appendix"))
_FILE = re.compile(
    r"\b(?:an?|one|each|the|its|their|\w+['’]s)\s+(?:\w+\s+){0,3}?(?:file|script|template|program|binary|executable)\b", re.I
)
# Whoever typesets or marks up has a document before him: "one list in the document", "the freedom of the author".
_TYPESETTING = re.compile(
    r"\b(?:\w*TeX|HTML|XML|SGML|DOM|CSS|Markdown|typeset\w*|markup|bibliograph\w+|word processor|web pages?|PDF)\b", re.I
)
_OF_THE_DOCUMENT = re.compile(r"(?:from|in|per|of) the (?:document|text|author|paragraph|manuscript|report)$", re.I)
_IN_A_DATABASE = re.compile(r"\b(?:SQL\w*|\w+SQL|databases?|joins?|quer(?:y|ies)|primary key|foreign key)\b", re.I)
_TABLE_NAME = re.compile(r"tables? ?(?:[ivx]+|[A-Z]\d*)$")
# "The described approach" is clear only behind the sentence that describes it.
_NAMED_ONLY = re.compile(r"\bthe (?:above-?mentioned|aforementioned|mentioned|described|presented|discussed|said|outlined) \w+", re.I)
_NAMED_NEEDS = 6


def _subjects(text: str) -> list[str]:
    """Words that name something."""
    return [word for word in words(text) if word not in FUNCTION_WORDS and word not in ASKING_WORDS]


def _of_its_own(question: str, found: re.Match[str]) -> bool:
    """Whether the question itself has introduced what it refers to: the thing by an indefinite noun, or the whole it is part of."""
    before, kind = question[: found.start()], _KIND.search(found.group())
    if not kind:
        return False
    name = kind.group(1).lower()
    if re.search(rf"{_INTRODUCED}{name}s?\b", before, re.I):
        return True
    if name in _PARTS and re.search(_INTRODUCED + _WHOLE, before, re.I):
        return True
    if name == "section" and not re.search(r"\d|this|these|that", found.group()) and _FILE.search(before):
        return True
    if _OF_THE_DOCUMENT.match(found.group()) and _TYPESETTING.search(question) and len(_subjects(before)) >= _NAMED_NEEDS:
        return True
    if not re.match(rf"{name}s?\b", found.group(), re.I):
        return False
    # "An SQLite table x": the indefinite noun is the match itself, or a database is what the question is about.
    whole = re.search(rf"{_INTRODUCED}$", before, re.I)
    return bool(whole or (_TABLE_NAME.match(found.group()) and _IN_A_DATABASE.search(question)))


def dangling(question: str) -> str:
    """First pronoun that no noun can stand for yet, '' if none: a personal pronoun needs one content word before it, a demonstrative three.

    An expletive 'it' ('why is it necessary to …') has no noun and needs none.
    """
    expletive = {len(words(question[: m.start()])) + words(m.group()).index("it") for m in _EXPLETIVE.finditer(question)}
    subjects = int(bool(_FORWARD.match(question)))
    for index, word in enumerate(words(question)):
        personal = word in _PERSONAL and index not in expletive and subjects < 1
        if personal or (word in _DEMONSTRATIVE and subjects < _DEMONSTRATIVE_NEEDS):
            return word
        subjects += word not in FUNCTION_WORDS and word not in ASKING_WORDS
    return ""


def standalone(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of references to something the policy cannot see."""
    del settings
    question = item.task.question
    matches = (match for pattern in _REFERENCES for match in pattern.finditer(question))
    found = [match.group() for match in matches if not _of_its_own(question, match)]
    pronoun, unnamed = dangling(question), _NAMED_ONLY.search(question)
    found += [pronoun] if pronoun else []
    found += [unnamed.group()] if unnamed and len(_subjects(question[: unnamed.start()])) < _NAMED_NEEDS else []
    return GateFinding(not found, len(found), f"refers to something unseen: {printable(found[0], 60)}" if found else "")
