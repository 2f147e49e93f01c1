"""What a question is about: a pronoun without its noun, a noun that nothing names."""

import re

from rubric_factory.gates.wording import NAMED_NEEDS, names, subjects
from rubric_factory.text import words

_PERSONAL = frozenset(("it", "its", "itself", "they", "them", "their", "theirs", "he", "him", "his", "she", "her", "hers"))
_DEMONSTRATIVE = frozenset(("this", "these", "those"))
_EXPLETIVE = re.compile(
    r"\bit (?:takes?|took|costs?)\b(?=(?:\W+\w+){1,8}\W+to\b)|"
    r"\b(?:(?:(?:is|was|be)(?! it (?:used|made|done|built|called|set|given|computed|stored|sent)\b)|makes?|making|made|finds?|takes?) it|"
    r"(?:does|did|would) it (?:take|matter|follow|mean|make sense|help)|"
    r"(?:can|could|may|might|must|should|would|will) it be|"
    r"it (?:is|was|would be|can be|may be|has been|takes?|seems?|follows))\b(?=(?:\W+\w+){0,4}\W+(?:to|that|for|if|when)\b)",
    re.I,
)
_DEMONSTRATIVE_NEEDS = 3
_AHEAD = re.compile(r"\b(?:this|these)(?=[^.?!:]{1,120}:\s)", re.I)
# "On one of its sockets, a program …": the noun follows at once.
_FORWARD = re.compile(
    r"^\W*(?:before|after|when|while|if|once|until|because|since|although|though|unless) (?:it|they)\b[^,.?!]{3,90}, "
    r"(?:(?:an?|the)\b|(?-i:[A-Z]))|"
    r"^\W*(?:\w+ ){1,6}(?:its|their|his|her)(?: [\w-]+){1,5}, (?:an?|the|one|two|some|many|several) (?!(?:same|other|former|latter)\b)\w+",
    re.I,
)
# "The described approach" is clear only behind the sentence that describes it.
_NAMED_ONLY = re.compile(r"\bthe (?:above-?mentioned|aforementioned|mentioned|described|presented|discussed|said|outlined) \w+", re.I)
_THING = (
    r"(?:function|module|option|parameter|method|class|tool|package|program|command|script|system|algorithm|approach|technique|library|model|"
    r"procedure|process|feature|setting|routine|protocol|framework|device|instrument|format|variable|argument|flag|macro|environment|interface|"
    r"component|mechanism|operator|scheme|design|solution|product|software|application|experiment|study)s?"
)
_DOING = (
    r"(?:is|are|was|were|has|have|does|do|did|can|could|may|might|must|should|will|would|needs?|requires?|handles?|uses?|returns?|works?|fails?|"
    r"behaves?|accepts?|allows?|performs?|treats?|ignores?|chooses?|decides?|better|worse|faster|slower|safer)"
)
# "How does the function handle …": which one?
_WHICH_ONE = re.compile(
    rf"\bthe (?:proposed|suggested|presented|first|second|third|former|latter) {_THING}\b(?! (?:of|for|to|that|which|in|on)\b)|"
    rf"\b(?:the (?:(?:recommended|new|original|underlying) )?|this |these ){_THING}(?=\s+{_DOING}\b|\W*$|[?,;.:])",
    re.I,
)
# What names a thing: a name within a sentence, an abbreviation, code, a number, a quotation.
_NAME = re.compile(r"(?<=[\w,;:)/(] )[A-Z][\w+-]*|\b[A-Z][A-Z0-9]+|[a-z][A-Z]|\w[_./:\\()^=<>]\w|[`\"“‘]\w|\d|(?<![\w-])-\w")
_INDEFINITE = (
    r"\b(?:an?|one|each|every|any|another|some|several|many|two|three|four|five|different|various|which|what)\s+(?:[\w.+/'-]+\s+){0,4}?"
)


def dangling(question: str) -> str:
    """First pronoun that no noun can stand for yet, '' if none: a personal pronoun needs one content word before it, a demonstrative three.

    An expletive 'it' ('why is it necessary to …') has no noun and needs none.
    """
    # "These words: …", "this statement: …" point ahead.
    ahead = {len(words(question[: m.start()])) for m in _AHEAD.finditer(question)}
    expletive = {len(words(question[: m.start()])) + words(m.group()).index("it") for m in _EXPLETIVE.finditer(question)}
    before = int(bool(_FORWARD.match(question)))
    for index, word in enumerate(words(question)):
        personal = word in _PERSONAL and index not in expletive and before < 1
        if personal or (word in _DEMONSTRATIVE and index not in ahead and before < _DEMONSTRATIVE_NEEDS):
            return word
        before += names(word)
    return ""


def unnamed(question: str) -> str:
    """What the question takes for known without naming it, '' if nothing: "the described approach", "the function" of nobody knows what.

    A general noun with 'the' is known once it was introduced ("a function … the function") or the question names something.
    """
    told = _NAMED_ONLY.search(question)
    if told and len(subjects(question[: told.start()])) < NAMED_NEEDS:
        return told.group()
    for match in _WHICH_ONE.finditer(question):
        before, noun = question[: match.start()], match.group().split()[-1].rstrip("s")
        known = len(subjects(before)) >= NAMED_NEEDS or _NAME.search(question) or re.search(rf"{_INDEFINITE}{noun}", before, re.I)
        if not known:
            return match.group()
    return ""
