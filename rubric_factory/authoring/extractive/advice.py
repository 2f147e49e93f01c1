"""Advice: 'Use X to V O' asks what to use."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.draft import Draft
from rubric_factory.authoring.extractive.lexicon import bare
from rubric_factory.authoring.extractive.sentences import Sentence
from rubric_factory.authoring.extractive.verbs import VERBS

_USE = re.compile(
    r"(Use|Choose|Specify|Select|Set|Call|Add|Pass|Apply|Write|Put|Load|Run|Install) "
    r"((?:an?|the) [^,]+?|[\\\w.-]+) (to|for|when|if|whenever) ([^,]+)\.$"
)


def advice(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask what has to be used for an end or in a case."""
    del context
    found = _USE.match(sentence.text)
    if found is None or (found.group(3) == "to" and bare(found.group(4).split()[0]) not in VERBS):
        return
    body = f"what should one {found.group(1).lower()} {found.group(3)} {found.group(4)}"
    yield Draft("purpose", body, f"what to {found.group(1).lower()}", sentence, found.span(2))
