"""The table of all gates that need a judge: name -> function and the scores it reads. Order decides which refusal is named first.

judge_quantile (quantile.py) looks at all tasks together and stands beside the table.

Every name begins with judge_: by that the warehouse tells their results from those of the deterministic gates.
"""

from dataclasses import dataclass

from rubric_factory.gates.model.difficulty import difficulty
from rubric_factory.gates.model.graded import graded
from rubric_factory.gates.model.margin import margin
from rubric_factory.gates.model.mismatch import mismatch
from rubric_factory.gates.model.protocol import SAMPLE, JudgeGate, Scores, group
from rubric_factory.gates.model.reference import reference
from rubric_factory.gates.model.spread import spread
from rubric_factory.gates.model.weak import weak
from rubric_factory.gates.protocol import GateFinding, Severity
from rubric_factory.settings.gates import JudgeGateSettings


@dataclass(frozen=True, slots=True)
class Entry:
    """One gate of the table; it is asked when all the scores that it needs are there, of the solver's answers one at least."""

    check: JudgeGate
    needs: tuple[str, ...]


JUDGE_GATES: dict[str, Entry] = {
    "judge_graded": Entry(graded, ()),
    "judge_reference": Entry(reference, ("reference",)),
    "judge_mismatch": Entry(mismatch, ("mismatch",)),
    "judge_weak": Entry(weak, ("weak",)),
    "judge_margin": Entry(margin, ("reference", "weak")),
    "judge_spread": Entry(spread, (SAMPLE,)),
    "judge_difficulty": Entry(difficulty, (SAMPLE,)),
}


def severity_of(gate: str, settings: JudgeGateSettings) -> Severity:
    """error, unless the settings say that the gate only warns."""
    return Severity.WARNING if gate in settings.warnings else Severity.ERROR


def check_scores(scores: Scores, settings: JudgeGateSettings) -> dict[str, GateFinding]:
    """Findings of every gate whose scores are there, in table order."""
    there = {group(kind) for kind, found in scores.items() if found is not None}
    return {name: entry.check(scores, settings) for name, entry in JUDGE_GATES.items() if there.issuperset(entry.needs)}


def refusal(findings: dict[str, GateFinding], settings: JudgeGateSettings) -> str | None:
    """Name of the first failed gate of error severity, None if the task passes."""
    failed = (name for name, finding in findings.items() if not finding.passed)
    return next((name for name in failed if severity_of(name, settings) is Severity.ERROR), None)
