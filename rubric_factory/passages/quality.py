"""Is a passage worth asking about? A score in [0, 1], and the reason and figure where it is refused.

Every rule measures a share or a rate of the text; but for the cues of licences and bibliographies none looks at the language. The
limits are settings; their defaults are ours, set by reading what falls on either side of them in the sample documents.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rubric_factory.passages.blocks import sentence_cuts, spans
from rubric_factory.passages.characters import IS_DIGIT, IS_SPACE, IS_SYMBOL, classes_of
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.text import words as text_words

_WORD = re.compile(r"\w+")
_DIGITS = re.compile(r"\d+")
_FIVE_WORDS = re.compile(r"\W*+\w++(?:\W++\w++){4}")
_PARAGRAPH = re.compile(r"\n\s*\n")
_REMARK = re.compile(r"\s*[(\[][^()\[\]\n]{1,60}[)\]]\s*$")
_LEADER = re.compile(r"(?:[.·…_] ?){4,}\s*[\divxlc]+\s*$|\s\.{3,}\s")
_LEADERS = re.compile(r"[.·…_] ?[.·…_] ?[.·…_]")
_ENTRY_END = re.compile(r"[^\W\d_].*[,\s]\d{1,4}(?:\s?[,–-]\s?\d{1,4})*")
# What every match of a pattern holds, and the pattern: most passages hold little of it, and are not searched for the rest. Each begins
# with a fixed character where it can: the engine skips to that, an alternation it tries everywhere.
_REFERENCES = tuple(
    (cue, re.compile(pattern, re.MULTILINE))
    for cue, pattern in (
        ("doi", r"doi\b(?<=\bdoi)"),
        ("arxiv", r"arxiv\b(?<=\barxiv)"),
        ("p.", r"p\.(?<=\bp\.) ?\d"),
        ("pp.", r"pp\.(?<=\bpp\.) ?\d"),
        ("vol", r"vol(?<=\bvol)(?:ume)?\. ?\d"),
        ("et al.", r"et al\.(?<=\bet al\.)"),
        (".", r"\.(?<=\b[A-Z]\.)(?<![A-Z]\. [A-Z]\.)(?<![A-Z]\.[A-Z]\.) ?(?:[A-Z]\. ?)?[A-Z][a-z]+,"),
        ("(", r"\(\d{4}[a-z]?\)"),
        (", ", r", \d{4}[.:;]"),
        ("(", r"\((?<=\d\()\d+\)"),
        ("ISBN", r"ISBN\b"),
        ("Proceedings", r"Proceedings\b"),
        ("Journal of", r"Journal of\b"),
        ("University Press", r"University Press\b"),
        ("[", r"^\[\d+\]\s[A-Z]"),
    )
)
_LICENCE = re.compile(
    r"permission is hereby granted|without (?:any |express or implied )*warrant|all rights reserved|\bredistribut|\bas is\b"
    r"|\blicen[cs](?:ors?|ees?)\b|\bcopyright (?:\(c\)|©|holder|notice|owner)|general public licen[cs]e"
    r"|creative commons|terms and conditions|\bliab(?:le|ility)\b"
    r"|\bmerchantability|fitness for a particular|\bderivative works?|\bthis licen[cs]e|\bsublicens"
)
# What every licence phrase holds one of: most passages hold none, and are not searched for phrases.
_LICENCE_CUES = (
    "licen", "copyright", "warrant", "liab", "permission is", "rights reserved", "redistribut", "as is", "creative commons",
    "terms and", "merchantab", "fitness for", "derivative",
)  # fmt: skip
# Code by how a line begins; by its end after a line number; by a call at its end; by an assignment.
_CODE_STARTS = (">>>", "...", "$", "#include", "#define", "def ", "class ", "import ", "//", "/*", "> ", "+ ")
_CODE_WORD = re.compile(r"(?:return|template)\b|(?:if|for) ?\(")
_NUMBERED_CODE = re.compile(r"\d+\s+(?:\S.*)?[;{}(),&*<>]")
_CALL_END = re.compile(r"\w\([^()]*\)$")
_ASSIGNMENT = re.compile(r"[\w.\[\]]+ ?=[^=]")
_SKIPPED_SECTION = re.compile(
    r"(?:[\dA-Z.]{0,6}\s+)?(?:references?(?: cited)?|bibliography|works cited|further reading|literature(?: cited)?|index|"
    r"(?:table of )?contents|acknowledge?ments?|copyright(?: notice)?|licen[cs]e|see also|navigation)\W*",
    re.IGNORECASE,
)
MIN_SENTENCE_WORDS = 6
_STOPS = frozenset(".!?:")
_CJK_STOPS = frozenset("。！？")
# A line longer than this is cut before the patterns see it: what they look for stands at its ends.
LINE_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of one passage: counts, and shares in [0, 1]; references and licence are cues per 100 words."""

    words: int
    sentences: float
    symbols: float
    digits: float
    code_lines: float
    leader_lines: float
    entry_lines: float
    short_lines: float
    references: float
    licence: float
    variety: float


