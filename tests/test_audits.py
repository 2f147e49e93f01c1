"""The named queries under sql/audits: each runs, and says what the rows say."""

import pytest
from factory import make_context, small_corpus

from rubric_factory import sqlfiles, warehouse

EXPECTED = {
    "gates": [
        {"gate": "spans", "severity": "error", "checked": 6, "refused": 1},
        {"gate": "style", "severity": "warning", "checked": 6, "refused": 6},
    ],
    "rejections": [{"stage": "stage", "reason": "yanked", "records": 1}],
    "tasks_per_document": [
        {"document_key": "papers/d00.pdf", "written": 2, "may_be_published": 1},
        {"document_key": "papers/d01.pdf", "written": 2, "may_be_published": 2},
        {"document_key": "papers/d02.pdf", "written": 2, "may_be_published": 2},
    ],
    "question_types": [{"question_type": "definition", "written": 6, "refused": 1, "refused_share": pytest.approx(1 / 6)}],
    "repair": [{"reason": "numbers", "tried": 3, "mended": 1, "publishable": 1}],
    "difficulty": [{"mode": "passage", "difficulty": "hard", "tried": 3, "passed": 1, "mean_weak_score": None}],
    "funnel": [
        {
            "documents_seen": 3,
            "documents_kept": 3,
            "passages_cut": 6,
            "passages_selected": 6,
            "passages_with_tasks": 6,
            "tasks_written": 6,
            "tasks_gated": 5,
            "tasks_passed": 5,
        }
    ],
    "refused_alone": [{"gate": "spans", "refused": 1, "refused_alone": 1, "refused_share": pytest.approx(1 / 6)}],
    "categories": [
        {"category": "essential", "criteria": 5, "tasks": 5, "mean_weight": 5.0, "weight_share": pytest.approx(5 / 7)},
        {"category": "pitfall", "criteria": 5, "tasks": 5, "mean_weight": -2.0, "weight_share": pytest.approx(2 / 7)},
    ],
    "repeated_questions": [
        {"question": "which component does section section 1 name first, variant 0?", "tasks": 3, "documents": 3},
        {"question": "which component does section section 0 name first, variant 0?", "tasks": 2, "documents": 2},
    ],
    "necessity": [{"category": "essential", "criteria": 2, "unneeded": 1, "widening_without": 1, "mean_margin_change": pytest.approx(0.1)}],
    "licences": [{"licence": "CC-BY-4.0", "documents": 3, "tasks": 5}],
}


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    context = make_context(tmp_path_factory.mktemp("audits"))
    corpus = small_corpus(3)
    corpus.refused = {corpus.tasks[0].task_key}
    corpus.clusters = {corpus.passages[2].passage_id: corpus.passages[0].passage_id}
    corpus.fold(context.workspace)
    with warehouse.opened(context.workspace) as house:
        rejection = {"record_id": "papers/d09.pdf", "stage": "stage", "reason": "yanked", "detail": ""}
        house.fold("rejections", house.table("rejections").from_pylist([rejection]))
        # The first task was refused and stays so after repair; the second and third were mended, the third is of a gone passage.
        keys = [task.task_key for task in corpus.tasks[:2]] + ["papers/d99.pdf#s0/0/0"]
        noted = {
            "passage_id": "p",
            "mode": "passage",
            "difficulty": "hard",
            "weak_answer": "",
            "first_refusal": "numbers",
            "repair_rounds": 1,
        }
        house.fold("task_notes", house.table("task_notes").from_pylist([{**noted, "task_key": key} for key in keys]))
        # Two criteria of a publishable task; the second tells nothing apart.
        told = {"task_id": corpus.tasks[2].task_id, "category": "essential", "weight": 3, "reference_share": 1.0, "weak_share": 0.5}
        untold = {"margin_change": -0.1, "separates": False, "reference_share": 0.0, "weak_share": 0.0, "weight": -2}
        rows = [{**told, "criterion_key": "a", "margin_change": 0.3, "separates": True}, {**told, **untold, "criterion_key": "b"}]
        house.fold("necessity", house.table("necessity").from_pylist(rows))
        yield house, corpus


def test_every_query_runs_and_is_ordered(house):
    for name in sqlfiles.names("audits"):
        rows = house[0].rows(name, folder="audits")
        assert rows, name
        assert rows == house[0].rows(name, folder="audits")
    assert set(EXPECTED) < set(sqlfiles.names("audits")) and len(sqlfiles.names("audits")) >= 10


@pytest.mark.parametrize("name", EXPECTED)
def test_query_says_what_the_rows_say(house, name):
    assert house[0].rows(name, folder="audits") == EXPECTED[name]


def test_weight_shares_and_clusters(house):
    warehouse, corpus = house
    shares = warehouse.rows("weight_shares", folder="audits")
    assert len(shares) == 5 and {(row["criteria"], row["top_share"]) for row in shares} == {(2, 1.0)}
    clusters = warehouse.rows("clusters", folder="audits")
    assert clusters == [{"cluster": corpus.passages[0].passage_id, "passages": 2, "documents": 2, "share": pytest.approx(2 / 6)}]
