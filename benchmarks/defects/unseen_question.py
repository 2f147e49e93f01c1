"""Unseen defects of the question."""

import re
from collections.abc import Sequence
from random import Random

from benchmarks.defects.case import Case, changed
from benchmarks.defects.kind import Kind
from benchmarks.defects.unseen_parts import LONGEST_QUESTION, asked, asked_of_all, sentences, small

_ALONE = ("standalone",)
_TOLD = ("leakage",)
_RUN = 15
_SYNONYMS = [
    (r"\bExplain\b", "Describe"),
    (r"\bexplain\b", "describe"),
    (r"\bWhy\b", "For what reason"),
    (r"\bwhy\b", "for what reason"),
    (r"\bHow\b", "In what way"),
    (r"\bhow\b", "in what way"),
    (r"\bJustify\b(?! why)", "Give reasons for"),
    (r"\bEvaluate\b", "Judge"),
    (r"\bAssess\b", "Evaluate"),
    (r"\bassess\b", "evaluate"),
    (r"\bcompare\b", "contrast"),
    (r"\bOutline\b", "Sketch"),
    (r"\bsome\b", "several"),
    (r"\bdeveloper\b", "programmer"),
    (r"\bmust\b", "has to"),
    (r"\badministrator\b", "operator"),
    (r"\bprogrammer\b", "developer"),
    (r"\bmany\b", "lots of"),
    (r"\bwants\b", "would like"),
    (r"\bkeeps\b", "retains"),
    (r"\bbelief\b", "opinion"),
    (r"\bthe correctness\b", "correctness"),
]


def _long_sentences(case: Case, grounding: bool) -> list[str]:
    """Long sentences of the passage that hold a quote of the rubric, or that hold none."""
    quotes = [quote for one in case.task["criteria"] for quote in one["evidence"]]
    return [
        text
        for text in sentences(case.passage)
        if len(text.split()) >= _RUN and any(quote in text or text in quote for quote in quotes) is grounding
    ]


