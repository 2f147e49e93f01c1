"""Passage text to sentences with exact offsets, and which of them are fit to be asked about."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from rubric_factory.authoring.extractive.lexicon import DEICTIC, PREPOSITIONS, STOPWORDS, bare, word_set

_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|cf|vs|resp|fig|figs|sec|no|nos|vol|ch|eq|eqs|dr|prof|mr|ms|st|approx|incl|al|ref|refs|p|pp|ed|eds|viz|ca)"
    r"|\b[A-Z])\.$",
    re.IGNORECASE,
)
_END = re.compile(r"[.!?;][\"”’')\]]*(?=\s|$)")
_LINE = re.compile(r"[^\n]*\n?")
# Left out of what is asked and answered: bracketed asides and citations.
_ASIDE = re.compile(r"\(s\)|\s\([^()\n]{0,200}\)|\s?\[\d+(?:[,–-] ?\d+)*\]")
_HOSTILE = re.compile(
    r"<\||\|>|\[/?INST\]|<</?SYS>>|</?s>|```|\bignore (?:all|any|the|every|previous|prior)\b|\bfull (?:marks|credit|score)\b|\bgrader\b|"
    r"\bgrading\b|\brubric\b|\bas an ai\b|\bsystem prompt\b|\b(?:system|assistant|user|human)\s*:|\bdisregard\b|\bprompt injection\b|"
    r"\byou are (?:now )?(?:a|an|the) \w+ (?:model|assistant)\b|\bthis (?:answer|response) is\b",
    re.IGNORECASE,
)
_RESIDUE = re.compile(
    r"[\u00ad\ufffe]|https?:|www\.|\S@\S|[{}|<>~^=;∼≤≥≠∈∀∃∑∏∫√∂∇⊂⊆∪∩→←↔⇒±×•◦▪�¬∗†‡§©®]|\.\s+\.\s*\.|\.{3}|…|::|->|--|\\\S*\\|\$|\[\d|\(\d{4}|\d{4}\)|"
    r"\b[a-z]+_[a-z_]*\(|[\"“][^\"”]{60,}|\(\)[^ .,]|\w\((?!\))|/\S*/|[α-ωΑ-Ω𝐀-𝟿]|, \d+ (?:and|or)\b",
)
_NUMBERED = re.compile(r"^(?:\d+(?:\.\d+)*\.?|[-–—*•]|\(?[a-z0-9ivx]{1,3}\))\s+")
_OPENER = re.compile(
    r"^(?:However|Furthermore|Moreover|Additionally|Also|Therefore|Thus|Hence|Consequently|Finally|In addition|Note that|Note, that|Note|"
    r"Of course|In general|Generally|Generally speaking|Usually|Typically|In particular|Instead|Nevertheless|Besides|Similarly|Likewise|"
    r"Unfortunately|Currently|In practice|In fact|Indeed|As a result|For this reason|Normally|Obviously|Basically|Again|First|Second|"
    r"Secondly|Thirdly|Then|Next|On the other hand|In contrast|In other words|That is|More precisely|Recall that|Remember that|"
    r"Please note that|But|And|So|Yet|Clearly|Alternatively|Ideally|Importantly|Notice that|Observe that|"
    r"It should be noted that|Conversely|Strictly speaking|Otherwise|Please|For example|For instance|"
    r"Technically|By definition|Traditionally|Internally)"
    r"\s*[,:]?\s+(?=\S)"
)
# Lower-case words that rightly end in i; others are angle brackets that a TeX font encodes as letters (hfilenamei).
_LATIN = word_set("multi semi anti radii wifi mini midi foci taxi alibi hifi quasi posteriori priori ascii")
# A capital function word inside a sentence: two sentences or a heading run together.
_GLUED = re.compile(r"[a-z]+ (?:With|The|This|If|When|In|It|For|An?|You|To|Use|See|Note) [a-z]")
_POINTER = re.compile(
    r"\b(?:section|table|figure|fig|chapter|equation|eq|appendix|listing|theorem|lemma|example|step|page)s?\.? ?\(?\d|"
    r"\b(?:the|this|next|last|our|see|in|an?|another) (?:sections?|tables?|figures?|chapters?|appendix|examples?|equations?|listing)\b|"
    r"\bsuch (?!as\b)|\b(?:as follows|so far|for now|mentioned|see|earlier|later on)\b|\b(?:do|does|doing) so\b",
    re.IGNORECASE,
)
_ADJUNCT = re.compile(
    r"((?:In|On|For|With|Within|At|During|Under|Inside|Without) (?!addition|general|particular|practice|fact|order|turn|contrast|short|"
    r"instance|example|other|most|some|many|all|both|each|that|this|these|those|the (?:end|one|following|rest|first|second|latter|former))"
    r"[\w.-]+(?: [\w.-]+){0,4}), (?=\w)"
)
_MAXIMUM_WORDS, _MINIMUM_WORDS = 42, 7


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence. text: blanks squeezed, opener dropped; offsets[i] is the passage offset of text[i]; block: index of its block."""

    text: str
    offsets: tuple[int, ...]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Passage offsets of text[start:end]; start < end."""
        return self.offsets[start], self.offsets[end - 1] + 1


def _blocks(text: str) -> Iterator[tuple[int, int]]:
    """Spans of paragraphs: runs of lines without a blank line, list item or fence between them; fenced code is left out."""
    opened: int | None = None
    fenced = False
    for line in _LINE.finditer(text):
        fence = line.group().lstrip().startswith("```")
        fenced ^= fence
        apart = fence or fenced or not line.group().strip() or _NUMBERED.match(line.group()) is not None
        if apart and opened is not None:
            yield opened, line.start()
            opened = None
        if opened is None and not fence and not fenced and line.group().strip():
            opened = line.start()
    if opened is not None:
        yield opened, len(text)


def _sentence_spans(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Spans of sentences of one block."""
    begun = start
    for match in _END.finditer(text, start, end):
        head = text[begun : match.start() + 1]
        rest = text[match.end() : end].lstrip()
        if match.group()[0] == "." and _ABBREVIATION.search(head):
            continue
        if rest and rest[0].islower() and match.group()[0] != ";":
            continue
        yield begun, match.end()
        begun = match.end()
    if text[begun:end].strip():
        yield begun, end


