"""probe: what the configured judge makes of answers that deserve nothing, on tasks that passed the deterministic gates only.

The results lie under locks/, by judge, settings and set of tasks: an unchanged second run grades nothing.
"""

import time
from collections.abc import Sequence

from rubric_factory.errors import BlockedError
from rubric_factory.judging.judges import opened_judge
from rubric_factory.judging.probes.protocol import ProbeResult
from rubric_factory.judging.probes.run import run_probes
from rubric_factory.judging.store import read_probes, write_probes
from rubric_factory.judging.watched import Watched
from rubric_factory.stages import Context, StageReport
from rubric_factory.stages.judged import Chosen, judge_files, judge_section, labels_of, sampled, skipped
from rubric_factory.warehouse import Warehouse, opened


def probed(house: Warehouse, context: Context, chosen: Chosen) -> tuple[Sequence[ProbeResult], int]:
    """Probe results of the configured judge on these tasks, and how many answers were graded for them now (0: they lay there).

    Errors: BlockedError without a task, LanguageModelError where the judge does not answer, WorkspaceError.
    """
    files = judge_files(house, context, chosen)
    kept = read_probes(files.probes)
    if kept is not None:
        return kept, 0
    settings = context.settings
    tasks = sampled(house, context, chosen, settings.probes.sample_tasks)
    if not tasks:
        raise BlockedError("there is no task to probe the judge with", expected="one at least that passed the gates", fix="see `inspect`")
    with (
        opened_judge(judge_section(context), context.workspace, stage="probe", account=context.account) as judge,
        context.progress.step("probe", None, "answers") as step,
    ):
        watched = Watched(judge, step.advance)
        known, family = labels_of(house, context, chosen), settings.probes.own_family
        found = run_probes(watched, tasks, settings.probes, settings.seed, labelled=known, own_family=family)
        watched.require(settings.probes.max_ungraded)
    write_probes(found, files.probes)
    return found, watched.asked


def probe_counts(found: Sequence[ProbeResult]) -> dict[str, int]:
    """{probes, passed, failed_errors, failed_warnings}; what does not apply is in none but the first."""
    failed = [result.severity for result in found if result.passed is False]
    passed = sum(result.passed is True for result in found)
    return {"probes": len(found), "passed": passed, "failed_errors": failed.count("error"), "failed_warnings": failed.count("warning")}


def probe(context: Context) -> StageReport:
    """Probe the configured judge. A failed probe is counted here; the lock is what refuses.

    Counts: probes, passed, failed_errors, failed_warnings, graded (answers, 0 where nothing changed); skipped without a judge.
    Errors: as probed.
    """
    if context.settings.judge is None:
        return skipped("probe")
    started = time.monotonic()
    with opened(context.workspace) as house:
        found, graded = probed(house, context, "gated")
    return StageReport("probe", {**probe_counts(found), "graded": graded}, {}, time.monotonic() - started)
