"""Several authors end to end, with scripted models: merged rubrics, provenance, repair, and a co-author that is dead, slow or useless."""

import json
from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from test_author_modes import REPLIES, Lazy, Script, example, numbered, piecewise
from test_author_stage import PASSAGE_LIST, SCRIPTED, context_of, fill, rows_of, scripted, settings_of
from test_language_model_author import passage_of

from flows.exchange import author_files, exchanged
from flows.forecast import forecast
from flows.spending import spending
from rubric_factory.authoring import dialogue
from rubric_factory.authoring.authors import asked_as, author_identity
from rubric_factory.authoring.cost import passage_requests
from rubric_factory.authoring.language_model import LanguageModelAuthor, identity_of
from rubric_factory.authoring.merge import RULE
from rubric_factory.authoring.protocol import Authored
from rubric_factory.errors import CapReachedError, ConfigurationError, LanguageModelError
from rubric_factory.llm.protocol import Completion, CompletionFailure, Request
from rubric_factory.records import Category, Message, author_of, content_id
from rubric_factory.settings import load_settings
from rubric_factory.settings.author import MergeSettings, PassageMode, ScriptedAuthor, ScriptedCoAuthor, WritingSettings
from rubric_factory.settings.caps import CapSettings
from rubric_factory.stages import Context
from rubric_factory.stages.author import author
from rubric_factory.stages.gate import gate


def section_of(co_authors: int = 1, **changes) -> ScriptedAuthor:
    co = tuple(ScriptedCoAuthor(model=f"m{number + 2}", revision="r1", function="a:b") for number in range(co_authors))
    base = {"model": "m", "revision": "r1", "function": "a:b", "writing": WritingSettings(tasks_per_passage=3, min_criteria=2)}
    merging = {"merge": MergeSettings(authors=co)} if co_authors else {}
    return ScriptedAuthor(**{**base, "repair_rounds": 0, "weak_answer": False, **merging, **changes})


def write(scripts: list[Script], section: ScriptedAuthor, *passages) -> list[Authored]:
    opened = LanguageModelAuthor(scripts[0], section, "", 7, co_models=scripts[1:])
    return list(opened.write([(passage, "A title") for passage in passages]))


def rubric_of(tasks: list[dict], change=lambda criteria: criteria):
    """A co-author: the criteria of the task whose question it was shown, changed."""

    def answer(request: Request) -> dict:
        task = next(one for one in tasks if one["question"] in request.messages[1].content)
        return {"criteria": change([dict(one) for one in task["criteria"]])}

    return answer


def otherwise(criteria: list[dict]) -> list[dict]:
    """Two of the author's criteria in other words and lighter, one of its own."""
    for one in criteria:
        one["weight"] = max(one["weight"] - 1, 1)
    stranger = {**criteria[0], "description": "Mentions the tooling of an unrelated vendor.", "title": "Stranger", "category": "optional"}
    return [*criteria[:2], stranger]


def test_agreed_criteria_stay_with_keys_of_the_author_and_the_rest_is_told():
    passage, tasks, _ = example(0)
    first, second = Script(tasks=lambda _: {"tasks": tasks}), Script(rubric=rubric_of(tasks, otherwise))
    (alone,) = write([Script(tasks=lambda _: {"tasks": tasks})], section_of(0), passage)
    (authored,) = write([first, second], section_of(), passage)
    assert first.asked == {"tasks": 1} and second.asked == {"rubric": 3} and len(authored.tasks) == 3
    for task, plain, written in zip(authored.tasks, alone.tasks, tasks, strict=True):
        assert (task.task_key, task.question, task.reference_answer) == (plain.task_key, plain.question, plain.reference_answer)
        assert task.author == identity_of(section_of()) and task.author.startswith(f"m@r1 + m2@r1 {RULE} prompts=")
        before = plain.rubric.criteria
        assert [c.criterion_key for c in task.rubric.criteria] == [c.criterion_key for c in before[:2]]
        lighter = [max(abs(c.weight) - 1, 1) * (-1 if c.category is Category.PITFALL else 1) for c in before[:2]]
        assert [c.weight for c in task.rubric.criteria] == lighter and task.rubric.criteria[0].description == before[0].description
        slot = task.task_key.rsplit("/", 1)[1]
        own = {r.record_id: r for r in authored.rejections if r.record_id.startswith(f"{passage.passage_id}/{slot}/")}
        places = [str(n) for n in range(2, len(written["criteria"]))] + ["14"]  # 12 places of the author, then the co-author's third
        assert sorted(name.rsplit("/", 1)[1] for name in own) == sorted(places)
        assert {r.reason for r in own.values()} == {"criterion_not_agreed"} and all("@r1: " in r.detail for r in own.values())


