"""language: tasks are English prose; a task in another language, a formula dump, a list of key words or garbled text is not."""

import unicodedata

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import FUNCTION_WORDS
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import words

_REPLACEMENT = "�"
# A short answer may be a list.
_PROSE_WORDS = 12


def _latin_share(text: str) -> float:
    letters = [ch for ch in text if ch.isalpha()]
    return sum(unicodedata.name(ch, "").startswith(("LATIN", "GREEK", "MICRO")) for ch in letters) / len(letters) if letters else 0.0


def _english_share(text: str) -> float:
    tokens = words(text)
    return sum(token in FUNCTION_WORDS for token in tokens) / max(len(tokens), 1)


def _comma_share(text: str) -> float:
    count = len(words(text))
    return sum(text.count(mark) for mark in ",;") / count if count >= _PROSE_WORDS else 0.0


def language(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: share of English function words in the question, the reference answer or all descriptions, whichever has the least.

    Also refused: a replacement character (broken decoding), less than min_latin_share Latin or Greek letters, and a reference answer with
    a comma to every few words, which is a list of key words.
    """
    task = item.task
    parts = (task.question, task.reference_answer, " ".join(c.description for c in task.rubric.criteria))
    share, text = min(_english_share(part) for part in parts), " ".join(parts)
    latin, broken = _latin_share(text), text.count(_REPLACEMENT)
    commas = _comma_share(task.reference_answer)
    passed = share >= settings.min_english_share and latin >= settings.min_latin_share and not broken and commas <= settings.max_comma_share
    detail = f"function words {share:.2f}, Latin letters {latin:.2f}, broken characters {broken}, commas a word {commas:.2f}"
    return GateFinding(passed, share, detail)
