"""language: tasks are English prose; a task in another language, a formula dump, a list of key words or garbled text is not."""

import re
import unicodedata
from collections import Counter

from rubric_factory.extract.language import by_function_words
from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import FUNCTION_WORDS, sentences
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable, squeeze, words

_REPLACEMENT = "�"
# A short answer may be a list.
_PROSE_WORDS = 12
_MARKS = (",", ";", " | ", " => ", " -> ", " // ", " → ", " • ", " · ", " / ", " + ")


# What is left of a markup or a program where prose should stand.
_ESCAPES = re.compile(
    r"[ÂÃâ][\u0080-\u00bf€™œž]|(?<=\w)%[0-9A-F]{2}(?=\w)|&(?:nbsp|amp|lt|gt|quot|apos|mdash|ndash|hellip|#x?[0-9a-f]+);|\\u[0-9a-f]{4}|(?<=[.,;:?!])\\[rnt](?:\\n)?",
    re.I,
)
_STUCK = re.compile(r"\b([^\W\d_][^.?!]{0,40}?)(?:\W+\1\b){3,}", re.I)
_SCRIPTS = ("LATIN", "GREEK", "MICRO")
_FOREIGN_LETTERS = 3
_FEW_ENGLISH = 0.25  # share of English function words below which a text may be of another language


def _latin_share(text: str) -> float:
    letters = [ch for ch in text if ch.isalpha()]
    return sum(unicodedata.name(ch, "").startswith(_SCRIPTS) for ch in letters) / len(letters) if letters else 0.0


def _english_share(text: str) -> float:
    tokens = words(text)
    return sum(token in FUNCTION_WORDS for token in tokens) / max(len(tokens), 1)


def _comma_share(text: str) -> float:
    count = len(words(text))
    return sum(text.count(mark) for mark in _MARKS) / count if count >= _PROSE_WORDS else 0.0


def _foreign(text: str, passage: str) -> int:
    """Letters of other scripts that the passage does not hold either."""
    own = set(passage)
    return sum(ch.isalpha() and ch not in own and not unicodedata.name(ch, "").startswith(_SCRIPTS) for ch in text)


def _garbled(text: str, passage: str) -> str:
    """First sign of a reply that went wrong: escapes the passage does not hold, a word or a sentence over and over; '' if none."""
    escape = next((m.group() for m in _ESCAPES.finditer(text) if m.group() not in passage), "")
    if escape:
        return f"escape {escape}"
    if stuck := _STUCK.search(text):
        return f"repeats {printable(stuck.group(1), 30)}"
    said = Counter(squeeze(sentence).lower() for sentence in sentences(text) if len(words(sentence)) > 3)
    worst, count = max(said.items(), key=lambda pair: pair[1], default=("", 0))
    return f"says {count} times: {printable(worst, 60)}" if count > 2 else ""


def language(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: share of English function words in the question, the reference answer or all descriptions, whichever has the least.

    Also refused: a replacement character (broken decoding), escapes and letters of other scripts that the passage lacks, a phrase or
    sentence over and over, function words of another language, less than min_latin_share Latin or Greek letters, and a reference
    answer with a comma, an arrow or the like to every few words, which is a list of key words.
    """
    task = item.task
    parts = (task.question, task.reference_answer, " ".join(c.description for c in task.rubric.criteria))
    share, text = min(_english_share(part) for part in parts), " ".join(parts)
    latin, broken = _latin_share(text), text.count(_REPLACEMENT)
    commas = _comma_share(task.reference_answer)
    strange = [part for part in parts if _english_share(part) < _FEW_ENGLISH]
    other = next((code for part in strange if (code := by_function_words(words(part))) not in ("", "en")), "")
    foreign = _foreign(text, item.passage.text)
    garbled = next(filter(None, (_garbled(part, item.passage.text) for part in parts[:2])), "")
    passed = (
        not garbled
        and not other
        and foreign <= _FOREIGN_LETTERS
        and share >= settings.min_english_share
        and latin >= settings.min_latin_share
        and not broken
        and commas <= settings.max_comma_share
    )
    detail = f"function words {share:.2f}, Latin letters {latin:.2f}, broken characters {broken}, commas a word {commas:.2f}, "
    detail += f"letters of other scripts {foreign}"
    detail += f", language {other}" if other else ""
    detail += f", {garbled}" if garbled else ""
    return GateFinding(passed, share, detail)
