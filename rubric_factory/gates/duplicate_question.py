"""duplicate_question: of near-identical questions across the corpus the first by key stays."""

import math
from collections import Counter, defaultdict

from rubric_factory.gates.protocol import GateFinding
from rubric_factory.gates.wording import content, jaccard
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable


def duplicate_question(questions: dict[str, str], settings: GateSettings) -> dict[str, GateFinding]:
    """Finding by task_key; figure: Jaccard similarity of content words to the most similar earlier question that stays.

    Set-similarity join with prefix filtering (Bayardo 2007, AllPairs): words in order of rarity, only the first
    n - ceil(threshold * n) + 1 of a question can make it similar enough to another, so only those are looked up. Exact, no hashing.
    """
    threshold = settings.duplicate_question_jaccard
    bags = {key: set(content(question)) or {question} for key, question in questions.items()}
    rarity = Counter(word for bag in bags.values() for word in bag)
    kept: dict[str, list[str]] = defaultdict(list)
    findings: dict[str, GateFinding] = {}
    for key in sorted(bags):
        bag = sorted(bags[key], key=lambda word: (rarity[word], word))
        prefix = bag[: len(bag) - math.ceil(threshold * len(bag)) + 1]
        rivals = {other for word in prefix for other in kept[word]}
        best, rival = max(((jaccard(bags[key], bags[other]), other) for other in sorted(rivals)), default=(0.0, ""))
        duplicate = best >= threshold
        findings[key] = GateFinding(not duplicate, best, f"similarity {best:.2f} to {printable(rival, 150)}" if duplicate else "")
        if not duplicate:
            for word in prefix:
                kept[word].append(key)
    return findings
