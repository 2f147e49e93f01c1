"""Requests of the language-model author: prompt files filled in one pass, document text fenced, behind a delimiter nobody can foresee."""

import hashlib
from functools import cache
from importlib.resources import files

from rubric_factory.authoring.reply import reply_schema, token_bound
from rubric_factory.judging.prompting import fenced, fill
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Message, Passage, content_id
from rubric_factory.settings.author import WritingSettings
from rubric_factory.settings.llm import Sampling
from rubric_factory.text import printable

_FILES = ("system", "user")


@cache
def template(name: str) -> str:
    """Text of authoring/prompts/<name>.txt."""
    return files("rubric_factory.authoring").joinpath("prompts", f"{name}.txt").read_text(encoding="utf-8")


@cache
def prompt_hash() -> str:
    """sha256 hex digest over the prompt files: part of the author's identity, and so of every row."""
    return hashlib.sha256("\0".join(template(name) for name in _FILES).encode()).hexdigest()


def delimiter(passage: Passage, seed: int) -> str:
    """A line no passage can hold: its digits depend on the passage's own hash. Seeded, so that the request, and its ledger key, recur."""
    return f"====={content_id('delimiter', seed, passage.passage_id)[:16]}====="


@cache
def system_text(writing: WritingSettings) -> str:
    """The system message: the same for every passage, so that a server computes it once."""
    count = writing.tasks_per_passage
    values = {name: str(getattr(writing, name)) for name in WritingSettings.model_fields}
    return fill(template("system"), {**values, "tasks": "one task" if count == 1 else f"up to {count} different tasks"})


def author_request(passage: Passage, title: str, writing: WritingSettings, sampling: Sampling, seed: int) -> Request:
    """The one request of a passage; request_id = passage_id. max_tokens: as in the settings, or what the schema allows if less."""
    values = {"delimiter": delimiter(passage, seed), "title": printable(title, 300) or "(none)", "passage": fenced(passage.text)}
    return Request(
        request_id=passage.passage_id,
        messages=(Message("system", system_text(writing)), Message("user", fill(template("user"), values))),
        max_tokens=min(sampling.max_tokens, token_bound(writing)),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=seed,
        schema=reply_schema(writing),
    )
