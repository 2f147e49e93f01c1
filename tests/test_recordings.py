"""Recorded answers: raw, each of them to one of today's requests; an edited, missing or left-over one is refused."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from flows import cli
from flows.recordings import PROVENANCE, read_provenance
from rubric_factory.errors import BlockedError, UsageError

KEPT = Path(__file__).parent / "data" / "completions"
WAVE = "wave-1-tasks.jsonl"


@pytest.fixture
def copied(tmp_path):
    return Path(shutil.copytree(KEPT, tmp_path / "completions"))


def renamed(folder: Path) -> None:
    """Provenance of the files as they are now."""
    row = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    row["files"] = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.jsonl"))}
    (folder / PROVENANCE).write_text(json.dumps(row), encoding="utf-8")


def test_every_request_of_today_has_its_recorded_answer_and_no_answer_is_left_over(tmp_path, capsys):
    assert cli.run(["recordings", "verify", "--workspace", str(tmp_path / "w"), "--json"]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    lines = sum(len(path.read_text(encoding="utf-8").splitlines()) for path in KEPT.glob("*.jsonl"))
    assert (row["taken"], row["missing"], row["not_needed"]) == (lines, 0, 0)


def test_a_missing_answer_and_one_to_no_request_block(tmp_path, copied, capsys):
    lines = (copied / WAVE).read_text(encoding="utf-8").splitlines()
    stray = json.dumps({**json.loads(lines[0]), "custom_id": "0" * 64})
    (copied / WAVE).write_text("\n".join([*lines[1:], stray, ""]), encoding="utf-8")
    renamed(copied)
    assert cli.run(["recordings", "verify", "--workspace", str(tmp_path / "w"), "--completions", str(copied)]) == 3
    said = capsys.readouterr().err
    assert "1 none" in said and "undo what changed" in said


@pytest.mark.parametrize("change", ["edited", "removed", "added"])
def test_a_file_that_is_not_the_recorded_one_is_refused(copied, change):
    if change == "edited":
        (copied / WAVE).write_bytes((copied / WAVE).read_bytes().replace(b"the", b"The", 1))
    elif change == "removed":
        (copied / WAVE).unlink()
    else:
        (copied / "more.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(BlockedError, match="is not the recorded file"):
        read_provenance(copied)


def test_a_folder_without_provenance_is_no_recording(tmp_path):
    with pytest.raises(UsageError, match="provenance"):
        read_provenance(tmp_path)


@pytest.mark.parametrize(("wave", "labelled"), [(WAVE, "recorded-tasks.jsonl"), ("wave-5-tasks.jsonl", "recorded-tasks-2.jsonl")])
def test_every_label_is_of_a_recorded_task_and_every_task_has_one(wave, labelled):
    replies = [json.loads(line) for line in (KEPT / wave).read_text(encoding="utf-8").splitlines()]
    tasks = {
        (row["custom_id"], number)
        for row in replies
        for number, _ in enumerate(json.loads(row["response"]["body"]["choices"][0]["message"]["content"])["tasks"])
    }
    lines = (KEPT.parent / "labels" / labelled).read_text(encoding="utf-8").splitlines()
    labels = [(row["request"], row["task"]) for row in map(json.loads, lines)]
    assert len(labels) == len(set(labels)) == len(tasks) and set(labels) == tasks
