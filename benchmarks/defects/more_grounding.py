"""Defects written blind to the gates, to mend the gates on. What criteria quote, and the numbers in them."""

import re
from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed, criteria, positive
from benchmarks.defects.more_parts import Criterion, claimed, earning, ended, sentences, unsaid, where

_OTHER_WORDS = {
    "only": "solely",
    "must": "has to",
    "cannot": "is not able to",
    "because": "since",
    "requires": "needs",
    "before": "prior to",
    "until": "till",
    "same": "identical",
    "often": "frequently",
    "means": "implies",
    "used": "employed",
    "different": "distinct",
    "changes": "alters",
    "will": "is going to",
    "always": "in every case",
    "considered": "regarded as",
    "provided": "as long as",
    "occurs": "happens",
    "needs": "requires",
    "may": "might",
}
_OPENINGS = ("As a result", "This means", "On the other hand", "For this reason", "In this", "so that", "as long as", "in order to")
_DETERMINERS = ("a", "an", "the", "this", "that", "these", "those", "it", "its", "there", "such", "which")
_VERBS = ("is", "are", "was", "be", "been", "not", "so", "can", "may", "will")
_LINKS = ("of", "to", "in", "on", "by", "for", "from", "with", "as", "at", "or", "and", "if", "than", "when")
_THIN = frozenset((*_DETERMINERS, *_VERBS, *_LINKS))


def _quoting(case: Case, rng: Random, quote: str | None, like: str = "{}") -> Case | None:
    def change(one: Criterion) -> None:
        one["evidence"] = [like.format(one["evidence"][0] if quote is None else quote)]

    return where(case, rng, earning, change)