@dataclass(frozen=True, slots=True)
class Quality:
    """Words, and score in [0, 1]; reason is empty where the passage is fit."""

    words: int
    score: float
    reason: str = ""
    detail: str = ""


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def is_code(line: str) -> bool:
    """Whether a line looks like code, in any of the common languages. Linear in its length."""
    line = line.strip()
    if line.endswith((";", "{", "}")) or line.startswith(_CODE_STARTS) or "<-" in line or line in (">", "+"):
        return True
    return bool(
        (line[:1] in "rtif" and _CODE_WORD.match(line))
        or (line[:1].isdecimal() and _NUMBERED_CODE.fullmatch(line))
        or (line.endswith(")") and _CALL_END.search(line))
        or ("=" in line and _ASSIGNMENT.match(line))
    )


def _count(pattern: re.Pattern[str], lines: list[str]) -> int:
    return sum(pattern.search(line) is not None for line in lines)


def _sentence_words(sentence: str, without_digits: str) -> int:
    """Words of a sentence; 0 for what does not end like one (a remark in brackets may follow), has few words, or is mostly no letters."""
    end = sentence[-LINE_CHARACTERS:].rstrip()
    if end.endswith((")", "]")):
        end = _REMARK.sub("", end)
    end = end.rstrip("\"')]”’*_` ")[-1:]
    if end not in _STOPS and end not in _CJK_STOPS:
        return 0
    words = _WORD.findall(sentence)
    letters = sum(map(len, words if without_digits == sentence else _WORD.findall(without_digits)))
    # Chinese and Japanese set no space between words: a run of letters up to a comma counts as one.
    enough = len(words) >= MIN_SENTENCE_WORDS or (end in _CJK_STOPS and letters >= 2 * MIN_SENTENCE_WORDS)
    return len(words) if enough and letters >= 0.6 * sum(map(len, sentence.split())) else 0


def _words_in_sentences(lines: list[str], code: list[bool]) -> int:
    """Words that stand in sentences; those that differ in numbers only count once ("Defined at line 17").

    code: which lines are code. A line of code, table or heading is a gap, so that it does not run into the sentence after it.
    """
    prose = "\n".join(
        "" if is_code or line.lstrip().startswith(("#", "|", "```")) else line for line, is_code in zip(lines, code, strict=True)
    )
    found = {
        _DIGITS.sub("#", paragraph[start:end]): paragraph[start:end]
        for paragraph in _PARAGRAPH.split(prose)
        for start, end in spans(paragraph, 0, len(paragraph), sentence_cuts(paragraph, 0, len(paragraph)))
    }
    return sum(_sentence_words(sentence, key) for key, sentence in found.items())


def _licence_cues(lowered: str) -> int:
    return len(_LICENCE.findall(lowered)) if any(cue in lowered for cue in _LICENCE_CUES) else 0


def _is_entry(line: str) -> bool:
    return line[-1].isdecimal() and _ENTRY_END.fullmatch(line) is not None


def _is_short(line: str) -> bool:
    return not line.endswith((".", "!", "?", ":", ";", ",", "。", "！", "？")) and _FIVE_WORDS.match(line) is None


