"""Facts about shares: what is refused, repeated, weighed too much or left ungraded. Bands are configured: `[publish.bands]`."""

from collections.abc import Iterator

from rubric_factory.dataset_facts import task_of
from rubric_factory.dataset_files import DatasetRows
from rubric_factory.gates.duplicate_question import duplicate_question
from rubric_factory.gates.weights import is_absence_type
from rubric_factory.publishing.staged import Staged
from rubric_factory.settings.gates import GateSettings
from rubric_factory.settings.publish import BandSettings
from rubric_factory.tables import SPLITS

# Below this, a share says nothing.
_ENOUGH = 50


def refusal_rates(staged: Staged, bands: BandSettings) -> Iterator[str]:
    """The gates together, and each gate alone, refuse a share of the tasks that is within its band; from 50 tasks on."""
    funnel = staged.counts.get("funnel", {})
    written, gated = funnel.get("tasks_written", 0), funnel.get("tasks_gated", 0)
    if written >= _ENOUGH:
        low, high = bands.refused
        if not low <= (share := 1 - gated / written) <= high:
            yield f"the gates: {share:.2f} of the tasks refused, allowed {low}..{high}"
    for gate, row in staged.gates.items():
        if row["severity"] == "error" and row["checked"] >= _ENOUGH and row["refused"] > bands.refused_by_one * row["checked"]:
            yield f"{gate}: {row['refused']} of {row['checked']} tasks refused, allowed {bands.refused_by_one}"


def weight_shares(rows: DatasetRows, gates: GateSettings, bands: BandSettings) -> Iterator[str]:
    """No published criterion decides its task alone, no pitfalls outweigh credit, and silence earns little over all tasks."""
    absent = whole = 0
    for split in SPLITS:
        for row in rows.tasks[split]:
            criteria = task_of(row).rubric.criteria
            credit = sum(c.weight for c in criteria if c.weight > 0)
            top, lost = max(c.weight for c in criteria) / credit, -sum(c.weight for c in criteria if c.weight < 0) / credit
            if top > gates.max_top_share or lost > gates.max_pitfall_share:
                yield f"{row['task_key']}: top share {top:.2f}, pitfall share {lost:.2f}"
            absent += sum(abs(c.weight) for c in criteria if is_absence_type(c))
            whole += sum(abs(c.weight) for c in criteria)
    if absent > bands.absence_type * whole:
        yield f"all tasks: absence-type share {absent / whole:.2f}, allowed {bands.absence_type}"


def questions_apart(rows: DatasetRows, gates: GateSettings, bands: BandSettings) -> Iterator[str]:
    """Hardly any published question repeats another one of the version, in whichever split."""
    questions = {row["task_key"]: row["question"] for split in SPLITS for row in rows.tasks[split]}
    found = {key: one.detail for key, one in duplicate_question(questions, gates).items() if not one.passed}
    if len(found) > bands.duplicate_questions * len(questions):
        yield from (f"{key}: {detail}" for key, detail in sorted(found.items()))


def judge_failures(staged: Staged, bands: BandSettings) -> Iterator[str]:
    """Hardly any task that reached the judge stayed without a grade."""
    tried = staged.counts.get("funnel", {}).get("tasks_gated", 0)
    failed = staged.rejections.get("judge-gate", {}).get("judge_graded", 0)
    if staged.judge and failed > bands.judge_failures * tried:
        yield f"judge: {failed} of {tried} tasks without a grade, allowed {bands.judge_failures}"
