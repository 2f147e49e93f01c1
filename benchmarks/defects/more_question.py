"""Defects written blind to the gates, to mend the gates on. Questions that point elsewhere, tell too much, or were asked before."""

import re
from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed, criteria, lowered, pitfalls, positive
from benchmarks.defects.more_parts import after, claimed, sentences

_WRITTEN = (
    "README",
    "tutorial",
    "blog post",
    "user guide",
    "manual page",
    "release notes",
    "wiki entry",
    "white paper",
    "handout",
    "FAQ entry",
)
_BY_WRITTEN = (
    "According to the {},",
    "Based on what the {} says,",
    "Using only the {} as your source,",
    "As this {} explains it,",
    "Drawing on the {} you were given,",
    "Going by the {},",
)
_BY_PLACE = (
    "In the scenario described above,",
    "For the setup outlined below,",
    "With the rules quoted earlier in mind,",
    "Given the preceding explanation,",
    "As mentioned above,",
    "In light of the information that precedes this,",
)
_BY_DATA = (
    "Using the measurements listed,",
    "From the sample output shown,",
    "With the values provided,",
    "Based on the results reported,",
    "Going by the data given here,",
    "Judging from the log entries supplied,",
)
_BY_LESSON = (
    "As covered in the lecture,",
    "Recall the example from last week:",
    "Following the approach taken in the course,",
    "As seen in the previous exercise,",
    "With what we learned in this chapter,",
    "As explained on the slide,",
)
_OPTIONS = (
    "Which of the following statements about {} is true, and why?",
    "Which of these options best describes {}?",
    "Select the correct answer concerning {} from the choices given and defend it.",
    "Which of the alternatives listed fits {}, and what rules out the others?",
    "Of the four statements, which one is wrong about {}?",
    "Decide for each of the statements on {} whether it is true or false.",
)
_BARE = (
    "Why does it behave like this, and what follows from it for {}?",
    "How does this work here, and what role does {} play in it?",
    "What happens in this case, and why is {} part of it?",
    "Explain why they do it this way and how that bears on {}.",
    "What would go wrong if it did not do so, and how is that tied to {}?",
    "Why is this needed at all, and in what way does {} enter?",
)
_HINTS = ("(Hint: {}.)", "Hint: note that {}.", "Remember that {}.", "Bear in mind that {}.", "Tip: {}.", "Consider the fact that {}.")
_GIVEN = (
    "Given that {},",
    "Knowing that {},",
    "Since {},",
    "In view of the fact that {},",
    "Assuming, as is the case, that {},",
    "Because {},",
)
_IS_IT = (
    "Is the reason not that {}?",
    "Would you agree that {}?",
    "Does this not come down to the fact that {}?",
    "Could it be that {}?",
    "Or, put plainly, how does one see that {}?",
    "Confirm in particular that {}.",
)
_STAGES = (
    "{s} {q}",
    "{s} With this in mind: {q}",
    "Consider this: {s} {q}",
    "It is known that {l}. {q}",
    "Suppose that {l}. {q}",
    "Here is a fact: {s} {q}",
)
_ENDS = ("{q} Note: {s}", "{q} Keep in view that {l}.", "{q} Start from the observation that {l}.", "{q} Take it that {l}.", "{q} ({s})")
_SYNONYMS = {
    "why": "for what reason",
    "explain": "describe",
    "what": "which thing",
    "how": "in what way",
    "compare": "contrast",
    "justify": "give grounds for",
    "evaluate": "judge",
    "assess": "evaluate",
    "outline": "sketch",
    "should": "ought to",
    "while": "whereas",
    "must": "has to",
    "many": "numerous",
    "requires": "needs",
    "require": "demand",
    "simply": "just",
    "behave": "act",
    "causes": "brings about",
    "later": "subsequent",
    "although": "even though",
    "treated": "handled",
    "expecting": "hoping for",
    "drop": "leave out",
    "believes": "thinks",
    "keeps": "retains",
    "wants": "wishes",
    "check": "verify",
    "show": "present",
    "inside": "within",
    "deletes": "removes",
    "without": "with no",
    "become": "turn into",
    "missing": "absent",
    "needs": "calls for",
    "afterwards": "later on",
    "fallen": "dropped",
    "expected": "anticipated",
    "habit": "custom",
    "cause": "bring about",
    "right": "correct",
    "several": "a number of",
    "readily": "willingly",
    "unaffected": "untouched",
    "entire": "whole",
    "safely": "securely",
}
_PREFACES = (
    ("Let us consider one matter. ", ""),
    ("", " Answer in your own words."),
    ("Think carefully about this: ", ""),
    ("", " Give full reasons."),
    ("For an expert reader: ", " Be brief."),
    ("A colleague asks: ", ""),
    ("Here is a practical problem. ", " Discuss."),
)


