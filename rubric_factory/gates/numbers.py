"""numbers: a number or unit that a criterion demands stands in the evidence it rests on, or was given by the question."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable

_SMALL = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_TENTHS = "twenty thirty forty fifty sixty seventy eighty ninety"
_TENS = {word: 10 * value for value, word in enumerate(_TENTHS.split(), start=2)}
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL.split())} | {word: str(value) for word, value in _TENS.items()}
_SHORT = (
    "%|°\\s?[CF]|°|K|kg|mg|µg|μg|g|km|cm|mm|µm|μm|nm|m|s|ms|min|h|Hz|kHz|MHz|GHz|W|kW|MW|GW|TW|Wh|kWh|MWh|GWh|TWh|J|kJ|MJ|GJ|eV|keV|MeV|GeV|"
    "V|kV|mV|A|mA|Pa|kPa|MPa|GPa|bar|psi|T|N|kN|mol|L|mL|ppm|ppb|dB|Gy|Sv|mSv|Bq|Ci|KB|MB|GB|TB|kB"
)
# Written-out units and the short form they are compared by.
_LONG = {
    "degrees? (?:celsius|c)": "°C", "degrees? (?:fahrenheit|f)": "°F", "degrees?": "°", "per ?cent": "%", "kelvins?": "K",
    "seconds?": "s", "milliseconds?": "ms", "minutes?": "min", "hours?": "h", "days?": "day", "weeks?": "week", "months?": "month",
    "years?": "year", "met(?:er|re)s?": "m", "kilomet(?:er|re)s?": "km", "centimet(?:er|re)s?": "cm", "millimet(?:er|re)s?": "mm",
    "micromet(?:er|re)s?|microns?": "µm", "nanomet(?:er|re)s?": "nm", "miles?": "mile", "f(?:oo|ee)t": "foot", "inch(?:es)?": "inch",
    "grams?": "g", "kilograms?": "kg", "milligrams?": "mg", "tons?": "ton", "tonnes?": "tonne", "lit(?:er|re)s?": "L",
    "watts?": "W", "kilowatts?": "kW", "megawatts?": "MW", "gigawatts?": "GW", "volts?": "V", "barrels?": "barrel",
    "dollars?": "dollar", "bytes?": "byte", "bits?": "bit", "kilobytes?": "KB", "megabytes?": "MB", "gigabytes?": "GB", "hertz": "Hz",
}  # fmt: skip
_LONGS = [(re.compile(rf"\b(?:{pattern})\b", re.I), short) for pattern, short in _LONG.items()]
_NUMBER = re.compile(rf"(?<![\w.])[vV]?(\d[\d,]*(?:\.\d+)?)(?:\s*-?\s*((?:{_SHORT})(?![A-Za-z])|(?i:{'|'.join(_LONG)})\b))?")
_UNITS = "|".join(_LONG)
# Number words that say a quantity: all from eleven on, and smaller ones with a unit. "Two of the phases" counts things.
_WRITTEN = re.compile(
    rf"\b(?:({'|'.join(_TENS)})(?:[- ]({'|'.join(_SMALL.split()[1:10])}))?|({'|'.join(_SMALL.split()[11:20])})|"
    rf"({'|'.join(_SMALL.split()[2:11])})(?=[\s-]+(?:{_UNITS})\b))\b",
    re.I,
)
_COUNTING = re.compile(
    r"\b(?:at least|at most|any|all|both|either|only|exactly) (?:of )?(?:the )?\d{1,2}"
    r"(?=\s+(?:of|or|factors?|reasons?|points?|items?|elements?|examples?|steps?))",
    re.I,
)


# What says a number without a numeral, and characters that a text talks about rather than counts with.
_SAID = {
    "half": ("50", "0.5", "2"),
    "twice": ("2",),
    "double": ("2",),
    "doubles": ("2",),
    "pair": ("2",),
    "triple": ("3",),
    "dozen": ("12",),
}
_COUNTS = 13
_BOUND = re.compile(
    r"\b(?:more|less|fewer|greater|smaller|larger|higher|lower) than \d[\d.,]*|"
    r"\d+ ?/ ?\d+|\b(?:about|around|roughly|nearly|almost|over|under) \d[\d.,]*",
    re.I,
)
_TRIVIAL = frozenset((("0", ""), ("1", "")))


def _plain(number: str) -> str:
    """1,000 -> 1000, 5.0 -> 5, 007 -> 7."""
    digits = number.replace(",", "")
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def _unit(unit: str | None) -> str:
    """Short form of a unit: 'degrees Celsius' and '° C' -> '°C'."""
    if not unit:
        return ""
    written = next((short for pattern, short in _LONGS if pattern.fullmatch(unit)), None)
    return written or re.sub(r"\s", "", unit).replace("μ", "µ").replace("kB", "KB")


def _digits(match: re.Match[str]) -> str:
    """A written number in digits: 'twenty-five' -> '25'."""
    tens, ones, teens, small = (part.lower() if part else "" for part in match.groups())
    return str(_TENS[tens] + int(_NUMBER_WORDS.get(ones, "0"))) if tens else _NUMBER_WORDS[teens or small]


def quantities(text: str) -> list[tuple[str, str]]:
    """(number, unit) pairs, unit '' where none stands after the number; counts of things ('at least 2 of') are left out."""
    text = _WRITTEN.sub(_digits, _COUNTING.sub(" ", text))
    return [(_plain(m.group(1)), _unit(m.group(2))) for m in _NUMBER.finditer(text)]


def _numerals(text: str) -> set[str]:
    """Every number of a text, those within words and behind points, too."""
    return {number for number, _ in quantities(text)} | {_plain(digits) for digits in re.findall(r"\d+", text)}


def _units(text: str) -> set[str]:
    """Short forms of the units that a text names, behind a number or without one."""
    return {unit for _, unit in quantities(text)} | {short for pattern, short in _LONGS if pattern.search(text)}


def _unsupported(criterion: Criterion, question: str, units: set[str]) -> list[str]:
    """Quantities the criterion asks for: the number in its evidence or the question, the unit among `units`. Number words count.

    A criterion may repeat what the question gives: that is the situation, not a claim from nowhere. A bare 0 or 1 is no quantity.
    """
    given = quantities(question)
    text = " ".join((*(span.quote for span in criterion.evidence), question))
    known = _numerals(text)
    known |= {_NUMBER_WORDS[word] for word in re.findall(r"[a-z]+", text.lower()) if word in _NUMBER_WORDS}
    known |= {number for word in re.findall(r"[a-z]+", text.lower()) for number in _SAID.get(word, ())}
    texts = (criterion.description, *criterion.required_elements)
    asked = [pair for said in texts for pair in quantities(said) if pair not in given and pair not in _TRIVIAL]
    return [f"{number} {unit}".strip() for number, unit in asked if number not in known or (unit and unit not in units)]


def _invented_levels(criterion: Criterion, known: set[str]) -> list[str]:
    """Numbers from 13 on of the highest level that neither passage, question nor reference answer holds; smaller ones count things.

    A lower level may name a wrong number.
    """
    found = quantities(_BOUND.sub(" ", criterion.scoring_guide[-1].meaning))
    return [f"{number} {unit}".strip() for number, unit in found if number not in known and float(number) >= _COUNTS]


def numbers(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: numbers, with their units, in descriptions and required elements of positive criteria that nothing supports.

    A pitfall may name a wrong number: that is its purpose. A unit may stand in the evidence of another criterion: what is counted in bytes
    there is so here.
    """
    del settings
    known = {n for text in (item.passage.text, item.task.question, item.task.reference_answer) for n in _numerals(text)}
    question, criteria = item.task.question, item.task.rubric.criteria
    units = _units(" ".join((question, *(span.quote for c in criteria for span in c.evidence))))
    missing = [f"{one} in: {c.title}" for c in criteria if c.weight > 0 for one in _unsupported(c, question, units)]
    missing += [f"{one} in the guide of: {c.title}" for c in criteria if c.weight > 0 for one in _invented_levels(c, known)]
    return GateFinding(not missing, len(missing), f"not in the evidence: {printable(missing[0], 100)}" if missing else "")
