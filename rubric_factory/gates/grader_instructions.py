"""grader_instructions: text that speaks to the grader instead of describing an answer: injections, chat-template tokens, fake verdicts."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import task_texts
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable

_GRADER = r"(?:judge|grader|evaluator|examiner|scorer|rater|assessor|language model|llm|ai|assistant)"
_CREDIT = (
    r"(?:full|maximum|max|top|highest|perfect|complete|all)(?: available| possible)? (?:marks?|points?|credits?|scores?|levels?|grades?)"
)
_UNCONDITIONAL = r"(?:regardless|always|any|every|all|no matter|irrespective|unconditional\w*|automatic\w*)"
_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instructions?|prompts?|rubric|grading|guidelines?)\b",
        r"\b(?:ignore|disregard|forget) (?:all|any|every\w*)\b.{0,20}\b(?:above|previous|prior|preceding|before)\b",
        rf"\b(?:give|award|assign|grant|mark|score|rate)\b.{{0,40}}\b{_CREDIT}\b.{{0,60}}\b{_UNCONDITIONAL}\b",
        rf"\b{_UNCONDITIONAL}\b.{{0,60}}\b{_CREDIT}\b",
        rf"\b{_UNCONDITIONAL}\b.{{0,60}}\b(?:criteri\w+|answers?|responses?) (?:is|are|be|as) (?:met|satisfied|correct|passed)\b",
        rf"\b(?:dear|attention|note (?:to|for)|hey|hello|hi)(?: an?| the)?(?: \w+)? {_GRADER}\b",
        rf"\byou are (?:now )?(?:an?|the) (?:\w+ )?{_GRADER}\b",
        r"\b(?:mark|treat|count|consider|score|grade) (?:this|all|every|any|each) (?:criteri\w+|answers?|responses?|items?) "
        r"as (?:met|satisfied|correct|full|passed)\b",
        r"\bsystem prompt\b|\bdeveloper message\b|\bjailbreak\b",
        r"<\|[^|>\n]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>",
        r"(?:^|\n)\s*(?:#{2,}\s*)?(?:system|assistant|human|user|instruction)\s*:",
        r"[{,\[]\s*[\"']?(?:verdicts?|scores?|levels?|grades?|met|criterion_key|criterion_id|criteria_met)[\"']?"
        r"\s*:\s*(?:[\"'{\[\d]|true|false)",
        r"</?(?:answer|response|passage|rubric|criteri\w+|document|verdict)>",
    )
)
# A plain grant of credit is a scoring guide's business, and nobody else's.
_GRANT = re.compile(rf"\b(?:give|award|assign|grant|deserves?|must receive)\b.{{0,40}}\b{_CREDIT}\b", re.I)


def grader_instructions(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of suspicious phrases in everything the author wrote and in the evidence it quotes."""
    del settings
    texts = [*task_texts(item.task), *(("evidence", e.quote) for c in item.task.rubric.criteria for e in c.evidence)]
    found = [f"{field}: {match.group()}" for field, text in texts for pattern in _PATTERNS for match in pattern.finditer(text)]
    found += [f"{field}: {m.group()}" for field, text in texts if field not in ("scoring_guide", "evidence") for m in _GRANT.finditer(text)]
    return GateFinding(not found, len(found), printable(found[0], 120) if found else "")
