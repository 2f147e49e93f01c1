"""The audit page: what it says of a folder, that it is the same for the same folder, and that hostile text in it is inert."""

import json
import random
import re
import shutil
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from factory import AUTHOR, make_context, make_criterion, make_passage, make_task, pass_contracts, published, small_corpus
from hostile import HIDDEN, HOSTILE, LONG, Inventory, assert_inert
from hypothesis import given
from hypothesis import strategies as st

from flows import cli
from rubric_factory.dataset_version import verify
from rubric_factory.errors import BlockedError, DatasetError
from rubric_factory.publishing.staged import load_staged
from rubric_factory.records import Evidence, Rubric
from rubric_factory.reports import plots
from rubric_factory.reports.audit_page import audit_page, grade_sentence
from rubric_factory.reports.figures import Figures, collect
from rubric_factory.reports.funnel import funnel
from rubric_factory.reports.samples import draw, highlighted, samples, spans_of
from rubric_factory.reports.source import read_source
from rubric_factory.reports.visible import cut, is_hidden, label, unfolded, visible
from rubric_factory.stages.audit import REPORT, audit
from rubric_factory.stages.publish import publish
from rubric_factory.stages.stage import stage

PROBE = {"value": 0.4, "accept": 0.1, "severity": "error", "passed": False, "n": 40, "ci95_low": 0.3, "ci95_high": 0.5}


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    context = make_context(tmp_path_factory.mktemp("workplace"))
    small_corpus().fold(context.workspace)
    stage(context)
    pass_contracts(context)
    return context.workspace.root


@pytest.fixture
def context(workplace, tmp_path):
    shutil.copytree(workplace, tmp_path / "workspace")
    return make_context(tmp_path / "workspace")


@pytest.fixture
def staged(context):
    return context.workspace.staging / "unit"


@pytest.fixture
def bare(monkeypatch):
    """Pages without their plots: most of the time of a page, and nothing that the test looks at."""
    monkeypatch.setattr(Figures, "plots", lambda self: iter(()))


def plain(page):
    return " ".join(" ".join(Inventory(page).text).split())


def test_a_staged_folder_becomes_a_page_that_travels_with_the_version(context, staged):
    assert audit(context).counts == {"errors": 0}
    page = (staged / REPORT).read_text()
    text = plain(page)
    for part in (
        "Publishable",
        "Evidence grade: demo.",
        "first version",
        "24 tasks",
        "12 documents",
        AUTHOR,
        "nothing here was graded",
    ):
        assert part in text, part
    folder = Path(publish(context).folder)
    assert (folder / REPORT).read_text() == page and verify(folder).ok
    assert json.loads((folder / "manifest.json").read_text())["files"][REPORT]
    shown, errors = audit_page(folder)
    assert errors == [] and "1.0.0" in plain(shown) and "Published 20" in plain(shown)


def test_the_same_content_gives_the_same_page_anywhere_without_times_or_paths(tmp_path):
    pages = []
    for name in ("one", "two"):
        context = make_context(tmp_path / name)
        small_corpus().fold(context.workspace)
        stage(context)
        pass_contracts(context)
        audit(context)
        pages.append((context.workspace.staging / "unit" / REPORT).read_bytes())
    assert pages[0] == pages[1]
    assert str(tmp_path).encode() not in pages[0] and b"2026-" not in pages[0]


@pytest.mark.usefixtures("bare")
def test_a_failed_contract_blocks_and_stands_first(context, staged):
    report = json.loads((staged / "contracts.json").read_text())
    rows = [
        {"table": "tasks", "check": "all_well", "severity": "error", "success": True, "unexpected": 0, "examples": []},
        {"table": "tasks", "check": "a_bit_long", "severity": "warning", "success": False, "unexpected": 3, "examples": ["k"]},
        {"table": "facts", "check": "split_leak", "severity": "error", "success": False, "unexpected": 2, "examples": ["key-of-a-task"]},
    ]
    (staged / "contracts.json").write_text(json.dumps(report | {"success": False, "checks": rows}))
    page, errors = audit_page(staged)
    assert errors == ["contract: facts.split_leak"]
    text = plain(page)
    assert "Blocked" in text and "Publishable" not in text
    assert text.index("facts: split leak") < text.index("tasks: a bit long") < text.index("tasks: 1 checks passed")
    assert audit(context).counts == {"errors": 1}
    with pytest.raises(BlockedError, match="split_leak"):
        publish(context)


