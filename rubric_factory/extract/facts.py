"""Dates and licences as documents write them, to ISO 8601 and SPDX ids: shared by every parser."""

import re

_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
_ISO = re.compile(r"(?<!\d)((?:19|20)\d\d)(?:[-/.](0?[1-9]|1[0-2])(?:[-/.](0?[1-9]|[12]\d|3[01]))?)?(?!\d)")
_PDF = re.compile(r"^D:((?:19|20)\d\d)(0[1-9]|1[0-2])?(0[1-9]|[12]\d|3[01])?")
_DAY_FIRST = re.compile(r"\b([0-3]?\d)(?:st|nd|rd|th)?\.?\s+([A-Z][a-z]{2,8})\.?,?\s+((?:19|20)\d\d)\b")
_MONTH_FIRST = re.compile(r"\b([A-Z][a-z]{2,8})\.?\s+(?:([0-3]?\d)(?:st|nd|rd|th)?,?\s+)?((?:19|20)\d\d)\b")
_CREATIVE = re.compile(r"creativecommons\.org/licenses/(by(?:-nc)?(?:-nd|-sa)?)/(\d\.\d)", re.IGNORECASE)
_ZERO = re.compile(r"creativecommons\.org/publicdomain/zero/1\.0", re.IGNORECASE)
_NAMED = re.compile(r"\bCC[ -](BY(?:-NC)?(?:-ND|-SA)?)[ -](\d\.\d)\b", re.IGNORECASE)
_OTHERS = (
    (
        re.compile(r"apache\.org/licenses/LICENSE-2\.0|\bApache(?: License)?,? (?:Version )?2\.0\b|\bApache-2\.0\b", re.IGNORECASE),
        "Apache-2.0",
    ),
    (re.compile(r"opensource\.org/licenses?/mit\b|^MIT(?: License)?$", re.IGNORECASE), "MIT"),
    (re.compile(r"opensource\.org/licenses?/bsd-3-clause\b|^BSD-3-Clause$", re.IGNORECASE), "BSD-3-Clause"),
    (re.compile(r"opensource\.org/licenses?/bsd-2-clause\b|^BSD-2-Clause$", re.IGNORECASE), "BSD-2-Clause"),
    (re.compile(r"\bCC0(?:[ -]1\.0)?\b"), "CC0-1.0"),
)


def iso_date(text: str) -> str:
    """The first date in a short text, to the precision given: 2021, 2021-05, 2021-05-30; '' without one or with two day orders possible."""
    text = text.strip()[:200]
    if match := _PDF.match(text):
        return _joined(match[1], match[2], match[3])
    if match := _DAY_FIRST.search(text):
        return _joined(match[3], _month(match[2]), match[1]) if _month(match[2]) else match[3]
    if (match := _MONTH_FIRST.search(text)) and _month(match[1]):
        return _joined(match[3], _month(match[1]), match[2])
    if match := _ISO.search(text):
        return _joined(match[1], match[2], match[3])
    return ""


def _month(name: str) -> str:
    number = _MONTHS.get(name[:3].lower())
    return str(number) if number else ""


def _joined(year: str, month: str | None, day: str | None) -> str:
    parts = [year, *(f"{int(part):02d}" for part in (month, day) if part and int(part))]
    return "-".join(parts)


def licence_of(text: str) -> str:
    """SPDX id of a licence address or statement; '' for what has none, such as 'all rights reserved' or a bare GPL."""
    text = text.strip()[:500]
    for pattern in (_CREATIVE, _NAMED):
        if match := pattern.search(text):
            return f"CC-{match[1].upper()}-{match[2]}"
    if _ZERO.search(text):
        return "CC0-1.0"
    return next((name for pattern, name in _OTHERS if pattern.search(text)), "")
