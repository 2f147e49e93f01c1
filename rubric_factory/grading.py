"""Answers to the tasks of a published version, graded under its judge lock: one call for a program, `judge serve` and foreign trainers."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from rubric_factory.dataset_files import LOCK
from rubric_factory.dataset_version import verify
from rubric_factory.errors import BlockedError, ConfigurationError, UsageError
from rubric_factory.evaluation import GradedTask, graded_tasks
from rubric_factory.judging.failures import decide
from rubric_factory.judging.judges import open_judge
from rubric_factory.judging.lock import JudgeLock, read_lock, verify_lock
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import DatasetVersion, Judgement
from rubric_factory.reward import AGGREGATIONS
from rubric_factory.settings.judge import JudgeSettings
from rubric_factory.tables import judgement_rows

Row = dict[str, Any]
# (task_id, response).
Answer = tuple[str, str]
EMBEDDED = ("lexical", "rules")
_SHOWN = ("criterion_key", "level", "max_level", "weight", "category", "failure", "reason", "agreement")


@dataclass(frozen=True, slots=True)
class Grade:
    """What one answer earns: reward, unclipped, or None, which is no score and must never become one.

    outcome: 'graded', 'over_length' or 'policy_induced' with a reward; a JudgeFailure without. verdicts: a row a criterion, in rubric
    order: criterion_key, level, max_level, weight, category, failure, reason, agreement (None unless of an
    ensemble). A reason may quote the hidden passage: no policy may see it.
    """

    task_id: str
    response_id: str
    reward: float | None
    outcome: str
    verdicts: tuple[Row, ...] = ()

    def to_row(self) -> Row:
        """As JSON."""
        names = ("task_id", "response_id", "reward", "outcome")
        return {**{name: getattr(self, name) for name in names}, "verdicts": [dict(row) for row in self.verdicts]}

    @classmethod
    def from_row(cls, row: Any) -> "Grade":
        """Inverse of to_row. Errors: ValueError for anything else; a reward is a finite number or null."""
        try:
            reward, outcome, verdicts = row["reward"], row["outcome"], row["verdicts"]
            if reward is not None and (type(reward) not in (int, float) or not math.isfinite(reward)):
                raise ValueError(f"a reward of {reward!r}")
            if not isinstance(outcome, str) or not isinstance(verdicts, list):
                raise ValueError("no outcome or no verdicts")
            return cls(str(row["task_id"]), str(row["response_id"]), reward, outcome, tuple(verdicts))
        except (TypeError, KeyError) as error:
            raise ValueError(f"no grade: {error!r}") from None


def lock_path(version: Path, lock: Path | None) -> Path:
    """The lock that decides who may grade: the given one, else the version's own. Errors: BlockedError, UsageError (no such file)."""
    if lock is not None:
        if not lock.is_file():
            raise UsageError(f"no file at {lock}", expected="a judge.lock.json", fix="rubric-factory judge lock VERSION --out FILE")
        return lock
    own = version / LOCK
    if not own.is_file():
        raise BlockedError(
            f"{version} carries no {LOCK}",
            expected="a version with its judge's lock",
            fix=f"rubric-factory judge lock {version} --out FILE, then --lock FILE",
        )
    return own


def require_aggregation(name: str) -> str:
    """The name itself. Errors: UsageError where AGGREGATIONS has no such."""
    if name not in AGGREGATIONS:
        raise UsageError(f"no aggregation {name!r}", expected=f"one of {', '.join(AGGREGATIONS)}")
    return name


