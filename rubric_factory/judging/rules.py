"""The rules judge: behaviour rubrics, one pure check a criterion, bound by its `rule:NAME` verification cue. Never a default.

A criterion's `subject:WORDS|OTHER WORDS` cue, where it has one, names the subject in one way or another: every check then looks only at
the sentences of the answer that name it, so that an answer about something else meets nothing. The subject stands in the question, so it
is no required element. Each check returns a share in [0, 1]; level = floor(max * share).
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rubric_factory import text
from rubric_factory.errors import ConfigurationError
from rubric_factory.judging import failures
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, Judgement, Verdict
from rubric_factory.settings.judge import GradingSettings

VERSION = "rules@1"
CUE = "rule:"
SUBJECT, EITHER = "subject:", "|"
MIN_WORDS, MAX_WORDS = 8, 40
GLUE_SHARE = 0.2
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_REASON = re.compile(
    r"\b(?:because|since|so that|in order to|due to|owing to|therefore|as a result|hence|"
    r"which (?:means|allows|prevents|ensures|makes))\b\s+(.+)",
    re.I,
)
_QUANTITY = re.compile(r"\b\d+(?:[.,]\d+)*\s?(?:%|°|[a-zµ]{1,14}\b)", re.I)
_VERB = re.compile(
    r"\b(?:is|are|was|were|has|have|had|does|do|did|can|could|will|would|may|might|must|shall|should|[a-z]{2,}(?:s|ed|ize|ise|ify|ate))\b",
    re.I,
)
_GLUE_WORDS = "a an the of to in on at by for from with and or is are was were be has have can may must as that this it its which"
_GLUE = frozenset(_GLUE_WORDS.split())  # a sentence of five English words has two of these


@dataclass(frozen=True, slots=True)
class Answer:
    """What a check sees: the sentences that name the subject (all, where the criterion names none), the whole answer, the question."""

    sentences: tuple[str, ...]
    whole: str
    question: str
    subject: str


Check = Callable[[Answer], float]


def complete_sentence(answer: Answer) -> float:
    """Five words, two of them function words, a verb form and a full stop; a question is none. Upper case is not asked for."""
    return float(any(_complete(sentence) for sentence in answer.sentences))


def _complete(sentence: str) -> bool:
    words = text.words(sentence)
    return len(words) >= 5 and _glued(sentence) and sentence.endswith((".", "!")) and bool(_VERB.search(sentence))


def names_subject(answer: Answer) -> float:
    """A statement names the subject and says at least three words beside it; the question given back does not."""
    subject = set(text.words(answer.subject))
    said = [sentence for sentence in answer.sentences if not sentence.endswith("?") and not _said_back(sentence, answer.question)]
    return float(bool(subject) and any(len(set(text.words(sentence)) - subject) >= 3 for sentence in said))


def gives_reason(answer: Answer) -> float:
    """A connective of reason with at least three words after it that the question does not hold."""
    asked = set(text.words(answer.question))
    reasons = [match[1] for sentence in answer.sentences if not sentence.endswith("?") and (match := _REASON.search(sentence))]
    return float(any(len(set(text.words(reason)) - asked) >= 3 for reason in reasons))


def gives_quantity(answer: Answer) -> float:
    """A number with a word or sign of unit after it, in a sentence that is more than that."""
    return float(any(_QUANTITY.search(s) and len(text.words(s)) >= 5 and not s.endswith("?") for s in answer.sentences))


def gives_reason_or_quantity(answer: Answer) -> float:
    """Either of the two."""
    return max(gives_reason(answer), gives_quantity(answer))


def no_repetition(answer: Answer) -> float:
    """No run of three words twice in the whole answer, 60 % of its words distinct, five words or more about the subject."""
    words = text.words(answer.whole)
    runs = list(text.shingles(words, 3))
    return float(_about(answer) >= 5 and len(set(runs)) == len(runs) and len(set(words)) >= 0.6 * len(words))


def within_length(answer: Answer) -> float:
    """At least MIN_WORDS words about the subject, at most MAX_WORDS in all: filler about something else fills nothing."""
    return float(_about(answer) >= MIN_WORDS and len(text.words(answer.whole)) <= MAX_WORDS)


def ends_cleanly(answer: Answer) -> float:
    """The whole answer and every sentence about the subject end with a full stop, and nothing is a question."""
    stopped = [sentence.endswith((".", "!")) for sentence in (answer.whole, *answer.sentences)]
    return float(bool(answer.sentences) and all(stopped) and "?" not in answer.whole)


def breaks_off(answer: Answer) -> float:
    """A bad thing, for pitfalls: the answer is empty, does not end with a full stop, or asks back."""
    return float(not answer.whole.endswith((".", "!")) or "?" in answer.whole)


def repeats_itself(answer: Answer) -> float:
    """A bad thing, for pitfalls: a run of three words twice, or fewer than 60 % of the words distinct."""
    words = text.words(answer.whole)
    runs = list(text.shingles(words, 3))
    return float(len(set(runs)) < len(runs) or len(set(words)) < 0.6 * len(words))


def misses_length(answer: Answer) -> float:
    """A bad thing, for pitfalls: fewer than MIN_WORDS or more than MAX_WORDS words."""
    return float(not MIN_WORDS <= len(text.words(answer.whole)) <= MAX_WORDS)


def _about(answer: Answer) -> int:
    return sum(len(text.words(sentence)) for sentence in answer.sentences)


RULES: dict[str, Check] = {
    "complete_sentence": complete_sentence,
    "names_subject": names_subject,
    "gives_reason": gives_reason,
    "gives_quantity": gives_quantity,
    "gives_reason_or_quantity": gives_reason_or_quantity,
    "no_repetition": no_repetition,
    "within_length": within_length,
    "ends_cleanly": ends_cleanly,
    "breaks_off": breaks_off,
    "repeats_itself": repeats_itself,
    "misses_length": misses_length,
}


def rule_of(criterion: Criterion) -> Check:
    """The check of a criterion. Errors: ConfigurationError unless exactly one cue names a known rule."""
    found = [cue.removeprefix(CUE).strip() for cue in criterion.verification_cues if cue.startswith(CUE)]
    if len(found) != 1 or found[0] not in RULES:
        raise ConfigurationError(
            f"criterion {criterion.criterion_key} has the rules {found}",
            expected=f"one verification cue {CUE}NAME with NAME of {', '.join(RULES)}",
            fix='use the judge "rules" on behaviour rubrics only',
        )
    return RULES[found[0]]


def _said_back(sentence: str, question: str) -> bool:
    """Whether four of five words of the sentence stand in the question."""
    words, asked = text.words(sentence), set(text.words(question))
    return sum(word in asked for word in words) >= 0.8 * len(words)


def _glued(sentence: str) -> bool:
    """Two function words, one word in five, no more than MAX_WORDS: a list of terms speaks of nothing, however it is begun or joined."""
    words = text.words(sentence)
    return len(words) <= MAX_WORDS and sum(word in _GLUE for word in words) >= max(2, GLUE_SHARE * len(words))


def _names(sentence: str, subject: Sequence[str]) -> bool:
    return text.shares_run(text.words(sentence), subject, len(subject))


def answer_of(item: JudgeInput, criterion: Criterion) -> Answer:
    """The answer as this criterion's check sees it."""
    whole = text.clean(item.response)[0].strip()
    subject = " ".join(cue.removeprefix(SUBJECT).strip() for cue in criterion.verification_cues if cue.startswith(SUBJECT))
    parts = [part.strip() for part in _SENTENCE.split(whole) if text.words(part)]
    names = [text.words(name) for name in subject.split(EITHER)]
    named = [part for part in parts if not subject or (any(_names(part, name) for name in names) and _glued(part))]
    return Answer(tuple(part for part in named if not _said_back(part, item.question)), whole, item.question, subject)


class RulesJudge:
    """One pure check a criterion. Demo grade."""

    def __init__(self, grading: GradingSettings) -> None:
        self.grading = grading

    @property
    def identity(self) -> str:
        """Changes with the rules."""
        return VERSION

    @property
    def evidence_grade(self) -> str:
        """Always 'demo'."""
        return "demo"

    def grade_many(self, batch: Sequence[JudgeInput]) -> list[Judgement]:
        """See Judge. Errors: ConfigurationError on a criterion without a rule."""
        return [self._grade(item) for item in batch]

    def _grade(self, item: JudgeInput) -> Judgement:
        checks = [rule_of(criterion) for criterion in item.rubric.criteria]
        if failures.is_over_length(item.response, self.grading.max_response_characters):
            return failures.over_length(item, VERSION)
        found = tuple(_verdict(item, criterion, check) for criterion, check in zip(item.rubric.criteria, checks, strict=True))
        return Judgement(item.task_id, item.response_id, found, VERSION)


def _verdict(item: JudgeInput, criterion: Criterion, check: Check) -> Verdict:
    share = check(answer_of(item, criterion))
    return Verdict(criterion.criterion_key, math.floor(criterion.max_level * share), f"{check.__name__}: {share:g}")