def head(page):
    return plain(page).partition("Evidence grade")[0]


@pytest.mark.usefixtures("bare")
def test_what_was_only_warned_of_stands_in_the_head_with_counts_and_not_in_green(staged):
    facts = load_staged(staged)
    report = json.loads((staged / "contracts.json").read_text())
    report["checks"] = [check for check in report["checks"] if check["success"]]
    (staged / "contracts.json").write_text(json.dumps(report))
    replace(facts, gates={}).save(staged)
    good = audit_page(staged)[0]
    assert 'class="verdict good"' in good and "with warnings" not in good and "no warning" in head(good)
    row = {"checked": 398, "refused": 383, "severity": "warning"}
    gates = {"judge_weak": {**row, "refused": 12}, "judge_reference": row, "judge_mismatch": {**row, "refused": 0}}
    refusing = {"atomicity": {**row, "severity": "error"}, HOSTILE: {**row, "refused": 1}}
    replace(facts, gates={**gates, **refusing}).save(staged)
    check = {"table": "facts", "check": "a_bit_long", "severity": "warning", "success": False, "unexpected": 1398, "examples": []}
    (staged / "contracts.json").write_text(json.dumps(report | {"checks": [*report["checks"], check]}))
    probe = {**PROBE, "name": "empty_answer", "severity": "warning"}
    (staged / "judge.lock.json").write_text(json.dumps({"probes": [probe, {**probe, "name": "fine", "passed": True}]}))
    page, errors = audit_page(staged)
    assert_inert(page)
    said = head(page)
    assert errors == [] and "Publishable, with warnings" in said
    assert 'class="verdict warn"' in page and 'class="verdict good"' not in page
    assert "gate judge reference: 383 of 398 tasks failed (96.2%)" in said
    assert said.index("judge reference") < said.index("judge weak: 12 of 398") < said.index("facts: a bit long: 1,398 records")
    assert "probe empty answer: 0.400, accepted ≤ 0.100" in said
    assert "judge mismatch" not in said and "atomicity" not in said and "fine" not in said.partition("of:")[2]


@pytest.mark.usefixtures("bare")
def test_a_missing_or_foreign_contract_report_is_an_error(staged):
    report = (staged / "contracts.json").read_text()
    (staged / "contracts.json").write_text(json.dumps(json.loads(report) | {"content_fingerprint": "0" * 64}))
    assert audit_page(staged)[1] == ["contract: contracts.json is a report on other content"]
    (staged / "contracts.json").write_text(json.dumps(json.loads(report) | {"success": False}))
    assert audit_page(staged)[1] == ["contract: the report says that it did not pass"]
    (staged / "contracts.json").unlink()
    assert audit_page(staged)[1] == ["contract: contracts.json is missing: nothing was checked"]


@pytest.mark.usefixtures("bare")
def test_damage_of_a_published_folder_is_an_error(context, staged):
    folder = Path(publish(context).folder)
    (folder / "settings.json").write_text("{}")
    assert "verify: settings.json is not the file that was published" in audit_page(folder)[1]


