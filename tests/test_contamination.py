"""Passages that repeat a benchmark: found with their span and the item, refused by the limits, and cut anew when a file changes."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_passages_stage import document, ingested, make_context, outputs, prose

from rubric_factory.errors import ConfigurationError
from rubric_factory.passages.contamination import benchmark_digest, load_benchmark
from rubric_factory.settings.passages import DecontaminateSettings
from rubric_factory.stages import passages as stage
from rubric_factory.text import words

QUESTION = "Which of the following valves closes first when the pressure in the main pipe drops below three bar within one second?"
BEFORE, AFTER = "Some text stands before. ", " And some more text stands after it."


def benchmark(tmp_path, *items, field="question", **limits):
    path = tmp_path / "bench.jsonl"
    path.write_text("".join(json.dumps({field: item, "id": n}) + "\n" for n, item in enumerate(items)), encoding="utf-8")
    given = DecontaminateSettings(files=(path,), field=field, **limits)
    return load_benchmark(given), given


def hit(found, text):
    known, limits = found
    return known.hit(text, words(text), limits)


def test_a_shared_run_is_found_with_its_span_whatever_the_case_and_punctuation(tmp_path):
    found = benchmark(tmp_path, "Quite another question about the melting point of tin in a vacuum at night and day", QUESTION)
    text = BEFORE + QUESTION.upper().replace(" ", ",  ") + AFTER
    result = hit(found, text)
    assert text[result.start : result.end] == QUESTION.upper().replace(" ", ",  ").rstrip("?")
    assert (result.item, result.share) == ("bench.jsonl line 2", 1.0)
    assert hit(found, BEFORE + AFTER) is None
    assert "characters 25-" in result.detail(100) and "125-" in result.detail(100)


@given(st.lists(st.sampled_from("abcdefgh"), min_size=4, max_size=40), st.lists(st.sampled_from("abcdefgh"), max_size=40))
@settings(deadline=None)
def test_hits_are_those_of_brute_force(tmp_path_factory, item, passage):
    found = benchmark(tmp_path_factory.mktemp("b"), " ".join(item), words=4)
    runs = {tuple(item[at : at + 4]) for at in range(len(item) - 3)}
    shared = {at for at in range(len(passage) - 3) if tuple(passage[at : at + 4]) in runs}
    result = hit(found, " ".join(passage))
    assert (result is not None) == bool(shared)
    if result is not None:
        assert result.runs == len({tuple(passage[at : at + 4]) for at in shared})


def test_a_run_that_a_passage_repeats_counts_once(tmp_path):
    found = benchmark(tmp_path, "tick tick tick tick tick tock", words=4, hits=3)
    assert hit(found, "tick " * 50) is None
    again = hit(benchmark(tmp_path, "tick tick tick tick tick tock", words=4, hits=1), "tick " * 50)
    assert (again.runs, again.share, again.start, again.end) == (1, 0.5, 0, 249)


def test_hits_and_share_set_how_much_is_too_much(tmp_path):
    half = " ".join(words(QUESTION)[:14])
    assert hit(benchmark(tmp_path, QUESTION, hits=2), half).runs == 2
    assert hit(benchmark(tmp_path, QUESTION, hits=3), half) is None
    assert hit(benchmark(tmp_path, QUESTION, share=0.5), half) is None
    assert hit(benchmark(tmp_path, QUESTION, share=0.5), QUESTION).share == 1


def test_short_items_are_looked_for_whole_and_very_short_ones_not_at_all(tmp_path):
    item = "Why does the relief valve open at four bar"
    found = benchmark(tmp_path, item, "Why so?")
    assert found[0].too_short == 1
    assert hit(found, f"{BEFORE}{item}{AFTER}").share == 1
    assert hit(found, "Why does the relief valve open at five bar? Why so?") is None


def test_items_may_be_paragraphs_or_nested_lists(tmp_path):
    (tmp_path / "b.txt").write_text(f"First paragraph of it.\n\n{QUESTION}\n", encoding="utf-8")
    plain = DecontaminateSettings(files=(tmp_path / "b.txt",))
    assert hit((load_benchmark(plain), plain), BEFORE + QUESTION).item == "b.txt paragraph 2"
    assert hit(benchmark(tmp_path, ["An opening.", [QUESTION]]), QUESTION).item == "bench.jsonl line 1"


def test_a_bad_benchmark_file_is_one_clear_line(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read the benchmark file"):
        load_benchmark(DecontaminateSettings(files=(tmp_path / "none.jsonl",)))
    (tmp_path / "bad.jsonl").write_text('{"question": "x"}\n{"other": 1}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"line 2 of the benchmark file .* has no field 'question'"):
        load_benchmark(DecontaminateSettings(files=(tmp_path / "bad.jsonl",)))


def test_the_digest_follows_bytes_and_not_paths(tmp_path):
    (tmp_path / "a").mkdir()
    _, here = benchmark(tmp_path, QUESTION)
    _, there = benchmark(tmp_path / "a", QUESTION)
    _, other = benchmark(tmp_path / "a", QUESTION, words=12)
    before = benchmark_digest(here)
    assert before == benchmark_digest(there) != benchmark_digest(other)
    benchmark(tmp_path, QUESTION + " Why?")
    assert benchmark_digest(here) != before


def test_the_stage_refuses_what_repeats_it_and_cuts_anew_when_the_file_changes(workspace, tmp_path):
    ingested(workspace, document("a", prose("alpha")), document("b", f"{prose('beta', 2)} {QUESTION} {prose('gamma', 2)}"))
    _, limits = benchmark(tmp_path, "Something else that is long enough to be looked for in every passage here")
    context = make_context(workspace, decontaminate=limits.model_dump())
    assert stage.passages(context).counts["contaminated"] == 0
    benchmark(tmp_path, QUESTION)
    report = stage.passages(context)
    assert (report.counts["documents_cut"], report.counts["contaminated"], report.counts["selected"]) == (2, 1, 1)
    tables = outputs(workspace)
    (refused,) = [row for row in tables["rejections"] if row["reason"] == "contaminated"]
    passage = next(row for row in tables["passages"] if row["passage_id"] == refused["record_id"])
    start = passage["text"].index(QUESTION)
    assert f"in characters {start}-{start + len(QUESTION) - 1} of the passage" in refused["detail"]
    assert "bench.jsonl line 1" in refused["detail"]
    assert stage.passages(context).counts["documents_cut"] == 0