def test_no_co_author_is_what_it_was():
    plain = settings_of(**SCRIPTED)
    # What `authored.author` held before there were co-authors: an upgrade asks nothing again.
    section = {name: value for name, value in plain.author.model_dump(mode="json").items() if name != "merge"}
    gates = plain.gates.model_dump(mode="json", exclude={"judge"})
    digest = content_id("author", section, plain.publish.system_message, plain.seed, gates, plain.publish.profile)
    assert asked_as(plain) == f"{identity_of(plain.author)} settings={digest[:12]}"
    assert asked_as(settings_of(**merging())) != asked_as(plain) and asked_as(settings_of(**merging())).startswith("script@1 + second@1 ")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Completion(failure=CompletionFailure.GIVEN_UP, detail="connection refused"), "given_up: connection refused"),
        (Completion(failure=CompletionFailure.REFUSED), "refused"),
        (Completion(failure=CompletionFailure.TRUNCATED), "truncated"),
        ("no json", "unparseable_reply"),
        ({"criteria": []}, "schema_violation"),
    ],
)
def test_a_co_author_without_a_rubric_costs_no_task_and_the_row_says_so(answer, reason):
    passage, tasks, _ = example(0)
    (authored,) = write([Script(tasks=lambda _: {"tasks": tasks}), Script(rubric=lambda _: answer)], section_of(), passage)
    (alone,) = write([Script(tasks=lambda _: {"tasks": tasks})], section_of(0), passage)
    assert [t.rubric for t in authored.tasks] == [t.rubric for t in alone.tasks] and len(authored.tasks) == 3
    assert {t.author for t in authored.tasks} == {f"{identity_of(section_of())} rubric=m@r1"}
    assert {author_of(t.author) for t in authored.tasks} == {identity_of(section_of())}
    assert [r.reason for r in authored.rejections] == ["co_author_without_rubric"] * 3
    assert all(f"m2@r1: {reason}" in r.detail and r.record_id.endswith("/author-2") for r in authored.rejections)


def test_of_three_authors_the_two_that_answered_are_merged_and_named():
    passage, tasks, _ = example(0)
    scripts = [Script(tasks=lambda _: {"tasks": tasks[:1]}), Script(rubric=lambda _: "?"), Script(rubric=rubric_of(tasks, otherwise))]
    (authored,) = write(scripts, section_of(2), passage)
    (task,) = authored.tasks
    assert task.author.endswith(" rubric=m@r1,m3@r1") and len(task.rubric.criteria) == 2
    assert {r.reason for r in authored.rejections} == {"co_author_without_rubric", "criterion_not_agreed"}


@pytest.mark.parametrize("failure", [CompletionFailure.TRANSPORT, CompletionFailure.TIMEOUT, CompletionFailure.UNANSWERED])
def test_a_co_author_that_has_not_answered_yet_leaves_the_passage_for_the_next_run(failure):
    passage, tasks, _ = example(0)
    scripts = [Script(tasks=lambda _: {"tasks": tasks}), Script(rubric=lambda _: Completion(failure=failure, detail="no route"))]
    (authored,) = write(scripts, section_of(), passage)
    assert authored.pending and not authored.tasks and not authored.rejections
    assert ("no route" in authored.detail) == (failure is not CompletionFailure.UNANSWERED)


def test_a_co_author_of_no_use_ends_the_command_by_name():
    _, tasks, _ = example(0)
    passages = [passage_of(REPLIES[0]["passage"] + " " * n, n) for n in range(9)]
    scripts = [Script(tasks=lambda _: {"tasks": tasks[:1]}), Script(rubric=lambda _: "no json")]
    with pytest.raises(LanguageModelError, match="none of the first 5 answers of m2 is of use; the last one: unparseable_reply"):
        write(scripts, section_of(stop_after=5), *passages)


REFUSED_FOR_WHAT_IT_IS = Completion(failure=CompletionFailure.BAD_REQUEST, detail="HTTP 400")


