"""From a checked reply to a Task: keys, signs, levels and evidence offsets are made here, not taken from the model."""

from collections.abc import Sequence

from rubric_factory.authoring.evidence import locate
from rubric_factory.authoring.reply import CriterionReply, TaskReply
from rubric_factory.records import Category, Criterion, Evidence, Level, Message, Passage, Rubric, Task
from rubric_factory.text import clean, printable, squeeze


class EvidenceMissingError(ValueError):
    """A quote that the passage does not hold. Never leaves the authoring room: it becomes a Rejection."""


def line(text: str) -> str:
    """Model text as one line without invisible or control characters."""
    return squeeze(clean(text)[0])


def _evidence(replies: tuple[CriterionReply, ...], passage: Passage) -> list[tuple[Evidence, ...]]:
    """Located evidence per criterion. Errors: EvidenceMissingError with how many of how many quotes are missing, and the first two."""
    found = [[(quote, locate(quote, passage.text)) for quote in reply.evidence] for reply in replies]
    missing = [quote for spans in found for quote, span in spans if span is None]
    if missing:
        total = sum(len(reply.evidence) for reply in replies)
        shown = " / ".join(printable(quote, 100) for quote in missing[:2])
        raise EvidenceMissingError(f"{len(missing)} of {total} quotes are not in the passage, first: {shown}")
    return [tuple(span for _, span in spans if span is not None) for spans in found]


def _criterion(reply: CriterionReply, evidence: tuple[Evidence, ...], key: str) -> Criterion:
    return Criterion(
        criterion_key=key,
        title=line(reply.title),
        description=line(reply.description),
        category=reply.category,
        weight=-reply.weight if reply.category is Category.PITFALL else reply.weight,
        required_elements=tuple(line(element) for element in reply.required_elements),
        scoring_guide=tuple(Level(level, line(meaning)) for level, meaning in enumerate(reply.scoring_guide)),
        verification_cues=tuple(line(cue) for cue in reply.verification_cues),
        evidence=evidence,
    )


def assemble(
    reply: TaskReply,
    passage: Passage,
    slot: int,
    ordinals: Sequence[int],
    *,
    system: tuple[Message, ...],
    author: str,
    evidence_grade: str,
) -> Task:
    """The task of one reply. ordinals: of its criteria at first authoring; system: messages before the question in the policy's prompt.

    Errors: EvidenceMissingError; ValueError where records refuse (no positive weight, empty question).
    """
    key, question = f"{passage.passage_key}/{slot}", line(reply.question)
    located = _evidence(reply.criteria, passage)
    criteria = tuple(
        _criterion(criterion, evidence, f"{key}/{ordinal}")
        for ordinal, criterion, evidence in zip(ordinals, reply.criteria, located, strict=True)
    )
    return Task(
        task_key=key,
        passage_id=passage.passage_id,
        document_id=passage.document_id,
        document_key=passage.document_key,
        prompt=(*system, Message("user", question)),
        question=question,
        question_type=reply.question_type,
        reference_answer=clean(reply.reference_answer)[0].strip(),
        rubric=Rubric(criteria),
        author=author,
        evidence_grade=evidence_grade,
    )
