"""What the `judge` commands do: probe, lock and verify the configured judge on a version's tasks, and grade a file of answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.runspec import required_judge
from rubric_factory.dataset_files import LOCK, MANIFEST
from rubric_factory.dataset_version import open_version, policy, verify
from rubric_factory.errors import BlockedError, UsageError
from rubric_factory.evaluation import GradedTask, graded_tasks
from rubric_factory.judging.judges import open_judge, opened_judge
from rubric_factory.judging.labelled import labelled
from rubric_factory.judging.lock import JudgeLock, LockReport, make_lock, read_lock, verify_lock, write_lock
from rubric_factory.judging.probes.protocol import ProbeResult, ProbeTask
from rubric_factory.judging.probes.run import run_probes
from rubric_factory.judging.store import JudgeFiles, digest_of, ranked, read_probes, slug, write_probes
from rubric_factory.judging.watched import Watched
from rubric_factory.llm.batch_files import BatchFilesModel
from rubric_factory.publishing.staged import STAGED, load_staged
from rubric_factory.records import DatasetVersion
from rubric_factory.stages import Context
from rubric_factory.stages.lock import complete
from rubric_factory.tables import SPLITS


@dataclass(frozen=True)
class Subject:
    """The version, published or staged, whose tasks a judge is tried on. version: 'staged' for one without a number.

    tasks, splits: by task_id, in stored order.
    """

    name: str
    version: str
    author: str
    tasks: dict[str, GradedTask]
    splits: dict[str, str]

    @property
    def probe_tasks(self) -> list[ProbeTask]:
        """Its tasks with their passages and weak answers."""
        return [ProbeTask.of(graded.task, graded.passage, graded.genre) for graded in self.tasks.values()]


def open_subject(folder: Path) -> Subject:
    """All tasks of a published (and verified) or staged folder. Errors: DatasetError, BlockedError where it is neither."""
    if (folder / STAGED).exists() and not (folder / MANIFEST).exists():
        staged = load_staged(folder)
        found = DatasetVersion(staged.name, "staged", str(folder), staged.content_fingerprint, "")
        author = staged.author
    else:
        verify(folder).require()
        found = open_version(folder)
        author = str(found.manifest.get("author", ""))
    splits = {row["task_id"]: split for split in SPLITS for row in policy(found, split)}
    return Subject(found.name, found.version, author, graded_tasks(found), splits)


def outside_versions(path: Path) -> Path:
    """The path itself. Errors: UsageError where it lies in a version folder: nothing is written there after publishing."""
    for folder in path.resolve().parents:
        if (folder / MANIFEST).exists() or (folder / STAGED).exists():
            raise UsageError(f"{path} lies in the version {folder}", expected="a path outside of it: a version is never edited")
    return path


def _files(context: Context, subject: Subject) -> JudgeFiles:
    settings, section = context.settings, required_judge(context.settings)
    identity = open_judge(section, None).identity
    tasks = [(graded.task.task_id, graded.genre) for graded in subject.tasks.values()]
    digest = digest_of(section, identity, settings.probes, settings.lock, settings.seed, subject.author, tasks)
    return JudgeFiles(context.workspace.locks, identity, digest)


def _drawn(context: Context, subject: Subject, size: int) -> list[ProbeTask]:
    chosen = set(ranked(subject.tasks, size, context.settings.seed))
    return [probe for probe in subject.probe_tasks if probe.task.task_id in chosen]


def probe_subject(context: Context, subject: Subject, files_model: BatchFilesModel | None = None) -> tuple[Sequence[ProbeResult], Path]:
    """Probe results of the configured judge on a version's tasks, and their file under locks/: measured once, then read.

    files_model: answers instead of the judge's own backend; where it has none for some requests yet, there are no results, and no file.
    Errors: ConfigurationError without a judge, LanguageModelError where it does not answer.
    """
    settings, section, files = context.settings, required_judge(context.settings), _files(context, subject)
    kept = read_probes(files.probes)
    if kept is not None:
        return kept, files.probes
    with (
        opened_judge(section, context.workspace, stage="probe", account=context.account, backend=files_model) as judge,
        context.progress.step("probe", None, "answers") as step,
    ):
        watched = Watched(judge, step.advance)
        tasks, limits = _drawn(context, subject, settings.probes.sample_tasks), settings.probes
        known = labelled(limits.labels, subject.probe_tasks) if limits.labels else []
        found = run_probes(watched, tasks, limits, settings.seed, labelled=known, own_family=limits.own_family)
        if files_model is not None and files_model.unanswered:
            return (), files.probes
        watched.require(settings.probes.max_ungraded)
    write_probes(found, files.probes)
    return found, files.probes


def lock_subject(context: Context, subject: Subject, out: Path | None) -> tuple[JudgeLock, Path]:
    """Lock the configured judge on a version's tasks; the lock and its file, under locks/ unless `out` names another.

    Errors: BlockedError where an error-severity probe failed and [lock] does not allow it; those of probe_subject.
    """
    settings, section = context.settings, required_judge(context.settings)
    probes, _ = probe_subject(context, subject)
    tasks = _drawn(context, subject, max(settings.probes.sample_tasks, settings.lock.canary_pairs))
    with opened_judge(section, context.workspace, stage="lock", account=context.account) as judge:
        made = make_lock(judge, section, tasks, probes, settings.lock, seed=settings.seed, allow_unlocked=settings.lock.allow_unlocked)
    complete(made, settings.probes.max_ungraded)
    path = out or context.workspace.locks / f"{slug(made.identity)}-{subject.name}-{subject.version}.json"
    write_lock(made, path)
    return made, path


def lock_file(word: str, folder: Callable[[str], Path]) -> Path:
    """The lock that VERSION|LOCK means: a file, or judge.lock.json of the version that `folder` finds. Errors: UsageError, BlockedError."""
    if Path(word).is_file():
        return Path(word)
    path = folder(word) / LOCK
    if not path.is_file():
        raise BlockedError(f"{path.parent} carries no {LOCK}", expected="a version with its judge's lock", fix="rubric-factory judge lock")
    return path


def verify_subject(context: Context, path: Path) -> tuple[JudgeLock, LockReport]:
    """Grade a lock's canary again with the configured judge. Errors: BlockedError where it is not the locked judge, DatasetError."""
    lock = read_lock(path)
    with opened_judge(required_judge(context.settings), context.workspace, stage="verify", account=context.account) as judge:
        report = verify_lock(judge, lock)
    if not report.passed:
        raise BlockedError(
            f"the configured judge is not the locked one: {report.detail}",
            expected=f"the judge of {path}",
            fix="configure the locked judge, or make a lock of this one",
        )
    return lock, report
