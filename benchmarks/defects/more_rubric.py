"""Defects written blind to the gates, to mend the gates on. Criteria said twice, two in one, the wrong way round, or copied."""

import re
from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed, claim, criteria, lowered, pitfalls, positive
from benchmarks.defects.more_parts import Criterion, claimed, earning, ended, penal, sentences, where

_TWIN_VERBS = ("Makes clear that", "Brings out that", "Conveys that", "Is aware that", "Shows an understanding that", "Expresses that")
_MISSING = (
    "Does not mention that",
    "Fails to say that",
    "Omits that",
    "Leaves out that",
    "Says nothing of the fact that",
    "Overlooks that",
)
_NOT_ONLY = (
    "Not only says that {}, but also that {}.",
    "Says that {} and, moreover, that {}.",
    "Establishes that {}, and furthermore recognises that {}.",
    "Explains that {}; besides, shows that {}.",
    "Says that {}, and on top of that mentions that {}.",
    "Explains first that {}, then that {}.",
)
_CONTRAST = (
    "Says that {}, while noting that {}.",
    "Brings together two points: {}; {}.",
    "Points out that {}, whereas separately {}.",
    "Covers the following: that {}, that {}.",
    "Makes the case that {} before going on to show that {}.",
    "Says both that {} and that {}.",
)
_ASIDES = ("(and {})", "(also: {})", "(plus the point that {})", "(in addition, {})", "— and also that {}", "/ {}")
_GOOD = (
    "Correctly explains that",
    "Rightly points out that",
    "Gives the accurate account that",
    "Soundly concludes that",
    "Properly recognises that",
)
_FULL = (
    "Full and accurate account.",
    "Complete, correct explanation.",
    "Everything needed is there.",
    "Clear and right throughout.",
    "Excellent: all is covered.",
)
_NONE = ("Nothing of the kind is said.", "Missing altogether.", "Not addressed at all.", "No mention.", "Wrong or absent.")
_FRAMES = (
    "Says, in essence, that {}.",
    "Makes the point: {}.",
    "Explains the following: {}.",
    "Writes that {}.",
    "Sets out that {}.",
    "Holds that {}.",
)


def _two_claims(case: Case, rng: Random, form: str) -> Case | None:
    found = criteria(case)
    pairs = claimed(found)
    if len(pairs) < 2:
        return None
    (one, first), (_, second) = rng.sample(pairs, 2)
    one["description"] = form.format(first, second)
    return changed(case, criteria=found)


