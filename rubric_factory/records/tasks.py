"""What is asked and how it is graded: criteria, rubrics, tasks; and the published version that holds them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from rubric_factory.records.base import content_id, require

# In a task's author, before the names of those whose rubrics are in it, where they are not all of several authors.
RUBRIC_BY = " rubric="


def author_of(named: str) -> str:
    """The author's identity in a task's `author`, without what that says of whose rubrics are in it."""
    return named.partition(RUBRIC_BY)[0]


class Category(StrEnum):
    """Category of a criterion (Rubrics as Rewards, arXiv 2507.17746)."""

    ESSENTIAL = "essential"
    IMPORTANT = "important"
    OPTIONAL = "optional"
    PITFALL = "pitfall"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verbatim span of the passage: quote == passage.text[start:end]."""

    start: int
    end: int
    quote: str

    def __post_init__(self) -> None:
        require(0 <= self.start < self.end and self.end - self.start == len(self.quote), "Evidence", "span and quote agree")


@dataclass(frozen=True, slots=True)
class Level:
    """One step of a scoring guide: level 0 is 'not at all', the highest is full credit."""

    level: int
    meaning: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a rubric. weight: non-zero integer; a negative one describes the BAD thing ('met' = it is present)."""

    criterion_key: str
    title: str
    description: str
    category: Category
    weight: int
    required_elements: tuple[str, ...]
    scoring_guide: tuple[Level, ...]
    verification_cues: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        require(self.weight != 0, "Criterion", "weight is not zero")
        require((self.weight < 0) == (self.category is Category.PITFALL), "Criterion", "pitfalls, and only they, weigh negative")
        levels = [step.level for step in self.scoring_guide]
        require(levels == list(range(len(levels))) and len(levels) >= 2, "Criterion", "scoring_guide runs 0 .. max, max >= 1")

    @property
    def criterion_id(self) -> str:
        """Content id: everything but the key."""
        row = criterion_to_row(self)
        return content_id("criterion", [row[name] for name in sorted(row) if name not in ("criterion_id", "criterion_key")])

    @property
    def max_level(self) -> int:
        """Highest level of the scoring guide, s_max >= 1."""
        return self.scoring_guide[-1].level


@dataclass(frozen=True, slots=True)
class Rubric:
    """The weighted criteria of one task; at least one has a positive weight, keys are unique."""

    criteria: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        require(any(c.weight > 0 for c in self.criteria), "Rubric", "at least one positive weight")
        require(len({c.criterion_key for c in self.criteria}) == len(self.criteria), "Rubric", "criterion keys are unique")

    @property
    def positive_weight(self) -> int:
        """Sum of the positive weights, the denominator of the canonical reward; >= 1."""
        return sum(c.weight for c in self.criteria if c.weight > 0)


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message; role is system, user or assistant."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Task:
    """A question with its reference answer and rubric, grounded in one passage. prompt is exactly what the policy sees."""

    task_key: str
    passage_id: str
    document_id: str
    document_key: str
    prompt: tuple[Message, ...]
    question: str
    question_type: str
    reference_answer: str
    rubric: Rubric
    author: str
    evidence_grade: str

    def __post_init__(self) -> None:
        require(bool(self.prompt) and self.prompt[-1].role == "user", "Task", "the prompt ends with a user message")
        require(bool(self.question.strip()), "Task", "question is not empty")

    @property
    def task_id(self) -> str:
        """Content id over what is asked, how it is graded and in what it is grounded."""
        criteria = [c.criterion_id for c in self.rubric.criteria]
        prompt = [[m.role, m.content] for m in self.prompt]
        return content_id("task", prompt, self.question, self.reference_answer, criteria, self.passage_id)


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A published (or staged) version: its folder and what its manifest says of identity."""

    name: str
    version: str
    path: str
    content_fingerprint: str
    card_fingerprint: str
    parent: str | None = None
    manifest: dict[str, Any] = field(default_factory=dict, compare=False)


def criterion_to_row(criterion: Criterion) -> dict[str, Any]:
    """Criterion as the nested row of the published contract, without criterion_id (rubric_to_rows adds it)."""
    return {
        "criterion_key": criterion.criterion_key,
        "title": criterion.title,
        "description": criterion.description,
        "category": str(criterion.category),
        "weight": criterion.weight,
        "required_elements": list(criterion.required_elements),
        "scoring_guide": [{"level": s.level, "meaning": s.meaning} for s in criterion.scoring_guide],
        "verification_cues": list(criterion.verification_cues),
        "evidence": [{"start": e.start, "end": e.end, "quote": e.quote} for e in criterion.evidence],
    }
