"""The strict verdict parser: JSON only, exactly the rubric's criteria, integer levels within range. Anything else is unparseable.

Criteria are named c1 .. cK in rubric order: a reply cannot name what it was not asked, and keys of ours never reach the model.
"""

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from rubric_factory.records import Criterion, JudgeFailure, Rubric, Verdict

MAX_REASON, MAX_QUOTE = 600, 300
_KEYS = ({"reason", "level"}, {"reason", "level", "quote"})


class Unparseable(ValueError):
    """The reply is not a verdict; the message says why. Becomes JudgeFailure.UNPARSEABLE, never shown as an error."""


def names(rubric: Rubric) -> list[str]:
    """c1 .. cK."""
    return [f"c{index}" for index in range(1, len(rubric.criteria) + 1)]


def reply_schema(rubric: Rubric) -> dict[str, Any]:
    """JSON schema of a reply: every string bounded, reason before level, level null where the judge cannot tell."""
    return {
        "type": "object",
        "properties": {name: _entry(c) for name, c in zip(names(rubric), rubric.criteria, strict=True)},
        "required": names(rubric),
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
        "required": ["reason", "level"],
        "additionalProperties": False,
    }


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unparseable("a key occurs twice")
    return found


def _constant(name: str) -> NoReturn:
    raise Unparseable(f"{name} is not a level")


def parse(text: str, rubric: Rubric) -> tuple[Verdict, ...]:
    """Verdicts in rubric order. A null level is an abstention on that criterion. Errors: Unparseable, and nothing else, for any text."""
    try:
        reply = json.loads(text, object_pairs_hook=_unique, parse_constant=_constant)
    except Unparseable:
        raise
    except (ValueError, RecursionError) as error:  # ValueError: bad JSON, or an integer of more digits than Python takes
        raise Unparseable(f"not JSON: {type(error).__name__}") from None
    if not isinstance(reply, dict) or set(reply) != set(names(rubric)):
        raise Unparseable("not exactly the criteria asked for")
    return tuple(_verdict(reply[name], criterion) for name, criterion in zip(names(rubric), rubric.criteria, strict=True))


def _verdict(entry: Any, criterion: Criterion) -> Verdict:
    if not isinstance(entry, dict) or set(entry) not in _KEYS:
        raise Unparseable("an entry has other keys than reason, level and, if any, quote")
    reason, level = entry["reason"], entry["level"]
    if not isinstance(reason, str) or not isinstance(entry.get("quote", ""), str):
        raise Unparseable("reason or quote is not text")
    if next(iter(entry)) == "level":
        raise Unparseable("the level stands before its reason")
    if level is None:
        return Verdict(criterion.criterion_key, None, reason[:MAX_REASON], JudgeFailure.ABSTAINED)
    if type(level) is not int or not 0 <= level <= criterion.max_level:
        raise Unparseable(f"a level is not an integer within 0 .. {criterion.max_level}")
    return Verdict(criterion.criterion_key, level, reason[:MAX_REASON])
