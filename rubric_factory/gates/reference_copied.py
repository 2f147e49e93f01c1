"""reference_copied: a criterion that is the reference answer once more grades imitation, and says nothing new."""

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import longest_shared_run, printable, words

# Shorter references are one claim; a criterion that states that claim is not a copy.
_MIN_RUN = 12


def reference_copied(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: largest share of the reference answer's words that one criterion repeats as one run (runs under 12 words count 0)."""
    reference = words(item.task.reference_answer)
    worst, where = 0.0, ""
    for criterion in item.task.rubric.criteria:
        for text in (criterion.description, *criterion.required_elements, *(s.meaning for s in criterion.scoring_guide)):
            run = longest_shared_run(words(text), reference)
            share = run / len(reference) if run >= _MIN_RUN else 0.0
            if share > worst:
                worst, where = share, criterion.title
    passed = worst <= settings.max_reference_share
    return GateFinding(passed, worst, "" if passed else f"{worst:.2f} of the reference in one run in: {printable(where, 60)}")