@pytest.mark.parametrize("weak_answer", [False, True])
def test_a_co_author_whose_server_refuses_everything_leaves_no_passage_without_its_rubric(weak_answer, monkeypatch):
    monkeypatch.setattr(dialogue, "WAITING", 1)  # a passage goes on before the next one's request is refused
    _, tasks, _ = example(0)
    passages = [passage_of(REPLIES[0]["passage"] + " " * n, n) for n in range(9)]
    section = section_of(stop_after=5, weak_answer=weak_answer)
    first = Lazy(tasks=lambda _: {"tasks": tasks[:1]}, closed=lambda _: "A weak answer.")
    opened = LanguageModelAuthor(first, section, "", 7, co_models=[Lazy(rubric=lambda _: REFUSED_FOR_WHAT_IT_IS)])
    found = []
    with pytest.raises(LanguageModelError, match="none of the first 5 answers of m2 is of use; the last one: bad_request: HTTP 400"):
        found.extend(opened.write([(passage, "A title") for passage in passages]))
    assert not found, "they are asked again once the server is mended"


def test_a_request_that_a_working_co_author_refuses_costs_its_rubric_alone():
    _, tasks, _ = example(0)
    passages = [passage_of(REPLIES[0]["passage"] + " " * n, n) for n in range(4)]
    answers = iter([REFUSED_FOR_WHAT_IT_IS] * 2)
    merged = rubric_of(tasks, otherwise)
    scripts = [Lazy(tasks=lambda _: {"tasks": tasks[:1]}), Lazy(rubric=lambda request: next(answers, None) or merged(request))]
    found = {one.passage_id: one.tasks[0].author.endswith(" rubric=m@r1") for one in write(scripts, section_of(), *passages)}
    assert [found[passage.passage_id] for passage in passages] == [True, True, False, False]
    scripts[1] = Lazy(rubric=lambda _: REFUSED_FOR_WHAT_IT_IS)
    assert len(write(scripts, section_of(), *passages)) == 4, "too few to tell: each stands with the author's rubric and says so"


def test_the_merged_draft_is_gated_and_goes_back_to_the_author():
    passage, tasks, _ = example(2)  # the first task joins two claims: atomicity
    _, good, _ = example(0)
    first = Script(tasks=lambda _: {"tasks": tasks[:1]}, repair=lambda _: {"tasks": [numbered(good[2])]})
    (authored,) = write([first, Script(rubric=rubric_of(tasks))], section_of(repair_rounds=1), passage)
    assert first.asked == {"tasks": 1, "repair": 1} and authored.notes[0].first_refusal == "atomicity"
    (task,) = authored.tasks
    assert task.question == good[2]["question"] and task.author == identity_of(section_of(repair_rounds=1))
    assert "atomicity: figure 1" in first.seen[1].messages[1].content


def test_a_criterion_that_repair_adds_has_no_key_of_one_that_was_left_out():
    passage, tasks, _ = example(2)
    _, good, _ = example(0)
    mended = numbered(good[2])
    mended["criteria"] = [{**one, "number": number if number < 3 else 0} for number, one in enumerate(mended["criteria"], start=1)]
    first = Script(tasks=lambda _: {"tasks": tasks[:1]}, repair=lambda _: {"tasks": [mended]})
    (authored,) = write([first, Script(rubric=rubric_of(tasks, lambda found: found[:3]))], section_of(repair_rounds=1), passage)
    left_out = {one.record_id.rsplit("/", 1)[1] for one in authored.rejections if one.reason.startswith("criterion_")}
    (task,) = authored.tasks
    keys = [one.criterion_key.rsplit("/", 1)[1] for one in task.rubric.criteria]
    assert len(first.seen) == 2 and left_out and keys[2:] == [str(24 + n) for n in range(len(keys) - 2)] and not left_out & set(keys)


def test_a_draft_that_breaks_the_schema_is_mended_alone_and_says_so():
    passage, tasks, _ = example(0)
    broken = {**tasks[0], "difficulty": "extreme"}
    first, second = Script(tasks=lambda _: {"tasks": [broken]}, repair=lambda _: {"tasks": [numbered(tasks[0])]}), Script()
    (authored,) = write([first, second], section_of(repair_rounds=1), passage)
    (task,) = authored.tasks
    assert not second.seen and task.author.endswith(" rubric=m@r1") and [r.reason for r in authored.rejections] == ["rubric_not_merged"]