@pytest.mark.usefixtures("bare")
def test_probes_before_and_after_are_shown_and_only_those_before_block(staged):
    row = {"name": "empty_answer", **PROBE, "worst": [{"task_id": "t", "value": 1.0, "response": HOSTILE}]}
    fine = {**PROBE, "name": "padding", "passed": None, "value": None, "severity": "warning", "note": "no task offers what it needs"}
    lock = {
        "identity": "lexical@1",
        "backend": "lexical",
        "flip_rate": 0.0,
        "pairs": [{}] * 64,
        "allowed": ["empty_answer: 0.4, accept 0.1"],
    }
    (staged / "judge.lock.json").write_text(json.dumps(lock | {"probes": [fine, row], "probes_after": {"empty_answer": PROBE}}))
    page, errors = audit_page(staged)
    text = assert_inert(page)
    assert errors == ["probe: empty_answer"]
    for part in ("lexical@1", "0.400", "0.300 to 0.500", "64 graded answers", "allowed by hand", "not applicable", "Worst answers"):
        assert part in text, part
    assert text.index("empty answer") < text.index("padding")
    assert text.count("0.300 to 0.500") == 3, "two probes before the gates, one after"
    (staged / "judge.lock.json").write_text(json.dumps(lock | {"probes": [fine], "probes_after": {"empty_answer": PROBE}}))
    assert audit_page(staged)[1] == [], "what is asked again after the gates blocks nothing"
    rows = [
        {**PROBE, "name": name, "passed": passed, "severity": severity, "value": value, "floor": name == "floor"}
        for name, passed, severity, value in (("far", True, "error", 0.0), ("near", True, "error", 0.09), ("warn", True, "warning", 0.1))
    ]
    rows += [
        {**PROBE, "name": "floor", "passed": True, "accept": 0.9, "value": 0.95, "floor": True},
        {**PROBE, "name": "bad", "severity": "warning"},
    ]
    (staged / "judge.lock.json").write_text(json.dumps(lock | {"probes": rows}))
    assert [row["name"] for row in read_source(staged).probes("before")] == ["bad", "near", "floor", "far", "warn"]
    source = read_source(staged)
    short = replace(source, manifest={"probes_before": {"far": {"value": 0.05}, "new": {"passed": True}}, "judge": "other@2"})
    found = {row["name"]: row for row in short.probes("before")}
    assert found["far"]["value"] == 0.05 and found["far"]["ci95_low"] == 0.3 and found["new"]["n"] is None and len(found) == 6


