"""The one table of all gates: name -> function, severity, what its finding depends on. Order decides which refusal is named first."""

from dataclasses import dataclass

from rubric_factory.gates.atomicity import atomicity
from rubric_factory.gates.criteria_band import criteria_band
from rubric_factory.gates.duplicate_criteria import duplicate_criteria
from rubric_factory.gates.duplicate_question import duplicate_question
from rubric_factory.gates.evidence_verbatim import evidence_verbatim
from rubric_factory.gates.grader_instructions import grader_instructions
from rubric_factory.gates.language import language
from rubric_factory.gates.leakage import leakage
from rubric_factory.gates.lengths import lengths
from rubric_factory.gates.numbers import numbers
from rubric_factory.gates.padding import padding
from rubric_factory.gates.polarity import polarity
from rubric_factory.gates.prompt_overlap import prompt_overlap
from rubric_factory.gates.protocol import CorpusGate, Gate, GateFinding, GateInput, Needs, Severity
from rubric_factory.gates.reference_copied import reference_copied
from rubric_factory.gates.standalone import standalone
from rubric_factory.gates.weights import weights
from rubric_factory.settings.gates import GateSettings


@dataclass(frozen=True, slots=True)
class Entry:
    """One gate of the table."""

    check: Gate
    severity: Severity
    needs: tuple[Needs, ...]


_TASK = (Needs.TASK,)
_BOTH = (Needs.TASK, Needs.PASSAGE)

GATES: dict[str, Entry] = {
    "grader_instructions": Entry(grader_instructions, Severity.ERROR, _TASK),
    "evidence_verbatim": Entry(evidence_verbatim, Severity.ERROR, _BOTH),
    "prompt_overlap": Entry(prompt_overlap, Severity.ERROR, (*_BOTH, Needs.TITLE)),
    "standalone": Entry(standalone, Severity.ERROR, _TASK),
    "leakage": Entry(leakage, Severity.ERROR, _TASK),
    "language": Entry(language, Severity.ERROR, _TASK),
    "lengths": Entry(lengths, Severity.ERROR, _TASK),
    "criteria_band": Entry(criteria_band, Severity.ERROR, _TASK),
    "weights": Entry(weights, Severity.ERROR, _TASK),
    "polarity": Entry(polarity, Severity.ERROR, _TASK),
    "atomicity": Entry(atomicity, Severity.ERROR, _TASK),
    "duplicate_criteria": Entry(duplicate_criteria, Severity.ERROR, _TASK),
    "reference_copied": Entry(reference_copied, Severity.ERROR, _TASK),
    "numbers": Entry(numbers, Severity.ERROR, _TASK),
    "padding": Entry(padding, Severity.ERROR, _TASK),
}

# Run last, over the tasks that no gate above refused: a refused task must not push out a good one.
CORPUS_GATES: dict[str, CorpusGate] = {"duplicate_question": duplicate_question}

# Gates that a contract profile does without: rubrics that ask for conduct rest on no passage.
LEFT_OUT: dict[str, frozenset[str]] = {"behaviour": frozenset({"evidence_verbatim", "prompt_overlap"})}


def check_task(item: GateInput, settings: GateSettings, profile: str = "standard") -> dict[str, GateFinding]:
    """Findings of every gate of GATES that the contract profile asks for, in table order."""
    left_out = LEFT_OUT.get(profile, frozenset())
    return {name: entry.check(item, settings) for name, entry in GATES.items() if name not in left_out}


def first_refusal(findings: dict[str, GateFinding]) -> str | None:
    """Name of the first failed gate of error severity, None if the task passes."""
    return next((n for n, finding in findings.items() if not finding.passed and GATES[n].severity is Severity.ERROR), None)
