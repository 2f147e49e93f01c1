"""reference_copied: a criterion that is the reference answer once more grades imitation, and says nothing new."""

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import sentences
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import longest_shared_run, printable, words


def reference_copied(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: words in the longest run that one criterion repeats of a reference answer of several sentences.

    A reference answer of one sentence is one claim, and the criterion that states this claim is no copy of it unless it holds more than
    max_reference_share of its words in one run; runs within max_copied_run are left alone there, too.
    """
    reference = words(item.task.reference_answer)
    single = len(sentences(item.task.reference_answer)) == 1
    allowed = max(settings.max_copied_run, int(settings.max_reference_share * len(reference)) if single else 0)
    worst, where = 0, ""
    for criterion in item.task.rubric.criteria:
        for text in (criterion.description, *criterion.required_elements, *(s.meaning for s in criterion.scoring_guide)):
            run = longest_shared_run(words(text), reference)
            if run > worst:
                worst, where = run, criterion.title
    detail = f"{worst} words in a row of the reference, at most {allowed}, in: {printable(where, 60)}"
    return GateFinding(worst <= allowed, worst, "" if worst <= allowed else detail)
