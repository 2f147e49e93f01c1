"""The replies a language-model author must give: strict models, the JSON schemas sent with the requests, and what they can cost in tokens.

A schema holds no $ref and bounds every string and list, so that constrained decoding ends even where a model by itself would not. A
server's enforcement is never trusted: every reply is parsed with the same bounds.
"""

import json
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from rubric_factory.records import Category
from rubric_factory.settings.author import Difficulty, WritingSettings

QuestionType = Literal["explain", "compare", "predict", "justify", "compute", "critique", "design"]
# What a reply can be: whole tasks, questions alone, one reference answer, one rubric, one mended task.
Kind = Literal["tasks", "questions", "reference", "rubric", "repair"]
MAX_WEIGHT = 5
_make: Any = create_model  # its overloads know no fields from a dictionary
# Lists of one criterion: (from, to) items.
_ELEMENTS, _LEVELS, _CUES, _QUOTES = (1, 3), (2, 3), (1, 2), (1, 2)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CriterionReply(_Strict):
    """One criterion. weight is a size, the category gives its sign. scoring_guide: meanings of the levels 0, 1, … max.

    number: in a mended task, that of the criterion as it was shown; 0 for a new one.
    """

    number: int = 0
    evidence: tuple[str, ...]
    title: str
    description: str
    category: Category
    weight: int
    required_elements: tuple[str, ...]
    scoring_guide: tuple[str, ...]
    verification_cues: tuple[str, ...]


class QuestionReply(_Strict):
    """One question."""

    question_type: QuestionType
    difficulty: Difficulty
    question: str


class ReferenceReply(_Strict):
    """One reference answer."""

    reference_answer: str


class RubricReply(_Strict):
    """One rubric."""

    criteria: tuple[CriterionReply, ...]


class TaskReply(_Strict):
    """One task."""

    question_type: QuestionType
    difficulty: Difficulty
    question: str
    reference_answer: str
    criteria: tuple[CriterionReply, ...]


def _text(characters: int) -> Any:
    return Annotated[str, Field(min_length=1, max_length=characters)]


def _many(item: Any, band: tuple[int, int]) -> Any:
    return Annotated[tuple[item, ...], Field(min_length=band[0], max_length=band[1])]


def _criteria(writing: WritingSettings, numbered: bool) -> Any:
    phrase, statement, quote = _text(writing.phrase_characters), _text(writing.statement_characters), _text(writing.quote_characters)
    fields: dict[str, Any] = {
        "evidence": _many(quote, _QUOTES),
        "title": phrase,
        "description": statement,
        "category": Category,
        "weight": Annotated[int, Field(ge=1, le=MAX_WEIGHT)],
        "required_elements": _many(phrase, _ELEMENTS),
        "scoring_guide": _many(phrase, _LEVELS),
        "verification_cues": _many(phrase, _CUES),
    }
    if numbered:
        fields = {"number": Annotated[int, Field(ge=0, le=writing.max_criteria)], **fields}
    criterion = _make("Criterion", __base__=_Strict, **{name: (kind, ...) for name, kind in fields.items()})
    return _many(criterion, (writing.min_criteria, writing.max_criteria))


@cache
def item_model(kind: Kind, writing: WritingSettings) -> type[BaseModel]:
    """One item of a reply with the limits of the settings: a task, a question, or the whole of a reply that holds one thing."""
    question = {"question_type": QuestionType, "difficulty": Difficulty, "question": _text(writing.question_characters)}
    reference = {"reference_answer": _text(writing.reference_characters)}
    criteria = {"criteria": _criteria(writing, numbered=kind == "repair")}
    fields: dict[str, Any] = {
        "questions": question,
        "reference": reference,
        "rubric": criteria,
        "tasks": question | reference | criteria,
        "repair": question | reference | criteria,
    }[kind]
    made: type[BaseModel] = _make(kind.capitalize(), __base__=_Strict, **{name: (found, ...) for name, found in fields.items()})
    return made


def items(kind: Kind, writing: WritingSettings) -> int | None:
    """How many items the `tasks` of a reply may hold; None for a reply that is one item itself."""
    return {"tasks": writing.tasks_per_passage, "questions": writing.tasks_per_passage, "repair": 1}.get(kind)


def _inlined(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A schema node with its $ref replaced by what it names, and without prose (titles, descriptions)."""
    if "$ref" in node:
        return _inlined(definitions[node["$ref"].rsplit("/", 1)[1]], definitions)
    found = {key: value for key, value in node.items() if key not in ("title", "description", "$defs")}
    if "properties" in found:
        found["properties"] = {name: _inlined(child, definitions) for name, child in found["properties"].items()}
    if "items" in found:
        found["items"] = _inlined(found["items"], definitions)
    return found


@cache
def reply_schema(kind: Kind, writing: WritingSettings) -> dict[str, Any]:
    """JSON schema of a reply: objects in a fixed order of keys, no $ref, every string, list and integer bounded. Do not change it."""
    schema = item_model(kind, writing).model_json_schema()
    item = _inlined(schema, schema.get("$defs", {}))
    most = items(kind, writing)
    if most is None:
        return item
    tasks = {"type": "array", "items": item, "minItems": 0, "maxItems": most}
    return {"type": "object", "properties": {"tasks": tasks}, "required": ["tasks"], "additionalProperties": False}


def longest_json(schema: dict[str, Any]) -> int:
    """Characters of the longest JSON text that a bounded schema allows, one blank after , and :, escapes not counted.

    Errors: KeyError for an unbounded schema.
    """
    if "enum" in schema:
        return max(len(json.dumps(value)) for value in schema["enum"])
    if schema["type"] == "object":
        return 2 + sum(len(json.dumps(name)) + 4 + longest_json(child) for name, child in schema["properties"].items())
    if schema["type"] == "array":
        return 2 + int(schema["maxItems"]) * (longest_json(schema["items"]) + 2)
    if schema["type"] == "string":
        return 2 + int(schema["maxLength"])
    return max(len(str(schema["minimum"])), len(str(schema["maximum"])))


def token_bound(kind: Kind, writing: WritingSettings) -> int:
    """Tokens above what the schema allows, at one a character: byte-pair tokens hold several; escapes and rare scripts take more.

    A reply cut off all the same is a Rejection 'truncated', never a task.
    """
    return longest_json(reply_schema(kind, writing)) + 1
