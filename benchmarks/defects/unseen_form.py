"""Unseen defects of form, weights and evidence."""

import re
from collections.abc import Sequence
from random import Random
from typing import Any

from benchmarks.defects.case import Case, changed, criteria, pitfalls, positive
from benchmarks.defects.kind import Kind
from benchmarks.defects.unseen_parts import essential, sentences, set_in_one

_SHAPE = ("schema_violation",)
_QUOTE = ("evidence_not_verbatim",)
_WEIGHTS = ("weights", "schema_violation")
_LINKS = {
    "a",
    "an",
    "and",
    "as",
    "at",
    "by",
    "for",
    "if",
    "in",
    "into",
    "is",
    "it",
    "of",
    "on",
    "or",
    "that",
    "the",
    "this",
    "to",
    "with",
    "are",
}
_QUALITIES = [
    ("Clear structure", "Presents the points in an order that is easy to follow.", "clear structure"),
    ("Right terms", "Uses technical terms in their usual sense.", "correct terminology"),
    ("Completeness", "Leaves no part of the question without an answer.", "all parts answered"),
    ("Brevity", "Keeps to the point throughout.", "no digression"),
    ("Depth of insight", "Shows a deep understanding of the subject.", "deep understanding"),
    ("Practical relevance", "Relates the explanation to practice.", "practical relevance"),
    ("Sound reasoning", "Proceeds from premise to conclusion by valid steps.", "valid reasoning"),
    ("Good example", "Illustrates the explanation with an example.", "an example"),
    ("Summary", "Closes with a short summary.", "closing summary"),
    ("Balance", "Weighs advantages against drawbacks.", "balanced view"),
    ("Plain language", "Can be understood by a newcomer to the field.", "plain wording"),
    ("Definition", "Defines the central concept before using it.", "definition given"),
    ("Wider context", "Places the subject in its wider context.", "wider context"),
]


