"""Unseen defects of single criteria: repeated, compound, upside down, copied, with figures from nowhere."""

import re
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from benchmarks.defects.case import Case, Spoil, changed, claim, criteria, pitfalls, positive
from benchmarks.defects.kind import Kind
from benchmarks.defects.unseen_parts import LONGEST_DESCRIPTION, clausal, described, sentences, set_in_one, small

_TWICE = ("duplicate_criteria",)
_COMPOUND = ("atomicity",)
_TURNED = ("polarity",)
_COPIED = ("reference_copied",)


def _repeated(forms: Sequence[str], titles: Sequence[str], category: str | None) -> Spoil:
    """A further criterion that asks what another one asks: {claim}, {element}; titles with {name}."""

    def spoil(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
        found = criteria(case)
        able = [one for one in positive(found) if clausal(one)]
        if not able:
            return None
        one = rng.choice(able)
        again = {
            **one,
            "title": rng.choice(titles).format(name=small(one["title"])),
            "description": rng.choice(forms).format(claim=claim(one["description"]), element=one["required_elements"][0]),
            "category": category or one["category"],
        }
        if category == "pitfall":
            again |= {"weight": 1, "scoring_guide": ["The mistake is not made.", "The mistake is made."]}
        elif category is not None:
            again["weight"] = 2
        found.append(again)
        return changed(case, criteria=found)

    return spoil


def _several_titles(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """One criterion for the topics of three."""
    rest = [each for each in positive(criteria(case)) if each["title"] != one["title"]]
    if len(rest) < 2:
        return False
    second, third = rng.sample(rest, 2)
    form = rng.choice(
        [
            "Covers {0}, {1} and {2}.",
            "Addresses {0} on the one hand and {1} on the other, with {2} as a third point.",
            "Deals with three aspects: {0}, {1}, {2}.",
            "Touches on {0}, then on {1}, and finally on {2}.",
            "Gives a correct account of {0} and of {1}, including {2}.",
        ]
    )
    elements = [each["required_elements"][0] for each in (one, second, third)]
    one["description"] = form.format(*elements)
    one["required_elements"] = elements
    return True


def _guides(forms: Sequence[tuple[str, ...]]) -> Callable[[dict[str, Any], Case, Random], bool]:
    """Levels of a criterion from forms with {element}."""

    def change(one: dict[str, Any], case: Case, rng: Random) -> bool:
        one["scoring_guide"] = [level.format(element=one["required_elements"][0]) for level in rng.choice(forms)]
        return True

    return change


def _after_a_verb(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A sentence of the reference answer behind a verb."""
    able = [text for text in sentences(case.task["reference_answer"]) if len(text.split()) >= 15]
    if not able:
        return False
    form = rng.choice(
        ["States that {}.", "The answer says that {}.", "Explains the following: {}.", "Makes the point that {}.", "Shows that {}."]
    )
    one["description"] = form.format(small(rng.choice(able)))
    return len(one["description"]) <= LONGEST_DESCRIPTION


def _with_other_end(one: dict[str, Any], case: Case, rng: Random) -> bool:
    """A sentence of the reference answer that goes its own way only in the last words."""
    able = [text for text in sentences(case.task["reference_answer"]) if len(text.split()) >= 18]
    if not able:
        return False
    text = small(rng.choice(able))
    clauses = re.split(r"(?=[,;:] )", text)
    kept = "".join(clauses[:-1])
    end = rng.choice(
        ["or words to that effect", "among other things", "or much the same", "put in this or a similar way", "to name the main thing"]
    )
    verb = rng.choice(["Says that", "Points out that", "Recalls that", "Argues that", "Sets out that"])
    one["description"] = f"{verb} {kept if len(kept.split()) >= 14 else text}, {end}."
    return len(one["description"]) <= LONGEST_DESCRIPTION


RUBRIC: dict[str, Kind] = {
    "unseen_restated": Kind(
        _repeated(
            [
                "Is aware that {claim}.",
                "Makes it plain that {claim}.",
                "Mentions correctly that {claim}.",
                "Brings out that {claim}.",
                "Realises that {claim}.",
            ],
            ["Sees that {name}", "Awareness: {name}", "On {name}", "Point on {name}", "Again {name}"],
            None,
        ),
        _TWICE,
    ),
    "unseen_two_depths": Kind(
        _repeated(
            [
                "Goes into depth on the point that {claim}.",
                "Elaborates on the point that {claim}.",
                "At least hints that {claim}.",
                "Gives a detailed account of why {claim}.",
                "Reinforces the idea that {claim}.",
            ],
            ["More on {name}", "Detail of {name}", "Depth of {name}", "Basics of {name}", "Full account: {name}"],
            "optional",
        ),
        _TWICE,
    ),
    "unseen_mirrored_pitfall": Kind(
        _repeated(
            [
                "Never says that {claim}.",
                "Gives no indication that {claim}.",
                "Is silent on the fact that {claim}.",
                "Passes over the fact that {claim}.",
                "Lacks the insight that {claim}.",
            ],
            ["Lacks {name}", "Missing: {name}", "Nothing on {name}", "Gap: {name}", "Silent on {name}"],
            "pitfall",
        ),
        ("duplicate_criteria", "polarity"),
    ),
    "unseen_both": Kind(
        described(
            [
                "States both that {claim} and that {other}.",
                "Says not only that {claim} but also that {other}.",
                "Shows on the one hand that {claim}, on the other that {other}.",
                "Holds at once that {claim} and that {other}.",
                "Observes first that {claim}, then that {other}.",
            ]
        ),
        _COMPOUND,
    ),
    "unseen_along_with": Kind(
        described(
            [
                "{text}, also noting that {other}.",
                "{text}, while recognising that {other}.",
                "{text}, plus the fact that {other}.",
                "{text}, with the further remark that {other}.",
                "{text}, besides showing that {other}.",
                "{text} and, on top of that, that {other}.",
            ]
        ),
        _COMPOUND,
    ),
    "unseen_bracketed": Kind(
        described(
            [
                "{text} (and that {other}).",
                "{text} / that {other}.",
                "{text} & that {other}.",
                "{text} – moreover, that {other}.",
                "{text} (plus: {other}).",
            ]
        ),
        _COMPOUND,
    ),
    "unseen_several_topics": Kind(set_in_one(_several_titles), _COMPOUND),
    "unseen_pitfall_of_silence": Kind(
        described(
            [
                "Says nothing about the fact that {other}.",
                "Forgets to bring up that {other}.",
                "Neglects to mention that {other}.",
                "Leaves it unmentioned that {other}.",
                "Skips the point that {other}.",
                "Keeps quiet about the fact that {other}.",
            ],
            pitfalls,
        ),
        _TURNED,
    ),
    "unseen_pitfall_of_merit": Kind(
        described(
            [
                "Rightly sees that {other}.",
                "Steers clear of the view that {claim}.",
                "Refrains from saying that {claim}.",
                "Gives a sound account of why {other}.",
                "Properly rejects the idea that {claim}.",
                "Understands well that {other}.",
            ],
            pitfalls,
        ),
        _TURNED,
    ),
    "unseen_merit_of_mistake": Kind(
        described(
            [
                "Mistakenly denies that {claim}.",
                "Misses that {claim}.",
                "Fails to grasp that {claim}.",
                "Erroneously disputes that {claim}.",
                "Falsely holds it to be untrue that {claim}.",
                "Ignores that {claim}.",
            ]
        ),
        _TURNED,
    ),
    "unseen_falling_levels": Kind(
        set_in_one(
            _guides(
                [
                    ("Fully explained ({element}).", "Partly explained.", "Not explained."),
                    ("Excellent.", "Fair.", "Poor or absent."),
                    ("The point is made.", "The point is not made."),
                    ("Clear and correct: {element}.", "Vague.", "Wrong or missing."),
                    ("Complete.", "Nearly complete.", "Nothing on it."),
                ]
            )
        ),
        _TURNED,
    ),
    "unseen_falling_pitfall_levels": Kind(
        set_in_one(
            _guides(
                [
                    ("Makes the mistake ({element}).", "Does not make the mistake."),
                    ("Falls for it: {element}.", "Hints at it.", "Free of this error."),
                    ("The error is present.", "The error is absent."),
                    ("Commits this error outright ({element}).", "No sign of this error."),
                    ("Wrong: {element}.", "Correct, the error is avoided."),
                ]
            ),
            pitfalls,
        ),
        _TURNED,
    ),
    "unseen_after_a_verb": Kind(set_in_one(_after_a_verb), _COPIED),
    "unseen_with_other_end": Kind(set_in_one(_with_other_end), _COPIED),
}
