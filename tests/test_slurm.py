"""The job templates: valid shell, every rubric-factory command in them and in docs/operations.md parses, none is left out of the page."""

import json
import re
import shlex
import shutil
import subprocess

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
        inner.make_context(name, list(rest), resilient_parsing=False)


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
