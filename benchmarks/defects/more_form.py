"""Defects written blind to the gates, to mend the gates on. The form of a reply, the number of criteria and their weights."""

from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed, criteria, lowered, pitfalls, positive
from benchmarks.defects.more_parts import Criterion, any_of, earning, sentences, where

_RENAMED = {
    "scoring_guide": ("scoring_rubric", "scoringGuide", "levels"),
    "verification_cues": ("cues", "verification_hints", "keywords"),
    "required_elements": ("required_points", "key_elements", "requiredElements"),
    "description": ("text", "criterion", "desc"),
    "category": ("type", "importance", "level"),
    "evidence": ("evidence_quotes", "quotes", "source_evidence"),
    "weight": ("points", "score", "max_points"),
    "title": ("name", "label", "heading"),
}
_LABELS = ("moderate", "very hard", "intermediate", "advanced", "3/5", "expert-level", "challenging", "Medium to hard", "")
_BLANK = ("", " ", "N/A", "n/a", "None", "-", "TBD", "No direct quote available.", "Implied by the passage.")


def quote_as_text(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    def change(one: Criterion) -> None:
        one["evidence"] = rng.choice(("{}", '"{}"', "“{}”", "- {}", "['{}']")).format(one["evidence"][0])

    return where(case, rng, any_of, change)


def renamed_key(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    key = rng.choice(list(_RENAMED))
    name = rng.choice(_RENAMED[key])
    return changed(case, criteria=[{name if had == key else had: value for had, value in one.items()} for one in criteria(case)])


def grouped_criteria(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    form = rng.choice(("{}", "{}_criteria", "{}s", "{} criteria", "group_{}"))
    found = criteria(case)
    groups = dict.fromkeys(one["category"] for one in found)
    return changed(case, criteria={form.format(group): [one for one in found if one["category"] == group] for group in groups})


def guide_as_mapping(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    key = rng.choice(("{}", "level_{}", "score {}", "{} points", "L{}"))

    def change(one: Criterion) -> None:
        one["scoring_guide"] = {key.format(number): level for number, level in enumerate(one["scoring_guide"])}

    return where(case, rng, any_of, change)


def guide_as_sentence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    form, between = rng.choice((("0: {}", "; 1: "), ("Low: {}", " High: "), ("{}", " / "), ("{}", " -> "), ("Fail if: {}", " Pass if: ")))

    def change(one: Criterion) -> None:
        one["scoring_guide"] = form.format(between.join(one["scoring_guide"]))

    return where(case, rng, any_of, change)


def invented_difficulty(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    return changed(case, difficulty=rng.choice(_LABELS))


def nothing_for_a_list(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    key, nothing = (
        rng.choice(("required_elements", "verification_cues", "scoring_guide", "evidence")),
        rng.choice((None, "", {}, "none", 0)),
    )

    def change(one: Criterion) -> None:
        one[key] = nothing

    return where(case, rng, any_of, change)


def blank_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    blank = rng.choice(_BLANK)

    def change(one: Criterion) -> None:
        one["evidence"] = [blank]

    return where(case, rng, earning, change)


def headline_criteria(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    best = sorted(positive(found), key=lambda one: -one["weight"])[: rng.choice((1, 2))]
    return changed(case, criteria=best + pitfalls(found)[: rng.choice((0, 1))])


def answer_as_criterion(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    form = rng.choice(("Answers the question on {} correctly.", "Gives a full account of {}.", "Shows a sound grasp of {}."))
    one = rng.choice([one for one in criteria(case) if one["category"] == "essential"])
    form = rng.choice((form, "Deals with all aspects of {}.", "Covers what matters about {}."))
    return changed(case, criteria=[{**one, "title": "Overall answer", "description": form.format(case.title), "weight": 5}])


def criterion_per_cue(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    verb = rng.choice(("Mentions", "Names", "Refers to", "Touches on", "Brings up"))
    found = criteria(case)
    more = [
        {**one, "title": said[:1].upper() + said[1:], "description": f"{verb} {said}.", "category": "optional", "weight": 1}
        for one in positive(found)
        for said in (*one["required_elements"], *one["verification_cues"])
    ]
    rng.shuffle(more)
    return changed(case, criteria=found + more[: max(13 - len(found), rng.randint(8, 14))]) if len(found) + len(more) > 12 else None


def criterion_per_sentence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    verb = rng.choice(("Reports", "Repeats", "Says", "Remembers", "Observes"))
    found = criteria(case)
    model = positive(found)[-1]
    more = [
        {
            **model,
            "title": " ".join(said.split()[:4]),
            "description": f"{verb} that {lowered(said)}.",
            "category": rng.choice(("optional", "important")),
            "weight": 2,
            "evidence": [said],
        }
        for said in sentences(case.passage)
    ]
    return changed(case, criteria=found + more) if len(found) + len(more) > 12 else None


def lions_share(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    chosen = rng.choice(positive(found))
    for one in found:
        one["weight"] = rng.randint(70, 95) if one is chosen else 1
    return changed(case, criteria=found)


def worthless_criterion(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    def change(one: Criterion) -> None:
        one["weight"] = 0

    return where(case, rng, earning, change)


def below_zero(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    chosen = pitfalls(found) if rng.random() < 0.5 else [rng.choice(positive(found))]
    for one in chosen:
        one["weight"] = -one["weight"]
    return changed(case, criteria=found)


def many_heavy_pitfalls(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Every criterion but the weightiest essential ones gets a pitfall of its own that says the contrary."""
    form = rng.choice(
        ("Gets {} wrong.", "Misunderstands {}.", "Confuses matters of {}.", "Contradicts what is known of {}.", "Muddles {}.")
    )
    found = criteria(case)
    kept = sorted(positive(found), key=lambda one: -one["weight"])[:4]
    guide = ["The mistake is not made.", "The mistake is made."]
    against = [
        {
            **one,
            "title": f"Error on {one['title'].lower()}",
            "description": form.format(one["required_elements"][0]),
            "category": "pitfall",
            "weight": 5,
            "scoring_guide": guide,
        }
        for one in kept
    ]
    bad = [{**one, "weight": rng.choice((4, 5))} for one in pitfalls(found)]
    return changed(case, criteria=kept + against + bad)
