"""Calibration: hand-worked figures, the draw and its two sides, labels read strictly, a good judge told from a bad one, looks logged."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_judges import GoodJudge, GullibleJudge, hand_made_tasks

from rubric_factory.errors import UsageError, WorkspaceError
from rubric_factory.judging.calibration import agreement
from rubric_factory.judging.calibration.agreement import Compared, Table, krippendorff_alpha
from rubric_factory.judging.calibration.kinds import ROTATION, answers, mistaken
from rubric_factory.judging.calibration.labels import label_rows, read_labels
from rubric_factory.judging.calibration.looks import log_look, looks_file, read_looks
from rubric_factory.judging.calibration.report import agreed, between_labellers, report
from rubric_factory.judging.calibration.responses import draw, read_responses, split_of, to_lines
from rubric_factory.judging.failures import over_length, worst
from rubric_factory.judging.probes.labels import youden
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.records import JudgeFailure, Judgement, Verdict
from rubric_factory.settings.judge import ProbeSettings
from rubric_factory.tables import judgement_rows

PROBES = hand_made_tasks()
TASKS = {probe.task.task_id: probe.task for probe in PROBES}


def rows(*counts, document="d"):
    """Pairs from a table (judge met, label met), (met, unmet), (unmet, met), (unmet, unmet)."""
    cells = ((1, 1), (1, 0), (0, 1), (0, 0))
    return [Compared(float(j), float(t), document) for (j, t), n in zip(cells, counts, strict=True) for _ in range(n)]


# Figures


def test_figures_by_hand():
    table = Table(20, 5, 10, 15)  # Cohen's kappa: p_o 35/50, p_e 0.5 * 0.6 + 0.5 * 0.4
    assert Table.of(rows(20, 5, 10, 15)) == Table.sum([Table(19, 0, 10, 15), Table(1, 5, 0, 0)]) == table
    assert agreement.agreement(table) == 0.7
    assert agreement.kappa(table) == pytest.approx(0.4)
    assert agreement.true_positive_rate(table) == pytest.approx(20 / 30)
    assert agreement.false_positive_rate(table) == 0.25
    # alpha: 1 - (N - 1) * disagreeing / (n0 * n1), N = 100 values, 55 of them met
    assert agreement.alpha(rows(20, 5, 10, 15)) == pytest.approx(1 - 99 * 15 / (55 * 45))


def test_figures_without_what_they_need_are_none():
    assert [rate(Table()) for rate in agreement.RATES.values()] == [None] * 4 and agreement.alpha([]) is None
    assert agreement.kappa(Table(5, 0, 0, 0)) is None and agreement.alpha(rows(5, 0, 0, 0)) is None
    assert agreement.true_positive_rate(Table(0, 3, 0, 3)) is None and agreement.false_positive_rate(Table(3, 0, 3, 0)) is None


def test_alpha_is_that_of_the_literature_and_ignores_what_only_one_said():
    table = [
        [None, None, None, None, None, 3, 4, 1, 2, 1, 1, 3, 3, None, 3],
        [1, None, 2, 1, 3, 3, 4, 3, None, None, None, None, None, None, None],
        [None, None, 2, 1, 3, 4, 4, None, 2, 1, 1, 3, 3, None, 4],
    ]
    assert krippendorff_alpha(table, "nominal") == pytest.approx(0.691, abs=5e-4)
    assert krippendorff_alpha(table, "interval") == pytest.approx(0.811, abs=5e-4)
    assert krippendorff_alpha([[1.0, None], [None, 0.0]], "nominal") is None


@given(st.lists(st.integers(0, 12), min_size=4, max_size=4))
def test_figures_keep_their_ranges_and_their_symmetries(counts):
    both, judge, label, neither = counts
    table, swapped = Table(*counts), Table(both, label, judge, neither)
    for measure, (one, two) in {
        agreement.agreement: (table, swapped),
        agreement.kappa: (table, swapped),
        agreement.alpha: (rows(*counts), rows(both, label, judge, neither)),
    }.items():
        value = measure(one)
        assert value is None or -1 <= value <= 1
        assert measure(two) == (None if value is None else pytest.approx(value))
    tpr, fpr = agreement.true_positive_rate(table), agreement.false_positive_rate(table)
    j = youden([row.pair for row in rows(*counts)])
    assert j == (None if tpr is None or fpr is None else pytest.approx(tpr - fpr))
    if min(both, neither) > 0 == judge + label:
        assert agreement.kappa(table) == agreement.alpha(rows(*counts)) == j == 1.0


def test_near_misses_count_as_near_in_levels_only():
    near = [Compared(0.5, 1.0, "d"), Compared(0.0, 0.0, "d"), Compared(1.0, 1.0, "d")]
    assert agreement.alpha(near) == 1.0 > agreement.alpha_levels(near) > 0.5


# The draw


def test_sides_are_fixed_by_the_key_alone():
    assert [split_of(f"hand/{n}") for n in range(6)] == SIDES
    counts = Counter(split_of(f"papers/{n}.pdf") for n in range(2000))
    assert 900 < counts["tune"] < 1100


SIDES = ["tune", "test", "tune", "tune", "tune", "test"]


def test_a_draw_is_seeded_mixed_and_never_crosses_the_sides():
    drawn = draw(PROBES, responses=40, pairs=1000, seed=3)
    assert drawn == draw(PROBES[::-1], responses=40, pairs=1000, seed=3) != draw(PROBES, responses=40, pairs=1000, seed=4)
    assert len(drawn) == len({one.response_id for one in drawn}) == 40
    assert Counter(one.split for one in drawn) == {"tune": 20, "test": 20}
    assert {"reference", "weak", "half", "mismatched", "changed_number", "negation", "vague"} <= {one.kind for one in drawn}
    for one in drawn:
        assert one.split == split_of(one.document_key) and one.criteria == len(TASKS[one.task_id].rubric.criteria)
        if one.kind == "mismatched":
            lenders = {t.document_key for t in TASKS.values() if t.reference_answer == one.response}
            assert one.document_key not in lenders and {split_of(key) for key in lenders} == {one.split}
    assert set(Counter(one.document_key for one in drawn if one.split == "tune").values()) == {5}  # documents take turns


def test_a_draw_stops_at_the_pairs_and_where_nothing_new_is_left():
    drawn = draw(PROBES, responses=60, pairs=50, seed=1)
    assert 50 <= sum(one.criteria for one in drawn) < 50 + drawn[-1].criteria
    everything = draw(PROBES, responses=10_000, pairs=10**6, seed=1)
    assert 60 < len(everything) < 12 * len(set(ROTATION)) and len({one.response_id for one in everything}) == len(everything)


def test_the_other_side_changes_nothing():
    full = [one for one in draw(PROBES, responses=30, pairs=1000, seed=2) if one.split == "tune"]
    fewer = [p for p in PROBES if split_of(p.task.document_key) == "tune" or p.task.document_key == "hand/1"]
    assert [one for one in draw(fewer, responses=30, pairs=1000, seed=2) if one.split == "tune"][: len(full)] == full


def test_a_side_without_a_document_is_refused():
    with pytest.raises(UsageError, match="'test'"):
        draw([p for p in PROBES if split_of(p.task.document_key) == "tune"], responses=9, pairs=9, seed=1)


def test_a_pitfalls_mistake_is_said_as_a_fact():
    probe = PROBES[0]
    *good, pitfall = probe.task.rubric.criteria
    assert mistaken(probe) is None  # its description claims nothing

    def described(text):
        rubric = replace(probe.task.rubric, criteria=(*good, replace(pitfall, description=text)))
        return replace(probe, task=replace(probe.task, rubric=rubric))

    said = mistaken(described("Wrongly claims that the valve opens wide at 35 bar."))
    assert said.endswith(" The valve opens wide at 35 bar.") and said.startswith(probe.task.reference_answer[:30])
    assert mistaken(described("Confuses the valve with the horn.")) is None
    assert answers([described("Says that the horn is silent then.")], 1)["mistaken"]


def test_a_response_set_is_read_as_written_and_its_bad_lines_are_named(tmp_path):
    path = tmp_path / "set.jsonl"
    drawn = draw(PROBES, responses=6, pairs=1000, seed=1)
    path.write_text(to_lines(drawn))
    assert read_responses(path) == drawn
    lines = path.read_text().splitlines()
    other = json.loads(lines[1]) | {"split": "tune" if drawn[1].split == "test" else "test"}
    for bad, said in ((json.dumps(other), "on the side"), ("{", "Expecting"), ('{"task_id": 1}', "no "), ("[]", "no object")):
        path.write_text("\n".join([lines[0], bad, lines[2]]))
        with pytest.raises(UsageError, match=rf"line 2 of .*{said}"):
            read_responses(path)
    path.write_text("\n")
    with pytest.raises(UsageError, match="holds no answer"):
        read_responses(path)


# Labels


def judged(judge, drawn):
    texts = {probe.task.task_id: probe.passage_text for probe in PROBES}
    return judge.grade_many([JudgeInput.of(TASKS[d.task_id], texts[d.task_id], d.response, d.response_id) for d in drawn])


def labelled(path, drawn, judgements):
    made, failures = label_rows(drawn, TASKS, judgements)
    path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return made, failures


def credit_of(judgements):
    found = [row for one in judgements for row in judgement_rows(one, TASKS[one.task_id].rubric)]
    return {
        (r["task_id"], r["response_id"], r["criterion_key"]): None if r["level"] is None else r["level"] / r["max_level"] for r in found
    }


def test_what_a_reply_says_is_a_label_and_nothing_else(tmp_path):
    drawn = draw(PROBES, responses=6, pairs=1000, seed=1)
    good = judged(GoodJudge(), drawn)
    rubrics = [TASKS[d.task_id].rubric for d in drawn]
    first, *rest = good[1].verdicts
    partly = replace(
        good[1], verdicts=(Verdict(first.criterion_key, None, "", JudgeFailure.ABSTAINED), *rest), failure=JudgeFailure.ABSTAINED
    )
    by_rule = replace(good[2], verdicts=worst(rubrics[2], "rule"), failure=JudgeFailure.UNPARSEABLE, raw="garbage")
    too_long = over_length(JudgeInput.of(TASKS[drawn[3].task_id], "", drawn[3].response, drawn[3].response_id), "good@1")
    silent = Judgement(drawn[4].task_id, drawn[4].response_id, (), "good@1", JudgeFailure.TRANSPORT)
    made, failures = labelled(tmp_path / "l.jsonl", drawn, [good[0], partly, by_rule, too_long, silent, good[5]])
    assert len(made) + len(failures) == sum(one.criteria for one in drawn)
    assert len(made) == drawn[0].criteria + drawn[1].criteria - 1 + drawn[5].criteria
    size = {n: drawn[n].criteria for n in range(6)}
    assert Counter(f["failure"] for f in failures) == {"abstained": 1, "unparseable": size[2], "over_length": size[3], "transport": size[4]}
    assert [f["raw"] for f in failures if f["raw"]] == ["garbage"]
    found, unknown = read_labels(tmp_path / "l.jsonl", list(TASKS.values()))
    assert unknown == 0 and [label.share * label.criterion.max_level for label in found] == [row["level"] for row in made]
    assert [(label.split, label.kind, label.response) for label in found] == [(r["split"], r["kind"], r["response"]) for r in made]


def line(**changes):
    task = PROBES[0].task
    row = {"task_key": task.task_key, "criterion_key": task.rubric.criteria[0].criterion_key, "response": "It is so.", "labeller": "ann"}
    return {**row, "met": True, **changes}


def read(tmp_path, *lines):
    path = tmp_path / "labels.jsonl"
    path.write_text("\n\n".join(entry if isinstance(entry, str) else json.dumps(entry) for entry in lines) + "\n")
    return read_labels(path, list(TASKS.values()))


def test_a_persons_label_needs_little(tmp_path):
    second = line(labeller="bob", met=None, level=0, response_id="r1")
    (ann, bob), unknown = read(tmp_path, line(), second, line(task_key="gone"), line(criterion_key="gone"))
    assert unknown == 2 and (ann.share, bob.share, bob.response_id) == (1.0, 0.0, "r1")
    assert ann.response_id == JudgeInput.id_of(PROBES[0].task.task_id, "It is so.") and ann.split == SIDES[0]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("not json", "Expecting"),
        ("[1]", "no object"),
        (line(met=1), "met is not"),
        (line(level=0), "exactly one"),
        (line(met=None), "exactly one"),
        (line(met=None, level=9), "within 0 .. 1"),
        (line(met=None, level=True), "within 0 .. 1"),
        (line(met=None, level=1, max_level=2), "max_level is 1"),
        (line(labeller=""), "it wants"),
        (line(response=""), "it wants"),
        (line(response=3), "not text"),
        (line(task_key=""), "it wants"),
        (line(split="test"), "on the side 'tune'"),
        (line(met=False), "a second label of ann"),
    ],
)
def test_a_bad_label_is_named_by_its_line(tmp_path, bad, said):
    with pytest.raises(UsageError, match=f"line 3 of .*{said}"):
        read(tmp_path, line(), bad)


def test_labels_of_another_version_are_none(tmp_path):
    with pytest.raises(UsageError, match="no label on this version \\(1 on other tasks\\)"):
        read(tmp_path, line(task_key="gone"))


# The report


@pytest.fixture(scope="module")
def truth(tmp_path_factory):
    """(labels, drawn answers): the good judge's word is the truth."""
    drawn = draw(PROBES, responses=80, pairs=1000, seed=5)
    path = tmp_path_factory.mktemp("truth") / "labels.jsonl"
    labelled(path, drawn, judged(GoodJudge(), drawn))
    return read_labels(path, list(TASKS.values()))[0], drawn


