"""References of a question to what the answerer does not see: passages, figures, listings, sections, authors, what was said before."""

import re

from rubric_factory.gates.wording import NAMED_NEEDS, subjects

_SOURCE = (
    r"(?:passage|text|excerpt|extract|paragraph|article|paper|document|section|chapter|report|study|manuscript|snippet|context|abstract|"
    r"authors?)"
)
_MANUAL = r"(?:manual|guide|documentation|tutorial|handbook|textbook|book|readme|specification|page)"
_EXHIBIT = r"(?:code|snippet|listing|example|diagram|program|script|formula|output|command|configuration|drawing)s?"
_TOLD = r"(?:stated|described|mentioned|discussed|explained|outlined|presented|quoted|noted|said|introduced)"
# A citation stands behind a blank; an index does not, and no citation begins at 0 or follows an equals sign.
# "On the interval [2, 5]", "the list [3, 1]" hold numbers of their own.
_HOLDERS = ("interval", "range", "list", "array", "vector", "index", "indices", "values", "tuple", "slice", "vertices", "weights", "domain")
_NOT_HELD = "".join(rf"(?<!\b{word} )" for word in _HOLDERS)
# "The surrounding text" is what stands around something in print.
_TYPESET = r"(?:surrounding|running|body|main|normal|plain|printed|ordinary|displayed|set|typeset)"
_SAYS = (
    r"(?:makes? (?:it )?clear|shows? that|notes?|points? out|says?|"
    r"states?|describes?|mentions?|reports?|argues?|claims?|defines?|explains?|suggests?)"
)
# "The text font" is a font.
_MADE_OF_TEXT = (
    r"(?:fonts?|files?|editors?|fields?|box(?:es)?|areas?|modes?|layers?|formats?|class(?:es)?|sizes?|symbols?|strings?|body|width|height|blocks?|"
    r"elements?|nodes?|types?|objects?|columns?|windows?|menus?|headers?|headings?|tags?|names?|numbers?|titles?|servers?|databases?|trees?|"
    r"labels?|widgets?|cells?|lines?|commands?|managers?|switch(?:es)?|tapes?|feed|trays?)"
)
# What somebody reads; the answerer does not.
_READ = (
    r"(?:passage|text|excerpt|extract|paragraph|article|paper|document|section|chapter|report|manuscript|snippet|abstract|material|reading|"
    r"information|description|discussion|explanation|account|statement|quotation|quote|documentation|docs|manual|guide|tutorial|source|notes?|"
    r"handout|readme|(?:blog )?post|lessons?|lectures?|course|slides?|video|transcript|web ?page|"
    r"write-?up|thread|entry|leaflet|brochure|white ?paper|log entries|values|data)"
)
_LEANING = (
    r"(?:according to|based (?:up)?on|drawing (?:up)?on|relying on|going by|judging (?:by|from)|using|given|considering|from|following|per|"
    r"as per|"
    r"in light of|in view of|with (?:reference|regard|respect) to|in accordance with|as (?:stated|described|given|explained) (?:in|by))"
)
_WE = r"(?:find|found|show|showed|propose|present|report|observe|observed|use|used|develop|developed|measured|describe|conclude)"
_REFERENCES = tuple(
    re.compile(pattern, re.I)
    for pattern in (
        r"\b(?:according to|based on|(?:stated|described|mentioned|defined|reported|discussed|noted|shown|given) (?:in|by)|from|in|per|of) "
        rf"(?:the|this|that|these) (?!{_TYPESET} )(?:\w+ )?{_SOURCE}\b(?! of\b)(?! {_MADE_OF_TEXT}\b)",
        rf"\bthis (?!authors?\b){_SOURCE}\b(?! {_MADE_OF_TEXT}\b)",
        r"\b(?:look at|see|study|examine|refer to|consult|inspect) the (?:\w+ )?"
        r"(?:diagram|figure|chart|graph|plot|picture|screenshot|listing|image|drawing|table)s?\b",
        r"\b(?:quotations?|quotes?|sentences?|wording) "
        r"(?:from|of|in) the (?:source|text|original|passage|material|document)\b",
        r"\b(?:point to|quote|cite|copy) the (?:exact |relevant )?(?:sentences?|lines?|passages?|wording|page|paragraph|section|source)\b",
        r"\b(?:aforesaid|aforementioned|above-?mentioned|above-?named)\b",
        r"\b(?:previously|earlier) (?:described|mentioned|introduced|discussed|named)\b",
        r"^[^.?!]{0,120}\bhere\b[,?]",
        rf"\bthe {_SOURCE} (?:above|below|provided|given|presented|{_SAYS})\b",
        r"\bdo(?:es)? the authors?\b",
        r"\bthe (?:provided|given|above|preceding|quoted|cited) "
        r"(?:passage|text|excerpt|paragraph|document|section|statement|sentence|information|figure|table)\b",
        # Unless the question goes on to give it: "Evaluate the following claim: …".
        rf"\bthe following (?:\w+ )?(?:passage|text|excerpt|paragraph|document|section|statement|sentence|claim|figure|table|{_EXHIBIT})\b"
        r"(?![^.?!]{0,60}:)(?!.{0,80}[\"“'`])",
        rf"\b(?:according to the|(?:as|in) this|as the) {_MANUAL}\b(?! (?:of|for)\b)",
        rf"\bthe (?:present|current) {_SOURCE}\b",
        r"\b(?:as|shown|listed|given|defined) (?:above|below|earlier|previously)\b",
        rf"\b(?:as (?:\w+ly )?)?{_TOLD} (?:above|below|earlier|previously|before|here)\b",
        r"\bas (?:previously|earlier|already) \w+(?:ed|wn|id)\b",
        rf"\bthe (?:\w+ )?{_EXHIBIT} (?:above|below|here|shown|given|provided|listed|presented)\b(?! by\b)",
        rf"\bthe (?:above|below|preceding|previous|quoted) {_EXHIBIT}\b",
        r"\b(?:in|from|by|see) the (?:previous|preceding|next|last|introductory) (?:section|chapter|paragraph|page|part)\b",
        r"\bin the (?:introduction|conclusions?|preface|footnote)\b(?! (?:of|to)\b)",
        # "From the figures" may mean numbers.
        r"\b(?:in|from|by|of|to) the (?:figure|tables?|equations?|appendix)\b(?! of\b)|\b(?:in|of) the figures\b(?! (?:of|for)\b)",
        r"\b(?:figures?|figs?\.?|tables?|equations?|eqs?\.?|appendix|refs?\.) ?\(?(?:\d+|[ivx]+\b|(?-i:[A-Z])\d*\b)",
        r"\b(?:sections?|chapters?) ?\(?\d+(?:\.\d+)*(?! of the\b)(?! (?:to|verses?)\b)\b",
        rf"\bet al\b|\bours?\b|\bwe {_WE}\b",
        # "Using only the material supplied, …": whatever a sentence leans on before it begins to ask.
        rf"(?:^|[.:;,]\s+){_LEANING} (?:only |solely |just )?(?:the|this|that|these|your|our) (?:\w+ ){{0,2}}?{_READ}\b"
        r"(?! (?:of|for|about|format)\b)",
        rf"\b{_LEANING} (?:only |solely |just )?(?:the|this|that|these|your|our) (?:\w+ )?{_READ} "
        r"(?:above|below|here|provided|given|supplied|presented|at hand|available|attached|enclosed)\b",
        rf"\b(?:the|this|that|these) (?:\w+ )?(?:{_READ}|sources?|docs) (?:above |below |here )?{_SAYS}\b",
        r"\bper the (?:docs|documentation|manual|guide|specification|readme)\b",
        r"\b(?:attached|enclosed|accompanying|supplied|provided) (?:\w+ )?"
        r"(?:documentation|document|manual|text|material|file|passage|notes)\b",
        r"\bas (?:has been |was |is )?(?:noted|stated|mentioned|described|explained|discussed|indicated|pointed out|made clear)\b"
        r"(?! (?:in|by|on|to)\b)",
        rf"\bwhat (?:has been|have been|was|is|we have|you have) (?:just )?(?:{_TOLD[3:-1]}|read|seen|learned|learnt)\b"
        r"(?! (?:in|by|on|to)\b)",
        r"\bthe \w+ (?:mentioned|discussed|outlined|cited)\b(?! (?:in|by|on|to)\b)",
        r"\bthe \w+ (?:listed|described|documented|given|reported)(?=[,?.]| should\b| here\b)",
        r"\b(?:above|foregoing|preceding) "
        r"(?:discussion|description|considerations?|argument|remarks?|analysis|explanation|text|account|points?)\b",
        r"\b(?:algorithm|listing|theorem|lemma|proposition|corollary|box|exhibit|appendix) (?:\d+|[IVX]+)\b",
        r"(?:^|[.;]\s+|\b(?:shown|given|described|stated|found|printed) )on page \d+",
        rf"\bwhat (?:the|this|your|our) (?:\w+ )?(?:{_READ}|docs) {_SAYS}\b",
        rf"\b(?:taken|used|shown|seen|given|covered|treated|presented|introduced|taught|explained|discussed) (?:in|on|during) "
        rf"(?:the|this|our|your|last) {_READ}\b"
        r"(?! (?:of|for|format|type|structure)\b)",
        r"\bthe (?:\w+ ){1,3}(?:provided|supplied|attached|enclosed)(?=[,?.:]|\W*$)",
        r"\b(?:previous|preceding|last|earlier) (?:exercise|question|lesson|lecture|example|task|chapter|reading)\b",
        # A choice of answers that is not there.
        r"\b(?:of|from|among|between) the (?:following )?(?:statements|choices|alternatives|answers|assertions|claims|options)\b"
        r"(?! (?:of|for|to|that|in|which)\b)(?![^.?!]{0,80}(?::|\(\w\)|\(?1[.)]))(?! \w+, \w+)",
        r"\bof the (?:two|three|four|five|six) (?:statements|choices|answers|assertions|claims)\b(?!.*[:(])",
        r"\b(?:from|in|of) last (?:week|time|lesson|lecture)\b|\brecall the (?:example|discussion|case)\b",
        r"\bof the following\b(?![^.?!]{0,80}(?::|\(\w\)|1[.)]))(?! \w+ (?:[A-Z\"`“]|\w+, ))",
        r"\bthe (?:correct|right|best) (?:answer|option|choice)\b(?! (?:of|for|to|when|if|in)\b)|"
        r"\b(?:choices|options|answers) (?:given|offered|provided)\b|"
        r"\bwhether it is true or false\b",
        r"\bin (?:the|this) (?:reading|lesson|lecture|slides?)\b",
        r"\bsteps? \d+ (?:of|in) the (?:procedure|process|instructions?|list|method|recipe)\b",
        r"\b(?:in|from|of) the (?:first|second|third|fourth|last|opening|closing|final|next) "
        r"(?:paragraph|sentence|section|passage|example|listing)\b",
        r"\b(?:do|did|does|the) (?:the )?(?:researchers|investigators)(?:['’]s?)?\b(?! of\b)",
        r"\b(?:do|did|does) the writers?\b|\bthe (?:writer|author)(?:['’]s|s['’]) "
        r"(?:view|opinion|claim|argument|recommendation|point|words?|advice)\b",
        r"\b(?:do|did|does) the (?:team|group)\b(?! (?:lead|delay|velocity|leader|law|operation)\b)",
        r"\b(?:instructions?|steps|advice|recommendations?|guidelines|procedure) (?:given |described )?(?:in|from|of) the "
        r"(?:guide|manual|tutorial|handbook|readme|docs|documentation)\b",
        r"^\W*(?:\w+\W+){1,12}here\W*$",
        r"\b(?:results?|findings|measurements|experiments?|conclusions?) (?:of|in|from) "
        r"the (?:study|experiments?|paper|survey|evaluation|trial)\b",
    )
)
_LONGEST = 1200  # characters, twice what a question may have
# What somebody in the question says may be "our program": it is all there.
_SPEECH = re.compile(r"[\"“][^\"”“]{16,}[\"”]")
_CITATION = re.compile(rf"(?<![\w\])}}])(?<!= ){_NOT_HELD}\[[1-9]\d*(?:\s*[,–-]\s*\d+)*\](?!\s*[*/^\[({{])")
_BRACKETS = re.compile(r"\[[^\]]*\]")
# A question may speak of documents, tables and authors of its own, as "a report in which …" or "an SQL table t".
_INTRODUCED = r"\b(?:an?|one|each|every|any|another|some|several|many|two|three|four|five|\d+)\s+(?:[\w.+/'-]+\s+){0,4}?"
_KINDS = (
    "passage|text|excerpt|extract|paragraph|article|paper|document|section|chapter|report|study|manuscript|snippet|abstract|author|researcher|"
    "writer|investigator|experiment|survey|trial|"
    "algorithm|listing|theorem|lemma|reading|lecture|material|description|statement|explanation|tutorial|guide|manual|example|note"
)
_KIND = re.compile(rf"\b({_KINDS}|figure|table|equation|appendix)s?\b", re.I)
_WHOLE = r"(?:documents?|files?|books?|reports?|papers?|articles?|thes[ie]s|manuals?|templates?|pages?|websites?|manuscripts?)\b"
_PARTS = frozenset(("section", "chapter", "paragraph", "abstract", "text", "figure", "table", "equation", "appendix"))
_FILE = re.compile(
    r"\b(?:an?|one|each|the|its|their|\w+['’]s)\s+(?:\w+\s+){0,3}?(?:file|script|template|program|binary|executable)\b", re.I
)
# Whoever typesets or marks up has a document before him: "one list in the document", "the freedom of the author".
_TYPESETTING = re.compile(
    r"\b(?:\w*TeX|HTML|XML|SGML|DOM|CSS|Markdown|typeset\w*|markup|bibliograph\w+|word processor|web pages?|PDF)\b", re.I
)
_OF_THE_DOCUMENT = re.compile(r"(?:from|in|per|of) the (?:document|text|author|paragraph|manuscript|report)$", re.I)
_IN_A_DATABASE = re.compile(r"\b(?:SQL\w*|\w+SQL|databases?|joins?|quer(?:y|ies)|primary key|foreign key)\b", re.I)
_TABLE_NAME = re.compile(r"tables? ?(?:[ivx]+|[A-Z]\d*)$")


