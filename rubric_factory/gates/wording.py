"""Word-level helpers that the gates share: function words, crude stems, and the texts of a criterion."""

import re
from collections.abc import Iterator

from rubric_factory.records import Criterion, Task
from rubric_factory.text import words

_FUNCTION_WORDS = """
a about above after again against all also although am among an and another any are as at be because been before being below between both
but by can cannot could did do does doing down during each either else even ever every few for from further had has have having he her
here hers herself him himself his how however i if in into is it its itself just least less like made make many may me might more most
much must my neither no nor not now of off often on once one only onto or other our out over own per rather same she should since so some
such than that the their them then there these they this those though through thus to too toward under until up upon us use used using
very was we well were what when where whereas whether which while who whom whose why will with within without would yes yet you your
"""
FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())

# Words that ask, rather than say anything: a question made of these alone has no subject yet.
_ASKING_WORDS = """
answer analyse analyze argue assess compare compute calculate consider contrast critique define derive describe design determine discuss
estimate evaluate explain following give identify justify kind list mean meant name outline predict propose question reason role say state
suggest summarise summarize term terms way ways work works happen happens occur occurs important effect effects cause causes result
results purpose condition conditions circumstance circumstances case cases situation situations go goes wrong right good bad better worse
best worst useful helpful difficult easy hard possible necessary sense matter matters thing things problem problems reason reasons answers
difference differences advantage advantages disadvantage disadvantages benefit benefits consequence consequences tied true false
"""
ASKING_WORDS = frozenset(_ASKING_WORDS.split())

# Function words on which a claim hangs: "with the flag" is not "without the flag", "few fonts" is not "fonts".
_CONTRASTING = """
not no nor never neither without with before after above below over under more less most least up down on off only all any each both either
first last again until once few some many yes same other another
"""
CONTRAST = frozenset(_CONTRASTING.split())
# A single letter that names something: "model A", "case (b)".
_LABEL = re.compile(r"(?<=\()[A-Za-z](?=\))|(?<=[\w,] )(?!I\b)[A-Z](?![\w'’])")

# Words that name something from which on a question is taken to have introduced what it is about.
NAMED_NEEDS = 6
_CONTRACTED = frozenset(("s", "t", "d", "m", "ll", "re", "ve", "isn", "aren", "doesn", "don", "didn", "won", "wouldn", "couldn", "shouldn"))

_SUFFIXES = ("ization", "isation", "ations", "ation", "ingly", "edly", "ings", "ness", "ment", "ies", "ing", "ed", "es", "ly", "s")
# After . ! ? before a capital, digit or opening quote, but not after an abbreviation or an initial.
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bvs\.)(?<!\bcf\.)(?<!\bca\.)(?<!\bapprox\.)(?<!\bNo\.)(?<!\bFig\.)(?<!\b[A-Z]\.)"
    r"\s+(?=[A-Z0-9\"“(])"
)


def stem(word: str) -> str:
    """Word without its commonest English ending and a final e; at least four letters stay. So 'heats' meets 'heating'. A crude fold."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 4:
            word = word.removesuffix(suffix)
            break
    return word[:-1] if word.endswith("e") and len(word) > 4 else word


def content(text: str) -> list[str]:
    """Stems of the words that carry meaning, in order: everything but function words."""
    return [stem(word) for word in words(text) if word not in FUNCTION_WORDS]


def subjects(text: str) -> list[str]:
    """Words that name something: neither function words nor words that ask, nor the rest of a contraction ("can't")."""
    return [word for word in words(text) if names(word)]


def names(word: str) -> bool:
    """Whether a word, in lower case, can name something."""
    return word not in FUNCTION_WORDS and word not in ASKING_WORDS and word not in _CONTRACTED


def claim_words(text: str) -> list[str]:
    """Stems of the words that make up a claim, in order: content, contrasting words, and letters that name something ('label_b')."""
    marked = _LABEL.sub(lambda match: f" label_{match.group().lower()} ", text)
    return [
        word if word in CONTRAST or word.startswith("label_") else stem(word)
        for word in words(marked)
        if word in CONTRAST or word not in FUNCTION_WORDS
    ]


def sentences(text: str) -> list[str]:
    """Sentences of a text."""
    return [part for part in _SENTENCE.split(text.strip()) if part]


def jaccard(left: set[str], right: set[str]) -> float:
    """|A and B| / |A or B|, in [0, 1]; 0 for two empty sets."""
    union = len(left | right)
    return len(left & right) / union if union else 0.0


def criterion_texts(criterion: Criterion) -> Iterator[tuple[str, str]]:
    """(field, text) of everything an author wrote in a criterion; evidence, which is quoted, is not."""
    yield "title", criterion.title
    yield "description", criterion.description
    for element in criterion.required_elements:
        yield "required_elements", element
    for level in criterion.scoring_guide:
        yield "scoring_guide", level.meaning
    for cue in criterion.verification_cues:
        yield "verification_cues", cue


def task_texts(task: Task) -> Iterator[tuple[str, str]]:
    """(field, text) of everything an author wrote in a task."""
    yield "question", task.question
    yield "reference_answer", task.reference_answer
    for criterion in task.rubric.criteria:
        yield from criterion_texts(criterion)