def measure(text: str, tokens: Sequence[str] | None = None) -> Measures:
    """Measures of a passage's text. tokens: its lower-cased words, where they are known."""
    words = text_words(text) if tokens is None else tokens
    lines = text.splitlines()
    every = [line if len(line) <= LINE_CHARACTERS else f"{line[:200]} {line[-200:]}" for line in lines]
    code = [is_code(line) for line in every]
    full = [line for line in map(str.strip, every) if line]
    classes = classes_of(text)
    visible = len(text) - int(np.count_nonzero(classes & IS_SPACE))
    return Measures(
        words=len(words),
        sentences=_share(_words_in_sentences(lines, code), len(words)),
        symbols=_share(int(np.count_nonzero(classes & IS_SYMBOL)), visible),
        digits=_share(int(np.count_nonzero(classes & IS_DIGIT)), visible),
        code_lines=_share(sum(code), len(full)),
        leader_lines=_share(_count(_LEADER, full) if _LEADERS.search(text) else 0, len(full)),
        entry_lines=_share(sum(_is_entry(line) for line in full), len(full)),
        short_lines=_share(sum(map(_is_short, full)), len(full)),
        references=100 * _share(sum(len(pattern.findall(text)) for cue, pattern in _REFERENCES if cue in text), len(words)),
        licence=100 * _share(_licence_cues(text.lower()), len(words)),
        variety=_share(len(set(words)), len(words)),
    )


# reason, key of the settings that holds its limit, figure of the measures, what the figure is. The first that holds is the reason.
_RULES: tuple[tuple[str, str, Callable[[Measures], float], str], ...] = (
    ("table_of_contents", "leader_lines", lambda m: m.leader_lines, "share of lines with dot leaders"),
    ("index", "entry_lines", lambda m: m.entry_lines, "share of lines that end in page numbers"),
    ("bibliography", "references", lambda m: m.references, "reference marks per 100 words"),
    ("licence", "licence", lambda m: m.licence, "licence phrases per 100 words"),
    ("code_heavy", "code_lines", lambda m: m.code_lines, "share of lines of code"),
    ("symbol_heavy", "symbols", lambda m: m.symbols, "share of symbols"),
    ("number_heavy", "digits", lambda m: m.digits, "share of digits"),
    ("navigation", "short_lines", lambda m: m.short_lines, "share of lines of at most 4 words without a stop"),
    ("repetitive", "repeated_words", lambda m: 1 - m.variety, "share of words that were there before"),
    ("few_sentences", "outside_sentences", lambda m: 1 - m.sentences, "share of words outside sentences"),
)


def _score(text: str, m: Measures, settings: PassageSettings) -> float:
    """1 for a long passage of nothing but whole sentences; each kind of noise takes its share, cut edges a little."""
    length = min(1.0, m.words / settings.target_words)
    noise = (1 - m.code_lines) * (1 - m.short_lines / 2) * (1 - min(1.0, m.symbols / 0.15) / 2) * (1 - min(1.0, m.references / 4) / 2)
    edges = (0.8 if text[:1].islower() else 1.0) * (1.0 if text.rstrip("\"')]”’*_` ").endswith((".", "!", "?", "。")) else 0.9)
    return round(max(0.0, min(1.0, m.sentences * noise * edges * (0.5 + 0.5 * length))), 6)


def assess(text: str, section: str, settings: PassageSettings, tokens: Sequence[str] | None = None) -> Quality:
    """Score of a passage, and why it is refused: the first rule of the table it breaks, with the figure that was measured.

    section: the heading path, 'A > B'; what lies under References, Contents, Index, Licence and the like is refused by name. tokens: the
    text's lower-cased words, where they are known.
    """
    m = measure(text, tokens)
    score = _score(text, m, settings)
    if m.words < settings.min_words:
        return Quality(m.words, score, "too_short", f"{m.words} words, at least {settings.min_words} are needed")
    title = next((part for part in section.split(" > ") if _SKIPPED_SECTION.fullmatch(part)), "")
    if title:
        return Quality(m.words, score, "back_matter", f"{m.words} words under the heading {title!r}")
    for reason, key, figure, meaning in _RULES:
        limit: float = getattr(settings.quality, key)
        if figure(m) >= limit:
            return Quality(m.words, score, reason, f"{figure(m):.2f} {meaning}, less than {limit:g} is asked for")
    return Quality(m.words, score)