def test_every_mode_can_be_merged_and_co_authors_have_their_own_sampling():
    passage, tasks, _ = example(0)
    section = section_of(mode=PassageMode(calls=3))
    sampling = section.sampling.model_copy(update={"temperature": 0.7, "max_tokens": 99})
    hot = section.merge.authors[0].model_copy(update={"sampling": sampling})
    section = section.model_copy(update={"merge": MergeSettings(authors=(hot,))})
    first, second = Script(**piecewise(tasks)), Script(rubric=rubric_of(tasks, otherwise))
    (authored,) = write([first, second], section, passage)
    assert first.asked == {"questions": 1, "reference": 3, "rubric": 3} and second.asked == {"rubric": 3} and len(authored.tasks) == 3
    assert {(r.temperature, r.max_tokens) for r in second.seen} == {(0.7, 99)} and {r.temperature for r in first.seen} == {0.0}
    assert second.seen[0].messages == next(r for r in first.seen if r.part == "rubric/0").messages


def test_models_take_turns_and_what_waits_for_the_others_is_bounded(monkeypatch):
    monkeypatch.setattr(dialogue, "WAITING", 4)
    _, tasks, _ = example(0)
    passages = [passage_of(REPLIES[0]["passage"] + " " * n, n) for n in range(10)]
    turns: list[str] = []

    def noted(name, answer):
        return lambda request: turns.append(name) or answer(request)

    scripts = [Lazy(tasks=noted("a", lambda _: {"tasks": tasks[:1]})), Lazy(rubric=noted("b", rubric_of(tasks, otherwise)))]
    found = write(scripts, section_of(), *passages)
    assert "".join(turns) == "aaaabbbbaaaabbbbaabb" and len(found) == 10 and all(one.tasks for one in found)


# Through the stages


def co_scripted(request: Request) -> str:
    """A co-author whose second criterion is of its own."""
    criteria = json.loads(scripted(request))["tasks"][0]["criteria"]
    own = criteria[1] | {"title": "Own", "description": "Lists an unrelated vendor's price.", "required_elements": ["price"]}
    return json.dumps({"criteria": [criteria[0] | {"weight": 3, "category": "important"}, own]})


def dead(_: Request) -> Completion:
    return Completion(failure=CompletionFailure.TRANSPORT, detail="connection refused")


def merging(function: str = "co_scripted", **changes) -> dict:
    co = {"type": "scripted", "model": "second", "revision": "1", "function": f"test_co_authors:{function}", **changes}
    return {**SCRIPTED, "merge": {"authors": [co]}}


TABLES = ("tasks", "authored", "rejections", "task_notes", "gate_results")


def test_stages_ledger_and_accounts_know_every_author(tmp_path):
    fill(context := context_of(tmp_path, **merging()), PASSAGE_LIST)
    assert author(context).rejections["criterion_not_agreed"] == 6
    gate(context)
    before = rows_of(context, *TABLES)
    tasks, authored, *_ = before
    assert {t["author"] for t in tasks} == {author_identity(context.settings)} and all(
        "script@1 + second@1" in r["author"] for r in authored
    )
    assert {r["task_id"] for r in before[4]} == {t["task_id"] for t in tasks} and tasks[0]["evidence_grade"] == "demo"
    assert author(context).counts["passages"] == 0
    gate(context)
    assert rows_of(context, *TABLES) == before
    row = spending(context.settings, context.workspace)
    assert {one["model"]: one["calls"] for one in row["models"]} == {"script": 6, "second": 6}
    assert [(one["model"], one["left"]) for one in forecast(context)[:2]] == [("script", 0), ("second", 0)]
    assert [request.part for request in passage_requests(PASSAGE_LIST[0], context.settings.author, 1)] == ["tasks/0", "rubric/0/1"]


def test_a_dead_second_author_is_waited_for_then_done_without_and_a_later_one_is_asked_for_nothing_but_its_part(tmp_path):
    fill(context := context_of(tmp_path, **merging("dead", give_up_after=2)), PASSAGE_LIST)
    for _ in range(2):
        report = author(context)
        assert report.counts["pending"] == 6 and report.counts["tasks"] == 0 and "connection refused" in report.last_failure
    report = author(context)
    assert report.counts["tasks"] == 6 and report.rejections == {"co_author_without_rubric": 6}
    tasks, authored, *_ = rows_of(context, *TABLES)
    assert {t["author"] for t in tasks} == {f"{author_identity(context.settings)} rubric=script@1"} and len(authored) == 6
    gate(context)  # rows that say whose rubric they have are this author's
    assert {r["task_id"] for r in rows_of(context, "gate_results")[0]} == {t["task_id"] for t in tasks}
    other = context_of(tmp_path, **merging("co_scripted", model="third"))
    author(other)
    calls = {one["model"]: one["calls"] for one in spending(other.settings, other.workspace)["models"]}
    assert calls == {"script": 6, "third": 6} and "rubric=" not in "".join(t["author"] for t in rows_of(other, "tasks")[0])


