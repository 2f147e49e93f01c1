"""Judging by files: the same verdicts as from the model itself, in rounds where a reply cannot be read; probes too."""

import json

import pytest
from factory import published
from judged_corpus import CountingJudge, hand_made_corpus, install, judged_context

from flows import cli
from flows.pipeline import run_stage
from rubric_factory import warehouse
from rubric_factory.dataset_version import open_version, task_rows
from rubric_factory.llm.protocol import Request
from rubric_factory.records import Message

CONFIG = """
name = "unit"
seed = 7
author = {{ type = "extractive" }}
workspace = "{root}"
[judge]
type = "scripted"
model = "m"
revision = "r"
function = "test_exchange_judge:judging"
[[sources]]
type = "folder"
name = "papers"
path = "papers"
[probes]
sample_tasks = 1
"""
ASKED: list[str] = []


def judging(request: Request) -> str:
    """A judge whose first reply about some answers cannot be read: asked again with another seed, it behaves."""
    ASKED.append(request.request_id)
    said = request.messages[-1].content
    if "garbled" in said and request.seed == 0:
        return "I would rather not use JSON."
    level = int("No idea" not in said)
    quote = said.split("=== RESPONSE TO GRADE")[1].split("```")[1].strip()[:200]  # all of a short answer
    return json.dumps({name: {"reason": "it says so", "quote": quote, "level": level} for name in request.schema["properties"]})


def answered(line: str) -> str:
    row = json.loads(line)
    body = row["body"]
    messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
    schema = body["response_format"]["json_schema"]["schema"]
    text = judging(Request("x", messages, body["max_tokens"], body["temperature"], body["top_p"], body["seed"], schema))
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return json.dumps({"custom_id": row["custom_id"], "response": {"status_code": 200, "body": {"model": "m", "choices": [choice]}}})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("judged")
    with pytest.MonkeyPatch.context() as patch:
        install(patch, CountingJudge())
        context = judged_context(root)
        hand_made_corpus().fold(context.workspace)
        for stage in ("probe", "lock", "judge-gate"):
            run_stage(stage, context)
        published(context)
        with warehouse.opened(context.workspace) as house:
            house.export("tasks")
    (root / "pipeline.toml").write_text(CONFIG.format(root=root))
    return root


@pytest.fixture
def call(made, capsys):
    def run(*arguments):
        code = cli.run(["judge", *map(str, arguments), "--json", "--config", str(made / "pipeline.toml")])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def rounds(call, folder, *arguments):
    """Export, answer, import until nothing is missing; (the last row, how many rounds, whether the model itself was asked)."""
    back = folder / "in"
    back.mkdir()
    for number in range(1, 9):
        asked = len(ASKED)
        code, row = call(*arguments, "--export-requests", folder / "out", "--import-responses", back)
        assert code == 0 and len(ASKED) == asked, "the model itself is never asked"
        if row["exchange"]["missing"] == 0:
            return row, number
        assert "mean" not in row and row["exchange"]["missing_first"][0]["subject"]
        for path in (folder / "out").glob("*.jsonl"):
            (back / path.name).write_text("\n".join(map(answered, path.read_text().splitlines())) + "\n")
    raise AssertionError("it never ends")


def test_answers_graded_by_files_have_the_verdicts_of_the_model(made, call, tmp_path):
    rows = list(task_rows(open_version(made / "datasets/unit/1.0.0"), "train"))
    texts = [row["reference_answer"] if n % 2 else f"No idea, garbled {n}." for n, row in enumerate(rows)]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps({"task_id": r["task_id"], "response": t}) + "\n" for r, t in zip(rows, texts, strict=True)))
    ledger = made / "ledger.sqlite"
    row, count = rounds(call, tmp_path, "--dataset", "unit", "--responses", path, "--out", tmp_path / "files")
    assert count >= 3, "garbled replies are asked for again"
    assert row["exchange"]["garbage"] == 0
    for name in ("ledger.sqlite", "ledger.sqlite-wal", "ledger.sqlite-shm"):
        (made / name).unlink(missing_ok=True)
    assert not ledger.exists()
    code, _ = call("--dataset", "unit", "--responses", path, "--out", tmp_path / "model")
    assert code == 0 and ASKED
    for name in ("verdicts.jsonl", "tasks.jsonl"):
        assert (tmp_path / "files" / name).read_text() == (tmp_path / "model" / name).read_text()


def test_probes_by_files_are_written_only_when_they_are_whole(made, call, tmp_path):
    before = set((made / "locks").iterdir())
    (tmp_path / "in").mkdir()
    code, row = call("probe", "unit", "--export-requests", tmp_path / "out", "--import-responses", tmp_path / "in")
    assert code == 0 and row["exchange"]["missing"] > 20 and "probes" not in row and set((made / "locks").iterdir()) == before
    (tmp_path / "in").rmdir()
    row, _ = rounds(call, tmp_path, "probe", "unit")
    assert row["probes"] and set((made / "locks").iterdir()) > before


def test_options_before_a_subcommand_are_refused(call, tmp_path):
    code, row = call("--export-requests", tmp_path, "probe", "unit")
    assert code == 2 and "say nothing to judge probe" in row["error"]
