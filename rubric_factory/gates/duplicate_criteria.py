"""duplicate_criteria: the same thing asked twice is paid twice."""

from itertools import combinations

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import content, jaccard
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, squeeze


def duplicate_criteria(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: largest Jaccard similarity of the content words of two criteria of the same sign, 1 where the required elements are the same.

    A pitfall may mirror a positive criterion: only criteria of the same sign are compared.
    """
    worst, pair = 0.0, ""
    for left, right in combinations(item.task.rubric.criteria, 2):
        if (left.weight < 0) != (right.weight < 0):
            continue
        elements = [{squeeze(e).lower() for e in c.required_elements} for c in (left, right)]
        alike = jaccard(set(content(left.description)), set(content(right.description)))
        if elements[0] and elements[0] == elements[1]:
            alike = 1.0
        if alike > worst:
            worst, pair = alike, f"{printable(left.title, 50)} / {printable(right.title, 50)}"
    passed = worst < settings.duplicate_jaccard
    return GateFinding(passed, worst, "" if passed else f"similarity {worst:.2f}: {pair}")
