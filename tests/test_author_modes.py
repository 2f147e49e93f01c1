"""Modes and repair of the language-model author, against scripted models."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from test_language_model_author import passage_of

from rubric_factory.authoring.language_model import LanguageModelAuthor
from rubric_factory.authoring.modes import MODES, mode_of
from rubric_factory.authoring.prompting import template
from rubric_factory.authoring.protocol import Authored
from rubric_factory.gates.table import GATES
from rubric_factory.llm.protocol import Completion, CompletionFailure, Request
from rubric_factory.records import Passage
from rubric_factory.settings.author import ContrastMode, PassageMode, ScriptedAuthor, WithheldSectionMode, WritingSettings

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
    every = (PassageMode(), PassageMode(calls=3), ContrastMode(), WithheldSectionMode())
    modes = {mode_of(section_of(mode=mode)) for mode in every}
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
