"""The strict verdict parser: JSON only, exactly the criteria asked for, integer levels within range. Anything else is unparseable.

Criteria are named c1 .. cK in the order of the call: a reply cannot name what it was not asked, and keys of ours never reach the model.
A reply is never repaired: no fence is cut off, no prose skipped, no number read from text.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from rubric_factory import text as texts
from rubric_factory.judging.quotes import stands_in
from rubric_factory.records import Criterion, JudgeFailure, Verdict

MAX_REASON, MAX_QUOTE = 600, 300
_KEYS = ({"reason", "level"}, {"reason", "level", "quote"})


class Unparseable(ValueError):
    """The reply is not a verdict; the message says why. Becomes JudgeFailure.UNPARSEABLE, never shown as an error."""


def names(criteria: Sequence[Criterion]) -> list[str]:
    """c1 .. cK."""
    return [f"c{index}" for index in range(1, len(criteria) + 1)]


def reply_schema(criteria: Sequence[Criterion]) -> dict[str, Any]:
    """JSON schema of a reply: every string bounded, reason before quote before level, level null where the judge cannot tell."""
    return {
        "type": "object",
        "properties": {name: _entry(c) for name, c in zip(names(criteria), criteria, strict=True)},
        "required": names(criteria),
        "additionalProperties": False,
    }


def _entry(criterion: Criterion) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": MAX_REASON},
            "quote": {"type": "string", "maxLength": MAX_QUOTE},
            "level": {"enum": [*range(criterion.max_level + 1), None]},
        },
        "required": ["reason", "quote", "level"],
        "additionalProperties": False,
    }


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unparseable("a key occurs twice")
    return found


def _constant(name: str) -> NoReturn:
    raise Unparseable(f"{name} is not a level")


def read_object(text: str) -> dict[str, Any]:
    """The one JSON object that a reply is, no key twice at any depth, no NaN. Errors: Unparseable, and nothing else, for any text."""
    try:
        reply = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
    except Unparseable:
        raise
    except (ValueError, RecursionError) as error:  # ValueError: bad JSON, or an integer of more digits than Python takes
        raise Unparseable(f"not JSON: {type(error).__name__}") from None
    if not isinstance(reply, dict):
        raise Unparseable("not an object")
    return reply


def parse(text: str, criteria: Sequence[Criterion], response: str | None = None, *, must_quote: bool = True) -> tuple[Verdict, ...]:
    """Verdicts in the order of the criteria. A null level is an abstention on that criterion.

    response: as the judge was shown it; with one, a quote that is not in it voids its verdict (no level, unparseable), and so does, where
    must_quote, a level above 0 without any quote on a criterion with required elements. Errors: Unparseable, nothing else, for any text.
    """
    reply = read_object(text)
    if set(reply) != set(names(criteria)):
        raise Unparseable("not exactly the criteria asked for")
    pairs = list(zip(names(criteria), criteria, strict=True))
    verdicts = [_verdict(reply[name], criterion) for name, criterion in pairs]
    if response is None:
        return tuple(verdicts)
    shown = [_shown(v, reply[n].get("quote", ""), c, response, must_quote) for v, (n, c) in zip(verdicts, pairs, strict=True)]
    return tuple(shown)


def _verdict(entry: Any, criterion: Criterion) -> Verdict:
    if not isinstance(entry, dict) or set(entry) not in _KEYS:
        raise Unparseable("an entry has other keys than reason, quote and level")
    reason, level = entry["reason"], entry["level"]
    if not isinstance(reason, str) or not isinstance(entry.get("quote", ""), str):
        raise Unparseable("reason or quote is not text")
    if list(entry)[-1] != "level":
        raise Unparseable("the level stands before what it rests on")
    reason = texts.clean(reason)[0][:MAX_REASON]  # a lone surrogate, written as an escape, could not be stored
    if level is None:
        return Verdict(criterion.criterion_key, None, reason, JudgeFailure.ABSTAINED)
    if type(level) is not int or not 0 <= level <= criterion.max_level:
        raise Unparseable(f"a level is not an integer within 0 .. {criterion.max_level}")
    return Verdict(criterion.criterion_key, level, reason)


def _shown(verdict: Verdict, quote: str, criterion: Criterion, response: str, must_quote: bool) -> Verdict:
    """The verdict itself, or without its level where nothing in the response carries it."""
    if not verdict.level:
        return verdict
    if quote.strip():
        why = "" if stands_in(quote, response) else "a quote that is not in the response"
    else:
        why = "no quote" if must_quote and criterion.required_elements else ""
    reason = f"void, {why}: {verdict.reason}"[:MAX_REASON]
    return Verdict(verdict.criterion_key, None, reason, JudgeFailure.UNPARSEABLE) if why else verdict
