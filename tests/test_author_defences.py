"""Weak answers, defences, prompt files, work list and cost of the language-model author, against scripted models."""

import json
from collections import Counter
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from test_author_modes import SEED, Script, example, piecewise, section_of, slots, write
from test_language_model_author import passage_of

from rubric_factory.authoring import marking, prompting
from rubric_factory.authoring.cost import passage_requests
from rubric_factory.authoring.prompting import STEPS, WITHHELD_STEPS, canary, prompt_files, prompt_hash, steps_of, system_text
from rubric_factory.authoring.worklist import Wish
from rubric_factory.llm.protocol import Completion, CompletionFailure
from rubric_factory.settings.author import ContrastMode, PassageMode, ScriptedAuthor, WithheldSectionMode, WritingSettings

# Weak answers


def test_a_weak_answer_is_asked_without_the_passage_and_only_for_what_nothing_refuses():
    passage, tasks, _ = example(1)
    tasks = [{**tasks[0], "question": "According to the passage, how does the risk differ between both draws, and why?"}, tasks[1]]
    script = Script(tasks=lambda _: {"tasks": tasks}, closed=lambda r: " Perhaps\u202e so.\n")
    (authored,) = write(script, section_of(weak_answer=True), passage)
    assert script.asked == {"tasks": 1, "closed": 1} and authored.notes[0].first_refusal == "standalone"
    request = script.seen[-1]
    assert request.messages[1].content == tasks[1]["question"] and request.schema is None and request.max_tokens == 400
    assert [note.weak_answer for note in authored.notes] == ["", "Perhaps so."]


def test_a_weak_answer_that_does_not_come_leaves_the_task_without_one():
    passage, tasks, _ = example(0)
    script = Script(tasks=lambda _: {"tasks": tasks}, closed=lambda _: Completion(failure=CompletionFailure.REFUSED))
    (authored,) = write(script, section_of(weak_answer=True), passage)
    assert slots(authored) == ["0", "1", "2"] and {note.weak_answer for note in authored.notes} == {""}


# Defences


def test_a_reply_that_tells_the_canary_is_refused_whole():
    passage, tasks, _ = example(0)
    told = json.loads(json.dumps(tasks).replace("The planner", "x"))
    told[2]["reference_answer"] += f" My instructions begin with {canary(SEED).upper()}."
    script = Script(tasks=lambda _: {"tasks": told})
    (authored,) = write(script, section_of(), passage)
    assert not authored.tasks and [r.reason for r in authored.rejections] == ["canary_leaked"]
    assert canary(SEED) in script.seen[0].messages[0].content and canary(SEED) not in authored.rejections[0].detail
    assert canary(SEED) != canary(SEED + 1)


def test_datamarking_marks_every_blank_of_the_passage_and_quotes_are_found_all_the_same():
    passage, tasks, _ = example(0)
    section = section_of(writing=WritingSettings(tasks_per_passage=3, datamarking=True))
    sign = marking.sign(passage, SEED)
    marked = json.loads(json.dumps(tasks))
    marked[0]["criteria"][0]["evidence"] = [marked[0]["criteria"][0]["evidence"][0].replace(" ", sign)]
    script = Script(tasks=lambda _: {"tasks": marked})
    (authored,) = write(script, section, passage)
    assert len(authored.tasks) == 3 and authored.tasks[0].rubric.criteria[0].evidence[0].quote == tasks[0]["criteria"][0]["evidence"][0]
    shown = script.seen[0].messages[1].content
    body = shown.split("```", 1)[1]
    assert f"B-trees{sign}can{sign}handle" in body and f"written as {sign}" in shown and sign not in passage.text


@given(st.text(min_size=1, max_size=80))
def test_marking_is_undone_where_the_sign_is_not_in_the_text(text):
    passage = passage_of(text)
    marked, _ = marking.marked(passage, SEED)
    assert " " not in marked and len(marked) == len(text)
    if any(sign not in text for sign in marking.SIGNS):
        assert marking.unmarked(marked, passage, SEED) == text.replace("\t", " ")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["tasks", "criteria", "question", "number", "x"]), inner),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(JSON, st.sampled_from(["whole", "task", "criteria", "criterion"]))