def test_a_judge_that_is_the_truth_agrees_in_all_and_a_gullible_one_does_not(truth):
    labels, drawn = truth
    same = report(labels, credit_of(judged(GoodJudge(), drawn)), ProbeSettings(), seed=1)
    figures = same["clusters"]["all"]
    assert same["pairs"] == len(labels) == figures["n"] and 0 < figures["met"] < figures["n"]
    for name in ("agreement", "kappa", "alpha", "alpha_levels", "tpr", "youden_j"):
        assert figures[name] == {"value": pytest.approx(1.0), "ci95_low": pytest.approx(1.0), "ci95_high": pytest.approx(1.0)}
    gullible = report(labels, credit_of(judged(GullibleJudge(), drawn)), ProbeSettings(), seed=1)
    worse = gullible["clusters"]["polarity/good_thing"]
    assert worse["tpr"]["value"] == worse["fpr"]["value"] == 1.0 and worse["youden_j"]["value"] == 0.0
    assert worse["n"] >= 30 and worse["passed"] is False and gullible["clusters"]["category/essential"]["passed"] is False
    assert {"category/essential", "category/pitfall", "question_type/explain", "question_type/explain/good_thing"} <= gullible[
        "clusters"
    ].keys()
    lenient = report(labels, credit_of(judged(GullibleJudge(), drawn)), ProbeSettings(cluster_labels=10_000), seed=1)
    assert lenient["clusters"]["polarity/good_thing"]["passed"] is True
    assert gullible["kinds"]["mismatched"]["judged_met"] > gullible["kinds"]["mismatched"]["labelled_met"] == 0.0


