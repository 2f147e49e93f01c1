"""standalone: the question is understood without any text beside it: no passage, no figure above, no pronoun without its noun."""

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.references import references
from rubric_factory.gates.subject import dangling, unnamed
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable


def standalone(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of references to something the policy cannot see."""
    del settings
    question = item.task.question
    found = [*references(question), *filter(None, (dangling(question), unnamed(question)))]
    return GateFinding(not found, len(found), f"refers to something unseen: {printable(found[0], 60)}" if found else "")