def _squeezed(text: str, start: int, end: int) -> Sentence:
    """The span with blanks squeezed, list markers and opener dropped, first letter upper-cased after an opener."""
    shown: list[str] = []
    offsets: list[int] = []
    left_out = {offset for m in _ASIDE.finditer(text, start, end) for offset in range(*m.span())}
    for offset in range(start, end):
        char = text[offset]
        if offset in left_out:
            continue
        if char.isspace():
            if not shown or shown[-1] == " ":
                continue
            char = " "
        shown.append(char)
        offsets.append(offset)
    while shown and shown[-1] == " ":
        shown.pop()
        offsets.pop()
    line = "".join(shown)
    line = f"{line[:-1]}." if line.endswith(";") else line
    cut = 0
    for pattern in (_NUMBERED, _OPENER, _OPENER):
        match = pattern.match(line[cut:])
        cut += match.end() if match else 0
    rest = line[cut:]
    if cut and rest[:1].islower() and rest.split(" ", 1)[0].isalpha():
        rest = rest[0].upper() + rest[1:]
    return Sentence(rest, tuple(offsets[cut:]))


def hostile(text: str) -> bool:
    """Whether text speaks to a grader or a model, or carries control tokens."""
    return bool(_HOSTILE.search(text))


def _balanced(text: str) -> bool:
    return text.count("(") == text.count(")") and text.count('"') % 2 == 0 and text.count("“") == text.count("”") and "[" not in text


def _fit(sentence: Sentence) -> bool:
    """Whether a sentence reads as whole, plain, self-contained English prose."""
    text = sentence.text
    tokens = text.split()
    if not (_MINIMUM_WORDS <= len(tokens) <= _MAXIMUM_WORDS and text.endswith(".") and text.lstrip("\\")[:1].isalpha()):
        return False
    if not text[0].isupper() and not re.match(r"\\\w+\s|[a-z]\w*[-_.A-Z0-9]\w*|\w+ (?:is|are|provides|package)\b", text):
        return False
    if (
        hostile(text)
        or _RESIDUE.search(text)
        or not _balanced(text)
        or re.search(r"[.!?:] [A-Za-z]", re.sub(r"\b(?:e\.g|i\.e|etc|vs|cf)\. ", "", text))
    ):
        return False
    plain = [bare(token) for token in tokens]
    if plain[-1] in PREPOSITIONS or _GLUED.search(text):
        return False
    if _POINTER.search(text) or any(word in DEICTIC for word in plain) or any(len(word) > 40 for word in plain):
        return False
    if any(re.fullmatch(r"[a-z]{3,}i", word) and word not in _LATIN for word in plain):
        return False
    alphabetic = sum(1 for word in plain if re.fullmatch(r"[a-z][a-z'’-]*", word))
    function_words = sum(1 for word in plain if word in STOPWORDS)
    return alphabetic >= 0.75 * len(plain) and function_words >= 0.25 * len(plain) and not {"i", "we", "our", "us", "my", "me"} & set(plain)


def sentences_of(text: str) -> list[Sentence]:
    """Fit sentences of a passage, in order. Pure; text is untrusted."""
    found = (
        _squeezed(text, start, end) for block in _blocks(text) for start, end in _sentence_spans(text, *block) if text[start:end].strip()
    )
    return [sentence for sentence in found if sentence.text and _fit(sentence)]


def without_adjunct(sentence: Sentence) -> tuple[Sentence, str]:
    """The sentence without a short leading adjunct ('In R, ...'), and the adjunct as it would end a question; '' without one."""
    found = _ADJUNCT.match(sentence.text)
    if found is None:
        return sentence, ""
    rest = sentence.text[found.end() :]
    head = rest.split(" ", 1)[0]
    rest = rest[0].upper() + rest[1:] if head.isalpha() else rest
    return Sentence(rest, sentence.offsets[found.end() :]), found.group(1)[0].lower() + found.group(1)[1:]
