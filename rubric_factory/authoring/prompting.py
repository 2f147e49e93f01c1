"""Requests of the language-model author: prompt files filled in one pass, document text fenced, behind a delimiter nobody can foresee.

The system message is the same for every passage and stands first, so that a server computes it once; the passage comes after it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from rubric_factory.authoring import marking
from rubric_factory.authoring.reply import Kind, reply_schema, token_bound
from rubric_factory.judging.prompting import fenced, fill
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Message, Passage, content_id
from rubric_factory.settings.author import ContrastMode, LanguageModelAuthor, WithheldSectionMode, WritingSettings
from rubric_factory.text import printable

Step = Literal["tasks", "questions", "reference", "rubric", "contrast", "repair", "focus", "brief", "closed"]
_WHOLE = ("assignment", "question", "reference", "rubric", "example", "reply_tasks")


@dataclass(frozen=True, slots=True)
class Files:
    """Prompt files of a step: the system message is made of `system`, what follows the passage of `ask`. reply: None for free text.

    user: what shows the passage.
    """

    system: tuple[str, ...]
    ask: str
    reply: Kind | None
    user: str = "user"


STEPS: dict[Step, Files] = {
    "tasks": Files(_WHOLE, "ask_tasks", "tasks"),
    "questions": Files(("assignment", "question", "reply_questions"), "ask_tasks", "questions"),
    "reference": Files(("assignment", "reference", "reply_reference"), "ask_reference", "reference"),
    "rubric": Files(("assignment", "rubric", "reply_rubric"), "ask_rubric", "rubric"),
    "contrast": Files(("assignment", "rubric", "contrast", "reply_rubric"), "ask_contrast", "rubric"),
    "repair": Files(("assignment", "question", "reference", "rubric", "reply_repair"), "ask_repair", "repair"),
    "focus": Files(_WHOLE, "ask_focus", "tasks"),
    "brief": Files(("answer_brief",), "ask_brief", None),
    "closed": Files(("answer_closed",), "", None),
}
# Steps that are asked otherwise where a paper's visible part is shown beside the withheld passage.
_IN_TWO = ("withheld_assignment", "question", "withheld", "reference", "rubric")
WITHHELD_STEPS: dict[Step, Files] = {
    "tasks": Files((*_IN_TWO, "withheld_example", "reply_tasks"), "ask_tasks", "tasks", "withheld_user"),
    "repair": Files((*_IN_TWO, "reply_repair"), "ask_repair", "repair", "withheld_user"),
    "focus": Files((*_IN_TWO, "withheld_example", "reply_tasks"), "ask_focus", "tasks", "withheld_user"),
}


def files_of(step: Step, section: LanguageModelAuthor) -> Files:
    """Prompt files of a step of an author of these settings."""
    own = WITHHELD_STEPS if isinstance(section.mode, WithheldSectionMode) else STEPS
    return own.get(step, STEPS[step])


def steps_of(section: LanguageModelAuthor) -> tuple[Step, ...]:
    """Every step that an author of these settings may take. A work list (requests.jsonl) may ask any of them for more: focus."""
    if isinstance(section.mode, ContrastMode):
        found: tuple[Step, ...] = ("questions", "reference", "brief", "closed", "contrast")
    elif isinstance(section.mode, WithheldSectionMode) or section.mode.calls == 1:
        found = ("tasks",)
    else:
        found = ("questions", "reference", "rubric")
    found += ("rubric",) if section.merge else ()
    return (*found, "focus", *(("repair",) if section.repair_rounds else ()), *(("closed",) if section.weak_answer else ()))


@cache
def template(name: str) -> str:
    """Text of authoring/prompts/<name>.txt."""
    return files("rubric_factory.authoring").joinpath("prompts", f"{name}.txt").read_text(encoding="utf-8")


def prompt_files(section: LanguageModelAuthor) -> dict[str, str]:
    """File name -> sha256 hex digest of every prompt file that an author of these settings may use."""
    used = [files_of(step, section) for step in steps_of(section)]
    names = {name for step in used for name in (*step.system, step.ask) if name} | {step.user for step in used if step.ask}
    names |= {"hints"} if section.repair_rounds else set()
    return {f"{name}.txt": hashlib.sha256(template(name).encode()).hexdigest() for name in sorted(names)}


def prompt_hash(section: LanguageModelAuthor) -> str:
    """sha256 hex digest over prompt_files: part of the author's identity, and so of every row."""
    return content_id("prompts", prompt_files(section))


def delimiter(passage: Passage, seed: int) -> str:
    """A line no passage can hold: its digits depend on the passage's own hash, and a run of = is broken up in whatever is fenced.

    Seeded, so that the request, and its ledger key, recur.
    """
    return f"====={content_id('delimiter', seed, passage.passage_id)[:16]}====="


def canary(seed: int) -> str:
    """A token of the system message that no honest reply holds. The same for every passage: the system message is shared."""
    return content_id("canary", seed)[:12]


def plan(step: Step, writing: WritingSettings) -> str:
    """What is asked for: 'up to 3 tasks (difficulty of each, in order: medium, hard, easy)'."""
    count, noun = writing.tasks_per_passage, "question" if step == "questions" else "task"
    wanted = [writing.difficulties[slot % len(writing.difficulties)] for slot in range(count)]
    if count == 1:
        return f"one {noun} (difficulty: {wanted[0]})"
    return f"up to {count} {noun}s (difficulty of each, in order: {', '.join(wanted)})"


@cache
def system_text(system: tuple[str, ...], writing: WritingSettings, seed: int) -> str:
    """The system message made of these files: the same for every passage."""
    values = {name: str(getattr(writing, name)) for name in WritingSettings.model_fields} | {"canary": canary(seed)}
    return fill("".join(template(name) for name in system), values)


def _user_text(step: Step, section: LanguageModelAuthor, seed: int, passage: Passage, title: str, values: Mapping[str, str]) -> str:
    """The user message: the passage, then what to do with it. values are untrusted: each is fenced."""
    writing, used = section.writing, files_of(step, section)
    where = "the visible part and the passage" if used.user == "withheld_user" else "the passage"
    text, note = marking.marked(passage, seed, where) if writing.datamarking else (passage.text, "")
    own = {
        "delimiter": delimiter(passage, seed),
        "title": printable(title, 300) or "(none)",
        "passage": fenced(text),
        "marking": note,
        "plan": plan(step, writing),
    }
    return fill(template(used.user) + template(used.ask), {**{name: fenced(value) for name, value in values.items()}, **own})


def request(
    step: Step, section: LanguageModelAuthor, seed: int, passage: Passage, title: str = "", *, part: str = "", **values: str
) -> Request:
    """A request of a step. request_id = '<passage_id>/<part>' (part: by default the step), distinct for the parts of one passage.

    values: what the step's file asks for besides the passage. max_tokens: as in the settings, or what the schema allows if less.
    """
    used, writing, sampling = files_of(step, section), section.writing, section.sampling
    kind = used.reply
    weaker = getattr(section.mode, "answer_temperature", None) if step in ("brief", "closed") else None
    user = values["question"] if step == "closed" else _user_text(step, section, seed, passage, title, values)
    return Request(
        request_id=f"{passage.passage_id}/{part or step}",
        messages=(Message("system", system_text(used.system, writing, seed)), Message("user", user)),
        max_tokens=section.answer_tokens if kind is None else min(sampling.max_tokens, token_bound(kind, writing)),
        temperature=sampling.temperature if weaker is None else weaker,
        top_p=sampling.top_p,
        seed=seed,
        schema=None if kind is None else reply_schema(kind, writing),
        subject=passage.passage_id,
        part=part or step,
    )
