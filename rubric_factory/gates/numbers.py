"""numbers: a number or unit that a criterion demands stands in the evidence it rests on."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.records import Criterion
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable

_SMALL = (
    "zero one two three four five six seven eight nine ten "
    "eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty"
)
_NUMBER_WORDS = {word: str(value) for value, word in enumerate(_SMALL.split())}
_UNITS = (
    "%|percent|°\\s?[CFK]|K|kg|mg|µg|μg|g|km|cm|mm|µm|μm|nm|m|s|ms|min|h|Hz|kHz|MHz|GHz|W|kW|MW|GW|TW|Wh|kWh|MWh|GWh|TWh|J|kJ|MJ|GJ|eV|keV|MeV|GeV|V|kV|mV|A|"
    "mA|Pa|kPa|MPa|GPa|bar|psi|T|N|kN|mol|L|mL|ppm|ppb|dB|Gy|Sv|mSv|Bq|Ci|seconds?|minutes?|hours?|days?|weeks?|months?|years?|meters?|metres?|"
    "kilomet(?:er|re)s?|miles?|feet|tons?|tonnes?|kilograms?|grams?|watts?|megawatts?|gigawatts?|volts?|degrees?|dollars?|barrels?"
)
_NUMBER = re.compile(rf"(?<![\w.])(\d[\d,]*(?:\.\d+)?)(?:\s*-?\s*({_UNITS})(?![A-Za-z]))?")
_COUNTING = re.compile(
    r"\b(?:at least|at most|any|all|both|either|only|exactly) (?:of )?(?:the )?\d{1,2}"
    r"(?=\s+(?:of|or|factors?|reasons?|points?|items?|elements?|examples?|steps?))",
    re.I,
)
_SAME_UNIT = {
    "percent": "%",
    "seconds": "s",
    "second": "s",
    "minutes": "min",
    "minute": "min",
    "hours": "h",
    "hour": "h",
    "μm": "µm",
    "μg": "µg",
}


def _plain(number: str) -> str:
    """1,000 -> 1000, 5.0 -> 5, 007 -> 7."""
    digits = number.replace(",", "")
    whole, _, fraction = digits.partition(".")
    fraction = fraction.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{fraction}" if fraction else "")


def _unit(unit: str | None) -> str:
    name = re.sub(r"\s", "", unit or "")
    name = _SAME_UNIT.get(name.lower(), name)
    return name.lower().removesuffix("s") if len(name) > 3 else name


def quantities(text: str) -> list[tuple[str, str]]:
    """(number, unit) pairs, unit '' where none stands after the number; counts of things ('at least 2 of') are left out."""
    text = _COUNTING.sub(" ", text)
    return [(_plain(m.group(1)), _unit(m.group(2))) for m in _NUMBER.finditer(text)]


def _in_evidence(criterion: Criterion) -> set[tuple[str, str]]:
    """Quantities of the evidence, each also without its unit; number words as digits."""
    text = " ".join(span.quote for span in criterion.evidence)
    found = set(quantities(text)) | {(m, "") for m in re.findall(r"\d+", text)}
    found |= {(_NUMBER_WORDS[word], "") for word in re.findall(r"[a-z]+", text.lower()) if word in _NUMBER_WORDS}
    return found | {(number, "") for number, _ in found}


def numbers(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: numbers, with their units, in descriptions and required elements of positive criteria that their evidence does not hold.

    A pitfall may name a wrong number: that is its purpose.
    """
    del settings
    missing: list[str] = []
    for criterion in item.task.rubric.criteria:
        if criterion.weight > 0:
            known = _in_evidence(criterion)
            asked = [pair for text in (criterion.description, *criterion.required_elements) for pair in quantities(text)]
            missing += [f"{number} {unit}".strip() + f" in: {criterion.title}" for number, unit in asked if (number, unit) not in known]
    return GateFinding(not missing, len(missing), f"not in the evidence: {printable(missing[0], 100)}" if missing else "")
