"""The answer stem: how an answer to a question would begin, made from the question alone, for policies too small to find the form.

'In the context of MSG_ZEROCOPY, when is the kernel permissive?' -> 'The kernel is permissive when'. '' where no pattern fits: a stem is
never cut from the reference, which would give its content away.
"""

import re

from rubric_factory.authoring.extractive.relation import PAIRS
from rubric_factory.authoring.extractive.verbs import NOUN_LIKE, VERBS

_CONTEXT = re.compile(r"^In the context of .*?, (?=(?:what|when|how|why|which|where|under|for|if|who)\b)", re.IGNORECASE)
_BE = r"(?P<be>is|are|was|were)"
_MODAL = r"(?P<modal>can|could|may|might|must|should|will|would)"
_PREPOSITIONS = "to|on|with|for|of|from|about|by|in|into"
_VERB = rf"(?P<v>(?!(?:{_PREPOSITIONS})\b)[a-z]{{2,}})(?P<prep> (?:{_PREPOSITIONS}))?"
_NO_PREPOSITION = "".join(f"(?<! {word})" for word in ("from", "to", "for", "in", "by", "with", "at", "on", "as", "of"))
_PARTICIPLE = (
    r"(?P<done>\w+(?:ed|en|un|ade|uilt|ept|own|et|ut))(?P<tail>(?: (?:in|by|to|with|for|from|into|of|on|as|at|when|if|during)\b.*)?)"
)

# An article that neither opens the subject nor follows a word that leads to one: the subject took in the predicate.
_SECOND_PHRASE = re.compile(
    r"(?<!\bof)(?<!\bin)(?<!\bon)(?<!\bto)(?<!\bfor)(?<!\bwith)(?<!\band)(?<!\bat)(?<!\bby)(?<!\bfrom)(?<!\bor)(?<!ing) an? "
)

# (pattern over the question's body, stem with the groups). The first that fits wins.
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), stem)
    for pattern, stem in (
        (r"what happens (?P<c>(?:if|when|once) .+)", "{c},"),
        (r"what (?:should|must) be done (?P<c>(?:if|when|once) .+)", "{c}, you should"),
        (r"what is recommended for (?P<s>.+)", "{s} should"),
        (r"what requirement applies to (?P<s>.+)", "{s} must"),
        (rf"(?:when|under what condition) {_BE} (?P<s>.+?) {_PARTICIPLE}", "{s} {be} {done}{tail} when"),
        (rf"(?:when|under what condition) {_MODAL} (?P<s>.+?) be {_PARTICIPLE}", "{s} {modal} be {done}{tail} when"),
        (rf"when {_BE} (?P<s>(?:the |an? )?\S+) (?P<p>\S+)", "{s} {be} {p} when"),
        (rf"how {_BE} (?P<s>.+?) {_PARTICIPLE}", "{s} {be} {done}{tail}"),
        (rf"how {_MODAL} (?P<s>.+?) be {_PARTICIPLE}", "{s} {modal} be {done}{tail}"),
        (rf"how {_MODAL} (?P<s>one|you|users?) (?P<p>.+)", "{s} {modal} {p} by"),
        (rf"why {_BE} (?P<s>.+?) (?P<not>not )?{_PARTICIPLE}", "{s} {be} {not}{done}{tail} because"),
        (rf"what {_BE} (?P<s>.+?) (?P<p>{PAIRS})", "{s} {be} {p}"),
        (rf"what {_BE} (?P<s>.+?) (?P<p>(?:used|meant|called|split|available|made) (?:for|by|into|of|to)|called|named)", "{s} {be} {p}"),
        (rf"what {_MODAL} (?P<s>.+) do by default", "by default {s} {modal}"),
        (r"what (?:do|does) (?P<s>.+) do by default", "by default {s}"),
        (rf"what {_MODAL} (?P<s>.+) be (?P<p>\w+(?: \w+)?)", "{s} {modal} be {p}"),
        (rf"what {_MODAL} (?P<s>.+) (?P<p>[a-z]+)", "{s} {modal} {p}"),
        (rf"what does (?P<s>.+) not {_VERB}", "{s} does not {v}{prep}"),
        (rf"what do (?P<s>.+) not {_VERB}", "{s} do not {v}{prep}"),
        (rf"what does (?P<s>.+) {_VERB}", "{s} {v_s}{prep}"),
        (rf"what do (?P<s>.+) {_VERB}", "{s} {v}{prep}"),
        (
            rf"what {_BE} (?P<s>(?:the |an? )?\S+(?: \S+){{0,4}}){_NO_PREPOSITION}",
            "{s} {be}",
        ),
    )
)


def third_person(verb: str) -> str:
    """'contain' -> 'contains', 'specify' -> 'specifies', 'do' -> 'does', 'have' -> 'has'."""
    if verb == "have":
        return "has"
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(?:s|x|z|ch|sh|o)$", verb) else f"{verb}s"


def _sound(groups: dict[str, str]) -> bool:
    """Whether the split left a subject and a predicate: no verb before the subject, no second noun phrase or participle in it."""
    subject, verb, tail = (groups.get(name, "").lower() for name in ("s", "v", "tail"))
    if subject and (subject.split()[0] in VERBS - NOUN_LIKE or _SECOND_PHRASE.search(subject)):
        return False
    if verb and verb not in VERBS and verb.endswith("s"):
        return False
    return not (tail and re.search(r"\b\w{3,}ed$", tail))


def answer_stem(question: str) -> str:
    """The first words of an answer, without a full stop; '' where no pattern fits."""
    body = _CONTEXT.sub("", question).strip().rstrip("?").strip()
    for pattern, stem in _PATTERNS:
        match = pattern.fullmatch(body)
        if match is None:
            continue
        groups = {name: value or "" for name, value in match.groupdict().items()}
        if not _sound(groups):
            return ""
        made = stem.format(**groups, v_s=third_person(groups.get("v", "")))
        return made[:1].upper() + made[1:]
    return ""
