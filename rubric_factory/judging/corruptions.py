"""Good answers made worse in one way each: what a judge must see. Pure and deterministic; shares no list with judges or gates.

Every function takes the reference answer and returns the corrupted text, or None where the answer holds nothing of its kind.
"""

import re
from collections.abc import Callable, Sequence

from rubric_factory import text

_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*(?![\w])")
_EXACT_DIGITS = 15
_UNIT = re.compile(r"(?<=\d)(\s?)(%|ms|s|kB|MB|GB|mm|cm|km|m|Hz|kHz|MHz|seconds?|minutes?|hours?|days?|bytes?|bits?|pixels?|percent)\b")
_OTHER_UNIT = {
    "%": " kg",
    "ms": "h",
    "s": "km",
    "kB": "GB",
    "MB": "kB",
    "GB": "kB",
    "mm": "km",
    "cm": "km",
    "km": "mm",
    "m": "mm",
    "Hz": "MHz",
    "kHz": "Hz",
    "MHz": "Hz",
}
_NAME = re.compile(r"(?<=[\w,;:)] )(?:[A-Z][\w-]*[A-Za-z]|[A-Za-z]+[_\d][\w.]*|\w+\(\))")
_VERB = re.compile(r"\b(is|are|was|were|can|must|should|will|may|has|have|does|do)\b(?! not\b)", re.IGNORECASE)
_CAUSE = re.compile(
    r"^(?P<effect>.{12,}?),? (?P<link>because|since|when|if|after|before|unless) (?P<cause>.{8,}?)(?P<end>[.!]?)$", re.DOTALL
)
_AND = re.compile(r",?\s+(?:and|or|as well as)\s+[^,.;]{3,}?(?=[,.;]|$)")
_OPPOSITE = (
    ("increases", "decreases"),
    ("increase", "decrease"),
    ("before", "after"),
    ("higher", "lower"),
    ("larger", "smaller"),
    ("maximum", "minimum"),
    ("first", "last"),
    ("always", "never"),
    ("enabled", "disabled"),
    ("enables", "disables"),
    ("allows", "forbids"),
    ("above", "below"),
    ("more", "less"),
    ("true", "false"),
    ("input", "output"),
    ("faster", "slower"),
)


def _swap(match: re.Match[str], source: str, replacement: str) -> str:
    return source[: match.start()] + replacement + source[match.end() :]


def change_number(reference: str) -> str | None:
    """The first number becomes another one: twice it plus three. Of a version number or a date (3.4.0) the last part does."""
    match = _NUMBER.search(reference)
    return None if match is None else _swap(match, reference, _other_number(match[0].replace(",", "")))


def _other_number(digits: str) -> str:
    if digits.count(".") > 1:
        head, _, last = digits.rpartition(".")
        return f"{head}.{_other_number(last)}"
    if len(digits) > _EXACT_DIGITS:  # no float holds them, and Python reads no integer of more than 4300
        return digits[:-1] + str((int(digits[-1]) + 3) % 10)
    value = float(digits) * 2 + 3
    return str(int(value)) if "." not in digits else f"{value:g}"


def change_unit(reference: str) -> str | None:
    """The first unit becomes one of another scale or kind."""
    match = _UNIT.search(reference)
    if match is None:
        return None
    return _swap(match, reference, match[1] + _OTHER_UNIT.get(match[2], "kilograms" if not match[2].startswith("kilo") else "metres"))


def change_entity(reference: str, others: Sequence[str], question: str) -> str | None:
    """The first name that the question does not hold becomes the first of `others` (another document's) that the answer does not hold."""
    name = next((found for found in names_in(reference) if found.lower() not in question.lower()), None)
    fresh = next((other for other in others if other.lower() not in reference.lower()), None)
    return None if name is None or fresh is None else reference.replace(name, fresh)


def names_in(source: str) -> list[str]:
    """Names as change_entity takes them, in order of appearance, each once."""
    return list(dict.fromkeys(match[0] for match in _NAME.finditer(text.squeeze(source))))


def negate(reference: str) -> str | None:
    """The first finite verb is negated."""
    match = _VERB.search(reference)
    return None if match is None else reference[: match.end()] + " not" + reference[match.end() :]


def reverse(reference: str) -> str | None:
    """Cause and effect change places; without a link of cause, the first of a pair of opposites becomes the other."""
    match = _CAUSE.match(reference)
    if match is not None:
        cause, effect = match["cause"], match["effect"]
        turned = f"{cause[0].upper()}{cause[1:]} {match['link']} {effect[0].lower()}{effect[1:]}{match['end']}"
        if turned != reference:  # something is its own cause
            return turned
    for one, two in (*_OPPOSITE, *((b, a) for a, b in _OPPOSITE)):
        found = re.search(rf"\b{one}\b", reference, re.IGNORECASE)
        if found:
            return _swap(found, reference, two)
    return None


def drop_conjunct(reference: str) -> str | None:
    """One member of a conjunction is left out."""
    match = _AND.search(reference)
    return None if match is None else _swap(match, reference, "")


def unspecific(question: str) -> str:
    """An answer on the topic that says nothing: the question's own terms in a sentence without a fact."""
    topic = " ".join(question.rstrip("?").split()[-8:])
    return f"This is an important matter with several aspects, and {topic} depends on the situation and should be considered carefully."


def ladder(reference: str) -> list[tuple[float, str]]:
    """(share, text) at 100, 75, 50 and 25 % of the reference: by sentences where it has at least four, else by words."""
    parts = [part for part in re.split(r"(?<=[.!?])\s+", reference.strip()) if part]
    units = parts if len(parts) >= 4 else reference.split()
    return [(share, " ".join(units[: max(1, round(len(units) * share))])) for share in (1.0, 0.75, 0.5, 0.25)]


def weak_answer(reference: str) -> str:
    """The reference's first quarter by words, at least one."""
    parts = reference.split()
    return " ".join(parts[: max(1, len(parts) // 4)])


# Families that flip one fact, and families that keep the words and lose the meaning. change_entity needs other names, so it is apart.
FACTS: dict[str, Callable[[str], str | None]] = {"changed_number": change_number, "changed_unit": change_unit}
MEANINGS: dict[str, Callable[[str], str | None]] = {"negation": negate, "reversed_causality": reverse, "missing_conjunct": drop_conjunct}
