"""duplicate_criteria: the same thing asked twice is paid twice."""

import re
from itertools import combinations

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import content, jaccard
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, squeeze, words

# How a description leads in to its claim: "States that", "Makes clear why", "The answer explains that"; else its first word, a verb.
_LEAD = re.compile(r"^\W*(?:\w+\W+){1,6}?(?:that|why|how|whether)\b|^\W*\w+\b")
# Function words on which it hangs whether two claims are one: "with the flag" is not "without the flag".
_CONTRASTING = """
not no nor never neither without with before after above below over under more less most least up down on off only all any each both either
first last again until once
"""
_CONTRAST = frozenset(_CONTRASTING.split())


def _claim(description: str) -> set[str]:
    """Stems and contrasting words of what a description claims, without the words that lead in to it."""
    rest = _LEAD.sub("", description, count=1) or description
    return set(content(rest)) | (_CONTRAST & set(words(rest)))


def duplicate_criteria(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: largest Jaccard similarity of what two criteria of the same sign claim, 1 where the required elements are the same.

    A pitfall may mirror a positive criterion: only criteria of the same sign are compared.
    """
    worst, pair = 0.0, ""
    for left, right in combinations(item.task.rubric.criteria, 2):
        if (left.weight < 0) != (right.weight < 0):
            continue
        elements = [{squeeze(e).lower() for e in c.required_elements} for c in (left, right)]
        alike = jaccard(_claim(left.description), _claim(right.description))
        if elements[0] and elements[0] == elements[1]:
            alike = 1.0
        if alike > worst:
            worst, pair = alike, f"{printable(left.title, 50)} / {printable(right.title, 50)}"
    passed = worst < settings.duplicate_jaccard
    return GateFinding(passed, worst, "" if passed else f"similarity {worst:.2f}: {pair}")
