"""`judge sample`, `label`, `calibrate`: by files from a version to figures, the test side unseen until --final, every look logged."""

import json
import shutil

import pytest
from factory import published
from judged_corpus import CountingJudge, hand_made_corpus, install, judged_context

from flows import cli
from flows.pipeline import run_stage
from rubric_factory import warehouse
from rubric_factory.judging.calibration.responses import split_of

CONFIG = """
name = "unit"
seed = 7
author = {{ type = "extractive" }}
workspace = "{root}"
[judge]
{judge}
[[sources]]
type = "folder"
name = "papers"
path = "papers"
"""
FILES = """
type = "batch_files"
model = "big"
revision = "r"
requests_dir = "unused-out"
responses_dir = "unused-in"
grading = { tries = 1 }
"""


@pytest.fixture(scope="module")
def master(tmp_path_factory):
    root = tmp_path_factory.mktemp("calibrated")
    with pytest.MonkeyPatch.context() as patch:
        install(patch, CountingJudge())
        context = judged_context(root)
        hand_made_corpus().fold(context.workspace)
        for stage in ("probe", "lock", "judge-gate"):
            run_stage(stage, context)
        published(context)
        with warehouse.opened(context.workspace) as house:
            house.export("tasks")
    return root


@pytest.fixture
def made(master, tmp_path):
    """A workspace of its own: what one test was answered is in no other's ledger."""
    root = tmp_path / "workspace"
    shutil.copytree(master, root)
    (root / "pipeline.toml").write_text(CONFIG.format(root=root, judge='type = "lexical"'))
    (root / "labels.toml").write_text(CONFIG.format(root=root, judge=FILES))
    return root


@pytest.fixture
def judge(monkeypatch):
    return install(monkeypatch, CountingJudge())


@pytest.fixture
def call(made, judge, capsys):
    def run(*arguments, config="pipeline.toml"):
        code = cli.run(["judge", *map(str, arguments), "--json", "--config", str(made / config)])
        said = capsys.readouterr()
        return code, json.loads(said.out.splitlines()[-1])

    return run


def reply(line, spoil):
    """A batch line answered: level 1 with a quote for what the reference says first, 0 for the rest; or what `spoil` makes of it."""
    row = json.loads(line)
    said = row["body"]["messages"][-1]["content"]
    response = said.split("=== RESPONSE TO GRADE")[1].split("```")[1].strip()
    names = row["body"]["response_format"]["json_schema"]["schema"]["properties"]
    entry = (
        {"reason": "as it says", "quote": " ".join(response.split()[:6]), "level": 1}
        if "because" in response
        else {"reason": "no", "quote": "", "level": 0}
    )
    text = spoil(json.dumps(dict.fromkeys(names, entry)))
    choice = {"message": {"content": text}, "finish_reason": "stop"}
    return json.dumps({"custom_id": row["custom_id"], "response": {"status_code": 200, "body": {"model": "big", "choices": [choice]}}})


def labelled(call, folder, spoil=lambda text: text, version="unit"):
    """Draw, export, answer, import; the row of the import."""
    drawn, out = folder / "set.jsonl", folder / "labels.jsonl"
    assert call("sample", version, "--out", drawn, "--responses", 24)[0] == 0
    arguments = ("label", "--dataset", version, "--responses", drawn, "--out", out)
    code, row = call(*arguments, "--export-requests", folder / "out", config="labels.toml")
    assert code == 0 and row["labels"] == 0 and row["exchange"]["missing"] == 24 and not out.exists()
    (folder / "in").mkdir()
    for path in (folder / "out").glob("*.jsonl"):
        lines = path.read_text().splitlines()
        answered = [reply(line, spoil if number == 0 else lambda text: text) for number, line in enumerate(lines)]
        (folder / "in" / path.name).write_text("\n".join(answered) + "\n")
    code, row = call(*arguments, "--import-responses", folder / "in", config="labels.toml")
    assert code == 0
    return row


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_from_a_version_to_figures_by_files(made, call, judge, tmp_path):
    row = labelled(call, tmp_path)
    labels = lines(tmp_path / "labels.jsonl")
    assert row["labels"] == len(labels) == sum(one["criteria"] for one in lines(tmp_path / "set.jsonl")) and row["no_label"] == {}
    assert row["labeller"].startswith("big@r ") and {label["labeller"] for label in labels} == {row["labeller"]}
    assert {label["level"] for label in labels} == {0, 1}
    assert all(label["split"] == split_of(label["document_key"]) for label in labels)

    judge.count  # noqa: B018
    code, found = call("calibrate", "--dataset", "unit", "--labels", tmp_path / "labels.jsonl")
    tune = {label["response_id"] for label in labels if label["split"] == "tune"}
    assert code == 0 and {item.response_id for item in judge.asked} == tune, "nothing of the test side is graded"
    assert "test" not in found and found["held_back"]["responses"] == 24 - len(tune) and found["looks"] == 0
    pairs = found["tune"]["pairs"]
    assert pairs == sum(label["split"] == "tune" for label in labels) and found["judge"] == "good@1"
    assert json.loads((made / "reports").joinpath(found["file"].rsplit("/", 1)[1]).read_text())["tune"] == found["tune"]

    for number, who in enumerate(("ann", "bob"), start=1):
        code, final = call("calibrate", "--dataset", "unit", "--labels", tmp_path / "labels.jsonl", "--final", "--who", who)
        assert code == 0 and final["test"]["pairs"] == len(labels) - pairs and final["tune"] == found["tune"]
        assert final["looks"] == number
    looks = lines(tmp_path / "labels.looks.jsonl")
    assert [(look["who"], look["looks_before"], look["judge"]) for look in looks] == [("ann", 0, "good@1"), ("bob", 1, "good@1")]
    assert {look["labels_sha256"] for look in looks} == {final["labels_sha256"]} and all(look["time"] for look in looks)


