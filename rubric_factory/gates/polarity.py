"""polarity: sign, category, wording and guide of a criterion agree: a negative criterion describes the bad thing, met = it is present."""

import re

from rubric_factory.gates.protocol import GateFinding, GateInput
from rubric_factory.records import Category, Criterion, Rubric
from rubric_factory.settings.gates import GateSettings
from rubric_factory.text import printable

_SUBJECT = r"^\W*(?:the |an? )?(?:(?:answer|response|solution|student|reply)s? )?"
_VERBS = (
    "confuse|conflate|contradict|misstate|misrepresent|misattribute|misinterpret|misunderstand|mistake|invent|fabricate|hallucinate|"
    "exaggerate|overstate|understate|ignore|omit|reverse|swap|fail|neglect|overlook|miss|forget|deny"
)
_BAD = (
    rf"(?:(?:{_VERBS})(?:e?s)?|denies|(?:wrongly|incorrectly|falsely|inaccurately|mistakenly|erroneously) \w+|"
    r"falls? for|buys? into|is taken in by|makes? the (?:mistake|error)|gets? wrong)\b"
)
# What only a mistaken answer does: not doing it is good, while not stating or not mentioning something may be the mistake.
_ASSERTS = (
    r"(?:(?:claim|assert|suggest|attribute|blame)s?\b|"
    r"(?:make|commit)s? (?:this|that|the|such an?|any) (?:mistake|error))"
)
_STARTS_BAD = re.compile(rf"{_SUBJECT}(?:\w+ly )?{_BAD}", re.I)
_AVOIDS_BAD = re.compile(
    rf"{_SUBJECT}(?:avoids?|refrains?|steers clear|is free of|(?:never|(?:does|do|is|are) not) (?:\w+ ){{0,2}}?(?:{_BAD}|{_ASSERTS}))", re.I
)
_STARTS_GOOD = re.compile(
    rf"{_SUBJECT}(?:(?:correctly|accurately|properly|rightly|soundly|validly|aptly|convincingly|precisely|truthfully|wisely) |"
    r"(?:gives?|states?|offers?|provides?|presents?) (?:the|an?) (?:correct|accurate|right|true|sound|valid|proper|full|complete) )",
    re.I,
)
_SAYING = "mention|state|give|name|address|explain|describe|include|discuss|identify|contain|answer|say|appear|occur|present"
_MISTAKE = r"(?:(?:this|that|such an?) )?(?:mistake|error|confusion|misconception|claim)s? (?:is|are|was|were)"
_LACKING = r"(?:absent|missing|wrong|incorrect|omitted)"
_FOUND = r"(?:\w+ed|found|given|known|said|seen|shown|told)\b"
# Silence: what a positive criterion cannot reward, and what a pitfall must not repeat of one (met means that something is there).
_SILENT = re.compile(
    rf"{_SUBJECT}(?:(?:fails?|neglects?|forgets?|omits?) to (?:{_SAYING}|note|point out|recogni[sz]e|acknowledge|consider|see)|"
    rf"(?:does|do) not (?:even |also |explicitly )?(?:{_SAYING}|note|point out|recogni[sz]e|acknowledge)|"
    r"(?:leaves?|left) (?:out|unsaid|unmentioned)|omits? (?:that|the fact|any|to)|says? nothing|is silent|passes over|"
    r"skips? (?:over )?(?:that|the)|"
    r"(?:overlooks?|misses|forgets?|neglects?) (?:that|the fact)|"
    r"never (?:mentions?|states?|says?|explains?)|lacks? (?:any|the|an?|all)|forgets? to|"
    r"leaves? (?:it|this) (?:unmentioned|unsaid|out|aside)|keeps? (?:quiet|silent)|"
    r"(?:gives?|makes?|shows?|contains?|offers?|provides?|has) no "
    r"(?:mention|indication|hint|reason|explanation|statement|sign|account|reference))\b",
    re.I,
)
# What only somebody does who is right.
_KNOWS = re.compile(
    rf"{_SUBJECT}(?:(?:well|clearly|fully) )?(?:understands?|recogni[sz]es?|reali[sz]es?|grasps?|knows?|"
    r"is (?:well )?aware)\b(?! (?:only|no|just|neither)\b)",
    re.I,
)
_COMMITTED = re.compile(
    r"^\W*(?:(?:commits|makes) (?:this|the|that|such an?|an?) (?:\w+ )?(?:error|mistake)|wrong\b|"
    r"the (?:mistake|error) is (?:made|present|committed))",
    re.I,
)
_NOTHING = re.compile(
    # But "Missing file identified as the index."
    rf"{_SUBJECT}(?:(?:absent|missing|avoided|omitted|incorrect|wrong)\b(?!(?: \w+){{1,4}} {_FOUND})|"
    r"not (?:present|mentioned|stated|met|there)|"
    rf"(?:does|do|is|are) not (?:{_SAYING})|"
    r"no (?:mention|reason|answer|evidence|statement|explanation|discussion|reference|such|mistake|error|sign|trace|instance)|"
    r"(?:does|do) not (?:make|commit|repeat|contain) (?:the|this|that|such|any))\b|"
    r"^\W*(?:none|neither|nothing)(?: of (?:it|them|this|the kind))?(?: (?:is|are|was))?"
    r"(?: (?:said|given|stated|mentioned|named|shown|explained|met|there))?\W*$|"
    r"^\W*(?:the |this )?(?:point|idea|fact|reason|aspect|it) (?:is|was) (?:not|never) \w+|"
    rf"{_SUBJECT}{_MISTAKE} (?:absent|avoided|(?:not|never) (?:made|present|there|committed|claimed|found))\b|"
    # The whole of a level: "Not explained.", "Roles wrong or missing.", "Other value."
    rf"^\W*(?:not (?:said|made|done|given|shown|\w+ed)(?: at all| anywhere| in the answer)?|"
    rf"(?:\w+ ){{1,6}}{_LACKING} or {_LACKING}|other \w+)\W*$",
    re.I,
)
_PRAISE = re.compile(
    r"^\W*(?:(?:fully|completely|clearly|accurately|correctly|well) (?:met|said|stated|explained|right|correct|covered|done|and)|"
    r"excellent|perfect\b|"
    r"everything (?:is|needed|that|required)|all (?:is|are|of it is) (?:said|covered|right|there|met|correct)|"
    r"(?:full|complete|clear|accurate|correct|sound|thorough)(?: and \w+)? "
    r"(?:account|answer|explanation|statement|description|credit|coverage|throughout)\b"
    r"(?! (?:is |are |was )?(?:missing|absent|lacking|not))|"
    r"(?:clear|right|correct|full|complete|sound)(?: and \w+)?(?: throughout)?\W*$)",
    re.I,
)
_RIGHT = re.compile(r"^\W*(?:(?:correct|right)\b(?! and wrong)|the (?:mistake|error) is avoided\b)", re.I)
_RANK = {Category.ESSENTIAL: 3, Category.IMPORTANT: 2, Category.OPTIONAL: 1}


