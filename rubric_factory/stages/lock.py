"""lock: the configured judge under a lock, made once for a set of tasks and graded again whenever it is used."""

import time
from collections.abc import Sequence

from rubric_factory.errors import BlockedError, DatasetError, LanguageModelError
from rubric_factory.judging.judges import opened_judge
from rubric_factory.judging.lock import JudgeLock, make_lock, read_lock, verify_lock, write_lock
from rubric_factory.judging.probes.protocol import ProbeTask
from rubric_factory.judging.protocol import Judge
from rubric_factory.judging.store import JudgeFiles, read_probes
from rubric_factory.settings.judge import JudgeSettings, LockSettings
from rubric_factory.stages import Context, StageReport
from rubric_factory.stages.judged import judge_files, judge_section, sampled, skipped
from rubric_factory.warehouse import opened


def _kept(files: JudgeFiles) -> JudgeLock | None:
    """The lock of this judge on these tasks; None where there is none that can be read: it is made anew."""
    try:
        return read_lock(files.lock)
    except DatasetError:
        return None


def still_locked(judge: Judge, lock: JudgeLock, settings: LockSettings) -> None:
    """Errors: BlockedError where the judge is no longer the locked one, or was let through and no longer may be."""
    if lock.allowed and not settings.allow_unlocked:
        raise BlockedError(
            f"the judge {judge.identity} cannot be locked: {'; '.join(lock.allowed)}",
            expected="every error-severity probe passed",
            fix="use a better judge, or say --allow-unlocked-judge: manifest and card will record it",
        )
    report = verify_lock(judge, lock)
    if not report.passed:
        raise BlockedError(
            f"the judge is not the one that was locked: {report.detail}",
            expected="the judge behind the same model and revision",
            fix="serve what was locked, or give what is served now a revision of its own in [judge]: everything is then graded anew",
        )


def complete(lock: JudgeLock, max_ungraded: float) -> None:
    """Errors: LanguageModelError where too much of a new canary has no grade: nothing could be compared with it."""
    ungraded = sum(pair.reward is None for pair in lock.pairs)
    if ungraded > max_ungraded * len(lock.pairs):
        raise LanguageModelError(
            f"{ungraded} of {len(lock.pairs)} answers of the canary got no grade of {lock.identity}",
            expected=f"all but {max_ungraded:.0%}",
            fix="see that the judge answers, then run again: what it answered is kept",
        )


def _made(context: Context, judge: Judge, section: JudgeSettings, tasks: Sequence[ProbeTask], files: JudgeFiles) -> JudgeLock:
    settings, probes = context.settings, read_probes(files.probes)
    if probes is None:
        raise BlockedError("the judge was not probed on these tasks", expected="its probe results", fix="run the probe step first")
    made = make_lock(judge, section, tasks, probes, settings.lock, seed=settings.seed, allow_unlocked=settings.lock.allow_unlocked)
    complete(made, settings.probes.max_ungraded)
    write_lock(made, files.lock)
    return made


def lock(context: Context) -> StageReport:
    """Lock the configured judge, or verify the lock it has on these tasks.

    Counts: pairs, reused, allowed (failed error-severity probes let through); skipped without a judge. Errors: BlockedError where an
    error-severity probe failed (unless allowed), where the judge is not the locked one any more, or where it was not probed;
    LanguageModelError where it does not answer; WorkspaceError.
    """
    if context.settings.judge is None:
        return skipped("lock")
    started, section = time.monotonic(), judge_section(context)
    size = max(context.settings.probes.sample_tasks, context.settings.lock.canary_pairs)
    with opened(context.workspace) as house:
        files = judge_files(house, context, "gated")
        kept = _kept(files)
        tasks = sampled(house, context, "gated", size) if kept is None else []
    with (
        opened_judge(section, context.workspace, stage="lock", account=context.account) as judge,
        context.progress.step("lock", 1, "locks") as step,
    ):
        if kept is None:
            found = _made(context, judge, section, tasks, files)
        else:
            still_locked(judge, found := kept, context.settings.lock)
        step.advance()
    counts = {"pairs": len(found.pairs), "reused": int(kept is not None), "allowed": len(found.allowed)}
    return StageReport("lock", counts, {}, time.monotonic() - started)
