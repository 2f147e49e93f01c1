"""What the stages that need a judge share: the tasks, where the results lie, and under which name scores stand."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import pyarrow as pa

from rubric_factory.authoring.authors import author_identity
from rubric_factory.errors import ConfigurationError, FactoryError
from rubric_factory.gates.model.solver import identity_of
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.labelled import labelled, named_tasks
from rubric_factory.judging.lock import JudgeLock, read_lock, summary
from rubric_factory.judging.probes.protocol import Labelled, ProbeTask
from rubric_factory.judging.store import JudgeFiles, digest_of, grading_of, ranked, read_probes, short
from rubric_factory.records import content_id
from rubric_factory.settings.judge import JudgeSettings
from rubric_factory.stages import Context, StageReport
from rubric_factory.tables import task_from_row
from rubric_factory.warehouse import Warehouse

# gated: passed the deterministic gates; publishable: passed the judge's, too.
Chosen = Literal["gated", "publishable"]
Probes = dict[str, dict[str, Any]]


def skipped(stage: str) -> StageReport:
    """The report of a stage that has nothing to do because no judge is configured."""
    return StageReport(stage, {"skipped": 1})


def judge_section(context: Context) -> JudgeSettings:
    """The configured judge. Errors: ConfigurationError without one."""
    if context.settings.judge is None:
        raise ConfigurationError("no judge is configured", expected="a section [judge]", fix="add it")
    return context.settings.judge


def judge_identity(context: Context) -> str:
    """Identity of the configured judge, no call made."""
    return open_judge(context.settings.judge, None).identity


def grading(context: Context) -> dict[str, Any]:
    """What decides the verdicts of the configured judge, this software's version with it: nothing else is in the name of a grading."""
    try:
        software = version("rubric-factory")
    except PackageNotFoundError:
        software = ""
    return {**grading_of(judge_section(context), judge_identity(context)), "software": software}


def graded_as(context: Context) -> str:
    """Name under which scores stand: judge, sampling, thresholds, solver and seed. Another name: judge-gate has to run again, which asks
    only for gradings that are not there. '' without a judge."""
    if context.settings.judge is None:
        return ""
    gates = context.settings.gates.judge
    thresholds = gates.model_dump(mode="json", exclude={"solver", "audit_share"})
    return content_id("judge-gate", grading(context), thresholds, identity_of(gates.solver), context.settings.seed)


def _names(house: Warehouse, chosen: Chosen) -> list[tuple[str, str]]:
    return [(row["task_id"], row["genre"]) for row in house.rows(f"{chosen}_names")]


def judge_files(house: Warehouse, context: Context, chosen: Chosen) -> JudgeFiles:
    """Where lock and probe results of the configured judge on these tasks lie."""
    settings, section, identity = context.settings, judge_section(context), judge_identity(context)
    author = author_identity(settings)
    digest = digest_of(section, identity, settings.probes, settings.lock, settings.seed, author, _names(house, chosen))
    return JudgeFiles(context.workspace.locks, identity, digest)


def probe_task(row: dict[str, Any]) -> ProbeTask:
    """A task of sampled_tasks or gated_tasks, with its passage and its weak answer."""
    return ProbeTask.of(task_from_row(row["task"]), row["text"], row["genre"], row["weak_answer"])


def sampled(house: Warehouse, context: Context, chosen: Chosen, size: int) -> list[ProbeTask]:
    """At most `size` of these tasks, drawn by the configured seed; only they are read."""
    drawn: Iterable[str] = ranked((task_id for task_id, _ in _names(house, chosen)), size, context.settings.seed)
    with house.incoming(pa.table({"task_id": pa.array(list(drawn), pa.string())})):
        return [probe_task(row) for row in house.rows("sampled_tasks")]


def labels_of(house: Warehouse, context: Context, chosen: Chosen) -> list[Labelled]:
    """Labelled answers to these tasks, as `[probes] labels` has them by task_id; none without a file. Errors: UsageError for a bad line."""
    path = context.settings.probes.labels
    if path is None:
        return []
    wanted = sorted(named_tasks(path) & {task_id for task_id, _ in _names(house, chosen)})
    with house.incoming(pa.table({"task_id": pa.array(wanted, pa.string())})):
        return labelled(path, [probe_task(row) for row in house.rows("sampled_tasks")])


@dataclass(frozen=True)
class Judged:
    """What the judge's stages left for a version: its lock, and probe figures by name; solver: identity. All empty without a judge."""

    identity: str = ""
    evidence_grade: str = ""
    lock: JudgeLock | None = None
    probes_before: Probes = field(default_factory=dict)
    probes_after: Probes = field(default_factory=dict)
    solver: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """What manifest and card say of the lock, besides the probes."""
        return {key: value for key, value in summary(self.lock).items() if key != "probes"} if self.lock else {}


def judged(house: Warehouse, context: Context) -> Judged:
    """Lock, probes and scores, all of the configured judge and of the tasks as they are now.

    Errors: FactoryError where a stage that needs a judge has to run (again), DatasetError for a damaged lock.
    """
    found = house.rows("judged_otherwise", graded_as=graded_as(context))[0]
    if context.settings.judge is None:
        if found["otherwise"]:
            raise FactoryError(
                f"{found['otherwise']} tasks were graded by a judge, and none is configured", expected="one", fix="run the judge-gate step"
            )
        return Judged()
    if found["otherwise"] or found["missing"]:
        raise FactoryError(
            f"{found['otherwise'] + found['missing']} tasks were not graded by the configured judge",
            expected=f"scores of {judge_identity(context)} with today's settings",
            fix="run the probe, lock and judge-gate steps again",
        )
    gated = judge_files(house, context, "gated")
    before, after = read_probes(gated.probes), read_probes(judge_files(house, context, "publishable").probes)
    if before is None or after is None or not gated.lock.exists():
        raise FactoryError(
            "the judge is not locked on these tasks", expected="lock and probes", fix="run the probe, lock and judge-gate steps"
        )
    lock = read_lock(gated.lock)
    return Judged(lock.identity, lock.evidence_grade, lock, short(before), short(after), identity_of(context.settings.gates.judge.solver))
