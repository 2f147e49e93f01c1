"""The audit of the judge's gates: repeats and corrupted answers on a small sample of the tasks that are left. Figures, never gates.

They lie under verdicts/ with a digest over all that may change them: an unchanged second run grades nothing.
"""

import json
from math import ceil
from pathlib import Path
from typing import Any

from rubric_factory.judging.judges import opened_judge
from rubric_factory.judging.probes import facts, stability
from rubric_factory.judging.probes.protocol import Bench, Probe
from rubric_factory.judging.store import short
from rubric_factory.judging.watched import Watched
from rubric_factory.records import content_id
from rubric_factory.stages import Context
from rubric_factory.stages.judged import judge_files, judge_section, sampled
from rubric_factory.warehouse import Warehouse
from rubric_factory.workspace import write_text

# What the calls are paid for.
STAGE = "judge-audit"
FAMILIES: tuple[Probe, ...] = (stability.repeats, facts.changed, facts.meaning)
Figures = dict[str, dict[str, Any]]


def _path(context: Context) -> Path:
    return context.workspace.verdicts / f"{STAGE}.json"


def _digest(house: Warehouse, context: Context) -> str:
    return content_id(STAGE, judge_files(house, context, "publishable").digest, context.settings.gates.judge.audit_share)


def audit_figures(house: Warehouse, context: Context) -> Figures | None:
    """Figures by name as the last run of judge-gate left them; None where they are of other tasks, another judge or other settings."""
    try:
        kept = json.loads(_path(context).read_text(encoding="utf-8"))
        return dict(kept["figures"]) if kept["digest"] == _digest(house, context) else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def audit_gates(house: Warehouse, context: Context) -> int:
    """Measure the sample unless that was done; how many answers were graded for it now.

    Sample: audit_share of the tasks that may be published, rounded up, drawn by the configured seed. Errors: LanguageModelError where the
    judge does not answer, WorkspaceError.
    """
    settings = context.settings
    share = settings.gates.judge.audit_share
    if audit_figures(house, context) is not None:
        return 0
    figures: Figures = {}
    asked = 0
    if share:
        tasks = sampled(house, context, "publishable", ceil(share * len(house.rows("publishable_names"))))
        with opened_judge(judge_section(context), context.workspace, stage=STAGE, account=context.account) as judge:
            watched = Watched(judge)
            bench = Bench(watched, tasks, settings.probes, settings.seed)
            figures = short([result for family in FAMILIES for result in family(bench)])
            watched.require(settings.probes.max_ungraded)
            asked = watched.asked
        figures = {name: {**row, "tasks": len(tasks)} for name, row in figures.items()}
    write_text(_path(context), json.dumps({"digest": _digest(house, context), "figures": figures}, sort_keys=True, indent=1) + "\n")
    return asked
