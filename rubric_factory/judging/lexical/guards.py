"""What makes an answer an answer: guards over the whole response, each a factor in [0, 1] on its positive credit. Pure.

Figures of a prototype (reward with the guards / without): bare element list .005 / .93, the same joined by "and the" .42 / .93.
"""

import re
from collections import Counter
from collections.abc import Sequence, Set
from itertools import pairwise

from rubric_factory import text
from rubric_factory.judging.lexical.terms import Term, content
from rubric_factory.judging.lexical.words import ARTICLES, NEVER_AFTER_ARTICLE, NEVER_LAST

LIST_FROM = 3  # terms from which a response must read as sentences
MIN_FUNCTION_SHARE = 0.12
GLUE_FROM, MAX_GLUE = 6, 0.85  # function words from which the two most frequent may be this share of them
MAX_SEPARATORS = 0.34  # commas, semicolons, bars, line ends per term
WORDS_PER_BREAK = 25  # terms that one break of word order is forgiven in
MIN_DISTINCT = 0.5  # distinct share of the content terms
MAX_SAID_BACK = 0.8
FREE_TERMS, TERMS_PER_EVIDENCE = 30, 1.6
MIN_ON_TOPIC = 0.5
_SEPARATOR = re.compile(r"[,;|/\n\u2022]")


def prose(response: str, found: Sequence[Term]) -> float:
    """1 for sentences, 0 for a list of terms: share and variety of function words, and separators, from LIST_FROM terms on."""
    if len(found) < LIST_FROM:
        return 1.0
    functions = [term.stem for term in found if term.function]
    share = len(functions) / len(found)
    separated = len(_SEPARATOR.findall(response)) > MAX_SEPARATORS * len(found)
    if share < MIN_FUNCTION_SHARE or (separated and share < 2 * MIN_FUNCTION_SHARE):
        return 0.0
    # 'a and the b and the c': glue of one or two words; real sentences of this length have more kinds.
    glue = sum(count for _, count in Counter(functions).most_common(2))
    return 0.0 if len(functions) >= GLUE_FROM and glue > MAX_GLUE * len(functions) else 1.0


def order(parts: Sequence[Sequence[Term]]) -> float:
    """1 for words in an order that English has, 0 for shuffled ones: an article before a closed-class word, a sentence ending in 'the'."""
    size = sum(len(part) for part in parts)
    broken = sum(part[-1].stem in NEVER_LAST for part in parts if len(part) > 2)
    broken += sum(one.stem in ARTICLES and two.stem in NEVER_AFTER_ARTICLE for part in parts for one, two in pairwise(part))
    return 0.0 if broken * WORDS_PER_BREAK > size else 1.0


def variety(found: Sequence[Term]) -> float:
    """1 unless terms or runs of terms are repeated over and over; falls to 0 at half the allowed share of distinct terms."""
    stems = content(found)
    if len(stems) < 8:
        return 1.0
    distinct = len(set(stems)) / min(len(stems), 40)
    runs = list(text.shingles([term.stem for term in found], 4))
    repeated = 1 - len(set(runs)) / len(runs) if runs else 0.0
    share = min(distinct / MIN_DISTINCT, (1 - repeated) / 0.7)
    return 1.0 if share >= 1 else max(0.0, 2 * share - 1)


def focus(found: Sequence[Term], evidence_terms: int) -> float:
    """1 up to a budget of terms, then (budget / terms) ** 2: length never pays by itself. evidence_terms: of evidence and question."""
    budget = max(FREE_TERMS, TERMS_PER_EVIDENCE * evidence_terms)
    return 1.0 if len(found) <= budget else (budget / len(found)) ** 2


def on_topic(found: Sequence[Term], topic: Set[str]) -> float:
    """Share of the distinct content terms that passage, question or rubric know; 1 from MIN_ON_TOPIC on."""
    stems = set(content(found))
    return min(1.0, len(stems & topic) / len(stems) / MIN_ON_TOPIC) if stems else 0.0


def own_words(found: Sequence[Term], given: Sequence[Sequence[Term]]) -> float:
    """0 where nearly all of the response says back texts the writer may have seen (question, titles), in runs of three or more; else 1."""
    stems = [term.stem for term in found]
    covered = [False] * len(stems)
    for source in given:
        seen = set(text.shingles([term.stem for term in source], min(3, len(source)) or 1))
        size = min(3, len(source)) or 1
        for start, run in enumerate(text.shingles(stems, size)):
            if run in seen:
                covered[start : start + size] = [True] * size
    return 0.0 if stems and sum(covered) > MAX_SAID_BACK * len(stems) else 1.0
