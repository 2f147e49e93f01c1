"""The answer stem: how an answer to a question would begin, made from the question alone, for policies too small to find the form.

'In the context of MSG_ZEROCOPY, when is the kernel permissive?' -> 'The kernel is permissive when'. '' where no pattern fits: a stem is
never cut from the reference, which would give its content away.
"""

import re

_CONTEXT = re.compile(r"^In the context of .*?, (?=(?:what|when|how|why|which|where|under|for|if|who)\b)", re.IGNORECASE)
_BE = r"(?P<be>is|are|was|were)"
_MODAL = r"(?P<modal>can|could|may|might|must|should|will|would)"
_PREPOSITIONS = "to|on|with|for|of|from|about|by|in|into"
_VERB = rf"(?P<v>(?!(?:{_PREPOSITIONS})\b)[a-z]{{2,}})(?P<prep> (?:{_PREPOSITIONS}))?"
_PARTICIPLE = (
    r"(?P<done>\w+(?:ed|en|un|ade|uilt|ept|own|et|ut))(?P<tail>(?: (?:in|by|to|with|for|from|into|of|on|as|at|when|if|during)\b.*)?)"
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
        (rf"what {_BE} (?P<s>.+?) (?P<p>(?:used|meant|called|split|available|made) (?:for|by|into|of|to)|called|named)", "{s} {be} {p}"),
        (rf"what {_MODAL} (?P<s>.+) be (?P<p>\w+(?: \w+)?)", "{s} {modal} be {p}"),
        (rf"what {_MODAL} (?P<s>.+) (?P<p>[a-z]+)", "{s} {modal} {p}"),
        (r"what (?:do|does|can|will) (?P<s>.+) do by default", "by default {s}"),
        (rf"what does (?P<s>.+) {_VERB}", "{s} {v_s}{prep}"),
        (rf"what do (?P<s>.+) {_VERB}", "{s} {v}{prep}"),
        (rf"what {_BE} (?P<s>(?:the |an? )?\S+(?: \S+){{0,4}})(?<! from)(?<! to)(?<! for)(?<! in)", "{s} {be}"),
    )
)


def third_person(verb: str) -> str:
    """'contain' -> 'contains', 'specify' -> 'specifies', 'do' -> 'does', 'have' -> 'has'."""
    if verb == "have":
        return "has"
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ies"
    return f"{verb}es" if re.search(r"(?:s|x|z|ch|sh|o)$", verb) else f"{verb}s"


def answer_stem(question: str) -> str:
    """The first words of an answer, without a full stop; '' where no pattern fits."""
    body = _CONTEXT.sub("", question).strip().rstrip("?").strip()
    for pattern, stem in _PATTERNS:
        match = pattern.fullmatch(body)
        if match is None:
            continue
        groups = {name: value or "" for name, value in match.groupdict().items()}
        made = stem.format(**groups, v_s=third_person(groups.get("v", "")))
        return made[:1].upper() + made[1:]
    return ""