@dataclass(frozen=True)
class Grader:
    """A verified version, its tasks by id, and a judge that was held against the lock when this was opened."""

    version: DatasetVersion
    tasks: dict[str, GradedTask]
    judge: Judge
    lock: JudgeLock

    @classmethod
    def open(cls, version: Path, judge: Judge, lock: Path | None = None) -> "Grader":
        """lock: a file instead of the version's own. Errors: BlockedError where the judge is not the locked one, DatasetError."""
        path = lock_path(version, lock)
        report = verify(version)
        report.require()
        locked = read_lock(path)
        found = verify_lock(judge, locked)
        if not found.passed:
            raise BlockedError(
                f"the judge is not the locked one: {found.detail}",
                expected=f"the judge of {path}",
                fix="use the locked judge, or name a lock of this one",
            )
        return cls(report.version, graded_tasks(report.version), judge, locked)

    def inputs(self, answers: Sequence[Answer]) -> list[JudgeInput]:
        """What the judge gets, in order. Errors: UsageError for a task that the version has not."""
        unknown = [task_id for task_id, _ in answers if task_id not in self.tasks]
        if unknown:
            raise UsageError(
                f"{len(unknown)} of {len(answers)} answers are to no task of {self.version.name} {self.version.version}, "
                f"such as {unknown[0][:80]!r}",
                expected="task_ids of that version",
                fix="use the version that the prompts came from",
            )
        return [JudgeInput.of(self.tasks[task_id].task, self.tasks[task_id].passage, response) for task_id, response in answers]

    def settled(self, items: Sequence[JudgeInput], judgements: Sequence[Judgement], aggregation: str = "canonical") -> list[Grade]:
        """Judgements as grades, by the failure algebra."""
        decided = decide([item.rubric for item in items], judgements, aggregation)
        return [
            Grade(item.task_id, item.response_id, found.reward, found.kind, _shown(judgement, item))
            for item, judgement, found in zip(items, judgements, decided, strict=True)
        ]

    def grade(self, answers: Sequence[Answer], aggregation: str = "canonical") -> list[Grade]:
        """Grades in the order of the answers. Errors: UsageError, LanguageModelError where the judge cannot work at all."""
        items = self.inputs(answers)
        return self.settled(items, self.judge.grade_many(items), require_aggregation(aggregation))


def _shown(judgement: Judgement, item: JudgeInput) -> tuple[Row, ...]:
    return tuple({name: row[name] for name in _SHOWN} for row in judgement_rows(judgement, item.rubric))


def judge_section(given: Mapping[str, Any] | None, lock: Path) -> JudgeSettings:
    """Settings of a judge as the table [judge] has them; without any, the embedded judge of the lock. Errors: ConfigurationError."""
    if given is None:
        locked = read_lock(lock)
        if locked.backend not in EMBEDDED:
            raise ConfigurationError(
                f"the lock {lock} is of {locked.identity}, and nothing says where that model is served",
                expected='the keys of [judge], for example {"type": "openai_compatible", "base_url": ..., "model": ..., "revision": ...}',
                fix="give judge=...",
            )
        given = {"type": locked.backend, "grading": locked.grading}
    try:
        section: JudgeSettings = TypeAdapter(JudgeSettings).validate_python(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigurationError(
            f"no judge: {where}: {first['msg']}", expected="the keys of [judge]", fix="see docs/configuration.md"
        ) from None
    return section


def open_grader(version: str | Path, judge: Mapping[str, Any] | None = None, *, lock: str | Path | None = None) -> Grader:
    """A Grader on the base install: `open_grader("datasets/x/1.0.0").grade([(task_id, response), ...])`.

    version: folder of a published version. judge: the keys of [judge]; none: the embedded judge of the lock. lock: a file instead of the
    version's own. Nothing is stored: a program that wants no call paid twice uses the command `judge`. Errors: FactoryError.
    """
    folder = Path(version)
    chosen = None if lock is None else Path(lock)
    section = judge_section(judge, lock_path(folder, chosen))
    return Grader.open(folder, open_judge(section, None), chosen)


def describe(grader: Grader) -> Row:
    """Who grades what, as JSON: {name, version, content_fingerprint, tasks, judge, lock, evidence_grade}."""
    found = grader.version
    row: Row = {"name": found.name, "version": found.version, "content_fingerprint": found.content_fingerprint, "tasks": len(grader.tasks)}
    return {**row, "judge": grader.judge.identity, "lock": grader.lock.digest, "evidence_grade": grader.judge.evidence_grade}