def two_quotes_in_one(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    quotes = [one["evidence"][0] for one in positive(criteria(case))]
    first, second = rng.sample(quotes, 2)
    joined = f"{first}{rng.choice((' and ', '; ', ', ', ' / ', ' | ', ', so '))}{second}"
    return None if joined in case.passage or first == second else _quoting(case, rng, joined)


def attributed_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    forms = (
        "The passage states that {}",
        "The text says: {}",
        "According to the source, {}",
        "Quote: {}",
        "{} (paragraph 1)",
        "Line 2: {}",
    )
    return _quoting(case, rng, None, rng.choice((*forms, "It is noted that {}", "{} [source]")))


def place_for_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    about = rng.choice(positive(criteria(case)))["title"].lower()
    forms = ("Paragraph {n}, sentence on {a}", "See the part about {a}", "The sentence that deals with {a}", "Lines {n}-{m}", "¶{n}: {a}")
    return _quoting(case, rng, rng.choice(forms).format(a=about, n=(n := rng.randint(1, 3)), m=n + 2))


def claim_as_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    pairs = [(one, said) for one, said in claimed(found) if said not in case.passage]
    if not pairs:
        return None
    one, said = rng.choice(pairs)
    one["evidence"] = [said[:1].upper() + said[1:] + rng.choice(("", "."))]
    return changed(case, criteria=found)


def word_left_out(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    def long(one: Criterion) -> bool:
        return earning(one) and len(one["evidence"][0].split()) >= 6

    def change(one: Criterion) -> None:
        words = one["evidence"][0].split(" ")
        del words[rng.choice([at for at in range(1, len(words) - 1) if len(words[at]) > 2] or [1])]
        one["evidence"] = [" ".join(words)]

    return where(case, rng, long, change)


def other_word_quoted(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    def fits(one: Criterion) -> bool:
        return any(word in _OTHER_WORDS for word in one["evidence"][0].split()[1:])

    def change(one: Criterion) -> None:
        words = one["evidence"][0].split(" ")
        at = rng.choice([at for at, word in enumerate(words) if at and word in _OTHER_WORDS])
        words[at] = _OTHER_WORDS[words[at]]
        one["evidence"] = [" ".join(words)]

    return where(case, rng, fits, change)


def _essential(case: Case, rng: Random, quote: str) -> Case | None:
    def change(one: Criterion) -> None:
        one["evidence"] = [quote]

    return where(case, rng, lambda one: bool(one["category"] == "essential"), change)


def filler_quote(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    words = case.passage.split(" ")
    runs = [words[at : at + size] for at in range(len(words)) for size in (2, 3, 4)]
    thin = sorted({" ".join(run) for run in runs if all(word.lower() in _THIN for word in run)}, key=lambda run: (-len(run), run))
    found = [opening for opening in _OPENINGS if opening in case.passage] + thin[:4]
    return _essential(case, rng, rng.choice(found)) if found else None


def one_name_quoted(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    words = sorted(
        {word for word in re.findall(r"\b[A-Za-z]{5,}\b", case.passage) if word.lower() not in _THIN}, key=lambda word: (-len(word), word)
    )
    return _essential(case, rng, rng.choice(words[:10]))


def all_quotes_everywhere(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    every = list(dict.fromkeys(quote for one in found for quote in one["evidence"]))
    rng.shuffle(every)
    return changed(case, criteria=[{**one, "evidence": every} for one in found])


def shifted_quotes(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    found = criteria(case)
    long = [said for said in sentences(case.passage) if len(said.split(" ")) >= 10 + len(found)]
    if not long:
        return None
    words = rng.choice(long).split(" ")
    size = len(words) - len(found) + 1
    return changed(case, criteria=[{**one, "evidence": [" ".join(words[at : at + size])]} for at, one in enumerate(found)])


def paragraph_for_all(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    whole = rng.choice([part for part in case.passage.split("\n\n") if len(part.split()) >= 20])
    return changed(case, criteria=[{**one, "evidence": [whole]} for one in criteria(case)])


def _tailed(case: Case, rng: Random, tail: str) -> Case | None:
    def change(one: Criterion) -> None:
        one["description"] = ended(one["description"], tail)

    return where(case, rng, earning, change)


def share_of_cases(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    forms = (" in about {}% of cases", ", which holds for {} percent of uses", " at a cost of roughly {}%", ", a gain of up to {} %")
    return _tailed(
        case,
        rng,
        rng.choice((*forms, " and does so {}% of the time", ", with some {} per cent to spare")).format(unsaid(case, rng, range(12, 98))),
    )


def release_named(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    forms = (
        " as of version {n}.{m}",
        " since release {n}.{m}",
        " (introduced in {y})",
        ", as changed in {y}",
        " from v{n}.{m} on",
        ", a rule dating from {y}",
    )
    return _tailed(
        case, rng, rng.choice(forms).format(n=unsaid(case, rng, range(3, 30)), m=rng.randint(1, 9), y=unsaid(case, rng, range(1996, 2024)))
    )


def range_given(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    low = unsaid(case, rng, range(13, 90))
    forms = (
        " within {}–{} ms",
        ", typically {} to {} seconds",
        " for between {} and {} items",
        " over {}-{} MB",
        ", usually some {} to {} times",
    )
    return _tailed(case, rng, rng.choice(forms).format(low, unsaid(case, rng, range(low + 1, 99))))


def figure_in_guide(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    number = unsaid(case, rng, range(13, 990))
    forms = (
        "Said, with the figure of {}.",
        "Names {} as the value.",
        "Gives {} MB.",
        "Arrives at {}.",
        "Puts it at {} ms.",
        "Quotes the limit of {}.",
    )

    def change(one: Criterion) -> None:
        one["scoring_guide"] = [*one["scoring_guide"][:-1], rng.choice(forms).format(number)]

    return where(case, rng, earning, change)


def multiplied_effect(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    number = unsaid(case, rng, range(13, 90))
    forms = (
        ", a {}-fold effect",
        ", {} times as much as otherwise",
        " by a factor of {}",
        ", {}x the usual amount",
        ", and that {} times over",
    )
    return _tailed(case, rng, rng.choice(forms).format(number))
