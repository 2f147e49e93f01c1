"""The records every room hands over: frozen, with their invariants checked on construction.

Two identities, never mixed up: *ids* are content hashes (idempotent re-runs), *keys* are stable names that survive a rebuild.
Offsets are in Python characters (code points), half-open [start, end).
"""

import hashlib
import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


def content_id(*parts: Any) -> str:
    """sha256 hex digest over the canonical JSON of the parts. Any JSON-serialisable values; order matters."""
    canonical = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _require(condition: bool, record: str, message: str) -> None:
    if not condition:
        raise ValueError(f"{record}: {message}")


class Category(StrEnum):
    """Category of a criterion (Rubrics as Rewards, arXiv 2507.17746)."""

    ESSENTIAL = "essential"
    IMPORTANT = "important"
    OPTIONAL = "optional"
    PITFALL = "pitfall"


class JudgeFailure(StrEnum):
    """Why there is no grade. Never a score: 0.0 is a grade, none of these is."""

    TRANSPORT = "transport"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    UNPARSEABLE = "unparseable"
    ABSTAINED = "abstained"
    OVER_LENGTH = "over_length"


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record refused by a stage: record_id is an id or key, reason a snake_case word, detail one human line with the figure."""

    record_id: str
    stage: str
    reason: str
    detail: str = ""

    def __post_init__(self) -> None:
        _require(bool(self.record_id and self.stage and self.reason), "Rejection", "record_id, stage and reason are needed")


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of a document: start is its offset in the text, level 1 is the top."""

    start: int
    level: int
    title: str


@dataclass(frozen=True, slots=True)
class Document:
    """One kept document. document_id = sha256 of its bytes; document_key = source name + '/' + relative path, URL or DOI.

    authors and subjects: separated by '; '. date: as its source or the document itself writes it. '' is unknown.
    """

    document_id: str
    document_key: str
    source: str
    source_uri: str
    media_type: str
    size_bytes: int
    text: str
    title: str = ""
    authors: str = ""
    date: str = ""
    doi: str = ""
    report_number: str = ""
    subjects: str = ""
    language: str = ""
    licence: str = ""
    genre: str = ""
    page_starts: tuple[int, ...] = ()
    sections: tuple[Section, ...] = ()
    extractor: str = ""

    def __post_init__(self) -> None:
        _require(len(self.document_id) == 64, "Document", "document_id is a sha256 hex digest")
        _require(self.document_key.startswith(self.source + "/"), "Document", "document_key starts with the source name")
        _require(list(self.page_starts) == sorted(self.page_starts), "Document", "page_starts ascend")


@dataclass(frozen=True, slots=True)
class Passage:
    """A span of one document: text == document.text[char_start:char_end]. Pages are 1-based, 0 without pages."""

    passage_id: str
    document_id: str
    document_key: str
    anchor: str
    section: str
    ordinal: int
    char_start: int
    char_end: int
    page_start: int
    page_end: int
    text: str

    def __post_init__(self) -> None:
        _require(self.char_end - self.char_start == len(self.text) > 0, "Passage", "the span has the length of the text")
        _require(self.page_start <= self.page_end, "Passage", "page_start <= page_end")

    @staticmethod
    def id_of(document_id: str, char_start: int, char_end: int, text: str) -> str:
        """Content id of a passage."""
        return content_id("passage", document_id, char_start, char_end, text)

    @property
    def passage_key(self) -> str:
        """Stable key: document_key + anchor (section path and ordinal in the section, or page and ordinal)."""
        return f"{self.document_key}#{self.anchor}"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A verbatim span of the passage: quote == passage.text[start:end]."""

    start: int
    end: int
    quote: str

    def __post_init__(self) -> None:
        _require(0 <= self.start < self.end and self.end - self.start == len(self.quote), "Evidence", "span and quote agree")


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
        _require(self.weight != 0, "Criterion", "weight is not zero")
        _require((self.weight < 0) == (self.category is Category.PITFALL), "Criterion", "pitfalls, and only they, weigh negative")
        levels = [step.level for step in self.scoring_guide]
        _require(levels == list(range(len(levels))) and len(levels) >= 2, "Criterion", "scoring_guide runs 0 .. max, max >= 1")

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
        _require(any(c.weight > 0 for c in self.criteria), "Rubric", "at least one positive weight")
        _require(len({c.criterion_key for c in self.criteria}) == len(self.criteria), "Rubric", "criterion keys are unique")

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
        _require(bool(self.prompt) and self.prompt[-1].role == "user", "Task", "the prompt ends with a user message")
        _require(bool(self.question.strip()), "Task", "question is not empty")

    @property
    def task_id(self) -> str:
        """Content id over what is asked, how it is graded and in what it is grounded."""
        criteria = [c.criterion_id for c in self.rubric.criteria]
        prompt = [[m.role, m.content] for m in self.prompt]
        return content_id("task", prompt, self.question, self.reference_answer, criteria, self.passage_id)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judge's finding on one criterion: a level, or why there is none. reason is the judge's own words, untrusted."""

    criterion_key: str
    level: int | None
    reason: str = ""
    failure: JudgeFailure | None = None

    def __post_init__(self) -> None:
        _require((self.level is None) == (self.failure is not None), "Verdict", "a level or a failure, never both or neither")
        _require(self.level is None or self.level >= 0, "Verdict", "level >= 0")


@dataclass(frozen=True, slots=True)
class Rating:
    """One grade of a whole response, lowest <= value <= highest, by a judge that gives no verdicts (a baseline). reason is untrusted."""

    value: int
    lowest: int
    highest: int
    reason: str = ""

    def __post_init__(self) -> None:
        _require(self.lowest < self.highest, "Rating", "lowest < highest")
        _require(self.lowest <= self.value <= self.highest, "Rating", "lowest <= value <= highest")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a judge made of one response to one task: verdicts in rubric order, or a rating of the whole, never both.

    failure: why a verdict, or everything, is missing; on verdicts or a rating that are there, the rule by which they were set.
    """

    task_id: str
    response_id: str
    verdicts: tuple[Verdict, ...]
    judge: str
    failure: JudgeFailure | None = None
    raw: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rating: Rating | None = None

    def __post_init__(self) -> None:
        _require(self.rating is None or not self.verdicts, "Judgement", "verdicts or a rating, not both")


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
