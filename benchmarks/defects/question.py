"""Defects of the question: it points at something unseen, gives away the answer, repeats the passage, or was asked before."""

import re
from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed, criteria, lowered, positive


def _asked(case: Case, question: str) -> Case | None:
    return changed(case, question=question) if len(question) <= 600 else None


def _opened(case: Case, rng: Random, openings: Sequence[str]) -> Case | None:
    return _asked(case, f"{rng.choice(openings)} {lowered(case.task['question'][:-1])}?")


def by_the_passage(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Points at the passage."""
    return _opened(case, rng, ["According to the passage,", "Based on the text,", "In the excerpt,", "From the given passage,"])


def by_the_document(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Points at the document."""
    return _opened(
        case, rng, ["In this document,", "As this manual explains,", "In the present article,", "According to the documentation above,"]
    )


def by_the_author(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Asks what somebody wrote."""
    return _opened(case, rng, ["How does the author answer this:", "What do the authors say when asked", "In the author's view,"])


def by_a_figure(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Points at a figure, table or equation."""
    return _opened(case, rng, ["As shown in Figure 2,", "Using Table 4,", "Given equation (3),", "With reference to Fig. 1b,"])


def by_a_section(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Points at a part of the document."""
    return _opened(case, rng, ["In Section 3.2,", "As chapter 4 says,", "In the previous section,", "In the introduction,"])


def by_a_citation(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Leans on a reference that nobody can look up."""
    return _opened(case, rng, ["Following [12],", "According to Miller et al.,", "As in [3, 7],", "As we found,"])


def by_a_listing(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Points at code that is not there."""
    return _opened(case, rng, ["In the code above,", "Given the following snippet,", "In the example shown,", "In the listing below,"])


def said_before(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Points back at something said."""
    tails = ["as described above", "as mentioned earlier", "in the way described here", "as stated previously"]
    return _asked(case, f"{case.task['question'][:-1]}, {rng.choice(tails)}?")


def unnamed_subject(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Never says what it is about."""
    asked = [
        "Why is this necessary, and what would happen if it were not done?",
        "How does it achieve this, and what are its limits in practice?",
        "Why do they differ, and which of them should be preferred here?",
        "What is the reason for this behaviour, and how could it be avoided?",
    ]
    return _asked(case, rng.choice(asked))


def described_subject(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Names its subject only as 'the described' one."""
    asked = [
        "Why is the described approach preferred over the alternative, and what does it cost?",
        "How does the mentioned mechanism work, and what are its limits?",
        "What are the advantages of the presented method, and when does it fail?",
        "Why does the aforementioned restriction exist, and how can one live with it?",
    ]
    return _asked(case, rng.choice(asked))


def told_elements(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Gives away what the criteria ask for."""
    told = [element for one in positive(criteria(case)) for element in one["required_elements"]]
    return _asked(case, f"{case.task['question'][:-1]}, keeping in mind {', '.join(map(lowered, told))}?")


def told_reference(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Holds the reference answer."""
    return _asked(case, f"Is it right to say the following? {case.task['reference_answer'][:540].rsplit(' ', 1)[0]}")


def asked_for_the_asked(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Criteria that the question itself already meets."""
    found = criteria(case)
    tokens = list(re.findall(r"[A-Za-z]{5,}", case.task["question"]))
    for number, one in enumerate(positive(found)):
        one["required_elements"] = [tokens[number % len(tokens)]]
    return changed(case, criteria=found)


def lifted_run(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Repeats a run of the passage."""
    tokens = re.sub(r"[^\w\s]", " ", case.passage).split()
    first = rng.randrange(len(tokens) - 14)
    return _asked(case, f"{case.task['question'][:-1]}, where {' '.join(tokens[first : first + 12])}?")


def lifted_sentence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """Quotes a sentence of the passage."""
    found = [part for part in re.split(r"(?<=[.!?])\s+", case.passage) if 10 <= len(part.split()) <= 30 and len(part) < 250]
    return _asked(case, f'Somebody claims: "{rng.choice(found)}" {case.task["question"]}') if found else None


def asked_again(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The same question a second time."""
    return _asked(case, case.task["question"])


def asked_again_politely(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The same question with other small words around it."""
    return _opened(case, rng, ["So,", "And now:", "Now then,", "Once more:"])
