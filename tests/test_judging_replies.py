"""Replies that would capture, crash or blur a verdict: a fixed set of hand-varied families, each read as what it is or not at all."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_judges import hand_made_tasks

from rubric_factory.judging import parser
from rubric_factory.judging.failures import decide
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.modes import MODES, predefined, rating
from rubric_factory.judging.parser import Unparseable, parse
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.judging.quotes import _ENDS, folded, stands_in
from rubric_factory.llm.protocol import Completion
from rubric_factory.records import JudgeFailure
from rubric_factory.settings.judge import ModelGradingSettings
from rubric_factory.settings.llm import Sampling
from rubric_factory.tables import VERDICTS, judgement_rows
from rubric_factory.text import words

PROBE = hand_made_tasks()[0]
RUBRIC = PROBE.task.rubric
CRITERIA = RUBRIC.criteria
ROWS = [json.loads(line) for line in (Path(__file__).parent / "data/adversarial_replies.jsonl").read_text(encoding="utf-8").splitlines()]
REFUSED = [row["reply"] for row in ROWS if not row["taken"]]
TAKEN = [row["reply"] for row in ROWS if row["taken"]]


def test_there_are_two_hundred_in_twenty_families_none_twice():
    families = Counter(row["family"] for row in ROWS if not row["taken"])
    assert len(set(REFUSED)) == len(REFUSED) >= 200 and len(families) >= 20 and min(families.values()) >= 2


@pytest.mark.parametrize("family", sorted({row["family"] for row in ROWS}))
def test_every_reply_is_taken_whole_or_not_at_all(family):
    for row in ROWS:
        if row["family"] != family:
            continue
        if row["taken"]:
            assert [v.criterion_key for v in parse(row["reply"], CRITERIA)] == [c.criterion_key for c in CRITERIA]
        else:
            with pytest.raises(Unparseable):
                parse(row["reply"], CRITERIA)


class Parrot:
    """A model that says one thing, whatever it is asked; save to the canary, which it grades as it should."""

    model, revision = "parrot", "r"

    def __init__(self, said):
        self.said = said

    def complete(self, requests):
        for request in requests:
            fine = json.dumps({"c1": {"reason": "ok", "quote": "", "level": 1}})
            yield request.request_id, Completion(fine if request.request_id == "canary" else self.said)


def judged(reply, mode):
    judge = LanguageModelJudge(Parrot(reply), ModelGradingSettings(mode=mode, tries=1), Sampling(), "model")
    return judge.grade_many([JudgeInput.of(PROBE.task, PROBE.passage_text, f"Answer {n}.") for n in range(2)])


@pytest.mark.parametrize("mode", ["all_criteria", "some_criteria", "holistic", "predefined"])
def test_no_refused_reply_earns_anything_and_no_reply_at_all_breaks_what_is_stored(mode):
    for row in ROWS:
        found = judged(row["reply"], mode)
        if not row["taken"] and not (mode == "holistic" and '"rating": 10' in row["reply"]):  # that one is a rating
            assert {d.reward for d in decide([RUBRIC] * 2, found)} == {None}, row
        rows = [one for judgement in found for one in judgement_rows(judgement, RUBRIC)]
        assert pa.Table.from_pylist(rows, schema=VERDICTS).num_rows in (2, 2 * len(CRITERIA))


READABLE = '{"reason": "a", "rating": 7}'


@pytest.mark.parametrize("reply", [r for r in REFUSED if '"rating"' not in r] + [READABLE.replace("7", x) for x in (
    "0", "11", "7.0", "true", '"7"', "NaN", "[7]", "{}", "7e0", "٧", "-1", "07", "9" * 5000)] + [
    READABLE + READABLE, f"```{READABLE}```", '{"rating": 7, "reason": "a"}', '{"rating": 7}', READABLE[:-1] + ', "level": 1}',
    READABLE.replace('"a"', "null"), READABLE[:-1] + ', "rating": 10}', '{"reason": "a", "Rating": 7}'])  # fmt: skip
def test_a_rating_is_read_as_strictly(reply):
    with pytest.raises(Unparseable):
        rating.read(reply)


def test_a_rating_is_read():
    found = rating.read(READABLE)
    assert (found.value, found.lowest, found.highest, found.reason) == (7, 1, 10, "a")
    assert rating.read('{"reason": "a", "rating": null}') is None


ENTRY = st.fixed_dictionaries({"reason": st.text(max_size=3), "level": st.integers(-1, 2)})
VALUE = st.none() | st.integers(-2, 12) | st.text(max_size=3) | ENTRY
SHAPED = st.dictionaries(st.sampled_from(["reason", "rating", "c1", "c2", "c3", "c4"]), VALUE)


@given(
    st.text(max_size=60) | SHAPED.map(json.dumps) | st.fixed_dictionaries(dict.fromkeys(("c1", "c2", "c3", "c4"), ENTRY)).map(json.dumps)
)
def test_ratings_are_in_range_or_unparseable(reply):
    for read, top in ((rating.read, 10), (lambda said: predefined.read(said, "An answer."), 4)):
        try:
            found = read(reply)
        except Unparseable:
            continue
        assert found is None or (found.highest == top and found.lowest <= found.value <= found.highest)


# Quotes


RESPONSE = "The pump closes its **inlet valve** at 35\u202f°C – “safely” – and 13 days later, it re-starts…  Done."


@pytest.mark.parametrize(
    "quote",
    ["closes its inlet valve", "The pump closes", "CLOSES ITS INLET VALVE",
     '"closes its inlet valve."', 'at 35 °C - "safely"', "it re‑starts",
     "pump closes ... 13 days later", "The pump … it re-starts", "re‑starts…  Done.", "re-starts", "The ... inlet valve",
     "closes its **inlet valve**", "closes\nits inlet\tvalve",
     "[...] 13 days later"],
)  # fmt: skip
def test_what_stands_in_the_response_is_found_whatever_its_typography(quote):
    assert stands_in(quote, RESPONSE)


@pytest.mark.parametrize(
    "quote",
    ["", "   ", ".", "...", "“”", "opens its inlet valve", "3 days later", "pump close", "inlet  valves", "13 days later ... The pump",
     "35 C", "closes the inlet valve", "it stops", "The pump ... stops", "13 days later and it re-starts",
     "Done.", "the", "The", "at", "13", "the ... at ... it"],
)  # fmt: skip
def test_what_does_not_stand_there_word_for_word_is_not(quote):
    assert not stands_in(quote, RESPONSE)


@given(st.text(min_size=1, max_size=80), st.data())
def test_any_whole_words_of_any_response_stand_in_it(response, data):
    parts = folded(response).split(" ")
    start = data.draw(st.integers(0, len(parts) - 1))
    run = " ".join(parts[start : data.draw(st.integers(start + 1, len(parts)))])
    if any(ch.isalnum() for ch in run) and "..." not in run:
        says = len(words(run)) >= 2 or len(run.strip(_ENDS)) >= 8 or run.strip(_ENDS) == folded(response).strip(_ENDS)
        assert stands_in(run, response) == says


@pytest.mark.parametrize(("response", "kept"), [("Yes.", True), ("**17**", True), ("Yes, it is.", False), ("It is 17.", False)])
def test_one_short_word_is_a_quote_only_where_it_is_the_whole_answer(response, kept):
    quote = "17" if "17" in response else "yes"
    assert stands_in(quote, response) is kept


@given(st.text(max_size=40), st.text(max_size=40))
def test_quotes_never_crash(quote, response):
    assert stands_in(quote, response) in (True, False)


def entry(level, quote):
    return {"reason": "why", **({} if quote is None else {"quote": quote}), "level": level}


def read(level, quote, *, must_quote=True, response="An answer about 35 bar.", criterion=CRITERIA[1]):
    return parse(json.dumps({"c1": entry(level, quote)}), [criterion], response, must_quote=must_quote)[0]


@pytest.mark.parametrize(("level", "quote", "must", "kept"), [
    (1, "about 35 bar", True, True), (1, "about 36 bar", True, False), (1, "about 36 bar", False, False), (1, "", True, False),
    (1, None, True, False), (1, "", False, True), (1, " ", False, True), (0, "", True, True), (0, "about 36 bar", True, True),
])  # fmt: skip
def test_a_granted_level_rests_on_words_of_the_response_or_is_void(level, quote, must, kept):
    found = read(level, quote, must_quote=must)
    assert found.level == (level if kept else None) and found.failure == (None if kept else JudgeFailure.UNPARSEABLE)
    assert kept or found.reason.startswith("void, ")


def test_a_criterion_without_required_elements_may_be_met_by_what_nobody_can_quote():
    form = replace(CRITERIA[1], required_elements=())
    assert read(1, "", criterion=form).level == 1 and read(1, "not there", criterion=form).level is None


def test_every_mode_reads_its_own_good_reply():
    for name, mode in MODES.items():
        calls = mode.calls(JudgeInput.of(PROBE.task, PROBE.passage_text, "An answer."), ModelGradingSettings(mode=name))
        for call in calls:
            names = call.schema["properties"]
            entries = {key: {"reason": "a", "quote": "", "level": 0} for key in names}
            said = {"reason": "a", "rating": 3} if "rating" in names else entries
            assert call.read(json.dumps(said)) is not None and list(names) == call.schema["required"]


def test_the_reason_is_cut_and_can_be_stored():
    found = parse(json.dumps({"c1": {"reason": "\ud800" + "x" * 9000, "quote": "", "level": 0}}), [CRITERIA[0]])[0]
    assert len(found.reason) == parser.MAX_REASON and found.reason.encode()