def test_stored_verdicts_serve_as_well_as_the_judge(call, judge, tmp_path):
    labelled(call, tmp_path)
    arguments = ("calibrate", "--dataset", "unit", "--labels", tmp_path / "labels.jsonl")
    _, asked = call(*arguments)
    assert call("--dataset", "unit", "--responses", tmp_path / "set.jsonl", "--out", tmp_path / "judged")[0] == 0
    judge.count  # noqa: B018
    code, stored = call(*arguments, "--judge-verdicts", tmp_path / "judged", "--out", tmp_path / "figures.json")
    assert code == 0 and judge.count == 0 and stored["tune"] == asked["tune"]
    assert json.loads((tmp_path / "figures.json").read_text())["judge"] == "good@1"
    verdicts = lines(tmp_path / "judged/verdicts.jsonl")
    (tmp_path / "two.jsonl").write_text("".join(json.dumps(v | {"judge": f"j{n % 2}"}) + "\n" for n, v in enumerate(verdicts)))
    code, row = call(*arguments, "--judge-verdicts", tmp_path / "two.jsonl")
    assert code == 2 and "2 judges" in row["error"]
    (tmp_path / "other.jsonl").write_text("".join(json.dumps(v | {"response_id": "x" + v["response_id"]}) + "\n" for v in verdicts))
    code, row = call(*arguments, "--judge-verdicts", tmp_path / "other.jsonl", "--final", "--who", "ann")
    assert code == 2 and "no verdict of good@1" in row["error"] and not (tmp_path / "labels.looks.jsonl").exists()


def test_a_reply_that_cannot_be_read_is_no_label_and_is_kept(call, tmp_path):
    row = labelled(call, tmp_path, spoil=lambda text: "Certainly! " + text)
    failures = lines(tmp_path / "labels.failures.jsonl")
    labels = lines(tmp_path / "labels.jsonl")
    assert row["no_label"] == {"unparseable": len(failures)} and len({f["response_id"] for f in failures}) == 1
    assert len(labels) + len(failures) == sum(one["criteria"] for one in lines(tmp_path / "set.jsonl"))
    assert failures[0]["raw"].startswith("Certainly!") and failures[0]["response_id"] not in {label["response_id"] for label in labels}


def test_what_is_staged_is_labelled_and_calibrated_too(call, tmp_path):
    assert labelled(call, tmp_path, version="staged")["labels"]
    assert call("calibrate", "--dataset", "staged", "--labels", tmp_path / "labels.jsonl")[0] == 0


def test_the_table_for_a_person_names_clusters_and_what_is_held_back(made, call, tmp_path, capsys):
    labelled(call, tmp_path)
    code = cli.run(
        ["judge", "calibrate", "--dataset", "unit", "--labels", str(tmp_path / "labels.jsonl"), "--config", str(made / "pipeline.toml")]
    )
    said = capsys.readouterr().out
    assert code == 0 and "category/essential" in said and "held back" in said and "looks at the test side so far: 0" in said


def test_what_cannot_be_done_is_said_in_one_line(made, call, tmp_path):
    code, row = call("label", "--dataset", "unit", "--responses", tmp_path / "none.jsonl", "--out", tmp_path / "l.jsonl")
    assert code == 2 and "cannot read" in row["error"]
    code, row = call("sample", "unit", "--out", made / "datasets/unit/1.0.0/set.jsonl")
    assert code == 2 and "lies in the version" in row["error"]
    assert call("sample", "unit", "--out", tmp_path / "set.jsonl")[0] == 0
    changed = [row | {"task_id": "gone"} for row in lines(tmp_path / "set.jsonl")]
    (tmp_path / "set.jsonl").write_text("".join(json.dumps(row) + "\n" for row in changed))
    code, row = call("label", "--dataset", "unit", "--responses", tmp_path / "set.jsonl", "--out", tmp_path / "l.jsonl")
    assert code == 2 and "no task of unit 1.0.0" in row["error"]
    label = {
        "task_id": changed[0]["task_key"],
        "criterion_key": changed[0]["task_key"] + "/0",
        "response_id": "r",
        "met": True,
        "labeller": "ann",
    }
    (tmp_path / "l.jsonl").write_text(json.dumps(label) + "\n")
    code, row = call("calibrate", "--dataset", "unit", "--labels", tmp_path / "l.jsonl")
    assert code == 2 and "does not carry its text" in row["error"]