def _quoting_setup(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A setting that quotes a long sentence before it asks."""
    able = _long_sentences(case, grounding=False)
    if not able:
        return None
    form = rng.choice(
        [
            "It is known of {0} that {2}. {1}",
            'A colleague reads aloud: "{3}" {1}',
            "{3} With this as a starting point: {1}",
            "Suppose the following holds for {0}: {2}. {1}",
            "Background on {0}: {3} {1}",
            "{1} Keep in mind: {2}.",
        ]
    )
    text = rng.choice(able)
    made = form.format(case.title, case.task["question"], small(text), text)
    return changed(case, question=made) if len(made) <= LONGEST_QUESTION else None


def _turned_sentence(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """A sentence of the passage turned into the question."""
    able = _long_sentences(case, grounding=True)
    if not able:
        return None
    form = rng.choice(
        [
            "With regard to {0}, why is it the case that {1}?",
            "Concerning {0}: explain the reasons why {1}.",
            "In {0}, what follows for a user from the fact that {1}?",
            "How would you explain to a beginner in {0} that {1}?",
            'Discuss this statement about {0}: "{2}"',
            "What is the rationale behind the rule in {0} that {1}?",
        ]
    )
    text = rng.choice(able)
    made = form.format(case.title, small(text), text)
    return changed(case, question=made) if len(made) <= LONGEST_QUESTION else None


def _above_mentioned(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The first thing that the question names is called one that was mentioned before."""
    text = case.task["question"]
    place = re.search(r"\b(?:[Aa]n?|[Tt]he) (?=[A-Za-z-]{3,})(?!scale|learning|calculation)", text)
    if place is None:
        return None
    word = rng.choice(["above-mentioned", "aforementioned", "previously described", "aforesaid", "just described", "said"])
    article = "The" if place.group()[0].isupper() else "the"
    return changed(case, question=f"{text[: place.start()]}{article} {word} {text[place.end() :]}")


def _synonyms(case: Case, others: Sequence[Case], rng: Random) -> Case | None:
    """The same question with two or three words exchanged."""
    text = case.task["question"]
    fitting = [pair for pair in _SYNONYMS if re.search(pair[0], text)]
    if not fitting:
        return None
    for old, new in rng.sample(fitting, min(len(fitting), rng.choice([1, 2, 3]))):
        text = re.sub(old, new, text, count=1)
    return changed(case, question=text)


QUESTION: dict[str, Kind] = {
    "unseen_data_not_given": Kind(
        asked_of_all(
            [
                "Using the values in the table below, {asked}",
                "Given the parameters listed above, {asked}",
                "With the measurements provided, {asked} Refer to the data as needed.",
                "Consider the following snippet. {question}",
                "Look at the diagram. {question}",
                "{question} Use the output shown above.",
                "From the data supplied, {asked}",
            ]
        ),
        _ALONE,
    ),
    "unseen_place_not_seen": Kind(
        asked_of_all(
            [
                "In the third paragraph a behaviour is described. {question}",
                "In the scenario outlined earlier, {asked}",
                "As the manual page argues towards its end, there is a reason for this. {question}",
                "In the example discussed, {asked}",
                "Following the reasoning of the chapter, {asked}",
                "According to the notes quoted, {asked}",
                "The write-up mentions a caveat in its second half. {question}",
            ]
        ),
        _ALONE,
    ),
    "unseen_source_wanted": Kind(
        asked_of_all(
            [
                "{question} Support your answer with quotations from the source.",
                "{question} Base your answer only on the information provided.",
                "{question} Cite the relevant lines.",
                "{question} Do not go beyond what the text says.",
                "{question} Use only facts found in the reading.",
                "{question} Point to the sentences that back up your view.",
                "{question} Stick to the content presented.",
            ]
        ),
        _ALONE,
    ),
    "unseen_nameless": Kind(
        asked(
            [
                "Why does this approach involve the {element}, and what does that mean for its users?",
                "What is the role of the {element} here, and what would happen without it?",
                "How does the described mechanism deal with the {element}?",
                "What is the main limitation of this method when it comes to the {element}?",
                "Explain how the system in question relates the {element} to the {another}.",
                "Which trade-off does the author see in the {element}, and is the conclusion justified?",
                "In this context, what is meant by the {element}, and what is it needed for?",
            ]
        ),
        _ALONE,
    ),
    "unseen_above_mentioned": Kind(_above_mentioned, _ALONE),
    "unseen_hint": Kind(
        asked(
            [
                "{question} (Hint: {claim}.)",
                "{question} Remember that {claim}.",
                "{question} Bear in mind that {claim} and that {more}.",
                "{question} As a reminder, {claim}.",
                "{question} Take into account that {claim}.",
                "{question} Tip: {claim}.",
            ]
        ),
        _TOLD,
    ),
    "unseen_granted": Kind(
        asked(
            [
                "Given that {claim}, {asked}",
                "Since {claim}, and since {more}, {asked}",
                "Considering that {claim}, {asked}",
                "Knowing that {claim}, {asked}",
                "It is well established that {claim}. Against this background, {asked}",
                "Is it right to say that {claim} and that {more}? {question}",
            ]
        ),
        _TOLD,
    ),
    "unseen_to_be_covered": Kind(
        asked(
            [
                "{question} In your answer, show that {claim} and that {more}.",
                "{question} A good answer explains that {claim}.",
                "{question} Make sure to say that {claim}, and add that {more}.",
                "{question} Your explanation should make clear that {claim}.",
                "{question} Be sure to conclude that {claim}.",
                "{question} Do not forget to mention that {claim}.",
            ]
        ),
        _TOLD,
    ),
    "unseen_two_choices": Kind(
        asked(
            [
                "{question} Is the right view (a) that {claim}, or (b) that {slip}?",
                "{question} Choose: A) {claim}; B) {slip}.",
                "{question} Decide whether {claim} or whether {slip}.",
                "{question} Which holds true: {claim}, or {slip}?",
                "{question} Some say that {slip}, but in truth {claim}. Comment.",
            ]
        ),
        _TOLD,
    ),
    "unseen_quoting_setup": Kind(_quoting_setup, ("prompt_overlap",)),
    "unseen_turned_sentence": Kind(_turned_sentence, ("prompt_overlap", "leakage")),
    "unseen_synonyms": Kind(_synonyms, ("duplicate_question",)),
    "unseen_framed_again": Kind(
        asked_of_all(
            [
                "Explain in your own words: {asked}",
                "{question} Explain in detail.",
                "A student asks: {question}",
                "In short, {asked}",
                "Here is a question for an expert: {question}",
                "{question} Give reasons for each of your statements.",
                "Thinking it through step by step, {asked}",
            ]
        ),
        ("duplicate_question",),
    ),
}
