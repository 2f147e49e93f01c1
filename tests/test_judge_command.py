"""`judge` and its subcommands: answers graded from a file, probes and locks of any version, exit codes and clear lines."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factory import published
from judged_corpus import CountingJudge, hand_made_corpus, install, judged_context, unreachable
from scripted_judges import GullibleJudge

from flows import cli
from flows.estimate import estimate_rebuild
from flows.pipeline import run_stage
from rubric_factory import warehouse
from rubric_factory.dataset_files import files_map
from rubric_factory.dataset_version import open_version, task_rows
from rubric_factory.judging.lock import read_lock
from rubric_factory.reward import AGGREGATIONS
from rubric_factory.tables import SPLITS, VERDICTS

CONFIG = """
name = "unit"
seed = 7
author = {{ type = "extractive" }}
judge = {{ type = "lexical" }}
workspace = "{root}"
[[sources]]
type = "folder"
name = "papers"
path = "papers"
[publish]
validation_share = 0.3
test_share = 0.3
[probes]
sample_tasks = 4
[lock]
canary_pairs = 16
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A workspace with one judged version."""
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
def judge(monkeypatch):
    return install(monkeypatch, CountingJudge())


@pytest.fixture
def call(made, judge, capsys):
    """Run `judge ...`; (exit code, last JSON line or the error line)."""

    def run(*arguments, config=made / "pipeline.toml"):
        code = cli.run(["judge", "--json", "--config", str(config), *map(str, arguments)])
        said = capsys.readouterr()
        return code, json.loads(said.out.splitlines()[-1]), said.err

    return run


def rows_of(root, *splits):
    version = open_version(root / "datasets/unit/1.0.0")
    return [row for split in splits or SPLITS for row in task_rows(version, split)]


def responses(path, *pairs):
    path.write_text("".join(json.dumps({"task_id": t, "response": r}) + "\n" for t, r in pairs))
    return path


# Answers


def test_answers_are_graded_and_every_task_id_is_accounted_for(made, call, tmp_path):
    rows = rows_of(made, "test")
    pairs = [(row["task_id"], row["reference_answer"] if n % 2 else "No idea.") for n, row in enumerate(rows[:-1])]
    path = responses(tmp_path / "a.jsonl", *pairs, ("nowhere", "x"), (pairs[0][0], rows[0]["reference_answer"]))
    code, row, _ = call("--dataset", "unit", "--responses", path, "--out", tmp_path / "out")
    assert code == 0 and (row["unknown"], row["duplicate"], row["missing"]) == (1, 1, 1)
    assert row["unknown_task_ids"] == ["nowhere"] and row["missing_task_ids"] == [rows[-1]["task_id"]]
    graded = [json.loads(line) for line in (tmp_path / "out/tasks.jsonl").read_text().splitlines()]
    assert [(g["task_id"], g["reward"]) for g in graded] == [(t, 1.0 if r != "No idea." else 0.0) for t, r in pairs]
    mean = sum(g["reward"] for g in graded) / len(graded)
    found = row["overall"]["responses"]
    assert found["mean"] == pytest.approx(mean) and found["ci95_low"] <= mean <= found["ci95_high"] and found["n"] == len(pairs)
    verdicts = [json.loads(line) for line in (tmp_path / "out/verdicts.jsonl").read_text().splitlines()]
    assert len(verdicts) == sum(len(r["rubric"]) for r in rows[:-1]) and {v["judge"] for v in verdicts} == {"good@1"}
    stored = pq.read_table(tmp_path / "out/verdicts.parquet")
    assert stored.schema.equals(VERDICTS) and stored.to_pylist() == verdicts
    assert json.loads((tmp_path / "out/summary.json").read_text())["locked_judge"] == "good@1" == row["judge"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"task_id": "a", "response": "b"}\nnot json\n', "line 2"),
        ('{"task_id": "a"}\n', "line 1"),
        ('{"task_id": "a", "response": null}\n', "line 1"),
        ('\n["a", "b"]\n', "line 2"),
        ("", "no answer to a task"),
        ('{"task_id": "a", "response": "b"}\n', "no answer to a task"),
        (b"\xff\xfe", "cannot read"),
        (None, "cannot read"),
    ],
)
def test_a_bad_file_is_one_clear_line_and_nothing_is_graded(call, judge, tmp_path, content, said):
    path = tmp_path / "bad.jsonl"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, row, error = call("--dataset", "unit", "--responses", path)
    assert code == 2 and said in row["error"] and "fix" in row["error"] and judge.count == 0
    assert len(error.strip().splitlines()) == 1 and "Traceback" not in error


def test_a_silent_judge_is_an_error_and_no_result(made, call, judge, tmp_path):
    judge.spoil = unreachable
    path = responses(tmp_path / "a.jsonl", (rows_of(made)[0]["task_id"], "Something."))
    code, row, _ = call("--dataset", "unit", "--responses", path, "--out", tmp_path / "out")
    assert code == 1 and "have not arrived" in row["error"] and not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [(), ("--dataset", "unit"), ("--responses", "x"), ("--dataset", "unit", "verify", "unit")])
def test_half_a_command_line_is_refused(call, arguments):
    code, row, _ = call(*arguments)
    assert code == 2 and "judge" in row["error"]


def test_the_summary_by_criterion_has_a_pass_rate_with_an_interval(made, call, tmp_path):
    rows = rows_of(made, "test")
    pairs = [(row["task_id"], row["reference_answer"]) for row in rows]
    lines = [{"task_id": t, "response": r if n else "No idea.", "response_id": f"{t}/{n}"} for t, r in pairs for n in range(4)]
    path = tmp_path / "several.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in [*lines, lines[0]]))
    code, row, _ = call("--dataset", "unit", "--responses", path, "--out", tmp_path / "out")
    assert code == 0 and (row["answers"], row["duplicate"], row["missing"]) == (4 * len(rows) + 1, 1, 0)
    criteria = [json.loads(line) for line in (tmp_path / "out/criteria.jsonl").read_text().splitlines()]
    assert len(criteria) == sum(len(r["rubric"]) for r in rows) and {c["n"] for c in criteria} == {4}
    assert {c["pass_rate"] for c in criteria if c["weight"] > 0} == {0.75} and {c["pass_rate"] for c in criteria if c["weight"] < 0} == {
        1.0
    }
    assert all(c["ci95_low"] < c["pass_rate"] <= c["ci95_high"] for c in criteria)
    essential = row["passed"]["essential"]["responses"]
    assert (
        essential["mean"] == 0.75
        and essential["ci95_low"] <= 0.75 <= essential["ci95_high"]
        and row["passed"]["pitfall"]["responses"]["mean"] == 1
    )


def test_stored_verdicts_are_aggregated_again_without_a_call(made, call, judge, tmp_path):
    rows = rows_of(made, "test")
    path = responses(tmp_path / "a.jsonl", *[(r["task_id"], r["reference_answer"] if n else "No idea.") for n, r in enumerate(rows)])
    _, graded, _ = call("--dataset", "unit", "--responses", path, "--out", tmp_path / "out")
    judge.count  # noqa: B018
    code, row, _ = call("--reaggregate", tmp_path / "out", "--out", tmp_path / "again")
    assert code == 0 and judge.count == 0 and set(row["aggregations"]) == set(AGGREGATIONS) and row["intervals_over"] == "document"
    again = row["aggregations"]["canonical"]["responses"]
    assert (again["mean"], again["n"]) == (pytest.approx(graded["overall"]["responses"]["mean"]), len(rows))
    stored = [json.loads(line) for line in (tmp_path / "out/tasks.jsonl").read_text().splitlines()]
    made_again = [json.loads(line) for line in (tmp_path / "again/rewards.jsonl").read_text().splitlines()]
    assert [r["rewards"]["canonical"] for r in made_again] == [r["reward"] for r in stored]
    assert made_again[0]["rewards"]["signed"] > 0 == stored[0]["reward"]  # absent bad things earn there
    code, row, _ = call("--reaggregate", tmp_path / "out/verdicts.jsonl", "--aggregation", "veto", "--aggregation", "all_pass")
    assert code == 0 and list(row["aggregations"]) == ["veto", "all_pass"] and Path(row["folder"]).parent == made / "reports"


def test_a_runs_rollouts_are_aggregated_again_and_judged_again(made, call, tmp_path):
    tasks = rows_of(made, "train")[:3]
    rollouts = [
        {
            "step": 1,
            "task_id": t["task_id"],
            "response_id": f"1-0-{n}",
            "response": t["reference_answer"] if n % 2 else "x",
            "reward": float(n % 2),
        }
        for n, t in enumerate([*tasks, *tasks])
    ]
    for folder in ("rollouts", "verdicts"):
        (tmp_path / "run" / folder).mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rollouts), tmp_path / "run/rollouts/step-000001-rank0.parquet")
    code, graded, _ = call("--dataset", "unit", "--responses", tmp_path / "run/rollouts", "--out", tmp_path / "second")
    assert code == 0 and graded["answers"] == 6 and graded["duplicate"] == 0
    verdicts = pq.read_table(tmp_path / "second/verdicts.parquet")
    assert list(dict.fromkeys(verdicts["response_id"].to_pylist())) == [r["response_id"] for r in rollouts]
    pq.write_table(verdicts, tmp_path / "run/verdicts/step-000001-rank0.parquet")
    code, row, _ = call("--reaggregate", tmp_path / "run", "--out", tmp_path / "again")
    assert code == 0 and (row["responses"], row["intervals_over"]) == (6, "task")
    assert row["aggregations"]["canonical"]["all"]["mean"] == 0.5
    pq.write_table(pa.Table.from_pylist(rollouts[::-1]), tmp_path / "run/rollouts/step-000001-rank0.parquet")
    code, row, _ = call("--reaggregate", tmp_path / "run", "--out", tmp_path / "again")
    assert code == 2 and "beside another" in row["error"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--reaggregate", "nowhere"), "no verdicts at"),
        (("--reaggregate", "x", "--dataset", "unit"), "judge wants"),
        (("--dataset", "unit", "--responses", "x", "--aggregation", "veto"), "belongs to --reaggregate"),
        (("--reaggregate", "x", "--aggregation", "median"), "median"),
    ],
)
def test_what_cannot_be_aggregated_again_is_said(call, arguments, said):
    code, row, _ = call(*arguments)
    assert code == 2 and said in row["error"]


# Lock, probe, verify


def test_the_versions_own_lock_verifies_and_another_judge_does_not(made, call, monkeypatch):
    code, row, _ = call("verify", "unit")
    assert code == 0 and row["passed"] and row["flips"] == 0.0
    assert call("verify", made / "datasets/unit/1.0.0/judge.lock.json")[0] == 0
    install(monkeypatch, GullibleJudge())
    code, row, _ = call("verify", "unit")
    assert code == 3 and "gullible@1" in row["error"]
    drifted = install(monkeypatch, GullibleJudge())
    drifted.identity = "good@1"
    code, row, _ = call("verify", "unit")
    assert code == 3 and "flipped" in row["error"]


def test_probe_reads_what_it_measured_and_lock_stays_out_of_the_version(made, call, judge, tmp_path):
    before = files_map(made / "datasets/unit/1.0.0")
    code, row, _ = call("probe", "unit", "--out", tmp_path / "probes.json")
    assert code == 0 and row["probes"]["reference"]["value"] == 1.0 and row["probes"]["empty"]["passed"]
    assert json.loads((tmp_path / "probes.json").read_text())[0]["name"] == "empty"
    judge.count  # noqa: B018
    assert call("probe", "unit")[1]["probes"] == row["probes"] and judge.count == 0
    code, row, _ = call("lock", "unit")
    assert code == 0 and Path(row["file"]) == made / "locks/good-1-unit-1.0.0.json"
    assert call("verify", row["file"])[0] == 0 and read_lock(Path(row["file"])).allowed == ()
    code, row, _ = call("lock", "unit", "--out", made / "datasets/unit/1.0.0/other.json")
    assert code == 2 and "lies in the version" in row["error"]
    assert files_map(made / "datasets/unit/1.0.0") == before


def test_a_judge_that_fails_is_locked_by_hand_only(call, monkeypatch, tmp_path):
    install(monkeypatch, GullibleJudge())
    code, row, _ = call("lock", "unit", "--out", tmp_path / "lock.json")
    assert code == 3 and "master_keys" in row["error"] and not (tmp_path / "lock.json").exists()
    code, row, _ = call("lock", "unit", "--out", tmp_path / "lock.json", "--allow-unlocked-judge")
    assert code == 0 and any(entry.startswith("master_keys") for entry in row["allowed"])
    assert read_lock(tmp_path / "lock.json").allowed


def test_what_is_staged_can_be_probed(call):
    code, row, _ = call("probe", "staged")
    assert code == 0 and row["probes"]["mismatched"]["value"] == 0.0


def test_unknown_versions_and_missing_judges_are_said(made, call, tmp_path):
    code, row, _ = call("probe", "no-such-version")
    assert code == 2 and "no-such-version" in row["error"]
    config = tmp_path / "pipeline.toml"
    config.write_text((made / "pipeline.toml").read_text().replace('judge = { type = "lexical" }', ""))
    code, row, _ = call("lock", "unit", config=config)
    assert code == 2 and "no judge is configured" in row["error"]


def test_a_dry_run_says_what_a_judge_would_be_asked(made):
    model = {"type": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "model": "m", "revision": "r"}
    found = estimate_rebuild(judged_context(made, judge=model), start="gate", limit=None).figures
    assert found["judge_calls"] == 3 * 12 + 85 * 4 + 17 + 16 * 5 and found["judge_prompt_tokens"] > found["judge_calls"]
    assert estimate_rebuild(judged_context(made), start="gate", limit=None).figures["judge_calls"] == 0