@pytest.mark.usefixtures("bare")
def test_cost_is_shown_by_model_where_the_manifest_has_it(context, staged):
    folder = Path(publish(context).folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert "records no call to a language model" in plain(audit_page(folder)[0])
    manifest["cost"] = {"some/model@r1": {"calls": 1234, "seconds": 2.5}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    assert "some/model@r1 1,234 2.500" in plain(audit_page(folder)[0])


@pytest.mark.usefixtures("bare")
def test_what_repair_saved_and_people_decided_is_shown(staged):
    facts = load_staged(staged)
    assert "Repair" not in plain(audit_page(staged)[0])
    row = {"reason": "<b>numbers", "tried": 8, "mended": 6, "publishable": 5}
    replace(facts, repair=[row], reviews={"flag_source": 2}, author="some/model@r1 prompts=abc").save(staged)
    page = audit_page(staged)[0]
    assert "numbers 8 6 75.0% 5" in plain(page) and "<b>numbers" not in page and "flag source: 2" in plain(page)
    assert "some/model@r1 prompts=abc" in plain(page)


@pytest.mark.usefixtures("bare")
def test_folders_that_are_no_version_are_said(tmp_path, staged):
    with pytest.raises(DatasetError, match="not a dataset version"):
        audit_page(tmp_path)
    (staged / "judge.lock.json").write_text("[1]")
    with pytest.raises(DatasetError, match="no JSON object"):
        audit_page(staged)
    (staged / "judge.lock.json").write_text('{"probes": [{"passed": false}]}')
    with pytest.raises(DatasetError, match="cannot be shown"):
        audit_page(staged)
    (staged / "judge.lock.json").unlink()
    (staged / "staged.json").write_text("{}")
    with pytest.raises(BlockedError, match="cannot read"):
        audit_page(staged)


def test_the_funnel_counts_every_record_once(tmp_path):
    context, corpus = make_context(tmp_path), small_corpus(6)
    corpus.refused = {corpus.tasks[0].task_key}
    corpus.fold(context.workspace)
    stage(context)
    facts = load_staged(context.workspace.staging / "unit")
    steps = {step.stage: step for step in funnel(facts)}
    assert [(s.seen, s.left) for s in steps.values()] == [(6, 6), (12, 12), (12, 12), (12, 11), (11, 11)]
    older = replace(facts, counts={k: v for k, v in facts.counts.items() if k != "funnel"}, rejections={"later": {"b": 1, "a": 2}})
    last = funnel(older)[-1]
    assert (last.stage, last.seen, last.share, last.refused, last.reasons) == ("later", None, None, 3, (("a", 2), ("b", 1)))


def test_the_gate_of_a_judge_is_a_step_of_its_own_where_it_refused(staged):
    facts = load_staged(staged)
    made = {**facts.counts["funnel"], "tasks_gated": 24, "tasks_passed": 20}
    judged = replace(facts, counts={**facts.counts, "funnel": made}, rejections={"judge-gate": {"judge_reference": 4}})
    step = next(step for step in funnel(judged) if step.stage == "judge-gate")
    assert (step.seen, step.left, step.refused, step.share) == (24, 20, 4, 20 / 24)
    assert "judge-gate" not in {step.stage for step in funnel(facts)}


def test_figures_are_those_of_the_rows(staged):
    found = collect(staged)
    assert found.types == {"definition": 24} and sum(found.criteria) == 48 and len(found.passage_words) == 24
    assert set(found.documents.values()) == {2} and found.licence_documents["CC-BY-4.0"] == set(found.documents)
    weights = dict(found.weight_table[1])
    assert sum(map(sum, weights.values())) == 48 and sum(weights["pitfall"]) == 24
    assert all(0 < share < 1 for share in found.absence_shares)
    captions = [caption for caption, _ in found.plots()]
    assert len(captions) == 8 and not any("judge" in caption for caption in captions)
    found.scores["reference_score"] = [0.9, 1.0]
    assert [caption for caption, _ in found.plots()][-1] == "Reference score by the judge"


def test_samples_are_drawn_by_seed_from_every_type(tmp_path):
    context, corpus = make_context(tmp_path), small_corpus(20)
    corpus.tasks = [replace(task, question_type=f"type{index % 12}") for index, task in enumerate(corpus.tasks)]
    corpus.fold(context.workspace)
    stage(context)
    folder = context.workspace.staging / "unit"
    drawn = draw(folder, 0)
    assert len(drawn) == 20 and len({row["question_type"] for _, row in drawn}) == 10
    assert draw(folder, 0) == drawn and draw(folder, 1) != drawn
    assert all(sample.misplaced == () and "<mark" in sample.passage for sample in samples(folder, 0))
    assert {sample.pages for sample in samples(folder, 0)} <= {"no pages", *(f"page {n}" for n in range(1, 10)), "pages 1 to 2"}


def overlapping():
    return st.tuples(st.text("ab<&\u202e\n", min_size=1, max_size=30), st.randoms(use_true_random=False), st.integers(0, 6))


@given(overlapping())
def test_every_character_is_marked_by_exactly_the_spans_that_cover_it(given_case):
    text, generator, number = given_case
    spans = []
    for index in range(number):
        start = generator.randrange(len(text))
        spans.append((start, generator.randint(start + 1, len(text)), index + 1))
    parts, place = highlighted(text, spans).split("<mark "), 0
    for head, part in zip(count(), parts, strict=False):
        marked, _, after = part.partition("<sup>") if head else ("", "", part)
        numbers, _, rest = after.partition("</sup></mark>") if head else ("", "", part)
        inside = shown(marked.partition(">")[2]) if head else ""
        for offset in range(place, place + len(inside)):
            assert numbers == ",".join(str(n) for first, last, n in spans if first <= offset < last)
        place += len(inside)
        for offset in range(place, place + len(shown(rest))):
            assert not any(first <= offset < last for first, last, _ in spans)
        place += len(shown(rest))
    assert place == len(text)


def shown(html):
    """Characters of the source that a piece of HTML without marks shows."""
    return "".join(Inventory(str(html)).text).replace("<U+202E>", "\u202e")


def test_evidence_that_is_not_at_its_place_is_said_not_marked():
    piece = {"start": 2, "end": 4, "quote": "cd"}
    rubric = [{"evidence": [piece]}, {"evidence": [{**piece, "quote": "xx"}]}, {"evidence": [{**piece, "end": 99}]}, {"evidence": []}]
    assert spans_of(rubric, "abcdef") == ([(2, 4, 1)], (2, 3))


@given(st.text())
def test_visible_text_hides_nothing_and_opens_nothing(text):
    html = str(visible(text))
    assert not any(map(is_hidden, html))
    inventory = Inventory(html)
    assert set(inventory.tags) <= {"span"} and inventory.attributes == [("span", "class", "cp")] * len(inventory.tags)
    assert len(inventory.tags) == sum(map(is_hidden, text))


def test_text_is_cut_with_its_length_said_and_labels_are_plain():
    assert str(cut("abc", 3)) == "abc" and "1,997 more characters" in cut("x" * 2000, 3)
    assert label("a\n b\u202e é" + "x" * 40) == "a b<U+202E> <U+00E9>xxx..."
    assert visible("\ud800") == '<span class="cp">&lt;U+D800&gt;</span>'


@given(st.text("ab \n<\u202e", max_size=60), st.integers(1, 40))
def test_no_word_is_cut_that_fits_and_what_is_cut_unfolds(text, limit):
    kept, _, told = shown(cut(text, limit)).partition(" … ")
    assert text.startswith(kept) and len(kept) <= limit
    if len(text) <= limit:
        assert kept == text == shown(unfolded(text, limit))
        return
    assert told == f"{len(text) - len(kept):,} more characters"
    if any(ch.isspace() for ch in text[limit // 2 + 1 : limit + 1]):
        assert text[len(kept)].isspace(), "the next character ends a word"
    parts = Inventory(str(unfolded(text, limit)))
    assert set(parts.tags) <= {"details", "summary", "span"}
    assert shown(unfolded(text, limit)) == f"{kept} … {told}{text[len(kept) :].lstrip()}"


@pytest.mark.usefixtures("bare")
def test_a_long_question_is_cut_at_a_word_and_stands_whole_in_its_sample(tmp_path):
    context, corpus = make_context(tmp_path), small_corpus(2)
    question = "What does " + "the_boundary_value of it " * 30 + "mean?"
    answer = "It means " + "that_the_boundary_value is kept " * 90 + "at last."
    corpus.tasks = [replace(task, question=question, reference_answer=answer) for task in corpus.tasks]
    corpus.fold(context.workspace)
    stage(context)
    page = audit_page(context.workspace.staging / "unit")[0]
    summary = page.partition('<details class="sample"')[2].partition("<summary>")[2].partition("</summary>")[0]
    start = summary.partition('<span class="more">')[0]
    assert question.startswith(start) and question[len(start)] == " " and 300 < len(start) <= 400
    assert question in page and answer[-500:] in page
    assert '<details class="long">' in page


def hostile_corpus():
    """Two documents whose every text attacks; the evidence spans overlap the attack."""
    corpus = small_corpus(4)
    for index, name in enumerate(("papers/" + HOSTILE[:200], "papers/long")):
        text = (HOSTILE + " ") * 3 if index == 0 else LONG + HOSTILE
        corpus.add(name, 1, texts=(text,), title=HOSTILE + LONG, licence=HOSTILE, genre=HOSTILE)
        passage = corpus.passages[-1]
        first = make_criterion("k/0", passage)
        quote = passage.text[5:400]
        first = replace(first, title=HOSTILE, description=HOSTILE + LONG, required_elements=(HOSTILE,), evidence=(Evidence(5, 400, quote),))
        second = replace(first, criterion_key="k/1", evidence=(Evidence(100, 300, passage.text[100:300]),))
        task = make_task(passage)
        corpus.tasks[-1] = replace(
            task, question=HOSTILE, question_type=HOSTILE, reference_answer=HOSTILE + LONG, rubric=Rubric((first, second))
        )
    return corpus


def test_hostile_documents_are_inert_and_seen(tmp_path):
    context = make_context(tmp_path)
    hostile_corpus().fold(context.workspace)
    stage(context)
    pass_contracts(context)
    page, _ = audit_page(context.workspace.staging / "unit")
    text = assert_inert(page)
    for ch in HIDDEN:
        assert f"<U+{ord(ch):04X}>" in text
    assert "<script>document.title='pwned'" in text and "{{ 7 * 7 }}" in text and "more characters" in text
    assert len(page) < 2_000_000


def test_plots_are_the_same_bytes_and_hold_no_label_as_markup():
    hostile = {HOSTILE: 3, "$x^2$": 2, "a": 1, **{f"t{n}": 1 for n in range(20)}}
    first = plots.bars("types", hostile, x="tasks (number)")
    assert first == plots.bars("types", hostile, x="tasks (number)")
    found = Inventory(first)
    assert "script" not in found.tags and "$x^2$" in found.text and "(11 more)" in found.text and "tasks (number)" in found.text
    lengths = random.Random(1).choices(range(1, 400), k=300)
    histogram = plots.histogram("words", lengths, x="words", y="tasks")
    assert "#0" not in histogram.replace("url(#", "") and "var(--s1)" in histogram and "metadata" not in histogram
    assert "median" in "".join(Inventory(plots.histogram("one", [3, 3], x="x", y="y")).text)
    assert "median 0.50" in Inventory(plots.histogram("share", [0.5], x="x", y="y", span=(0.0, 1.0))).text


def ticks(svg):
    """Labels of a histogram, both axes and legend, but not the names of the axes and the plot."""
    return [part.strip() for part in Inventory(svg).text if part.strip() and part.strip() not in ("x", "y", "one")]


@pytest.mark.parametrize("value", [0.0, -0.0])
def test_scores_that_are_all_equal_get_a_range_and_no_negative_zero(value):
    found = Figures(criteria=[1], types={"a": 1}, genres={"b": 1}, absence_shares=[0.5], scores={"mismatch_score": [value] * 398})
    labels = ticks(dict(found.plots())["Mismatch score by the judge"])
    assert {"0.0", "0.2", "0.4", "0.6", "0.8", "1.0", "median 0"} <= set(labels)
    assert "−0" not in labels and "-0" not in labels and "median -0" not in labels


@pytest.mark.parametrize(("values", "expected"), [([0], "01234"), ([7, 7], "56789"), ([1, 2], "01234"), ([-0.0], "01234")])
def test_few_whole_numbers_get_a_tick_each_once(values, expected):
    labels = ticks(plots.histogram("one", values * 50, x="x", y="y"))
    assert labels[: len(expected)] == list(expected)
    assert not any(part.startswith(("−0", "-0")) for part in labels)


def test_equal_values_that_are_not_whole_stand_in_a_range_of_one():
    assert {"0.0", "0.4", "0.8"} <= {
        f"{float(part):.1f}" for part in ticks(plots.histogram("one", [0.4] * 9, x="x", y="y")) if part[:2] == "0."
    }


def test_the_legend_stands_above_the_bars():
    svg = plots.histogram("one", [3] * 9, x="x", y="y")
    legend = float(re.search(r'<text[^>]*?y="([0-9.]+)"[^>]*>median', svg)[1])
    bar = re.search(r'<path d="([^"]*)"[^>]*fill: var\(--s1\)', svg)[1]
    assert legend < min(float(y) for y in re.findall(r"[ML] [0-9.]+ ([0-9.]+)", bar))


def test_grades_are_explained():
    assert "no evidence" in grade_sentence("demo") and "No person" in grade_sentence("model")
    assert "does not say" in grade_sentence("platinum")


@pytest.mark.usefixtures("bare")
def test_the_command_writes_the_page_and_exits_3_for_an_error(tmp_path, capsys):
    context = make_context(tmp_path)
    folder = published(context, small_corpus(4))
    arguments = ["--workspace", str(tmp_path)]
    assert cli.run(["audit", str(folder), *arguments]) == 0
    assert (tmp_path / "reports" / "audit-unit-1.0.0.html").read_text() == audit_page(folder)[0]
    for name in ("unit", "unit@1.0.0", "1.0.0"):
        assert cli.run(["audit", name, "--out", str(tmp_path / "page.html"), *arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"page": str(tmp_path / "page.html"), "errors": 0}
    assert cli.run(["audit", "other", *arguments]) == 2
    (folder / "contracts.json").write_text("{}")
    assert cli.run(["audit", str(folder), "--out", str(tmp_path / "bad.html"), *arguments]) == 3
    assert "bad.html" in capsys.readouterr().err and "Blocked" in (tmp_path / "bad.html").read_text()


def test_pages_of_no_record_are_told(tmp_path):
    passage = make_passage("papers/d00.pdf", 0)
    assert passage.page_start >= 0
    context = make_context(tmp_path)
    corpus = small_corpus(3)
    corpus.passages = [replace(passage, page_start=0, page_end=0) for passage in corpus.passages]
    corpus.fold(context.workspace)
    stage(context)
    assert {sample.pages for sample in samples(context.workspace.staging / "unit", 0)} == {"no pages"}