def test_a_cap_is_one_for_all_authors_and_what_was_paid_is_handed_on(tmp_path):
    fill(context_of(tmp_path, **merging()), PASSAGE_LIST)
    capped = context_of(tmp_path, **merging())
    capped = Context(capped.settings.model_copy(update={"caps": CapSettings(calls=9)}), capped.workspace, capped.progress)
    with pytest.raises(CapReachedError, match="cap of 9 calls"):
        author(capped)
    assert len(rows_of(capped, "tasks")[0]) == 3, "three passages had both authors"
    context = context_of(tmp_path, **merging())
    assert author(context).counts["tasks"] == 6
    assert sum(one["calls"] for one in spending(context.settings, context.workspace)["models"]) == 12


def answered(folder, back, answer) -> Iterator[str]:
    back.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            row = json.loads(line)
            yield row["body"]["model"]
            request = Request("x", tuple(Message(m["role"], m["content"]) for m in row["body"]["messages"]), 1, 0.0, 1.0, 0)
            choice = {"message": {"role": "assistant", "content": answer(request)}, "finish_reason": "stop", "index": 0}
            body = {"id": "1", "object": "chat.completion", "model": row["body"]["model"], "choices": [choice], "usage": {}}
            said = {"custom_id": row["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}
            with (back / path.name).open("a") as out:
                out.write(json.dumps(said) + "\n")


def test_requests_and_answers_of_each_author_lie_in_files_of_their_own(tmp_path):
    plain, context = context_of(tmp_path / "plain", **merging()), context_of(tmp_path / "files", **merging())
    fill(plain, PASSAGE_LIST), fill(context, PASSAGE_LIST)
    author(plain)
    out, back = tmp_path / "out", tmp_path / "in"
    for missing in (6, 6, 0):
        back.mkdir(exist_ok=True)
        files = author_files(context.settings.author, out, back)
        report, row = author(context, backends=files), exchanged(files, context.workspace, "author")
        assert row["missing"] == report.counts["pending"] == missing
        for path in back.rglob("*.jsonl"):
            path.unlink()
        assert set(answered(out, back, scripted)) == {"script"}
        assert set(answered(out / "author-2", back / "author-2", co_scripted)) == ({"second"} if missing == 0 or row["taken"] else set())
    assert rows_of(context, *TABLES) == rows_of(plain, *TABLES)


def test_an_author_is_no_co_author_of_itself_and_no_visible_part_is_shared():
    with pytest.raises(ValidationError, match="different models"):
        settings_of(**merging(model="script"))
    with pytest.raises(ValidationError, match="takes no co-authors"):
        settings_of(**merging(), mode={"type": "withheld_section"})


def test_no_two_authors_share_a_folder_of_batch_files(tmp_path):
    def files(model, out, back):
        return f'type = "batch_files"\nmodel = "{model}"\nrevision = "1"\nrequests_dir = "{out}"\nresponses_dir = "{back}"\n'

    def written(*authors):
        first, *others = authors
        merge = "".join(f"[[author.merge.authors]]\n{one}" for one in others)
        (tmp_path / "p.toml").write_text(f'name = "t"\nseed = 1\n[author]\n{first}{merge}')
        return tmp_path / "p.toml"

    for shared in (("out", "in2"), ("out2", "in"), ("./out", "in2"), ("in", "out2")):
        with pytest.raises(ConfigurationError, match="share a folder") as caught:
            load_settings(written(files("m", "out", "in"), files("m2", *shared)))
        assert "\n" not in str(caught.value)
        with pytest.raises(ConfigurationError, match="share a folder"):
            load_settings(written(files("m", "a", "b"), files("m1", "out", "in"), files("m2", *shared)))
    assert load_settings(written(files("m", "out", "in"), files("m2", "out2", "in2"))).author.merge


def test_folders_of_a_co_author_are_relative_to_the_configuration(tmp_path):
    own = 'type = "scripted"\nmodel = "m"\nrevision = "1"\nfunction = "a:b"\n'
    co = 'type = "batch_files"\nmodel = "m2"\nrevision = "1"\nrequests_dir = "out"\nresponses_dir = "in"\n'
    (tmp_path / "p.toml").write_text(f'name = "t"\nseed = 1\n[author]\n{own}[[author.merge.authors]]\n{co}')
    (found,) = load_settings(tmp_path / "p.toml").author.merge.authors
    assert found.requests_dir == tmp_path / "out" and found.responses_dir == tmp_path / "in"
