"""Comparisons: 'S is faster than T', 'Unlike T, S ...', 'S differs from T in ...', 'S ..., whereas T ...'."""

import re
from collections.abc import Iterator

from rubric_factory.authoring.extractive.clauses import lowered, sound_subject, split_clause
from rubric_factory.authoring.extractive.draft import Draft, main_clause, rest_span
from rubric_factory.authoring.extractive.lexicon import BE
from rubric_factory.authoring.extractive.sentences import Sentence

_UNLIKE = re.compile(r"(?:Unlike|In contrast to|Contrary to|Compared to|Compared with|As opposed to) ([^,]+), ")
_THAN = re.compile(
    r"(?:(?:\w+ )?(?:\w+er|(?:more|less) \w+)) than ([\\\w'’ -]+?)(?=[,;]| (?:because|since|when|if|but|and|which|for|in|as|due)\b|$)"
)
_DIFFERS = re.compile(r"from ([\w'’ -]+?) (in that|in|by|because|as) ")
_WHEREAS = re.compile(r", (?:whereas|while) ")
_LIKE = re.compile(r"(?:very |quite )?(similar to|equivalent to|identical to|analogous to|compatible with|different from) ")


def comparison(sentence: Sentence, context: str) -> Iterator[Draft]:
    """Drafts that ask how two named things compare."""
    text, end = sentence.text, len(sentence.text) - 1
    unlike = _UNLIKE.match(text)
    if unlike:
        clause = split_clause(text[unlike.end() :], unlike.end())
        if clause and sound_subject(clause.subject) and sound_subject(unlike.group(1)):
            subject = lowered(clause.subject, context)
            body = f"how {'do' if clause.many else 'does'} {subject} differ from {unlike.group(1)}"
            yield Draft("comparison", body, f"what sets {subject} apart", sentence, (clause.rest_start, end))
        return
    clause = main_clause(sentence)
    if clause is None or clause.negated:
        return
    subject, (start, stop) = lowered(clause.subject, context), rest_span(clause, sentence)
    helper = "do" if clause.many else "does"
    than, like = _THAN.match(clause.rest), _LIKE.match(clause.rest)
    if clause.auxiliary in BE and than and sound_subject(than.group(1)):
        yield Draft("comparison", f"how {helper} {subject} compare with {than.group(1)}", "how the two compare", sentence, (start, stop))
    if clause.auxiliary in BE and like:
        body = f"what {clause.auxiliary} {subject} {like.group(1)}"
        yield Draft("comparison", body, f"what {subject} {clause.auxiliary} compared with", sentence, (start + like.end(), stop))
    differs = _DIFFERS.match(clause.rest) if clause.verb == "differ" else None
    if differs and sound_subject(differs.group(1)):
        yield Draft(
            "comparison",
            f"how {helper} {subject} differ from {differs.group(1)}",
            "the difference",
            sentence,
            (start + differs.end(), stop),
        )
    whereas = _WHEREAS.search(clause.rest)
    if whereas:
        other = split_clause(clause.rest[whereas.end() :] + " .")
        if other and sound_subject(other.subject) and other.subject.split()[-1] != clause.subject.split()[-1]:
            body = f"what is the difference between {subject} and {lowered(other.subject, context)}"
            yield Draft("comparison", body, "the difference", sentence, (start, stop))
