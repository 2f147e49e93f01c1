"""What a visible part tells of a withheld passage: that was not withheld, and credit for it would be credit for the question."""

from rubric_factory.authoring.evidence import locate
from rubric_factory.records import Category, Criterion, Task
from rubric_factory.text import printable, words

# Quotes of fewer words stand in many texts by chance, and tell nothing alone. The prompts ask for at least four.
_TELLING_WORDS = 4


class VisibleEvidenceError(ValueError):
    """An essential criterion rests on what the visible part says as well. Never leaves the authoring room: it becomes a Rejection."""


def _told(criterion: Criterion, visible: str) -> bool:
    """Whether every quote of a criterion stands in the visible part too, white space, capitals and typography aside."""
    quotes = [evidence.quote for evidence in criterion.evidence]
    telling = any(len(words(quote)) >= _TELLING_WORDS for quote in quotes)
    return telling and all(locate(quote.casefold(), visible) is not None for quote in quotes)


def refuse_told(task: Task, visible: str) -> None:
    """Errors: VisibleEvidenceError with how many of how many essential criteria the visible part tells, and the first quote."""
    essential = [criterion for criterion in task.rubric.criteria if criterion.category is Category.ESSENTIAL]
    told = [criterion for criterion in essential if _told(criterion, visible.casefold())]
    if told:
        quote = printable(told[0].evidence[0].quote, 100)
        raise VisibleEvidenceError(
            f"{len(told)} of {len(essential)} essential criteria rest on what the visible part says as well, first: {quote}. "
            "Ask for what the passage alone tells."
        )
