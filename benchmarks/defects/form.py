"""Defects of form: keys, types, counts, weights, lengths."""

from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed, criteria, one_changed, pitfalls, positive


def missing_key(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A criterion lacks one of its fields."""
    return one_changed(case, rng, lambda found: found, lambda one: one.pop(rng.choice(sorted(one))))


def unknown_key(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A criterion has a field that nobody asked for."""
    return one_changed(case, rng, lambda found: found, lambda one: one.update({rng.choice(["notes", "rationale", "points"]): "x"}))


def unknown_category(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A category of the author's own making."""
    return one_changed(case, rng, lambda found: found, lambda one: one.update(category=rng.choice(["critical", "bonus", "Essential"])))


def no_weight(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A weight of zero."""
    return one_changed(case, rng, lambda found: found, lambda one: one.update(weight=0))


def broken_weight(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A weight that is no whole number of the scale."""
    return one_changed(case, rng, lambda found: found, lambda one: one.update(weight=rng.choice([2.5, "5", 40, -3, None])))


def one_level(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A scoring guide with a single level grades nothing."""
    return one_changed(case, rng, lambda found: found, lambda one: one.update(scoring_guide=one["scoring_guide"][-1:]))


def no_evidence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """An essential criterion that rests on nothing."""
    return one_changed(
        case, rng, lambda found: [one for one in found if one["category"] == "essential"], lambda one: one.update(evidence=[])
    )


def too_few(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A rubric of a single criterion."""
    return changed(case, criteria=[rng.choice(positive(criteria(case)))])


def too_many(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The criteria of several rubrics in one."""
    found = criteria(case)
    for other in rng.sample(list(others), 4):
        found += criteria(other)
    return changed(case, criteria=found) if len(found) > 20 else None


def one_decides(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """One criterion carries nearly all the credit."""
    found = criteria(case)
    kept = positive(found)[:2] + pitfalls(found)[:1]
    spare = pitfalls(criteria(rng.choice(list(others))))[:1]
    for one in kept:
        one.update(category="important" if one["category"] != "pitfall" else "pitfall", weight=1)
    kept[0].update(category="essential", weight=5)
    return (
        changed(case, criteria=[*kept, *[{**one, "evidence": kept[0]["evidence"]} for one in spare]]) if len(kept) == 3 and spare else None
    )


def penalties_outweigh(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Pitfalls cost more than all the rest can earn."""
    found = criteria(case)
    if not pitfalls(found):
        return None
    kept = positive(found)[:3] + pitfalls(found)[:1]
    for one in kept:
        one["weight"] = 5 if one["category"] == "pitfall" else 1
    return changed(case, criteria=kept)


def light_essential(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A refinement weighs more than what the answer cannot do without."""
    found = criteria(case)
    kept = positive(found)
    kept[0].update(category="essential", weight=2)
    kept[-1].update(category="optional", weight=4)
    return changed(case, criteria=found)


def endless_question(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A question after a preamble that nobody needs."""
    filler = "You work in a team, the team is in a firm, the firm has many clients, and each of them is in a hurry today. "
    return changed(case, question=filler * 4 + case.task["question"])


def clipped_question(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A question of a few words."""
    subject = " ".join(case.title.split()[-2:])
    return changed(case, question=rng.choice([f"Why {subject}?", f"Explain {subject}.", f"How does {subject} work?"]))


def bare_reference(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A reference answer that answers nothing."""
    return changed(case, reference_answer=rng.choice(["Yes.", "It depends.", "No, never.", "See above."]))


def sprawling_title(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A title that is a sentence."""
    title = "What a really good answer to this would have to say if it is to be of any use to us"
    return one_changed(case, rng, lambda found: found, lambda one: one.update(title=title))


def label_for_description(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A description that is a mere label."""
    return one_changed(case, rng, positive, lambda one: one.update(description=rng.choice(["Correctness.", "Main point.", "Accuracy"])))
