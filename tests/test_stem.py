"""Answer stems: made from the question alone, never from the answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.authoring.extractive.stem import answer_stem, third_person

CASES = {
    "In the context of MSG_ZEROCOPY, when is the kernel permissive?": "The kernel is permissive when",
    "What happens if the server is restarted?": "If the server is restarted,",
    "What should be done if you are implementing a new function?": "If you are implementing a new function, you should",
    "In the context of X, what is recommended for reference documentation?": "Reference documentation should",
    "What requirement applies to the input times?": "The input times must",
    "How are Sweave documents preprocessed?": "Sweave documents are preprocessed",
    "How can anisotropic surfaces be interpolated?": "Anisotropic surfaces can be interpolated",
    "In the context of Savepoints, what does the RELEASE command start with?": "The RELEASE command starts with",
    'In the context of "Helm", what does the Helm deployment do by default?': "By default the Helm deployment",
    "Why is the feature implemented as a flag?": "The feature is implemented as a flag because",
    "What do hash indexes store?": "Hash indexes store",
    "What is crossvalidation?": "Crossvalidation is",
    "What is the environment different from?": "",
    "Describe the cache.": "",
    "When is evacuate an operation performed by an administrator?": "",
    "How is the number of points taken for approximation controlled?": "",
    "What does the AMS style require for displayed equations?": "",
    "What are all entries applied to?": "All entries are applied to",
    "What are all entries signed at?": "",
    "What does the module not require?": "The module does not require",
    "What will the replica do by default?": "By default the replica will",
}


@pytest.mark.parametrize(("question", "stem"), CASES.items())
def test_stem_of_a_question(question, stem):
    assert answer_stem(question) == stem


@pytest.mark.parametrize(
    ("verb", "form"),
    [("contain", "contains"), ("specify", "specifies"), ("do", "does"), ("have", "has"), ("match", "matches"), ("play", "plays")],
)
def test_third_person(verb, form):
    assert third_person(verb) == form


@given(st.text(max_size=80))
def test_any_text_has_a_stem_or_none(text):
    stem = answer_stem(text)
    assert stem == "" or stem[0] == stem[0].upper()
