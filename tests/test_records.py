"""Records: invariants hold on construction, ids depend on content alone, rows round-trip."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rubric_factory.records import (
    Category,
    Criterion,
    Document,
    Evidence,
    JudgeFailure,
    Level,
    Message,
    Passage,
    Rejection,
    Rubric,
    Task,
    Verdict,
    content_id,
)
from rubric_factory.rubric_rows import rubric_from_rows, rubric_to_rows
from rubric_factory.tables import passage_from_row, passage_to_row, task_from_row, task_to_row

GUIDE = (Level(0, "absent"), Level(1, "partly"), Level(2, "fully"))
CRITERION = Criterion(
    "k1", "Title", "Names the pressure.", Category.ESSENTIAL, 5, ("3 bar",), GUIDE, ("3 bar",), (Evidence(2, 7, "3 bar"),)
)
PITFALL = Criterion("k2", "Pitfall", "Says that the valve is open.", Category.PITFALL, -1, (), GUIDE[:2], (), ())
PASSAGE = Passage("p" * 64, "d" * 64, "s/a.pdf", "1/2#0", "Valves", 0, 10, 20, 1, 2, "0123456789")
TASK = Task(
    "s/a.pdf#1/2#0@0", "p" * 64, "d" * 64, "s/a.pdf", (Message("user", "At what pressure?"),), "At what pressure?", "quantity", "At 3 bar.",
    Rubric((CRITERION, PITFALL)), "extractive@1", "demo",
)  # fmt: skip


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(CRITERION, weight=0),
        lambda: replace(CRITERION, weight=-5),
        lambda: replace(PITFALL, weight=1),
        lambda: replace(CRITERION, scoring_guide=GUIDE[:1]),
        lambda: replace(CRITERION, scoring_guide=GUIDE[1:]),
        lambda: Rubric((PITFALL,)),
        lambda: Rubric((CRITERION, CRITERION)),
        lambda: Rubric(()),
        lambda: Evidence(2, 6, "3 bar"),
        lambda: Evidence(-1, 4, "3 bar"),
        lambda: replace(PASSAGE, char_end=21),
        lambda: replace(PASSAGE, text="", char_end=10),
        lambda: replace(PASSAGE, page_start=3),
        lambda: replace(TASK, prompt=()),
        lambda: replace(TASK, prompt=(Message("system", "x"),)),
        lambda: replace(TASK, question="  "),
        lambda: Verdict("k", None),
        lambda: Verdict("k", 0, failure=JudgeFailure.TIMEOUT),
        lambda: Verdict("k", -1),
        lambda: Rejection("", "ingest", "too_large"),
        lambda: Document("x", "s/a", "s", "a", "text/html", 1, "t"),
        lambda: Document("d" * 64, "other/a", "s", "a", "text/html", 1, "t"),
        lambda: Document("d" * 64, "s/a", "s", "a", "text/html", 1, "t", page_starts=(5, 0)),
    ],
)
def test_a_broken_invariant_is_an_error(make):
    with pytest.raises(ValueError):
        make()


def test_ids_depend_on_content_and_not_on_keys():
    assert replace(CRITERION, criterion_key="other").criterion_id == CRITERION.criterion_id
    assert replace(CRITERION, weight=4).criterion_id != CRITERION.criterion_id
    assert replace(TASK, task_key="other", author="someone").task_id == TASK.task_id
    for change in ({"question": "Why?"}, {"reference_answer": "4 bar"}, {"rubric": Rubric((CRITERION,))}, {"passage_id": "q" * 64}):
        assert replace(TASK, **change).task_id != TASK.task_id


def test_ids_are_stable_across_versions_of_this_code():
    assert content_id("passage", 1, "é", None) == "28016cdfb7c3239e785216118f82ab944a3a689b9eafd2525afc779715bd5e2d"


@given(st.lists(st.one_of(st.text(), st.integers(), st.none())), st.lists(st.one_of(st.text(), st.integers(), st.none())))
def test_different_parts_have_different_ids(left, right):
    assert (content_id(*left) == content_id(*right)) == (left == right)


def test_parts_do_not_run_into_each_other():
    assert content_id("ab", "c") != content_id("a", "bc")


def test_rubric_and_task_and_passage_rows_round_trip():
    assert rubric_from_rows(rubric_to_rows(TASK.rubric)) == TASK.rubric
    assert task_from_row(task_to_row(TASK)) == TASK
    assert passage_from_row(passage_to_row(PASSAGE, 1, "digest")) == PASSAGE


def test_a_row_whose_content_was_changed_is_refused_on_reading():
    row = task_to_row(TASK)
    row["reference_answer"] = "At 4 bar."
    with pytest.raises(ValueError, match="stored id"):
        task_from_row(row)


def test_positive_weight_and_max_level():
    assert TASK.rubric.positive_weight == 5
    assert CRITERION.max_level == 2
