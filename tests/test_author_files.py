"""requests.jsonl and review.jsonl: read strictly, applied at every rebuild, idempotent, nothing silent."""

import json
import re

import pytest
from test_author_stage import PASSAGE_LIST, SCRIPTED, context_of, fill, rows_of, scripted

from rubric_factory.authoring import review
from rubric_factory.authoring.review import CriterionEdit, Edit, Review, Reviews, edited, read_reviews
from rubric_factory.authoring.worklist import Wish, by_passage, failures_text, read_wishes
from rubric_factory.errors import UsageError, WorkspaceError
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Category
from rubric_factory.stages.author import author
from rubric_factory.stages.gate import gate
from rubric_factory.tables import task_from_row

CALLS: list[Request] = []
KEY = "d/0.txt#p0/0/0"


def recorded(request: Request) -> str:
    """The scripted author; asked for more, it asks otherwise; asked without a passage, it guesses."""
    CALLS.append(request)
    if request.schema is None:
        return "Perhaps because of heat."
    text = scripted(request)
    return (
        text.replace("What behaviour do engineers", "Which conduct do designers")
        if "what candidates fail at" in request.messages[1].content
        else text
    )


def context_with(tmp_path, **files: list[dict]):
    context = context_of(tmp_path, **{**SCRIPTED, "function": "test_author_files:recorded"})
    context.workspace.create()
    for name, rows in files.items():
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (context.workspace.root / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    return context


def ran(context, passages=PASSAGE_LIST):
    CALLS.clear()
    fill(context, list(passages))
    return author(context), gate(context)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2"),
        ('{"task_key": "k", "decision": "maybe"}', "decision"),
        ('{"task_key": "k", "decision": "accept", "note": 1}', "note"),
        ('{"task_key": "k", "decision": "edit"}', "an edit goes with"),
        ('{"task_key": "k", "decision": "accept", "edit": {}}', "an edit goes with"),
        ('{"task_key": "k", "decision": "edit", "edit": {"criteria": {"c": {"evidence": []}}}}', "evidence"),
        ('{"decision": "accept"}', "task_key"),
    ],
)
def test_a_broken_line_is_one_error_that_names_it(tmp_path, line, said):
    path = tmp_path / "review.jsonl"
    path.write_text('{"task_key": "k", "decision": "accept"}\n' + line + "\n", encoding="utf-8")
    with pytest.raises(UsageError, match=re.escape(said)) as caught:
        read_reviews(path)
    assert "line 2" in str(caught.value)


def test_no_file_is_no_row_and_an_unreadable_one_is_an_error(tmp_path):
    assert read_wishes(tmp_path / "requests.jsonl") == [] and read_reviews(tmp_path / "none") == Reviews()
    with pytest.raises(WorkspaceError):
        read_wishes(tmp_path)


