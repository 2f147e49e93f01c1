"""Prompts that hold hostile text: one single-pass fill, fences longer than any in the text, delimiters and chat tokens broken up."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

from rubric_factory import text
from rubric_factory.judging.parser import names
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import Criterion, Message, content_id

_SLOT = re.compile(r"\[\[(\w+)\]\]")
_FENCE = re.compile(r"`+")
# Control tokens of the chat templates of Llama 2/3/4, ChatML, Gemma, Mistral, DeepSeek (full-width bars), GLM, Phi, T5, thinking models.
_CHAT = re.compile(
    r"[<\uff1c][|\uff5c]|<</?SYS>>"
    r"|\[/?(?:INST|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|MODEL_SETTINGS|THINK|gMASK|BOS|EOS)\]"
    r"|</?(?:s|bos|eos|sop|eop|pad|unk|mask|think|tools|tool_call|tool_response|(?:start|end)_of_(?:turn|image)|(?:extra_id_|unused)\d+)>",
    re.IGNORECASE,
)
_DELIMITER = re.compile(r"={3,}")


@cache
def template(name: str) -> str:
    """Text of judging/prompts/<name>.txt."""
    return files("rubric_factory.judging").joinpath("prompts", f"{name}.txt").read_text(encoding="utf-8")


def prompt_hash(names: Sequence[str], *more: object) -> str:
    """sha256 hex digest over prompt files, and whatever else decides what is asked: part of a judge's identity."""
    return content_id("judge prompts", [template(name) for name in names], [str(part) for part in more])


def neutral(untrusted: str) -> str:
    """Untrusted text without invisible characters, its chat tokens and section delimiters broken up by blanks: readable, inert."""
    cleaned, _ = text.clean(untrusted)
    broken = _CHAT.sub(lambda match: f"{match[0][0]} {match[0][1:]}", cleaned)
    return _DELIMITER.sub(lambda match: " ".join(match[0]), broken)


def fenced(untrusted: str) -> str:
    """Neutralised text between fences of backticks, longer than any run of backticks in it."""
    inner = neutral(untrusted)
    fence = "`" * max(3, 1 + max((len(run) for run in _FENCE.findall(inner)), default=0))
    return f"{fence}\n{inner}\n{fence}"


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """Replace every [[slot]] of the pattern in one pass: a slot inside a value stays text. Errors: KeyError on an unknown slot."""
    return _SLOT.sub(lambda match: values[match[1]], pattern)


def rubric_text(criteria: Sequence[Criterion], *, weighted: bool = False) -> str:
    """Criteria as the judge sees them: no keys; weights and categories only where weighted, which is for the holistic mode alone."""
    one = text.squeeze  # a line break in a quote must not look like a line of ours
    blocks = []
    for name, criterion in zip(names(criteria), criteria, strict=True):
        lines = [f"{name}: {one(criterion.title)}", f"  what: {one(criterion.description)}"]
        lines += [f"  weight: {criterion.weight:+d} ({criterion.category})"] if weighted else []
        lines += [f"  required element: {one(element)}" for element in criterion.required_elements]
        lines += [f"  level {step.level}: {one(step.meaning)}" for step in criterion.scoring_guide]
        lines += [f"  check: {one(cue)}" for cue in criterion.verification_cues]
        lines += [f"  passage says: {one(evidence.quote)}" for evidence in criterion.evidence]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def messages(item: JudgeInput, criteria: Sequence[Criterion] = (), *, mode: str = "", weighted: bool = False) -> tuple[Message, ...]:
    """System and user message of one call. What a group shares (passage, question, rubric) stands first, the response last.

    criteria: of this call, all of the rubric unless given. mode: prompts system_<mode>.txt and user_<mode>.txt instead of the plain ones.
    """
    values = {
        "passage": fenced(item.passage),
        "question": fenced(item.question),
        "rubric": fenced(rubric_text(criteria or item.rubric.criteria, weighted=weighted)),
        "reference": fenced(item.reference),
        "response": fenced(item.response),
    }
    system, user = (f"{name}_{mode}" if mode else name for name in ("system", "user"))
    return (Message("system", template(system)), Message("user", fill(template(user), values)))