def test_no_reply_whatever_its_shape_ends_in_more_than_rejections_or_refused_tasks(value, where):
    passage, tasks, _ = example(0)
    task = json.loads(json.dumps(tasks[0]))
    if where == "criterion":
        task["criteria"][0] = value
    elif where == "criteria":
        task["criteria"] = value
    reply = value if where == "whole" else {"tasks": [value if where == "task" else task]}
    script = Script(tasks=lambda _: reply, repair=lambda _: reply)
    (authored,) = write(script, section_of(repair_rounds=1), passage)
    assert not authored.pending and bool(authored.tasks) != bool(authored.rejections)


# Prompt files


def test_identity_follows_exactly_the_prompt_files_in_use(monkeypatch):
    bare, mending, contrast = section_of(), section_of(repair_rounds=1), section_of(mode=ContrastMode())
    assert len({prompt_hash(section) for section in (bare, mending, contrast)}) == 3
    assert prompt_hash(bare) == prompt_hash(section_of(writing=WritingSettings(max_criteria=6)))
    assert {"reply_repair.txt", "hints.txt"} & set(prompt_files(bare)) == set()
    assert "contrast.txt" in prompt_files(contrast) and "contrast.txt" not in prompt_files(mending)
    real = prompting.template
    monkeypatch.setattr(prompting, "template", lambda name: real(name) + ("!" if name == "contrast" else ""))
    assert prompt_hash(bare) == prompt_hash(section_of()) and prompt_files(contrast)["contrast.txt"] != "".join(prompt_files(bare).values())
    changed = prompt_hash(contrast)
    monkeypatch.undo()
    assert changed != prompt_hash(contrast)


def test_every_prompt_file_belongs_to_a_step_and_every_step_to_an_author():
    folder = files("rubric_factory.authoring").joinpath("prompts")
    there = {entry.name.removesuffix(".txt") for entry in folder.iterdir()}
    steps = [*STEPS.values(), *WITHHELD_STEPS.values()]
    used = {name for step in steps for name in (*step.system, step.ask, step.user) if name} | {"hints"}
    assert there == used
    modes = (PassageMode(), PassageMode(calls=3), ContrastMode(), WithheldSectionMode())
    sections = [section_of(mode=mode, repair_rounds=1, weak_answer=True) for mode in modes]
    assert there == {name.removesuffix(".txt") for section in sections for name in prompt_files(section)}
    assert {step for section in sections for step in steps_of(section)} == set(STEPS)


def test_system_messages_are_the_same_for_every_passage_and_leave_no_slot_open():
    for step in (*STEPS.values(), *WITHHELD_STEPS.values()):
        text = system_text(step.system, WritingSettings(), SEED)
        assert "[[" not in text and (canary(SEED) in text) == bool({"assignment", "withheld_assignment"} & set(step.system))


# Work list


def test_a_wish_asks_for_further_tasks_in_slots_of_their_own_and_leaves_the_first_ones_alone():
    passage, tasks, _ = example(0)
    _, more, _ = example(2)
    key = f"{passage.passage_key}/0/1"
    wishes = (Wish(criterion_key=key, task_key=f"{passage.passage_key}/0", pass_rate=0.25, reason="answers forget the order"),)
    parts = {"tasks": lambda _: {"tasks": tasks}, "focus": lambda _: {"tasks": [tasks[1]]}}
    script = Script(**parts)
    (plain,) = write(Script(**parts), section_of(), passage)
    (authored,) = write(script, section_of(), passage, worklist={passage.passage_id: wishes})
    assert slots(authored) == ["0", "1", "2", "3"] and authored.tasks[:3] == plain.tasks
    shown = script.seen[1].messages[1].content
    assert "confine the matches to one range of the order. Met by 25% of the answers. answers forget the order" in shown
    assert all(task["question"] in shown for task in tasks)
    assert more


def test_the_mode_is_a_choice_of_the_settings_alone():
    with pytest.raises(ValidationError):
        ScriptedAuthor(model="m", revision="r", function="a:b", mode={"type": "consensus"})
    with pytest.raises(ValidationError):
        ScriptedAuthor(model="m", revision="r", function="a:b", mode={"type": "contrast", "calls": 3})


@pytest.mark.parametrize("mode", [PassageMode(), PassageMode(calls=3), ContrastMode()])
@pytest.mark.parametrize("weak", [False, True])
def test_the_cost_of_a_passage_is_what_a_passage_takes_where_nothing_is_refused(mode, weak):
    passage, tasks, _ = example(0)
    section = section_of(mode=mode, weak_answer=weak)
    script = Script(tasks=lambda _: {"tasks": tasks}, **piecewise(tasks))
    write(script, section, passage)
    assert Counter(r.part.split("/")[0] for r in passage_requests(passage, section, SEED)) == script.asked
