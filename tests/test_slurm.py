"""The job templates: valid shell, every rubric-factory command in them and in docs/operations.md parses, none is left out of the page."""

import json
import re
import shlex
import shutil
import subprocess
import time

import click
import pytest
from conftest import ROOT

from flows import cli

JOBS = sorted((ROOT / "configs" / "slurm").glob("*.sbatch"))
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def commands(text):
    """Command lines of rubric-factory, without redirections, background marks and comments."""
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        found = re.match(r"^\s*(?:srun )?(rubric-factory .*?)\s*(?:&|#.*)?$", line)
        if found:
            yield from (part.removeprefix("srun ") for part in found[1].split(" && "))


def parses(line):
    """Errors: click's own for what the command does not know."""
    words = shlex.split(re.sub(r'"\$(\w+)"', r"\1", line))[1:]
    made = cli.cli.get_command(click.Context(cli.cli), words[0])
    assert made is not None, line
    context = made.make_context(words[0], words[1:], resilient_parsing=False)
    if isinstance(made, click.Group) and (context._protected_args or context.args):
        name, inner, rest = made.resolve_command(context, [*context._protected_args, *context.args])
        try:
            inner.make_context(name, list(rest), resilient_parsing=False)
        except click.BadParameter as error:
            assert error.param is not None and error.param.name == "file" and "does not exist" in error.message


def test_there_is_a_job_for_each_kind_of_work():
    assert {path.stem for path in JOBS} == {"author", "run-batch", "judge", "rebuild", "train"}
    assert all(f"configs/slurm/{path.name}" in PAGE for path in JOBS)


@pytest.mark.parametrize("path", JOBS, ids=lambda path: path.name)
def test_a_job_is_valid_shell_and_its_commands_parse(path):
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/bash\n# ") and "#SBATCH --requeue" in text and "set -euo pipefail" in text
    assert subprocess.run(["bash", "-n", str(path)], check=False).returncode == 0
    if shutil.which("shellcheck"):
        assert subprocess.run(["shellcheck", str(path)], check=False).returncode == 0
    found = list(commands(text))
    assert bool(found) == (path.stem != "run-batch")
    for line in found:
        parses(line)


def test_the_commands_of_the_page_parse():
    parts = re.split(r"^```(.*)\n", PAGE, flags=re.MULTILINE)
    lines = [line for fence, body in zip(parts[1::4], parts[2::4], strict=False) if not fence for line in commands(body)]
    assert len(lines) >= 6
    for line in lines:
        parses(line)


def test_a_wrong_command_would_be_seen():
    for line in ("rubric-factory author --export DIR", "rubric-factory judge --dataset", "rubric-factory ledger compact --hard"):
        with pytest.raises(click.UsageError):
            parses(line)


@pytest.fixture
def node(tmp_path):
    """A node with a vllm that answers each line of its shard, and counts how often it was started."""
    out = tmp_path / "exchange" / "out"
    out.mkdir(parents=True)
    for shard in ("a", "b"):
        (out / f"requests-{shard}.jsonl").write_text(json.dumps({"custom_id": shard}) + "\n")
    vllm = tmp_path / "vllm"
    vllm.write_text(
        '#!/bin/bash\necho "$@" >> started\n'
        "while [ $# -gt 0 ]; do case $1 in --input-file) in=$2;; --output-file) out=$2;; esac; shift; done\n"
        'sed s/custom_id/answered/ "$in" > "$out"\n[ ! -e broken ]\n'
    )
    vllm.chmod(0o755)

    def run(task):
        environment = {"PATH": "/usr/bin:/bin", "VLLM": str(vllm), "MODEL": "m", "REVISION": "r", "SLURM_ARRAY_TASK_ID": str(task)}
        job = ROOT / "configs" / "slurm" / "run-batch.sbatch"
        return subprocess.run(["bash", str(job)], cwd=tmp_path, env=environment, check=False, capture_output=True).returncode

    return tmp_path, run


def test_a_shard_is_answered_once_and_only_a_whole_answer_gets_its_name(node):
    folder, run = node
    (folder / "broken").touch()
    assert run(1) != 0 and not list((folder / "exchange" / "in").glob("*.jsonl"))
    (folder / "broken").unlink()
    assert [run(task) for task in (1, 0, 1)] == [0, 0, 0]
    answers = {path.name: path.read_text() for path in (folder / "exchange" / "in").glob("*.jsonl")}
    assert answers == {f"answers-requests-{s}.jsonl": json.dumps({"answered": s}) + "\n" for s in ("a", "b")}
    assert len((folder / "started").read_text().splitlines()) == 3


@pytest.fixture
def carried(tmp_path):
    """Runs judge.sbatch with a rubric-factory that keeps its answers in a folder of the node, and notes what it was called with."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "scontrol").write_text('#!/bin/bash\necho "$@" >> requeued\n')
    (tools / "rubric-factory").write_text(
        '#!/bin/bash\ncase "$1 $2" in\n"ledger export") [ -e answers ] && cp answers "$3" ;;\n"ledger import") cat "$3" >> answers ;;\n'
        "*) echo answer >> answers; if [ -e slow ]; then touch started; trap 'exit 1' TERM; sleep 20 & wait; fi ;;\nesac\n"
    )
    for tool in tools.iterdir():
        tool.chmod(0o755)

    def start(node, job):
        (tmp_path / node).mkdir(exist_ok=True)
        names = {"CONFIG": "c", "DATASET": "d", "ANSWERS": "a", "CARRY": str(tmp_path / "carry"), "SLURM_JOB_ID": job}
        template = ROOT / "configs" / "slurm" / "judge.sbatch"
        environment = {"PATH": f"{tools}:/usr/bin:/bin", **names}
        return subprocess.Popen(["bash", str(template)], cwd=tmp_path / node, env=environment)

    return tmp_path, start


def test_a_job_carries_its_answers_to_the_next_node_and_is_requeued_at_a_term(carried):
    folder, start = carried
    (folder / "one").mkdir()
    (folder / "one" / "slow").touch()
    job = start("one", "7")
    for _ in range(1000):
        if (folder / "one" / "started").exists():
            break
        time.sleep(0.01)
    job.terminate()
    assert job.wait(20) == 1
    assert (folder / "one" / "requeued").read_text() == "requeue 7\n"
    assert [path.name for path in (folder / "carry").iterdir()] == ["ledger-7.jsonl.gz"]
    assert start("two", "7").wait(20) == 0 and not (folder / "two" / "requeued").exists()
    assert (folder / "two" / "answers").read_text() == "answer\nanswer\n", "the first node's, then its own"
    assert (folder / "carry" / "ledger-7.jsonl.gz").read_text() == "answer\nanswer\n"
