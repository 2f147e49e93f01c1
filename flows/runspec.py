"""Which run a person or a trigger means: a version, its judge lock, the settings, a seed and a variant, made into a RunSpec."""

import shutil
from pathlib import Path

from rubric_factory.dataset_version import open_version
from rubric_factory.errors import BlockedError, ConfigurationError
from rubric_factory.grading import lock_path
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import JudgeLock, read_lock
from rubric_factory.runs import RunSpec, Variant
from rubric_factory.settings import KEYS, Settings
from rubric_factory.settings.judge import JudgeSettings
from rubric_factory.settings.training import MadePolicy, TrainingSettings
from rubric_factory.workspace import Workspace, atomic_path, write_text

LOCK = "judge.lock.json"


def required_judge(settings: Settings) -> JudgeSettings:
    """The section [judge]. Errors: ConfigurationError where there is none."""
    if settings.judge is None:
        raise ConfigurationError("no judge is configured", expected='a section [judge] with a type, for example "lexical"', fix="add it")
    return settings.judge


def required_training(settings: Settings) -> TrainingSettings:
    """The section [training]. Errors: ConfigurationError where there is none."""
    if settings.training is None:
        raise ConfigurationError("no training is configured", expected="a section [training]", fix=f"add it; {KEYS} lists its keys")
    return settings.training


def locked_judge(judge: JudgeSettings, path: Path) -> JudgeLock:
    """The lock in a file, of the configured judge by name. What the judge is worth now, only verify_lock tells.

    Errors: BlockedError for another judge's lock, DatasetError for a damaged one.
    """
    lock, identity = read_lock(path), open_judge(judge, None).identity
    if lock.identity != identity:
        raise BlockedError(
            f"the configured judge is {identity}, the lock {path} is of {lock.identity}",
            expected="one judge",
            fix="configure the locked judge, or name a lock of this one with --lock",
        )
    return lock


def run_spec(
    settings: Settings,
    workspace: Workspace,
    version: Path,
    *,
    lock: Path | None = None,
    seed: int | None = None,
    variant: Variant = "tuned",
) -> RunSpec:
    """The run of a version under the settings. A made policy reads the workspace's texts where the version was made there.

    Errors: ConfigurationError without [judge] or [training], BlockedError without the judge's lock, DatasetError.
    """
    judge, training = required_judge(settings), required_training(settings)
    found, path = open_version(version), lock_path(version, lock)
    own = version.resolve().is_relative_to(workspace.datasets.resolve())
    reads = isinstance(training.policy, MadePolicy) and own and any(workspace.texts.glob("*.parquet"))
    return RunSpec(
        dataset=version.resolve(),
        content_fingerprint=found.content_fingerprint,
        judge=judge,
        lock=path.resolve(),
        lock_digest=locked_judge(judge, path).digest,
        texts=workspace.texts.resolve() if reads else None,
        policies=workspace.policies.resolve(),
        training=training,
        seed=settings.seed if seed is None else seed,
        variant=variant,
    )


def make_ready(spec: RunSpec, settings: Settings, runs: Path) -> RunSpec:
    """Put the lock and the resolved settings into the run's folder; the spec that uses that lock. Errors: WorkspaceError."""
    folder = runs.resolve() / spec.run_id
    if not (folder / LOCK).exists():
        with atomic_path(folder / LOCK) as part:
            shutil.copyfile(spec.lock, part)
    if not (folder / "settings.json").exists():
        write_text(folder / "settings.json", settings.model_dump_json(indent=2) + "\n")
    return spec.model_copy(update={"lock": folder / LOCK})