def test_intervals_are_by_document_and_bracket_the_figure(truth):
    labels, drawn = truth
    credit = credit_of(judged(GoodJudge(), drawn))
    wrong = {label.place for label in labels if label.task.document_key == labels[0].task.document_key}
    credit = {place: 1 - value if place in wrong else value for place, value in credit.items()}
    found = report(labels, credit, ProbeSettings(), seed=1)["clusters"]["all"]
    assert found["documents"] == 6
    j = found["youden_j"]
    assert j["ci95_low"] < j["value"] < j["ci95_high"] == 1.0 and j["ci95_high"] - j["ci95_low"] > 0.3


def test_what_has_no_verdict_and_what_has_no_grade_are_counted_apart(truth):
    labels, drawn = truth
    credit = credit_of(judged(GoodJudge(), drawn))
    places = list(credit)
    credit[places[0]] = None
    del credit[places[1]], credit[places[2]]
    found = report(labels, credit, ProbeSettings(), seed=1)
    assert (found["pairs"], found["ungraded"], found["without_verdict"]) == (len(labels) - 3, 1, 2)


def test_the_majority_of_labellers_is_the_label_and_a_tie_is_none(truth):
    labels = truth[0][:4]
    flip = [replace(label, labeller="bob", share=1 - label.share) for label in labels[:2]]
    third = [replace(labels[0], labeller="cia")]
    found, disputed = agreed([*labels, *flip, *third])
    assert disputed == 1 and {one.label.place: one.share for one in found} == {
        label.place: label.share for label in (labels[0], labels[2], labels[3])
    }
    assert between_labellers(labels) is None
    assert between_labellers([*labels, *[replace(label, labeller="bob") for label in labels]]) in (None, 1.0)
    assert between_labellers([*labels, *flip]) < 0


# Looks


def test_every_look_is_a_line_and_a_broken_log_is_never_begun_anew(tmp_path):
    path = looks_file(tmp_path / "labels.jsonl")
    assert path.name == "labels.looks.jsonl" and read_looks(path) == []
    assert [log_look(path, who="ann", judge="j"), log_look(path, who="bob", judge="j")] == [1, 2]
    assert [(look["who"], look["looks_before"]) for look in read_looks(path)] == [("ann", 0), ("bob", 1)]
    path.write_text(path.read_text() + "{")
    with pytest.raises(WorkspaceError, match="cannot read"):
        log_look(path, who="cia")
