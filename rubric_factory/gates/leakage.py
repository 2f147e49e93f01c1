"""leakage: a question that already holds what the rubric asks for rewards repeating it."""

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import content
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings


def _given_away(criterion: Criterion, asked: set[str]) -> bool:
    """Whether every required element of the criterion is in the question already, word by word."""
    elements = [set(content(element)) for element in criterion.required_elements]
    elements = [element for element in elements if element]
    return bool(elements) and all(element <= asked for element in elements)


def leakage(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: share of the positive weight that the question itself already satisfies, in [0, 1].

    Also refused: a question that holds more than max_reference_words_share of the reference answer's different content words.
    """
    prompt = set(content(" ".join(m.content for m in item.task.prompt if m.role == "user")))
    rubric = item.task.rubric
    share = sum(c.weight for c in rubric.criteria if c.weight > 0 and _given_away(c, prompt)) / rubric.positive_weight
    reference = set(content(item.task.reference_answer))
    decisive = len(reference & prompt) / len(reference) if reference else 1.0
    passed = share <= settings.max_leaked_share and decisive <= settings.max_reference_words_share
    return GateFinding(passed, share, f"{share:.2f} of the weight and {decisive:.2f} of the reference's words are in the prompt")
