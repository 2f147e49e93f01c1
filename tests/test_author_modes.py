"""Modes, repair, weak answers and defences of the language-model author, against scripted models."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from test_language_model_author import passage_of

from rubric_factory.authoring import marking
from rubric_factory.authoring.cost import passage_requests
from rubric_factory.authoring.language_model import LanguageModelAuthor
from rubric_factory.authoring.modes import MODES, mode_of
from rubric_factory.authoring.prompting import STEPS, canary, prompt_files, prompt_hash, steps_of, template
from rubric_factory.authoring.protocol import Authored
from rubric_factory.authoring.worklist import Wish
from rubric_factory.gates.table import GATES
from rubric_factory.llm.protocol import Completion, CompletionFailure, Request
from rubric_factory.records import Passage
from rubric_factory.settings.author import ContrastMode, PassageMode, ScriptedAuthor, WritingSettings

# Written by hand as a model would write them, for two passages of the sample documents; `refused`: the first gate against each task.
REPLIES = json.loads((Path(__file__).parent / "data" / "author_replies.json").read_text(encoding="utf-8"))
SEED = 7


def section_of(**changes) -> ScriptedAuthor:
    base = {"model": "m", "revision": "r1", "function": "a:b", "writing": WritingSettings(tasks_per_passage=3)}
    return ScriptedAuthor(**{**base, "repair_rounds": 0, "weak_answer": False, **changes})


class Script:
    """Answers each request by the function of its part (tasks, repair, closed, …); keeps every request in order."""

    model, revision = "m", "r1"

    def __init__(self, **parts: Callable[[Request], object]) -> None:
        self.parts, self.seen, self.waves = parts, list[Request](), list[int]()

    def complete(self, requests: Iterable[Request]) -> Iterator[tuple[str, Completion]]:
        asked = list(requests)
        self.seen += asked
        self.waves.append(len(asked))
        for request in reversed(asked):
            answer = self.parts[request.part.split("/")[0]](request)
            if not isinstance(answer, Completion):
                answer = Completion(text=answer if isinstance(answer, str) else json.dumps(answer))
            yield request.request_id, answer

    @property
    def asked(self) -> Counter[str]:
        return Counter(request.part.split("/")[0] for request in self.seen)


def write(script: Script, section: ScriptedAuthor, *passages: Passage, worklist=None) -> list[Authored]:
    author = LanguageModelAuthor(script, section, "", SEED, worklist=worklist)
    return list(author.write([(passage, "A title") for passage in passages]))


def example(number: int) -> tuple[Passage, list[dict], list[str]]:
    found = REPLIES[number]
    return passage_of(found["passage"], number), found["tasks"], found["refused"]


def numbered(task: dict, numbers: list[int] | None = None) -> dict:
    """A task as a repair gives it back; numbers: by default every criterion keeps its own."""
    criteria = [{"number": n, **c} for n, c in zip(numbers or range(1, 99), task["criteria"], strict=False)]
    return {**task, "criteria": criteria}


def slots(authored: Authored) -> list[str]:
    return [task.task_key.rsplit("/", 1)[1] for task in authored.tasks]


@pytest.mark.parametrize("number", range(len(REPLIES)))
def test_exemplary_replies_meet_the_gates_as_labelled(number):
    passage, tasks, refused = example(number)
    (authored,) = write(Script(tasks=lambda _: {"tasks": tasks}), section_of(), passage)
    assert [note.first_refusal for note in authored.notes] == refused
    assert [
        note.difficulty
        for note in authored.notes
        if note.first_refusal != "schema_violation" and note.first_refusal != "evidence_not_verbatim"
    ] == [
        task["difficulty"]
        for task, reason in zip(tasks, refused, strict=True)
        if reason not in ("schema_violation", "evidence_not_verbatim")
    ]
    assert {r.reason for r in authored.rejections} == {r for r in refused if r in ("schema_violation", "evidence_not_verbatim")}


def test_the_example_of_the_prompt_keeps_every_rule_it_illustrates():
    text = template("example")
    passage = passage_of(re.search(r"Passage: (.*)", text)[1])
    reply = text.split("Reply:\n")[1]
    (authored,) = write(Script(tasks=lambda _: reply), section_of(), passage)
    assert len(authored.tasks) == 1 and authored.notes[0].first_refusal == "" and not authored.rejections


def test_one_call_writes_all_tasks_and_says_which_difficulty_it_wants():
    passage, tasks, _ = example(0)
    script = Script(tasks=lambda _: {"tasks": tasks})
    (authored,) = write(script, section_of(), passage)
    assert slots(authored) == ["0", "1", "2"] and script.waves == [1]
    assert "up to 3 tasks (difficulty of each, in order: medium, hard, easy)" in script.seen[0].messages[1].content
    assert [t.question_type for t in authored.tasks] == ["explain", "design", "critique"]


def piecewise(tasks: list[dict]) -> dict[str, Callable[[Request], object]]:
    """Parts of the modes of several calls, each from the whole tasks."""
    by_question = {task["question"]: task for task in tasks}

    def of(request: Request) -> dict:
        return next(task for question, task in by_question.items() if question in request.messages[1].content)

    rubric = lambda request: {"criteria": of(request)["criteria"]}  # noqa: E731
    return {
        "questions": lambda _: {"tasks": [{k: t[k] for k in ("question_type", "difficulty", "question")} for t in tasks]},
        "reference": lambda request: {"reference_answer": of(request)["reference_answer"]},
        "rubric": rubric,
        "contrast": rubric,
        "brief": lambda request: f"In short: {of(request)['question_type']}.",
        "closed": lambda request: f"I guess: {of(request)['question_type']}.",
    }


def test_three_calls_end_with_the_same_tasks_as_one():
    passage, tasks, _ = example(0)
    (one,) = write(Script(tasks=lambda _: {"tasks": tasks}), section_of(), passage)
    script = Script(**piecewise(tasks))
    (three,) = write(script, section_of(mode=PassageMode(calls=3)), passage)
    assert script.waves == [1, 3, 3] and script.asked == {"questions": 1, "reference": 3, "rubric": 3}
    plain = [(t.task_key, t.question, t.reference_answer, t.rubric) for t in one.tasks]
    assert [(t.task_key, t.question, t.reference_answer, t.rubric) for t in three.tasks] == plain
    assert {note.mode for note in three.notes} == {"passage-3"} and one.tasks[0].author != three.tasks[0].author


def test_a_piece_that_fails_costs_its_slot_alone():
    passage, tasks, _ = example(0)
    parts = piecewise(tasks)
    parts["reference"] = lambda r: (
        Completion(failure=CompletionFailure.TRUNCATED)
        if tasks[1]["question"] in r.messages[1].content
        else {"reference_answer": "A long enough answer to this."}
    )
    parts["rubric"] = lambda r: "no json" if tasks[2]["question"] in r.messages[1].content else {"criteria": tasks[0]["criteria"]}
    (authored,) = write(Script(**parts), section_of(mode=PassageMode(calls=3)), passage)
    assert slots(authored) == ["0"]
    assert {r.record_id.rsplit("/", 1)[1]: r.reason for r in authored.rejections} == {"1": "truncated", "2": "unparseable_reply"}


def test_contrast_shows_the_rubric_author_answers_of_three_strengths_and_keeps_the_one_without_passage():
    passage, tasks, _ = example(0)
    script = Script(**piecewise(tasks))
    (authored,) = write(script, section_of(mode=ContrastMode(answer_temperature=0.9), weak_answer=True), passage)
    assert script.asked == {"questions": 1, "reference": 3, "brief": 3, "closed": 3, "contrast": 3}  # no further call for the weak answer
    assert [note.weak_answer for note in authored.notes] == [f"I guess: {t['question_type']}." for t in tasks]
    for request in script.seen:
        content = request.messages[1].content
        if request.part.startswith("closed"):
            assert passage.text[:40] not in content and request.schema is None and request.temperature == 0.9
        if request.part.startswith("contrast"):
            assert "In short: " in content and "I guess: " in content and "REFERENCE" not in content and request.temperature == 0.0


def test_contrast_without_a_weaker_answer_is_a_rejection_of_that_slot():
    passage, tasks, _ = example(0)
    parts = piecewise(tasks)
    parts["brief"] = lambda r: Completion(failure=CompletionFailure.REFUSED) if tasks[0]["question"] in r.messages[1].content else "Short."
    (authored,) = write(Script(**parts), section_of(mode=ContrastMode()), passage)
    assert slots(authored) == ["1", "2"] and [r.reason for r in authored.rejections] == ["no_weaker_answer"]


def test_every_mode_of_the_settings_has_its_generator():
    modes = {mode_of(section_of(mode=mode)) for mode in (PassageMode(), PassageMode(calls=3), ContrastMode())}
    assert modes == set(MODES)


class Lazy(Script):
    """Pulls a request only when the one before is answered: a window of one."""

    def complete(self, requests: Iterable[Request]) -> Iterator[tuple[str, Completion]]:
        for request in requests:
            yield from super().complete([request])


def test_what_follows_from_an_answer_is_sent_before_anything_of_a_new_passage():
    _, tasks, _ = example(0)
    text = REPLIES[0]["passage"]
    passages = [passage_of(text + " " * n, n) for n in range(4)]
    script = Lazy(**piecewise(tasks))
    found = write(script, section_of(mode=PassageMode(calls=3)), *passages)
    assert [request.subject for request in script.seen] == [p.passage_id for p in passages for _ in range(7)]
    assert [one.passage_id for one in found] == [p.passage_id for p in passages] and all(len(one.tasks) == 3 for one in found)


# Repair


def test_a_refused_task_goes_back_with_reason_and_figure_and_comes_back_mended():
    passage, tasks, refused = example(2)  # atomicity, evidence_not_verbatim, leakage
    _, good, _ = example(0)
    mended = {0: good[2], 1: good[0], 2: good[1]}
    script = Script(tasks=lambda _: {"tasks": tasks}, repair=lambda r: {"tasks": [numbered(mended[int(r.part.split("/")[1])])]})
    (authored,) = write(script, section_of(repair_rounds=1), passage)
    assert slots(authored) == ["0", "1", "2"] and not authored.rejections and script.asked == {"tasks": 1, "repair": 3}
    assert [(n.first_refusal, n.repair_rounds) for n in authored.notes] == [(reason, 1) for reason in refused]
    shown = {request.part: request.messages[1].content for request in script.seen}
    assert "atomicity: figure 1: 1 further claims joined in:" in shown["repair/0/0"] and '"number": 1' in shown["repair/0/0"]
    assert "1 of 5 quotes are not in the passage, first: B-trees handle equality" in shown["repair/1/0"]
    assert "leakage: figure 1: 1.00 of the weight" in shown["repair/2/0"]
    assert all(passage.text[:60] in content for content in shown.values())


def test_criteria_keep_their_keys_through_repair_and_new_ones_get_unused_ordinals():
    passage, tasks, _ = example(2)
    _, good, _ = example(0)
    # Of four shown criteria the third is dropped, the others change places, and two new ones are added; a number given twice is new, too.
    criteria = [good[2]["criteria"][1], good[2]["criteria"][0], *good[2]["criteria"][2:], good[0]["criteria"][1], good[0]["criteria"][2]]
    reply = numbered({**good[2], "criteria": criteria}, [2, 1, 0, 4, 0, 1])
    script = Script(tasks=lambda _: {"tasks": tasks[:1]}, repair=lambda _: {"tasks": [reply]})
    (authored,) = write(script, section_of(repair_rounds=1), passage)
    (task,) = authored.tasks
    assert [c.criterion_key.rsplit("/", 1)[1] for c in task.rubric.criteria] == ["1", "0", "4", "3", "5", "6"]


@pytest.mark.parametrize(
    "answer",
    [
        {"tasks": []},
        "no json",
        Completion(failure=CompletionFailure.REFUSED),
        {"tasks": [{"question": "?"}]},
    ],
)
def test_a_repair_that_makes_nothing_better_leaves_the_task_as_it_was(answer):
    passage, tasks, _ = example(2)
    script = Script(tasks=lambda _: {"tasks": tasks[:1]}, repair=lambda _: answer)
    (authored,) = write(script, section_of(repair_rounds=3), passage)
    (task,) = authored.tasks  # the gate stage refuses it, by the same gate
    assert task.question == tasks[0]["question"] and authored.notes[0].first_refusal == "atomicity"
    assert script.asked["repair"] == 1  # the same request again would have the same answer


def test_repair_ends_after_its_rounds_or_as_soon_as_nothing_is_refused():
    passage, tasks, _ = example(2)
    _, good, _ = example(0)
    versions = [{**tasks[0], "question": f"{tasks[0]['question']} Version {n}."} for n in range(9)]
    for rounds, good_at, asked in ((3, 99, 3), (3, 2, 2), (1, 2, 1)):

        def repair(request, good_at=good_at):
            turn = int(request.part.split("/")[2]) + 1
            return {"tasks": [numbered(good[2] if turn == good_at else versions[turn])]}

        script = Script(tasks=lambda _: {"tasks": [versions[0]]}, repair=repair)
        (authored,) = write(script, section_of(repair_rounds=rounds), passage)
        assert script.asked["repair"] == asked == authored.notes[0].repair_rounds
        assert ("Version" in authored.tasks[0].question) == (good_at > rounds)


def test_what_cannot_be_assembled_after_repair_is_a_rejection_with_the_last_reason():
    passage, tasks, _ = example(2)
    script = Script(tasks=lambda _: {"tasks": tasks[1:2]}, repair=lambda _: {"tasks": [numbered(tasks[1])]})
    (authored,) = write(script, section_of(repair_rounds=1), passage)
    assert not authored.tasks and [r.reason for r in authored.rejections] == ["evidence_not_verbatim"]
    assert (authored.notes[0].first_refusal, authored.notes[0].repair_rounds) == ("evidence_not_verbatim", 1)


def test_a_repair_without_an_answer_yet_leaves_the_passage_for_the_next_run():
    passage, tasks, _ = example(2)
    script = Script(tasks=lambda _: {"tasks": tasks}, repair=lambda _: Completion(failure=CompletionFailure.UNANSWERED))
    assert write(script, section_of(repair_rounds=1), passage) == [Authored(passage.passage_id, pending=True)]


def test_hints_name_gates_and_reasons_that_exist():
    names = {line.split(": ", 1)[0] for line in template("hints").splitlines()}
    assert names <= {*GATES, "schema_violation", "invalid_rubric"}


# Weak answers


def test_a_weak_answer_is_asked_without_the_passage_and_only_for_what_nothing_refuses():
    passage, tasks, refused = example(1)  # the first is refused by a gate
    script = Script(tasks=lambda _: {"tasks": tasks}, closed=lambda r: " Perhaps\u202e so.\n")
    (authored,) = write(script, section_of(weak_answer=True), passage)
    assert script.asked == {"tasks": 1, "closed": 1} and refused[0]
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


# Prompt files


def test_identity_follows_exactly_the_prompt_files_in_use(monkeypatch):
    from rubric_factory.authoring import prompting

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
    folder = Path(str(__import__("rubric_factory.authoring", fromlist=["x"]).__file__)).parent / "prompts"
    there = {path.stem for path in folder.glob("*.txt")}
    used = {name for step in STEPS.values() for name in (*step.system, step.ask) if name} | {"user", "hints"}
    assert there == used
    sections = [section_of(mode=mode, repair_rounds=1, weak_answer=True) for mode in (PassageMode(), PassageMode(calls=3), ContrastMode())]
    assert {step for section in sections for step in steps_of(section)} == set(STEPS)


def test_system_messages_are_the_same_for_every_passage_and_leave_no_slot_open():
    from rubric_factory.authoring.prompting import system_text

    for step in STEPS:
        text = system_text(step, WritingSettings(), SEED)
        assert "[[" not in text and (canary(SEED) in text) == ("assignment" in STEPS[step].system)


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