def _wording_fault(criterion: Criterion) -> str:
    text, top = criterion.description, criterion.scoring_guide[-1].meaning
    if criterion.weight < 0:
        if _AVOIDS_BAD.match(text) or _STARTS_GOOD.match(text):
            return "negative weight on something good"
        if _SILENT.match(text):
            return "a pitfall that is met by silence"
        if _KNOWS.match(text):
            return "negative weight on something good"
        if _COMMITTED.match(criterion.scoring_guide[0].meaning):
            return "lowest level of a pitfall says it is present"
        if _PRAISE.match(top) or _RIGHT.match(top):
            return "highest level of a pitfall praises"
        return "highest level of a pitfall says it is absent" if _NOTHING.match(top) and not _NOTHING.match(text) else ""
    if _SILENT.match(text):
        return "positive weight on silence"
    if _PRAISE.match(criterion.scoring_guide[0].meaning):
        return "lowest level praises"
    if _STARTS_BAD.match(text):
        return "positive weight on something bad"
    return "highest level says the thing is absent" if _NOTHING.match(top) and not _NOTHING.match(text) else ""


def _rank_faults(rubric: Rubric) -> list[str]:
    """A lower category that outweighs a higher one."""
    ranked = [(c, _RANK[c.category]) for c in rubric.criteria if c.weight > 0]
    return [
        f"{low.category} weighs {low.weight}, {high.category} {high.weight}: {printable(low.title, 60)}"
        for low, low_rank in ranked
        for high, high_rank in ranked
        if low_rank < high_rank and low.weight > high.weight
    ]


def polarity(item: GateInput, settings: GateSettings) -> GateFinding:
    """figure: number of disagreements. Wording is matched at the start of a description, where the claim stands."""
    del settings
    rubric = item.task.rubric
    faults = [f"{fault}: {printable(c.description, 90)}" for c in rubric.criteria if (fault := _wording_fault(c))]
    faults += [f"pitfall and sign disagree: {c.title}" for c in rubric.criteria if (c.weight < 0) != (c.category is Category.PITFALL)]
    faults += _rank_faults(rubric)
    return GateFinding(not faults, len(faults), faults[0] if faults else "")