def _wrapped_evidence(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """Quotes as objects, or one bare string in the place of the list."""
    quote = one["evidence"][0]
    one["evidence"] = rng.choice(
        [quote, {"quote": quote}, [{"quote": quote}], [{"text": quote, "source": case.title}], [[quote]], {"1": quote}]
    )
    return True


def _renamed_key(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A field under the name that another rubric format gives it."""
    old, new = rng.choice(
        [
            ("weight", "points"),
            ("description", "criterion"),
            ("evidence", "quotes"),
            ("category", "type"),
            ("title", "name"),
            ("scoring_guide", "levels"),
        ]
    )
    one[new] = one.pop(old)
    return True


def _homemade_category(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A category of the author's own."""
    one["category"] = rng.choice(
        ["critical", "must_have", "nice-to-have", "bonus", "essential/important", "core", "high", "Tier 1", ["essential"], "accuracy"]
    )
    return True


def _wordy_weight(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A weight that is no number."""
    one["weight"] = rng.choice(["high", "medium", "5/5", "30%", "four", "3-5", [one["weight"]], {"value": one["weight"]}, None])
    return True


def _blank_evidence(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """An evidence field that holds nothing."""
    one["evidence"] = rng.choice([[], None, [""], ["   "], [None]])
    return True


def _other_vessel(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """The criteria inside something that is not a list of criteria."""
    found = criteria(case)
    way = rng.randrange(4)
    if way == 0:
        return changed(case, criteria={one["title"]: one for one in found})
    if way == 1:
        return changed(case, criteria={"positive": positive(found), "pitfalls": pitfalls(found)})
    if way == 2:
        return changed(case, criteria=[f"{one['title']} ({one['weight']}): {one['description']}" for one in found])
    return changed(case, criteria={"items": found, "total": sum(one["weight"] for one in found)})


def _bare_rubric(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """One to three criteria are all there is."""
    found = criteria(case)
    kept = rng.sample(positive(found), rng.choice([1, 2, 2]))
    return changed(case, criteria=[one for one in found if one in kept or (one["category"] == "pitfall" and rng.random() < 0.6)][:3])


def _general_virtues(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """The rubric swells beyond a dozen with virtues of any answer."""
    found = criteria(case)
    wanted = rng.choice([13, 14, 15, 16]) - len(found)
    quotes = [one["evidence"][0] for one in found]
    for title, text, element in rng.sample(_QUALITIES, min(wanted, len(_QUALITIES))):
        found.append(
            {
                "evidence": [rng.choice(quotes)],
                "title": title,
                "description": text,
                "category": "optional",
                "weight": 1,
                "required_elements": [element],
                "scoring_guide": ["Not met.", "Met."],
                "verification_cues": [element],
            }
        )
    return changed(case, criteria=found)


def _nothing_weighs(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """Zero for some or all of what earns credit."""
    found = criteria(case)
    drawn = rng.choice([positive(found), essential(found), [rng.choice(positive(found))]])
    for one in drawn:
        one["weight"] = rng.choice([0, 0.0])
    return changed(case, criteria=found)


def _lion_share(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """Nearly all of the weight on one criterion."""
    found = criteria(case)
    for one in found:
        one["weight"] = 1
    rng.choice(essential(found))["weight"] = rng.choice([60, 80, 90, 95, 100])
    return changed(case, criteria=found)


def _dear_mistake(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """One mistake costs more than everything else can earn."""
    found = criteria(case)
    total = sum(one["weight"] for one in positive(found))
    for one in pitfalls(found):
        one["weight"] = total + rng.choice([1, 5, 10, 25])
    return changed(case, criteria=found)


def _minus_sign(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """The cost of a mistake written with a minus sign."""
    found = criteria(case)
    for one in pitfalls(found):
        one["weight"] = -rng.choice([1, 2, 3, 5])
    return changed(case, criteria=found)


def _named_pronoun(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """The pronoun of the passage replaced by what it stands for."""
    verbs = "is|are|can|will|must|has|have|do|does|replaces|requires|makes|means|should|temporarily|simply"
    pronoun = re.compile(rf"\b(It|it|This|They|they|these)\b(?= (?:{verbs}))")
    able = [text for text in sentences(case.passage) + one["evidence"] if pronoun.search(text)]
    if not able:
        return False
    singular = ["the mechanism", "this behaviour", "[the system]", "the feature", "[this component]", "the operation"]
    plural = ["the values", "[the settings]", "these items", "the parts", "[these entries]"]

    def named(found: re.Match[str]) -> str:
        text = rng.choice(plural if found.group().lower() in {"they", "these"} else singular)
        return text[:1].upper() + text[1:] if found.group()[0].isupper() else text

    one["evidence"] = [pronoun.sub(named, rng.choice(able), count=1)]
    return True


def _welded(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """Halves of two distant sentences run together as one quote."""
    found = [text.rstrip(".") for text in sentences(case.passage)]
    if len(found) < 3:
        return False
    first = rng.randrange(len(found) - 2)
    head, tail = found[first].split(), found[rng.randrange(first + 2, len(found))].split()
    one["evidence"] = [" ".join(head[:9]) + rng.choice([", and ", "; ", " – ", " / ", ", so that "]) + " ".join(tail[-8:])]
    return True


def _announced(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A quote with the words that announce it inside."""
    form = rng.choice(["{0} states: {1}", "According to {0}, {1}", "See {0}: {1}", "{1} (from {0})", "As {0} puts it: {1}", "{1} – {0}"])
    one["evidence"] = [form.format(case.title, one["evidence"][0])]
    return True


def _lost_word(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A quote that lost a word in its middle."""
    words = one["evidence"][0].split()
    if len(words) < 6:
        return False
    del words[rng.randrange(2, len(words) - 2)]
    one["evidence"] = [" ".join(words)]
    return one["evidence"][0] not in " ".join(case.passage.split())


def _own_words(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """The criterion's own claim in the place of a quote."""
    text = one["description"].rstrip(".")
    made = text.partition(" that ")[2] or text.partition(" ")[2]
    one["evidence"] = [made[:1].upper() + made[1:] + rng.choice(["", "."])]
    return len(made.split()) > 3 and made not in case.passage


def _connective(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A quote of linking words alone."""
    words = case.passage.split()
    runs = [words[at : at + size] for size in (2, 3) for at in range(len(words) - size)]
    able = sorted({" ".join(run) for run in runs if all(word in _LINKS for word in run)})
    if not able:
        return False
    one["evidence"] = [rng.choice([run for run in able if run in case.passage])]
    return True


def _lone_word(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A quote of one single word."""
    able = sorted({word for word in re.findall(r"\b[a-z]{4,12}\b", case.passage) if word not in _LINKS})
    one["evidence"] = [rng.choice(able)]
    return True


def _shifted_windows(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Every quote is the same stretch of one sentence, a word or two to the side."""
    able = [text for text in sentences(case.passage) if len(text.split()) >= 16 and text in case.passage]
    if not able:
        return None
    words = rng.choice(able).split()
    found = criteria(case)
    for number, one in enumerate(found):
        start = number % 3
        one["evidence"] = [" ".join(words[start : len(words) - number // 3])]
    return changed(case, criteria=found)


def _same_pair(case: Case, others: Sequence[Case], rng: Random) -> Case:
    """Every criterion carries the same two quotes."""
    found = criteria(case)
    pair = rng.sample(sorted({one["evidence"][0] for one in found}), 2)
    for one in found:
        one["evidence"] = list(pair)
    return changed(case, criteria=found)


FORM: dict[str, Kind] = {
    "unseen_wrapped_evidence": Kind(set_in_one(_wrapped_evidence), _SHAPE),
    "unseen_renamed_key": Kind(set_in_one(_renamed_key), _SHAPE),
    "unseen_homemade_category": Kind(set_in_one(_homemade_category), _SHAPE),
    "unseen_wordy_weight": Kind(set_in_one(_wordy_weight), _SHAPE),
    "unseen_blank_evidence": Kind(set_in_one(_blank_evidence), _SHAPE),
    "unseen_other_vessel": Kind(_other_vessel, _SHAPE),
    "unseen_bare_rubric": Kind(_bare_rubric, ("criteria_band", "schema_violation")),
    "unseen_general_virtues": Kind(_general_virtues, ("criteria_band", "schema_violation")),
    "unseen_nothing_weighs": Kind(_nothing_weighs, _WEIGHTS),
    "unseen_lion_share": Kind(_lion_share, _WEIGHTS),
    "unseen_dear_mistake": Kind(_dear_mistake, _WEIGHTS),
    "unseen_minus_sign": Kind(_minus_sign, _WEIGHTS),
    "unseen_named_pronoun": Kind(set_in_one(_named_pronoun), _QUOTE),
    "unseen_welded": Kind(set_in_one(_welded), _QUOTE),
    "unseen_announced": Kind(set_in_one(_announced), _QUOTE),
    "unseen_lost_word": Kind(set_in_one(_lost_word), _QUOTE),
    "unseen_own_words": Kind(set_in_one(_own_words), _QUOTE),
    "unseen_connective": Kind(set_in_one(_connective, essential), ("evidence_verbatim",)),
    "unseen_lone_word": Kind(set_in_one(_lone_word, essential), ("evidence_verbatim",)),
    "unseen_shifted_windows": Kind(_shifted_windows, ("padding",)),
    "unseen_same_pair": Kind(_same_pair, ("padding",)),
}
