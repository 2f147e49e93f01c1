"""A rubric from the phrases of an answer: essential, important and optional criteria, and one pitfall."""

import re

from rubric_factory.authoring.extractive.draft import Draft
from rubric_factory.authoring.extractive.lexicon import STOPWORDS
from rubric_factory.authoring.extractive.phrases import Phrase, phrases_of, without_light
from rubric_factory.records import Category, Criterion, Evidence, Level, Rubric
from rubric_factory.text import longest_shared_run, words

_STEPS = (
    (Category.ESSENTIAL, 5, "Core of the answer"),
    (Category.IMPORTANT, 4, "Necessary detail"),
    (Category.IMPORTANT, 3, "Further detail"),
    (Category.OPTIONAL, 2, "Complete detail"),
)
_EVIDENCE_WORDS = 4
_COPIED_RUN = 12  # words
_ASIDE = re.compile(
    r",\s+(?:as|because|since|so|otherwise|which|where|whereas|while|for example|for instance|e\.g\.|i\.e\.|but|therefore|thus|hence|"
    r"similar to|in which|in case|even|irrespective|preferably|"
    r"instead of|to avoid|then|and (?:also|therefore|thus|the|it|an?|is|has)|unless)\b"
    r"|\s(?:because|otherwise|even (?:if|though|when)|although|whereas|so that|in order to|to avoid|instead of|rather than)\s"
)
_NUMBER = re.compile(r"(?<![\w.-])\d+(?:[.,]\d+)*(?![\w-])")


def build_rubric(draft: Draft, question: str, passage_text: str, task_key: str) -> Rubric | None:
    """The rubric of a draft, None where the answer holds fewer than two things to grade."""
    phrases = without_light(phrases_of(draft.sentence.text, draft.answer, question))[: len(_STEPS)]
    if len(phrases) == 1 and len(phrases[0].terms) == 2:
        phrases = _split(phrases[0])
    if len(phrases) < 2:
        return None
    asked_end = _asked_end(draft)
    strong = next((phrase for phrase in phrases if phrase.strong and phrase.start < asked_end), None)
    if strong is None:
        return None
    phrases.sort(key=lambda phrase: phrase is not strong)
    criteria = [_criterion(draft, phrase, rank, passage_text, f"{task_key}/{rank}") for rank, phrase in enumerate(phrases)]
    criteria.append(_pitfall(draft, phrases[0], passage_text, f"{task_key}/{len(criteria)}"))
    return Rubric(tuple(criteria))


def _asked_end(draft: Draft) -> int:
    """Where the part of the answer ends that the question asks for; a reason, an aside or a second clause after it is detail only."""
    aside = _ASIDE.search(draft.sentence.text, *draft.answer)
    return aside.start() if aside else draft.answer[1]


def _split(phrase: Phrase) -> list[Phrase]:
    """One phrase of two terms as two phrases, the first without the words that only lead to the second."""
    at = phrase.text.index(phrase.terms[1], phrase.text.index(phrase.terms[0]) + len(phrase.terms[0]))
    head = phrase.text[:at].rstrip()
    while head.split()[-1].lower() in STOPWORDS and not head.endswith(phrase.terms[0]):
        head = head.rsplit(" ", 1)[0]
    start = phrase.start + at
    return [
        Phrase(head, phrase.start, phrase.start + len(head), phrase.terms[:1]),
        Phrase(phrase.text[at:], start, phrase.end, phrase.terms[1:]),
    ]


def _at_least(text: str, start: int, end: int) -> tuple[int, int]:
    """The span widened by whole words, to the right first, until it holds enough of them to be found again."""
    edges = [(m.start(), m.end()) for m in re.finditer(r"\S+", text.rstrip("."))]
    inside = [i for i, (a, b) in enumerate(edges) if b > start and a < end]
    first, last = inside[0], inside[-1]
    while len(words(text[edges[first][0] : edges[last][1]])) < _EVIDENCE_WORDS and (first > 0 or last + 1 < len(edges)):
        if last + 1 < len(edges):
            last += 1
        else:
            first -= 1
    return min(start, edges[first][0]), max(end, edges[last][1])


def _evidence(draft: Draft, start: int, end: int, passage_text: str) -> Evidence:
    first, last = draft.sentence.span(*_at_least(draft.sentence.text, start, end))
    return Evidence(first, last, passage_text[first:last])


def _criterion(draft: Draft, phrase: Phrase, rank: int, passage_text: str, key: str) -> Criterion:
    category, weight, title = _STEPS[rank]
    description = _core(draft, phrase) if rank == 0 else f'Adds the detail "{phrase.text}".'
    guide = [Level(0, f'Leaves out "{phrase.terms[0]}" or says something else in its place.')]
    if len(phrase.terms) > 1:
        guide.append(Level(1, f'Gives only a part of "{phrase.text}".'))
    guide.append(Level(len(guide), f'States "{phrase.text}" in these or equivalent words.'))
    return Criterion(
        criterion_key=key,
        title=title,
        description=description,
        category=category,
        weight=weight,
        required_elements=phrase.terms,
        scoring_guide=tuple(guide),
        verification_cues=tuple(f'mentions "{term}" affirmatively' for term in phrase.terms),
        evidence=(_evidence(draft, phrase.start, phrase.end, passage_text),),
    )


def _role(draft: Draft) -> str:
    """What the answer gives; a figure of the question has no place in a criterion, whose figures stand in its evidence."""
    return "the answer to the question" if re.search(r"\d", draft.role) else draft.role


def _core(draft: Draft, phrase: Phrase) -> str:
    """Description of the essential criterion; without the role where both together would repeat the reference answer word for word."""
    for role in (_role(draft), "the answer to the question"):
        description = f'{"Gives" if role.startswith("the ") else "Says"} {role}: "{phrase.text}".'
        if longest_shared_run(words(description), words(draft.sentence.text)) < _COPIED_RUN:
            break
    return description


def _pitfall(draft: Draft, phrase: Phrase, passage_text: str, key: str) -> Criterion:
    role = _role(draft)
    number = _NUMBER.search(phrase.text)
    if number:
        title, description = "Wrong figure", f'States a figure other than "{number.group()}" for {role}.'
        absent, present = f'Gives "{number.group()}" or no figure at all.', "Gives a different figure."
    else:
        title, description = "Opposite claim", f'Denies or reverses this part of the answer: "{phrase.text}".'
        absent, present = "Does not contradict the source.", f'Says that "{phrase.terms[0]}" does not apply.'
    return Criterion(
        criterion_key=key,
        title=title,
        description=description,
        category=Category.PITFALL,
        weight=-2,
        required_elements=(),
        scoring_guide=(Level(0, absent), Level(1, present)),
        verification_cues=(f'a negation beside "{phrase.terms[0]}"',),
        evidence=(_evidence(draft, phrase.start, phrase.end, passage_text),),
    )
