"""leakage: a question that already holds what the rubric asks for rewards repeating it.

A technical question has to name its subject, so words that it shares with a criterion are no leak; the criterion's claim, said in one
phrase, is.
"""

import re

from rubric_factory.gates.duplicate_criteria import CLAIM_LEAD
from rubric_factory.gates.numbers import quantities
from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import claim_words, content, sentences
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import longest_shared_run, printable, words

_HINT = re.compile(r"\b(?:hints?|tips?|clue)\s*:|\(hint\b", re.I)
_ASKS_AGAIN = re.compile(r"^\W*\w+ (?:what|which|who|where|when)\b", re.I)  # "Says what the option does": the question, not its answer
_TOLD_WORDS, _TOLD_SHARE = 6, 0.75
_LOOSE = 4  # words of an element for each one that may stand between them


def _said(element: list[str], sentence: list[str]) -> bool:
    """Whether a sentence holds all words of an element close together, in any order."""
    wanted, width = set(element), len(element) + len(element) // _LOOSE
    return any(wanted <= set(sentence[start : start + width]) for start in range(max(len(sentence) - width, 0) + 1))


def _given_away(criterion: Criterion, prompt: str) -> bool:
    """Whether the question says every required element of the criterion in one phrase.

    A criterion that asks for a value which the question lacks is not given away: its element only names what is to be computed.
    """
    asked = [claim_words(sentence) for sentence in sentences(prompt)]
    elements = [claim_words(element) for element in criterion.required_elements]
    elements = [element for element in elements if element]
    given = {number for number, _ in quantities(prompt)}
    best = max(criterion.scoring_guide, key=lambda level: level.level, default=None)
    value = {number for number, _ in quantities(best.meaning)} if best else set()
    return bool(elements) and value <= given and all(any(_said(one, sentence) for sentence in asked) for one in elements)


def _told(criterion: Criterion, prompt: list[str]) -> bool:
    """Whether the question tells a criterion's claim in its own words: a run of six words or more, and three quarters of the claim."""
    if _ASKS_AGAIN.match(criterion.description):
        return False
    claim = words(CLAIM_LEAD.sub("", criterion.description, count=1))
    return longest_shared_run(claim, prompt) >= max(_TOLD_WORDS, _TOLD_SHARE * len(claim))


def leakage(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: share of the positive weight that the question itself already satisfies, in [0, 1].

    Also refused: a question with a hint, one that tells the claim of a criterion (or the mistake of a pitfall) in its own words, and one
    that holds more than max_reference_words_share of the reference answer's different content words.
    """
    prompt = " ".join(m.content for m in item.task.prompt if m.role == "user")
    rubric = item.task.rubric
    share = sum(c.weight for c in rubric.criteria if c.weight > 0 and _given_away(c, prompt)) / rubric.positive_weight
    reference = set(content(item.task.reference_answer))
    decisive = len(reference & set(content(prompt))) / len(reference) if reference else 1.0
    told = [c.title for c in rubric.criteria if _told(c, words(prompt))]
    told += [hint.group() for hint in _HINT.finditer(prompt)]
    if told:
        return GateFinding(False, share, f"the question tells what earns credit: {printable(told[0], 80)}")
    passed = share <= settings.max_leaked_share and decisive <= settings.max_reference_words_share
    return GateFinding(passed, share, f"{share:.2f} of the weight and {decisive:.2f} of the reference's words are in the prompt")