def test_the_last_accept_or_refuse_holds_and_edits_add_up(tmp_path):
    path = tmp_path / "review.jsonl"
    rows = [
        {"task_key": "d/a#1/0", "decision": "refuse", "reason": "wrong", "reviewer": "ann"},
        {"task_key": "d/a#1/0", "decision": "accept"},
        {"task_key": "d/a#1/1", "decision": "refuse"},
        {"task_key": "d/a#1/2", "decision": "edit", "edit": {"question": "One?"}},
        {"task_key": "d/a#1/2", "decision": "edit", "edit": {"reference_answer": "Two."}},
        {"task_key": "d/b#1/0", "decision": "flag_source", "reason": "a forgery"},
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n\n", encoding="utf-8")
    found = read_reviews(path)
    assert set(found.refused) == {"d/a#1/1"} and set(found.flagged) == {"d/b#1/0"} and len(found.edits["d/a#1/2"]) == 2
    assert found.counts == {"accept": 1, "edit": 2, "flag_source": 1, "refuse": 2}


# Work list


def test_wishes_go_to_their_task_s_passage_or_to_every_passage_of_the_document():
    passages = {"d/a#x/0": ("p1", "d/a"), "d/a#x/1": ("p2", "d/a"), "d/b#y/0": ("p3", "d/b")}
    wishes = [
        Wish(criterion_key="d/a#x/0/0/1", task_key="d/a#x/0/0", pass_rate=0.5),
        Wish(document_key="d/a", pass_rate=0.1),
        Wish(task_key="d/a#gone/3", document_key="d/a", pass_rate=0.2),
        Wish(task_key="e/z#1/0", document_key="e/z"),
    ]
    found, rejections = by_passage(wishes, passages)
    assert {name: [wish.pass_rate for wish in rows] for name, rows in found.items()} == {"p1": [0.1, 0.2, 0.5], "p2": [0.1, 0.2]}
    assert [(r.record_id, r.reason) for r in rejections] == [("e/z#1/0", "request_without_passage")]


def test_at_most_eight_failures_are_shown_worst_first_and_hostile_reasons_stay_on_their_line():
    wishes = tuple(Wish(criterion_key=str(n), pass_rate=n / 20, reason="a\n\x1b[31mb" if n == 0 else "") for n in range(12))
    lines = failures_text(wishes, []).split("\n")
    assert len(lines) == 8 and "Met by 0% of the answers" in lines[0] and "\x1b" not in lines[0]


def test_requested_passages_are_asked_first_and_once_more_and_nothing_else_changes(tmp_path):
    ran(context_with(tmp_path))
    before = {row["task_key"]: row for row in rows_of(context_with(tmp_path), "tasks")[0]}
    assert len(CALLS) == 6
    wishes = [
        {
            "criterion_key": "d/3.txt#p0/0/0/1",
            "task_key": "d/3.txt#p0/0/0",
            "document_key": "d/3.txt",
            "pass_rate": 0.0,
            "reason": "no reason given",
        }
    ]
    context = context_with(tmp_path, requests=[*wishes, {"task_key": "gone#1/0"}])
    report, _ = ran(context)
    assert report.counts["passages"] == 1 and len(CALLS) == 1  # the passage's first reply comes out of the ledger
    assert "Mentions one further detail. Met by 0% of the answers. no reason given" in CALLS[0].messages[1].content
    after = {row["task_key"]: row for row in rows_of(context, "tasks")[0]}
    assert set(after) - set(before) == {"d/3.txt#p0/0/1"} and {key: after[key] for key in before} == before
    assert report.rejections == {"request_without_passage": 1}
    again, _ = ran(context)
    assert again.counts["passages"] == 0 and CALLS == [] and again.rejections == report.rejections
    context_with(tmp_path, requests=[]), ran(context)
    assert {row["task_key"]: row for row in rows_of(context, "tasks")[0]} == before and CALLS == []


def test_the_work_list_comes_first(tmp_path):
    context = context_with(tmp_path, requests=[{"document_key": "d/4.txt"}])
    ran(context)
    assert [PASSAGE_LIST.index(next(p for p in PASSAGE_LIST if p.passage_id == r.subject)) for r in CALLS[:2]] == [4, 0]


# Review


def test_refused_tasks_and_flagged_sources_stay_out_with_the_reviewer_s_words(tmp_path):
    rows = [
        {"task_key": KEY, "decision": "refuse", "reason": "the question is trivial", "reviewer": "ann"},
        {"task_key": "d/2.txt#elsewhere/7", "decision": "flag_source", "reason": "a forgery", "reviewer": "bob"},
        {"task_key": "gone#1/0", "decision": "accept"},
    ]
    context = context_with(tmp_path, review=rows)
    for _ in range(2):
        report, gated = ran(context)
        assert gated.counts == {"tasks": 6, "passed": 4, "refused": 2} and gated.rejections == {"review": 2}
        assert report.rejections == {"review_without_task": 2}  # the flagged source is flagged all the same
    (rejections,) = rows_of(context, "rejections")
    said = sorted(row["detail"] for row in rejections if row["stage"] == "gate")
    assert said == ["figure 1: flag_source by bob: a forgery", "figure 1: refuse by ann: the question is trivial"]
    context_with(tmp_path, review=[*rows, {"task_key": KEY, "decision": "accept"}])
    assert ran(context)[1].counts["passed"] == 5


def test_edits_stay_in_through_rebuilds_and_cost_no_call(tmp_path):
    ran(context_with(tmp_path))
    plain = {row["task_key"]: row for row in rows_of(context_with(tmp_path), "tasks")[0]}
    edit = {
        "question": "Why do photovoltaic modules give less on hot days than one might think?",
        "criteria": {f"{KEY}/1": {"weight": 2, "category": "optional"}},
    }
    context = context_with(tmp_path, review=[{"task_key": KEY, "decision": "edit", "edit": edit}])
    report, _ = ran(context)
    assert report.counts["passages"] == 1 and CALLS == []
    rows = {row["task_key"]: row for row in rows_of(context, "tasks")[0]}
    task = task_from_row(rows[KEY])
    assert task.question == edit["question"] == task.prompt[-1].content and task.rubric.criteria[1].weight == 2
    assert task.rubric.criteria[1].criterion_key == f"{KEY}/1" and {k: v for k, v in rows.items() if k != KEY} == {
        k: v for k, v in plain.items() if k != KEY
    }
    assert ran(context)[0].counts["passages"] == 0
    context_with(tmp_path, review=[])
    ran(context)
    assert {row["task_key"]: row for row in rows_of(context, "tasks")[0]} == plain


def test_an_edit_that_does_not_fit_is_a_rejection_and_the_task_stays(tmp_path):
    rows = [{"task_key": KEY, "decision": "edit", "edit": {"criteria": {f"{KEY}/9": None}}}]
    context = context_with(tmp_path, review=rows)
    report, _ = ran(context)
    assert report.rejections == {"edit_not_applicable": 1} and report.counts["tasks"] == 6


def a_task():
    from factory import make_passage, make_task

    return make_task(make_passage("d/a.pdf", 0))


def test_an_edit_changes_what_it_names_and_nothing_else():
    task = a_task()
    first, second = (criterion.criterion_key for criterion in task.rubric.criteria)
    change = Edit(
        reference_answer="Two\u200b lines.\n",
        question_type="justify",
        criteria={first: CriterionEdit(title="New\ntitle", scoring_guide=("no", "yes"), required_elements=("x",)), second: None},
    )
    found = edited(task, [change, Edit(question="What else?")])
    (criterion,) = found.rubric.criteria
    assert (found.reference_answer, found.question_type, found.question) == ("Two lines.", "justify", "What else?")
    assert (
        criterion.title == "New title"
        and [s.meaning for s in criterion.scoring_guide] == ["no", "yes"]
        and criterion.required_elements == ("x",)
    )
    assert criterion.evidence == task.rubric.criteria[0].evidence and criterion.weight == task.rubric.criteria[0].weight
    assert found.task_key == task.task_key and found.task_id != task.task_id and edited(task, ()) is task


@pytest.mark.parametrize("change", [{"weight": 0}, {"category": Category.PITFALL}, {"scoring_guide": ("only",)}])
def test_an_edit_cannot_break_a_record(change):
    task = a_task()
    with pytest.raises(ValueError, match="Criterion"):
        edited(task, [Edit(criteria={task.rubric.criteria[0].criterion_key: CriterionEdit(**change)})])
    with pytest.raises(ValueError, match="positive"):
        edited(task, [Edit(criteria={task.rubric.criteria[0].criterion_key: None})])


def test_a_review_is_one_printable_line():
    row = Review(task_key="k", decision="refuse", reason="a\n\x1b[31mb" * 200, reviewer="\u202eann")
    assert "\n" not in row.said and "\x1b" not in row.said and len(row.said) <= 200
    assert review.digest([Edit(question="a")]) != review.digest([Edit(question="b")])