def twin_in_other_verbs(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    if not claimed(found):
        return None
    one, said = rng.choice(claimed(found))
    twin = {**one, "title": f"{rng.choice(('Clarity on', 'Point of', 'Idea of', 'Awareness of', 'Grasp of'))} {lowered(one['title'])}"}
    return changed(
        case, criteria=[*found, {**twin, "description": f"{rng.choice(_TWIN_VERBS)} {said}.", "category": "optional", "weight": 1}]
    )


def twin_with_example(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    one = rng.choice(positive(found))
    tail = rng.choice((", for example by way of {}", ", say with {}", " (such as {})", ", e.g. {}", ", as with {}")).format(
        one["verification_cues"][0]
    )
    title = f"{one['title']}: {rng.choice(('example', 'detail', 'restated', 'in practice', 'once more'))}"
    return changed(case, criteria=[*found, {**one, "title": title, "description": ended(one["description"], tail)}])


def twin_pitfall(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    if not pitfalls(found):
        return None
    one = rng.choice(pitfalls(found))
    said = claim(one["description"])
    that = "that " if " that " in one["description"] else ""
    verbs = ("Wrongly asserts", "Makes the error of saying", "Mistakenly holds", "Falsely maintains", "Erroneously argues")
    description = f"{rng.choice(verbs)} {that}{said}." if that else f"Mistakenly {lowered(one['description'])}."
    return changed(case, criteria=[*found, {**one, "title": f"Error: {lowered(one['title'])}", "description": description}])


def not_only_but_also(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return _two_claims(case, rng, rng.choice(_NOT_ONLY))


def two_points_set_side_by_side(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return _two_claims(case, rng, rng.choice(_CONTRAST))


def second_point_aside(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    if len(claimed(found)) < 2:
        return None
    (one, _), (_, said) = rng.sample(claimed(found), 2)
    one["description"] = ended(one["description"], f" {rng.choice(_ASIDES).format(said)}")
    return changed(case, criteria=found)


def three_in_a_row(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Three criteria told as one, each with its own verb."""
    found = criteria(case)
    chosen = rng.sample(positive(found), min(3, len(positive(found))))
    last = rng.choice((", and ", ", and finally ", ", and then ", ", plus ", ", and moreover "))
    told = [chosen[0]["description"].rstrip("."), *(lowered(one["description"]) for one in chosen[1:])]
    chosen[0]["description"] = ", ".join(told[:-1]) + last + told[-1] + "."
    return changed(case, criteria=found)


def pitfall_of_silence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    if not claimed(found) or not pitfalls(found):
        return None
    one, said = rng.choice(claimed(found))
    penalty = rng.choice(pitfalls(found))
    penalty |= {
        "title": f"Misses {lowered(one['title'])}",
        "description": f"{rng.choice(_MISSING)} {said}.",
        "evidence": list(one["evidence"]),
    }
    penalty["required_elements"] = [rng.choice(("point missing", "silence on this", "no mention", "left out", "not covered"))]
    return changed(case, criteria=found)


def silence_rewarded(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    if not claimed(found):
        return None
    one, said = rng.choice(claimed(found))
    one["description"] = f"{rng.choice(_MISSING)} {said}."
    return changed(case, criteria=found)


def error_credited(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    verbs = ("Wrongly believes that", "Mistakenly says that", "Incorrectly states that", "Falls for the idea that", "Falsely assumes that")
    found = criteria(case)
    if not claimed(found):
        return None
    one, said = rng.choice(claimed(found))
    one["description"] = f"{rng.choice(verbs)} {said}."
    return changed(case, criteria=found)


def pitfall_of_being_right(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    if not claimed(found) or not pitfalls(found):
        return None
    one, said = rng.choice(claimed(found))
    penalty = rng.choice(pitfalls(found))
    penalty |= {"title": one["title"], "description": f"{rng.choice(_GOOD)} {said}.", "evidence": list(one["evidence"])}
    return changed(case, criteria=found)


def best_level_first(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    def change(one: Criterion) -> None:
        one["scoring_guide"] = [rng.choice(_FULL), *rng.choice(((), ("Partly right.",), ("Some of it is said.",))), rng.choice(_NONE)]

    return where(case, rng, earning, change)


def pitfall_guide_of_credit(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    def change(one: Criterion) -> None:
        one["scoring_guide"] = [rng.choice(_NONE), rng.choice(_FULL)]

    return where(case, rng, penal, change)


def reference_framed(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    said = [lowered(one) for one in sentences(case.task["reference_answer"]) if len(one.split()) >= 14]

    def change(one: Criterion) -> None:
        one["description"] = rng.choice(_FRAMES).format(rng.choice(said))

    return where(case, rng, earning, change) if said else None


def reference_run(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Half a sentence of the reference, from where a clause begins, behind a verb of a criterion."""
    clauses = [one for one in re.split(r"(?<=[.;:]) +", case.task["reference_answer"]) if len(one.split()) >= 11]
    verb = rng.choice(("Says that", "Brings up that", "Works out that", "Remarks that", "Adds that", "Argues that"))

    def change(one: Criterion) -> None:
        one["description"] = f"{verb} {lowered(rng.choice(clauses)).rstrip(';:')}."

    return where(case, rng, earning, change) if clauses else None
