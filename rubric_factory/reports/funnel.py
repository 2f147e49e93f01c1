"""The funnel: what each stage saw, what it passed on, and why it refused the rest."""

from dataclasses import dataclass

from rubric_factory.publishing.staged import Staged

# (stage, unit, records it saw, records it passed on): names of counts.funnel; '' is the number of published tasks.
_STEPS = (
    ("ingest", "documents", "documents_seen", "documents_kept"),
    ("passages", "passages", "passages_cut", "passages_selected"),
    ("author", "passages", "passages_selected", "passages_with_tasks"),
    ("gate", "tasks", "tasks_written", "tasks_gated"),
    ("judge-gate", "tasks", "tasks_gated", "tasks_passed"),
    ("stage", "tasks", "tasks_passed", ""),
)


@dataclass(frozen=True)
class Step:
    """One stage. seen and left are None where the version does not say; reasons: (reason, records), the commonest first."""

    stage: str
    unit: str
    seen: int | None
    left: int | None
    reasons: tuple[tuple[str, int], ...]

    @property
    def refused(self) -> int:
        """Records that the stage refused, each with its reason."""
        return sum(records for _, records in self.reasons)

    @property
    def share(self) -> float | None:
        """left / seen, 0 .. 1; None where either is not known."""
        return None if not self.seen or self.left is None else self.left / self.seen


def _reasons(facts: Staged, stage: str) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(facts.rejections.get(stage, {}).items(), key=lambda item: (-item[1], item[0])))


def funnel(facts: Staged) -> list[Step]:
    """Steps in the order of the stages; a stage that refused records and is not among the counted ones comes at the end.

    The gate of a judge is left out where it changed nothing: most often there is no judge.
    """
    counts = {**facts.counts.get("funnel", {}), "": sum(facts.counts["tasks"].values())}
    counts.setdefault("tasks_gated", counts.get("tasks_passed"))
    steps = [Step(stage, unit, counts.get(seen), counts.get(left), _reasons(facts, stage)) for stage, unit, seen, left in _STEPS]
    steps = [step for step in steps if step.stage != "judge-gate" or step.reasons or step.seen != step.left]
    counted = {stage for stage, *_ in _STEPS}
    return steps + [
        Step(stage, "records", None, None, _reasons(facts, stage)) for stage in sorted(facts.rejections) if stage not in counted
    ]
