"""The reply a language-model author must give: strict models, the JSON schema sent with the request, and what it can cost in tokens.

The schema holds no $ref and bounds every string and list, so that constrained decoding ends even where a model by itself would not.
"""

import json
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from rubric_factory.records import Category
from rubric_factory.settings.author import WritingSettings

QuestionType = Literal["explain", "compare", "predict", "justify", "compute", "critique", "design"]
MAX_WEIGHT = 5
# Lists of one criterion: (from, to) items.
_ELEMENTS, _LEVELS, _CUES, _QUOTES = (1, 4), (2, 3), (1, 2), (1, 2)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class CriterionReply(_Strict):
    """One criterion. weight is a size, the category gives its sign. scoring_guide: meanings of the levels 0, 1, … max."""

    title: str
    description: str
    category: Category
    weight: int
    required_elements: tuple[str, ...]
    scoring_guide: tuple[str, ...]
    verification_cues: tuple[str, ...]
    evidence: tuple[str, ...]


class TaskReply(_Strict):
    """One task."""

    question: str
    question_type: QuestionType
    reference_answer: str
    criteria: tuple[CriterionReply, ...]


class Reply(_Strict):
    """All tasks of one passage."""

    tasks: tuple[TaskReply, ...]


def _text(characters: int) -> Any:
    return Annotated[str, Field(min_length=1, max_length=characters)]


def _many(item: Any, band: tuple[int, int]) -> Any:
    return Annotated[tuple[item, ...], Field(min_length=band[0], max_length=band[1])]


@cache
def reply_model(writing: WritingSettings) -> type[Reply]:
    """Reply with the limits of the settings: what a reply is parsed with. A server's schema enforcement is never trusted."""
    phrase, statement = _text(writing.phrase_characters), _text(writing.statement_characters)
    criterion = create_model(
        "BoundedCriterion",
        __base__=CriterionReply,
        title=(phrase, ...),
        description=(statement, ...),
        weight=(Annotated[int, Field(ge=1, le=MAX_WEIGHT)], ...),
        required_elements=(_many(phrase, _ELEMENTS), ...),
        scoring_guide=(_many(phrase, _LEVELS), ...),
        verification_cues=(_many(phrase, _CUES), ...),
        evidence=(_many(statement, _QUOTES), ...),
    )
    task = create_model(
        "BoundedTask",
        __base__=TaskReply,
        question=(_text(writing.question_characters), ...),
        reference_answer=(_text(writing.reference_characters), ...),
        criteria=(_many(criterion, (writing.min_criteria, writing.max_criteria)), ...),
    )
    return create_model("BoundedReply", __base__=Reply, tasks=(_many(task, (1, writing.tasks_per_passage)), ...))


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


def reply_schema(writing: WritingSettings) -> dict[str, Any]:
    """JSON schema of the reply: objects in a fixed order of keys, no $ref, every string, list and integer bounded."""
    schema = reply_model(writing).model_json_schema()
    return _inlined(schema, schema.get("$defs", {}))


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


def token_bound(writing: WritingSettings) -> int:
    """Tokens above what the schema allows, at one a character: byte-pair tokens hold several; escapes and rare scripts take more.

    A reply cut off all the same is a Rejection 'truncated', never a task.
    """
    return longest_json(reply_schema(writing)) + 1
