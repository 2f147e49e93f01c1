"""What probes take and give: tasks with their passages in, one ProbeResult a probe out; and the bench that asks the judge."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from rubric_factory.intervals import cluster_bootstrap
from rubric_factory.judging import failures, levels
from rubric_factory.judging.corruptions import weak_answer
from rubric_factory.judging.protocol import Judge, JudgeInput
from rubric_factory.records import Judgement, Rubric, Task
from rubric_factory.reward import clipped
from rubric_factory.settings.judge import ProbeSettings

EXAMPLES, SHOWN_CHARACTERS = 5, 300
BATCH = 256
ALL = "all"  # the cluster of all labels


@dataclass(frozen=True, slots=True)
class ProbeTask:
    """A task with its hidden passage and its weak answer (dataset contract: written without the passage, or a quarter of the reference)."""

    task: Task
    passage_text: str
    weak_answer: str
    genre: str = ""

    @classmethod
    def of(cls, task: Task, passage_text: str, genre: str = "", weak: str = "") -> "ProbeTask":
        """weak: the author's answer without the passage; without one the reference's first quarter by words."""
        return cls(task, passage_text, weak or weak_answer(task.reference_answer), genre)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A response with labels per criterion. cluster: what J is reported by; family: model family that wrote it, '' if unknown."""

    probe: ProbeTask
    response: str
    met: dict[str, bool]
    cluster: str = ALL
    family: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """One of the worst answers of a probe: value in the probe's unit, response cut to SHOWN_CHARACTERS (untrusted text)."""

    task_id: str
    value: float
    response: str


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """value against accept: at most it, or at least it where `floor`. passed is None (and value too) where the inputs do not exist.

    n counts the graded values behind value; ungraded is the share of answers that got no grade.
    """

    name: str
    value: float | None
    accept: float
    severity: str
    passed: bool | None
    n: int
    ci95_low: float | None
    ci95_high: float | None
    worst: tuple[Example, ...] = ()
    floor: bool = False
    ungraded: float = 0.0
    note: str = ""

    def to_row(self) -> dict[str, Any]:
        """As JSON-serialisable row, of the same keys for every probe."""
        return {**asdict(self), "worst": [asdict(example) for example in self.worst]}


@dataclass(frozen=True, slots=True)
class Graded:
    """One probe answer judged: reward clipped at 0, None without a grade; judgement as it came."""

    probe: ProbeTask
    response: str
    reward: float | None
    judgement: Judgement

    @property
    def document_key(self) -> str:
        """Cluster of the bootstrap."""
        return self.probe.task.document_key


@dataclass
class Bench:
    """The judge under probe, asked once per (task, response): base answers are shared by the probes."""

    judge: Judge
    tasks: Sequence[ProbeTask]
    settings: ProbeSettings
    seed: int
    _seen: dict[tuple[str, str], Graded] = field(default_factory=dict, repr=False)

    def grade(self, asked: Sequence[tuple[ProbeTask, str]]) -> list[Graded]:
        """Judge answers, in order."""
        new = {(probe.task.task_id, response): (probe, response) for probe, response in asked}
        todo = [pair for key, pair in new.items() if key not in self._seen]
        for probe, response, judgement in self.ask([(probe, response, probe.task.rubric, 0) for probe, response in todo]):
            decision = failures.decide([probe.task.rubric], [judgement])[0]
            reward = None if decision.reward is None else clipped(decision.reward)
            self._seen[probe.task.task_id, response] = Graded(probe, response, reward, judgement)
        return [self._seen[probe.task.task_id, response] for probe, response in asked]

    def ask(self, asked: Sequence[tuple[ProbeTask, str, Rubric, int]]) -> list[tuple[ProbeTask, str, Judgement]]:
        """Judge (task, response, rubric, draw) without memory, BATCH at a time."""
        found: list[tuple[ProbeTask, str, Judgement]] = []
        for start in range(0, len(asked), BATCH):
            part = asked[start : start + BATCH]
            inputs = [
                replace(JudgeInput.of(probe.task, probe.passage_text, response), rubric=rubric, draw=draw)
                for probe, response, rubric, draw in part
            ]
            judged = self.judge.grade_many(inputs)
            found += [(probe, response, judgement) for (probe, response, _, _), judgement in zip(part, judged, strict=True)]
        return found

    def result(
        self,
        name: str,
        values: Sequence[tuple[Graded, float | None]],
        *,
        accept: float,
        severity: str,
        floor: bool = False,
        note: str = "",
    ) -> ProbeResult:
        """The mean of the values with its interval by document. A value of None is an answer without a grade."""
        graded = [(answer, value) for answer, value in values if value is not None]
        if not graded:
            note = note or ("no task offers what this probe needs" if not values else "not one answer was graded")
            return ProbeResult(
                name, None, accept, severity, None if not values else False, 0, None, None, (), floor, float(bool(values)), note
            )
        interval = cluster_bootstrap([value for _, value in graded], [answer.document_key for answer, _ in graded], seed=self.seed)
        ungraded = 1 - len(graded) / len(values)
        within = interval.mean >= accept if floor else interval.mean <= accept
        ordered = sorted(graded, key=lambda pair: (pair[1] if floor else -pair[1], pair[0].probe.task.task_id, pair[0].response))
        worst = tuple(Example(a.probe.task.task_id, v, a.response[:SHOWN_CHARACTERS]) for a, v in ordered[:EXAMPLES])
        passed = bool(within and ungraded <= self.settings.max_ungraded)
        return ProbeResult(
            name, interval.mean, accept, severity, passed, interval.n, interval.low, interval.high, worst, floor, ungraded, note
        )

    def gains(self, asked: Sequence[tuple[ProbeTask, str]]) -> list[tuple[Graded, float | None]]:
        """Reward of each answer above that of its task's weak answer, None where either has no grade."""
        answers = self.grade(asked)
        weak = self.grade([(probe, probe.weak_answer) for probe, _ in asked])
        return [(a, None if a.reward is None or w.reward is None else a.reward - w.reward) for a, w in zip(answers, weak, strict=True)]


Probe = Callable[[Bench], list[ProbeResult]]


def shares(answer: Graded) -> dict[str, float]:
    """Credit in [0, 1] by criterion key, or of the whole response by RATING; of what is graded only."""
    return levels.shares(answer.judgement, answer.probe.task.rubric)


def rewards(answers: Sequence[Graded]) -> list[tuple[Graded, float | None]]:
    """Answers paired with their rewards."""
    return [(answer, answer.reward) for answer in answers]
