"""The question as it is printed, and whether it may be: topic from the title, standalone words, runs shared with the passage."""

import html
import re

from rubric_factory.authoring.extractive.lexicon import DEICTIC, STOPWORDS, UNRESOLVED, word_set
from rubric_factory.authoring.extractive.sentences import hostile
from rubric_factory.gates.wording import content
from rubric_factory.text import longest_shared_run, squeeze, words

_SEPARATOR = re.compile(r"\s+(?:[—–|-]|::)\s+|:\s+|\s*\|\s*")
_SUFFIX = re.compile(
    r"\s*(?:class template reference|class reference|struct reference|namespace reference|file reference|source file|member list|"
    r"reference manual|\(\S*\))\s*$",
    re.IGNORECASE,
)
_EXTENSION = re.compile(r"\.(?:dvi|tex|pdf|sty|html?|doc|rst|ltx|h|hpp)$", re.IGNORECASE)
_EMPTY_HEADINGS = word_set(
    "introduction overview summary abstract general notes note description details background conclusion conclusions discussion results "
    "examples example usage references reference appendix contents preface misc other base and the of a semantics arguments syntax"
)
_TOPIC_WORDS = 10
_TITLE_WORDS = 3
_QUESTION_WORDS = (6, 45)
SHARED_RUN = 7  # words; dataset contract: no run of 8
_SYNONYMS = (
    (r"\bin order to\b", "to"),
    (r"\bspecified\b", "given"),
    (r"\bdesired\b", "wanted"),
    (r"\bnumber of\b", "count of"),
    (r"\butilized\b", "used"),
    (r"\bcannot\b", "is unable to"),
    (r"\bprovided by\b", "given by"),
    (r"\bcontains\b", "holds"),
    (r"\bobtain\b", "get"),
    (r"\bcreate\b", "make"),
    (r"\ballows\b", "permits"),
    (r"\brequires\b", "needs"),
    (r"\bwithin\b", "inside"),
    (r"\bpresent\b", "there"),
    (r"\bwant to\b", "wish to"),
    (r"\bshould be\b", "is to be"),
)


def topic_of(title: str) -> str:
    """The document's title as a short phrase: 'Savepoints', '"Object Protocol" (Python 3.11.2)'. '' where the title says nothing."""
    shown = squeeze(re.sub(r"``|''|[∗*†‡]", "", html.unescape(title))).strip("–— ")
    if hostile(shown):
        return ""
    parts = [_EXTENSION.sub("", _SUFFIX.sub("", part)).strip(" \"'“”`.,;") for part in _SEPARATOR.split(shown)]
    parts = [re.sub(r"^\d+(?:\.\d+)*\.?\s+", "", re.sub(r"\s+documentation$", "", part, flags=re.IGNORECASE)) for part in parts if part]
    parts = [part for part in parts if part and part.lower() != "documentation" and any(c.isalpha() for c in part)]
    if not parts:
        return ""
    head = _cut(parts[0])
    named = f'"{head}"' if " " in head else head
    tail = parts[1] if len(parts) > 1 else ""
    if tail and len(tail.split()) + len(head.split()) <= _TOPIC_WORDS and not set(words(head)) & (set(words(tail)) - {"the", "of", "in"}):
        return f"{named} ({tail})"
    return named


def section_topic(section: str) -> str:
    """The innermost heading of a section path ('A > B') that names a subject, for documents without a title; '' without one."""
    for heading in reversed(section.split(" > ")):
        topic = topic_of(heading)
        if topic and not set(words(topic)) <= _EMPTY_HEADINGS:
            return topic
    return ""


def _cut(title: str) -> str:
    """The title's first words, not ending in the middle of a phrase."""
    kept = title.split()[:_TOPIC_WORDS]
    while len(title.split()) > len(kept) > 1 and kept[-1].lower() in STOPWORDS:
        kept.pop()
    return " ".join(kept).strip(" ,;:")


def paraphrased(body: str, passage: list[str], limit: int = SHARED_RUN) -> str | None:
    """Body with words replaced until it shares no run of more than limit words with the passage; None if that fails."""
    for pattern, replacement in (("", ""), *_SYNONYMS):
        body = re.sub(pattern, replacement, body) if pattern else body
        if longest_shared_run(words(body), passage) <= limit:
            return body
    return None


def _without(tokens: list[str], title: list[str]) -> list[str]:
    """Tokens without the first occurrence of the document's own title, where that is three words or more (dataset contract)."""
    for start in range(len(tokens) - len(title) + 1 if len(title) >= _TITLE_WORDS else 0):
        if tokens[start : start + len(title)] == title:
            return tokens[:start] + tokens[start + len(title) :]
    return tokens


def question_of(body: str, topic: str, passage_text: str, title: str = "") -> str | None:
    """The whole question, None where it would not stand alone or would repeat the passage."""
    passage = words(passage_text)
    body = squeeze(re.sub(r"\s*\([^()]*\)", "", body)).strip(" ,;:.")
    shown = paraphrased(body, passage)
    if shown is None or re.search(r"[()\[\]{};?!]|[.:,]$|,.*,.*,", shown):
        return None
    tokens = set(words(shown))
    if tokens & UNRESOLVED or tokens & (
        DEICTIC - {"table", "section", "sections", "equation", "figure", "example", "examples", "theorem", "lemma", "such"}
    ):
        return None
    question = f"In the context of {topic}, {shown}?" if topic else f"{shown[0].upper()}{shown[1:]}?"
    if (
        not _QUESTION_WORDS[0] <= len(words(question)) <= _QUESTION_WORDS[1]
        or longest_shared_run(_without(words(question), words(title)), passage) > SHARED_RUN
    ):
        return None
    return question


def given_away(question: str, reference: str) -> float:
    """Share of the reference's different content words that the question holds, in [0, 1]; as the leakage gate counts."""
    told, told_by = set(content(question)), set(content(reference))
    return len(told & told_by) / max(len(told_by), 1)
