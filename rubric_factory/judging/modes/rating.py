"""What the modes that rate the whole response share: one integer from 1 to 10 (RaR, arXiv 2507.17746), its reason first."""

from typing import Any

from rubric_factory import text
from rubric_factory.judging import parser, prompting
from rubric_factory.judging.modes.protocol import Call, Mode
from rubric_factory.judging.parser import MAX_REASON, Unparseable
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Rating

LOWEST, HIGHEST = 1, 10
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": MAX_REASON},
        "rating": {"enum": [*range(LOWEST, HIGHEST + 1), None]},
    },
    "required": ["reason", "rating"],
    "additionalProperties": False,
}


def read(reply: str) -> Rating | None:
    """The rating of a reply, None for a null one. Errors: Unparseable, and nothing else, for any text."""
    found = parser.read_object(reply)
    if list(found) != ["reason", "rating"] or not isinstance(found["reason"], str):
        raise Unparseable("not exactly a reason and then a rating")
    rating = found["rating"]
    if rating is None:
        return None
    if type(rating) is not int or not LOWEST <= rating <= HIGHEST:
        raise Unparseable(f"a rating is not an integer within {LOWEST} .. {HIGHEST}")
    return Rating(rating, LOWEST, HIGHEST, text.clean(found["reason"])[0][:MAX_REASON])


def rating_mode(name: str, *, weighted: bool = False) -> Mode:
    """The mode of prompts/system_<name>.txt and user_<name>.txt, one call an answer."""

    def calls(item: JudgeInput, grading: object) -> tuple[Call, ...]:
        return (Call(prompting.messages(item, mode=name, weighted=weighted), SCHEMA, read),)

    return Mode((f"system_{name}", f"user_{name}"), calls, (LOWEST, HIGHEST))
