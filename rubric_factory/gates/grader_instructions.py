"""grader_instructions: text that speaks to the grader instead of describing an answer: injections, chat-template tokens, fake verdicts."""

import re
from collections.abc import Iterable

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.gates.wording import task_texts
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable

_PERSON = r"(?:judge|grader|evaluator|examiner|scorer|rater|assessor|marker)"
# An "AI engineer" or an "assistant professor" is somebody else.
_MODEL = r"(?:language model|llm|ai|assistant)(?=\s*(?:[.,;:!?]|$|(?:and|that|who|whose|here|now|for)\b))"
_GRADER = rf"(?:{_PERSON}\b|{_MODEL})"
_CREDIT = (
    r"(?:(?:full|maximum|max|top|highest|perfect|complete)(?: available| possible)? (?:marks?|points?|credits?|scores?|levels?|grades?)|"
    r"all(?: available| possible)? (?:marks|points|credits?))"
)
_UNCONDITIONAL = r"(?:regardless|always|any|every|all|no matter|irrespective|whatever|whichever|anything|unconditional\w*|automatic\w*)"
# What a chat model says around what it was asked for.
_CHAT = (
    r"^\W*(?:sure|certainly|of course|okay|ok|absolutely|great question)\b\s*[,!.:]",
    r"\bas an ai\b(?! (?:engineer|researcher)\b)",
    r"\blet me know (?:if|whether)\b|\bi hope (?:this|that|it) helps\b",
    r"\bhere (?:is|are) (?:the|your|my|a|an)\b[^.?!]{0,20}\b(?:question|answer|task|rubric|criteri\w+)\b[^.?!]{0,10}:|"
    r"\bhere you (?:are|go)\b",
    r"\blet me (?:write|think|create|draft|try|start|see)\b",
    r"</?think(?:ing)?>|^\s*```|```\s*$",
)
# Markup around a text, and what it hides.
_MARKUP = (
    r"^\s*<(?:p|b|i|em|strong|div|span|h\d|li|ul|ol|u|font|html|body|section|article)\b[^>]*>|</(?:p|b|i|em|strong|div|span|h\d|li|ul|ol|u)>\s*$",
    r"<!--",
)
# Pleas for credit that nothing earns.
_LENIENCE = (
    r"\b(?:be|grade|mark|rate|score|judge)\b(?: \w+){0,2} (?:lenient(?:ly)?|generous(?:ly)?|forgiving(?:ly)?|kindly)\b",
    r"\bbenefit of the doubt\b|\b(?:when|if) in doubt\b[^.]{0,25}\b(?:mark|give|accept|count|award|credit|met)\b",
    r"\b(?:do not|don't|never) (?:deduct|penali[sz]e|take off)\b",
    r"\baccept (?:any|every|all) (?:\w+ )?(?:wording|answer|attempt|formulation|response|phrasing)s?\b",
    r"\b(?:count|treat|accept|mark|regard) (?:an? |any |even )?(?:\w+ )?(?:partial|incomplete|vague|partly right|wrong) "
    r"(?:answer|attempt|response|statement)s? as\b",
    r"\b(?:mark|count|treat|accept|rate|grade|regard)(?: \w+)? as (?:satisfied|met|correct|fulfilled|passed|sufficient) "
    r"(?:even|if|when|regardless|anyway)\b",
    r"\binstructions? (?:for|to|on) (?:the |how to )?(?:scor|grad|evaluat|mark|judg|rat)\w*",
)
_PATTERNS = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:rubric|grading|scoring)\b",
        # Processors ignore instructions, too, and shells override prompts: whose they are tells.
        r"\b(?:ignore|disregard|forget|override|bypass) (?:about |all |any |every |the |of |these )*"
        r"(?:your|my|our|previous|prior|earlier|above|preceding|foregoing|former|original|system)\b.{0,25}"
        r"\b(?:instructions?|prompts?|guidelines?|rules?|orders?)\b",
        r"\b(?:ignore|disregard|forget) (?:all|any|every) (?:of )?(?:the |these )?(?:instructions?|prompts?|guidelines?)\b",
        r"\b(?:ignore|disregard|forget) (?:all|any|every\w*)\b.{0,20}\b(?:above|previous|prior|preceding|before)\b",
        rf"\b(?:give|award|assign|grant|mark|score|rate)\b.{{0,40}}\b{_CREDIT}\b.{{0,60}}\b{_UNCONDITIONAL}\b",
        rf"\b{_UNCONDITIONAL}\b.{{0,60}}\b{_CREDIT}\b",
        rf"\b{_UNCONDITIONAL}\b.{{0,60}}\b(?:criteri\w+|answers?|responses?) (?:is|are|be|as) (?:met|satisfied|correct|passed)\b",
        rf"\b(?:dear|note (?:to|for))(?: an?| the)?(?: \w+)? {_GRADER}",
        *_CHAT,
        *_MARKUP,
        rf"\b{_CREDIT} (?:for|to|with) (?:any|every|anything|whatever|all)\w*\b",
        r"\b(?:result|judge?ment|assessment|evaluation|decision|outcome|status)\s*:\s*"
        r"(?:\w+ ){0,2}(?:met|correct|pass(?:ed)?|satisfied|accepted)\b",
        r"\bwhoever (?:scores|grades|marks|rates|judges|evaluates|assesses)\b",
        r"\b(?:answers?|responses?|submissions?) (?:are|is|will be) "
        r"(?:rated|graded|scored|marked|judged|evaluated|assessed) (?:on|by|for|according)\b",
        *_LENIENCE,
        rf"(?:^|[.!?(]\s*)(?:for|to) (?:the |all )?{_PERSON}s?\s*:",
        r"\b(?:grader|evaluator|examiner|scorer|rater|assessor|judge|marker)s? (?:should|must|is to|are to)(?: \w+)? "
        r"(?:check|look|keep|bear|note|see|verify|ensure|consider|remember|be)\b",
        rf"(?:^|[.!?(]\s*)(?:{_PERSON}|reviewer)s?,? (?:please|note|remember|see)\b",
        rf"(?:^|[.!?(]\s*)(?:attention|hey|hello|hi),?(?: an?| the)?(?: \w+)? {_GRADER}",
        rf"\byou are (?:now )?(?:an?|the) (?:\w+ )?{_GRADER}",
        rf"\bas (?:an?|the|our) (?:\w+ )?{_GRADER},? (?:please|you)\b|\b{_PERSON}s?,? please\b|\bplease,? {_PERSON}s?\b",
        rf"\b{_PERSON}s? (?:should|must|may|shall|can|ought to|ha(?:s|ve) to|(?:is|are)(?: asked)? to) (?:\w+ ){{0,2}}"
        r"(?:accept|mark|score|rate|award|treat|count|grade|give|pass|ignore|forgive)\b",
        rf"\b{_PERSON}s? ?:",
        r"\b(?:do not|don't|never|no need to) (?:follow|apply|obey|use)\b.{0,20}\b(?:rubric|grading)\b",
        r"\b(?:skip|stop|bypass|suspend) (?:the |this |any |all )?(?:grading|scoring|evaluation)\b",
        r"\b(?:anything|whatever|everything)\b.{0,40}\b(?:counts?|passes|is|are) (?:as )?(?:correct|right|met)\b",
        r"\b(?:any|every|all|each|whatever) (?:answers?|responses?|attempts?|submissions?|criteri\w+|wording)\b.{0,40}"
        r"\b(?:count|mark|treat|accept|grade|score|rate|regard|consider)ed (?:as )?"
        r"(?:correct|met|satisfied|right|passed|full\w*|valid|acceptable)\b",
        r"\b(?:verdict|score|grade|rating|marks?) ?[:=] ?(?:(?:fully )?(?:un)?met\b|pass(?:ed)?\b|fail(?:ed)?\b|full\b|"
        r"\d+ ?(?:/|out of|of) ?\d+|[A-F][+-]?(?=\W*$))",
        r"\ball (?:the )?criteria (?:are |have been |were )?(?:satisfied|met|fulfilled|passed)\b",
        r"\b(?:mark|treat|count|consider|score|grade) (?:this|all|every|any|each) (?:criteri\w+|answers?|responses?|items?) "
        r"as (?:met|satisfied|correct|full|passed)\b",
        r"\bsystem prompt\b|\bdeveloper message\b|\bjailbreak\b",
        r"<\|[^|>\n]{1,40}\|>|\[/?INST\]|<</?SYS>>|</?s>|<(?:start|end)_of_turn>",
        r"(?:(?:^|\n)[^\S\n]*|(?<!#)#{2,}\s*)(?:system|assistant|human|user|instruction|response)\s*:",
        r"[{,\[]\s*[\"']?(?:verdicts?|scores?|levels?|grades?|met|criterion_key|criterion_id|criteria_met)[\"']?"
        r"\s*:\s*(?:[\"'{\[\d]|true|false)",
        r"</?(?:answer|response|passage|rubric|criteri\w+|document|verdict|instructions?)>|\[(?:system|assistant|user)\]",
    )
)
# A plain grant of credit is a scoring guide's business, and nobody else's. "The highest score" is what a ranking gives, too.
_GRANT = re.compile(
    r"\b(?:give|award|assign|grant|deserves?|must receive)\b.{0,40}"
    r"\b(?:full|maximum|max|top|perfect) (?:marks?|credits?|points?|grades?)\b",
    re.I,
)
# Points are the grader's business. An order, where a statement would begin; "gives two points of contact" is none.
_POINTS = re.compile(
    r"(?:^|[.;:!?]\s+)(?:deduct|subtract|take off)\b[^.]{0,30}\b(?:for|if|when|where|unless)\b|"
    r"(?:^|[.;:!?]\s+)(?:award|give|grant|deduct|subtract|assign|take off)\b[^.]{0,25}\b(?:points?|marks?|credits?)\b|"
    r"\bworth (?:\w+ ){0,2}(?:points?|marks?)\b|\b(?:half|partial|bonus|extra) (?:marks?|credits?|points?)\b",
    re.I,
)
_LONGEST = 6000  # characters
_CRITERION = frozenset({"title", "description", "required_elements", "verification_cues"})


def suspicious(texts: Iterable[tuple[str, str]]) -> list[str]:
    """Phrases to a grader in (field, text) pairs, each with its field; of a text that no field may be as long as, both ends are read."""
    texts = [(field, text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} {text[-_LONGEST // 2 :]}") for field, text in texts]
    found = [f"{field}: {match.group()}" for field, text in texts for pattern in _PATTERNS for match in pattern.finditer(text)]
    found += [f"{field}: {m.group()}" for field, text in texts if field not in ("scoring_guide", "evidence") for m in _GRANT.finditer(text)]
    return found + [f"{field}: {match.group()}" for field, text in texts if field in _CRITERION for match in _POINTS.finditer(text)]


def grader_instructions(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of suspicious phrases in everything the author wrote and in the evidence it quotes."""
    del settings
    found = suspicious([*task_texts(item.task), *(("evidence", e.quote) for c in item.task.rubric.criteria for e in c.evidence)])
    return GateFinding(not found, len(found), printable(found[0], 120) if found else "")
