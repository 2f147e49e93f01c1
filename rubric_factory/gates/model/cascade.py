"""One task on trial: its scores so far, what the gates say of them, and whether there is anything left to ask. Pure.

The order of kinds(settings) is the order of the calls; after a refusal there is none.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from rubric_factory.gates.model.difficulty import difficulty_of
from rubric_factory.gates.model.protocol import KNOWN
from rubric_factory.gates.model.spread import spread_of
from rubric_factory.gates.model.table import check_scores, refusal
from rubric_factory.gates.protocol import GateFinding
from rubric_factory.settings.gates import JudgeGateSettings


@dataclass
class Trial:
    """Scores and findings of one task. has: whether there is such an answer at all (a corpus of one document lends no mismatch)."""

    task_id: str
    settings: JudgeGateSettings
    has: Callable[[str], bool] = lambda kind: True
    scores: dict[str, float | None] = field(default_factory=dict)
    findings: dict[str, GateFinding] = field(default_factory=dict)
    refused: str | None = None

    def wants(self, kind: str) -> bool:
        """Whether an answer of this kind is still worth a call."""
        return self.refused is None and kind not in self.scores and self.has(kind)

    def take(self, kind: str, score: float | None) -> None:
        """One more score, None for an answer without a grade."""
        self.scores[kind] = score
        self.findings = check_scores(self.scores, self.settings)
        self.refused = refusal(self.findings, self.settings)

    @property
    def quality(self) -> dict[str, float | None]:
        """The scores as the dataset publishes them; spread and difficulty of a task that was refused on the way are of what was asked."""
        known = {f"{kind}_score": self.scores.get(kind) for kind in KNOWN}
        return {**known, "spread": spread_of(self.scores), "difficulty": difficulty_of(self.scores)}