def _of_its_own(question: str, found: re.Match[str]) -> bool:
    """Whether the question itself has introduced what it refers to: the thing by an indefinite noun, or the whole it is part of."""
    before, kind = question[: found.start()], _KIND.search(found.group())
    if not kind:
        return False
    name = kind.group(1).lower()
    if re.match(r"this\b", found.group(), re.I) and re.search(rf"\b{name}s?\b", before, re.I):
        return True
    if re.search(rf"{_INTRODUCED}{name}s?\b", before, re.I):
        return True
    if name in _PARTS and re.search(_INTRODUCED + _WHOLE, before, re.I):
        return True
    if name == "section" and not re.search(r"\d|this|these|that", found.group()) and _FILE.search(before):
        return True
    if _OF_THE_DOCUMENT.match(found.group()) and _TYPESETTING.search(question) and len(subjects(before)) >= NAMED_NEEDS:
        return True
    if not re.match(rf"{name}s?\b", found.group(), re.I):
        return False
    # "An SQLite table x": the indefinite noun is the match itself, or a database is what the question is about.
    whole = re.search(rf"{_INTRODUCED}$", before, re.I)
    return bool(whole or (_TABLE_NAME.match(found.group()) and _IN_A_DATABASE.search(question)))


def references(question: str) -> list[str]:
    """What the question points at and has not introduced itself."""
    question = question[:_LONGEST]
    question = _SPEECH.sub(lambda said: said.group()[0] + "_" * (len(said.group()) - 2) + said.group()[-1], question)
    matches = [match for pattern in _REFERENCES for match in pattern.finditer(question)]
    cited = [match.group() for match in _CITATION.finditer(question)]
    # Where any bracket holds something else, brackets are lists and indices here.
    numbers = cited if len(cited) == len(_BRACKETS.findall(question)) else []
    return [match.group() for match in matches if not _of_its_own(question, match)] + numbers