def _opened(case: Case, rng: Random, openings: Sequence[str], **words: str) -> Case:
    return changed(case, question=after(rng.choice(openings).format(**words), case.task["question"]))


def by_the_manual(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return changed(case, question=after(rng.choice(_BY_WRITTEN).format(rng.choice(_WRITTEN)), case.task["question"]))


def by_place_on_the_page(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return _opened(case, rng, _BY_PLACE)


def by_absent_data(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return _opened(case, rng, _BY_DATA)


def by_the_lesson(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return _opened(case, rng, _BY_LESSON)


def absent_options(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return changed(case, question=rng.choice(_OPTIONS).format(case.title))


def bare_pronoun(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    said = rng.choice(positive(criteria(case)))["required_elements"][0]
    return changed(case, question=rng.choice(_BARE).format(re.sub(r"^[A-Z][a-z]", lambda first: first[0].lower(), said)))


def _claim(case: Case, rng: Random) -> str | None:
    found = [(one, said) for one, said in claimed(criteria(case)) if one["category"] == "essential"]
    return rng.choice(found)[1] if found else None


def hint_added(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    said = _claim(case, rng)
    return None if said is None else changed(case, question=f"{case.task['question']} {rng.choice(_HINTS).format(said)}")


def answer_presupposed(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    said = _claim(case, rng)
    return None if said is None else changed(case, question=after(rng.choice(_GIVEN).format(said), case.task["question"]))


def answer_suggested(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    said = _claim(case, rng)
    return None if said is None else changed(case, question=f"{case.task['question']} {rng.choice(_IS_IT).format(said)}")


def mistake_ruled_out(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The question warns of the very mistake that a pitfall waits for, and says what the essential criterion wants instead."""
    wrongs = [one["description"].rstrip(".").partition(" that ")[2] for one in pitfalls(criteria(case))]
    said = _claim(case, rng)
    if not any(wrongs) or not said:
        return None
    wrong = rng.choice([one for one in wrongs if one])
    forms = ("Avoid the mistake of assuming that {w}, and note that {s}.", "It is wrong to think that {w}; it should be said that {s}.")
    more = ("Do not answer that {w}. The point is that {s}.", "Say that {s}, and do not fall for the claim that {w}.")
    form = rng.choice((*forms, *more, "Some hold that {w}; show that they are wrong and that {s}."))
    return changed(case, question=f"{case.task['question']} {form.format(w=wrong, s=said)}")


def _lifted(case: Case, rng: Random, forms: Sequence[str]) -> Case | None:
    long = [said for said in sentences(case.passage) if 14 <= len(said.split()) <= 45]
    if not long:
        return None
    quotes = [quote for one in positive(criteria(case)) for quote in one["evidence"]]
    said = rng.choice([said for said in long if any(quote in said for quote in quotes)] or long)
    return changed(case, question=rng.choice(forms).format(s=said, l=lowered(said), q=case.task["question"]))


def passage_as_stage(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return _lifted(case, rng, _STAGES)


def passage_as_note(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return _lifted(case, rng, _ENDS)


def asked_with_synonyms(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Two or three words give way to others of the same meaning."""
    words = case.task["question"].split(" ")
    places = [at for at, word in enumerate(words) if word.strip(",.?;").lower() in _SYNONYMS]
    if len(places) < 2:
        return None
    for at in rng.sample(places, min(len(places), rng.choice((2, 3)))):
        bare = words[at].strip(",.?;")
        other = _SYNONYMS[bare.lower()]
        words[at] = words[at].replace(bare, other[:1].upper() + other[1:] if bare[0].isupper() else other)
    return changed(case, question=" ".join(words))


def asked_with_preface(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    before, behind = rng.choice(_PREFACES)
    return changed(case, question=before + case.task["question"] + behind)


def asked_the_other_way_round(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The second half of a question is asked first."""
    found = re.fullmatch(r"((?:.+[.?] )?)(.+), and ((?:what|how|why|at which|by what|explain|would).+)([?.])", case.task["question"])
    if not found:
        return None
    stage, first, second, stop = found.groups()
    between = rng.choice((", and ", "; also, ", f"{stop} And ", ", and besides, ", f"{stop} In addition, "))
    return changed(case, question=f"{stage}{second[:1].upper()}{second[1:]}{between}{lowered(first)}{stop}")
