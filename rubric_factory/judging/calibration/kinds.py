"""Kinds of answers worth a label: good, short, wrong in a fact or in meaning, beside the point, with a mistake that a pitfall names."""

import re
from collections.abc import Callable, Mapping, Sequence

from rubric_factory.judging import corruptions
from rubric_factory.judging.probes.borrowed import mismatched_answers
from rubric_factory.judging.probes.facts import changed_entities
from rubric_factory.judging.probes.protocol import ProbeTask

# "Claims that X.": X is the mistake, in words that an answer may hold.
_CLAIM = re.compile(
    r"^(?:wrongly |falsely |incorrectly )?"
    r"(?:claims?|says?|states?|asserts?|suggests?|assumes?|believes?|concludes?|implies|argues?|thinks?)"
    r" that (.{12,})$",
    re.IGNORECASE | re.DOTALL,
)
HALF, MOST = 0.5, 0.75


def _rung(share: float) -> Callable[[ProbeTask], str]:
    return lambda probe: dict(corruptions.ladder(probe.task.reference_answer))[share]


def mistaken(probe: ProbeTask) -> str | None:
    """Most of the reference, then the mistake of its first pitfall, said as a fact. None where no pitfall says "claims that ..."."""
    found = (_CLAIM.match(c.description.strip()) for c in probe.task.rubric.criteria if c.weight < 0)
    claim = next((match[1].rstrip(".") for match in found if match), None)
    return None if claim is None else f"{_rung(MOST)(probe)} {claim[0].upper()}{claim[1:]}."


def _of_reference(corrupt: Callable[[str], str | None]) -> Callable[[ProbeTask], str | None]:
    return lambda probe: corrupt(probe.task.reference_answer)


_PURE: dict[str, Callable[[ProbeTask], str | None]] = {
    "reference": lambda probe: probe.task.reference_answer,
    "weak": lambda probe: probe.weak_answer,
    "half": _rung(HALF),
    "vague": lambda probe: corruptions.unspecific(probe.task.question),
    "mistaken": mistaken,
    **{name: _of_reference(corrupt) for name, corrupt in {**corruptions.FACTS, **corruptions.MEANINGS}.items()},
}

# The order in which kinds are drawn, again and again: any stretch of it holds answers that earn much and answers that earn little.
ROTATION = (
    "reference", "half", "changed_number", "mismatched", "negation", "weak", "mistaken", "changed_entity", "half", "reversed_causality",
    "reference", "weak", "missing_conjunct", "mistaken", "vague", "changed_unit", "half", "negation", "mismatched", "changed_number",
)  # fmt: skip


def answers(tasks: Sequence[ProbeTask], seed: int) -> Mapping[str, Mapping[str, str]]:
    """kind -> task_id -> answer, of the tasks that offer one. Borrowed words and names come from other documents of these same tasks."""
    found = {kind: {p.task.task_id: text for p in tasks if (text := make(p)) is not None} for kind, make in _PURE.items()}
    found["mismatched"] = {probe.task.task_id: text for probe, text in mismatched_answers(list(tasks), seed)}
    found["changed_entity"] = {probe.task.task_id: text for probe, text in changed_entities(tasks)}
    return found
