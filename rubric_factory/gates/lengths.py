"""lengths: question, reference answer, titles and descriptions are of a size that can be answered, judged and read."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, words

_WORD = re.compile(r"[^\W\d_]{3}")


def lengths(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of texts outside their band, in words, and of titles that hold no word ("C1")."""
    checks = [
        ("question", item.task.question, settings.question_words),
        ("reference answer", item.task.reference_answer, settings.reference_words),
    ]
    for criterion in item.task.rubric.criteria:
        checks.append(("criterion title", criterion.title, settings.title_words))
        checks.append(("criterion description", criterion.description, settings.description_words))
    bare = [f"criterion title without a word: {printable(c.title, 20)}" for c in item.task.rubric.criteria if not _WORD.search(c.title)]
    outside = bare + [
        f"{name} of {count} words, allowed {low}..{high}"
        for name, text, (low, high) in checks
        if not low <= (count := len(words(text))) <= high
    ]
    return GateFinding(not outside, len(outside), outside[0] if outside else "")
