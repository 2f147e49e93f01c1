"""What probes and modes are worth: `python -m benchmarks.judge [--work DIR]`, on the demo's tasks.

First: one scripted good judge and five scripted bad ones (tests/scripted_judges.py) before all probes. Exit code 1 where the good one
fails a probe of error severity, or a bad one passes them all. Second: what each mode of grading sends for a group of answers to one task.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from benchmarks.judge_tasks import demo_tasks
from rubric_factory.judging.language_model import LanguageModelJudge
from rubric_factory.judging.modes import MODES
from rubric_factory.judging.probes.protocol import ProbeResult, ProbeTask
from rubric_factory.judging.probes.run import run_probes
from rubric_factory.judging.protocol import JudgeInput
from rubric_factory.llm.asked import common_prefix
from rubric_factory.llm.protocol import Completion, Request
from rubric_factory.settings.judge import ModelGradingSettings, ProbeSettings
from rubric_factory.settings.llm import Sampling

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))
from scripted_judges import BAD_JUDGES, GoodJudge

SEED, GROUP, GROUPS = 1, 8, 30
CHARACTERS = 4  # of a token: a rule of thumb, no tokenizer of a real judge is at hand


def table(tasks: Sequence[ProbeTask]) -> tuple[list[str], bool]:
    """Markdown rows, judge by probe, and whether the probes tell the good judge from each bad one."""
    judges = {"good": GoodJudge, **BAD_JUDGES}
    found = {name: {r.name: r for r in run_probes(judge(), tasks, ProbeSettings(), SEED)} for name, judge in judges.items()}
    lines = [f"| probe | accept | severity | {' | '.join(judges)} |", "|---|---|---|" + "---|" * len(judges)]
    for name, first in found["good"].items():
        sign = "≥" if first.floor else "≤"
        lines.append(
            f"| {name} | {sign} {first.accept} | {first.severity} | {' | '.join(_cell(results[name]) for results in found.values())} |"
        )
    failed = {judge: [r.name for r in results.values() if r.severity == "error" and r.passed is False] for judge, results in found.items()}
    lines += ["", *(f"- {judge} fails with error severity: {', '.join(names) or 'nothing'}" for judge, names in failed.items())]
    return lines, not failed["good"] and all(names for judge, names in failed.items() if judge != "good")


def _cell(result: ProbeResult) -> str:
    if result.passed is None:
        return "n/a"
    value = "none" if result.value is None else f"{result.value:.3f}"
    return value if result.passed else f"**{value}**"


class _Recorder:
    """A model that grades everything 0, and keeps the prompts in the order they were sent."""

    model, revision = "none", "none"

    def __init__(self) -> None:
        self.prompts: list[str] = []

    def complete(self, requests: Iterable[Request]) -> Iterator[tuple[str, Completion]]:
        for request in requests:
            self.prompts.append("\n".join(message.content for message in request.messages))
            names = (request.schema or {})["properties"]
            entries = {name: {"reason": "", "quote": "", "level": 0} for name in names}
            yield request.request_id, Completion(json.dumps({"reason": "", "rating": 1} if "rating" in names else entries))


def groups(tasks: Sequence[ProbeTask]) -> list[JudgeInput]:
    """GROUP different answers to each of GROUPS tasks: references of other tasks, so that their lengths are those of answers."""
    draw = random.Random(SEED)
    answers = [probe.task.reference_answer for probe in tasks]
    return [
        JudgeInput.of(p.task, p.passage_text, answer) for p in draw.sample(list(tasks), GROUPS) for answer in draw.sample(answers, GROUP)
    ]


def prompts(items: Sequence[JudgeInput]) -> list[str]:
    """Markdown rows: calls, prompt tokens and uncached prompt tokens of one judged response, by mode."""
    lines = [
        "| mode | calls | prompt tokens | uncached, cache of the last prompt | uncached, cache of all prompts |",
        "|---|---|---|---|---|",
    ]
    for mode in MODES:
        recorder = _Recorder()
        LanguageModelJudge(recorder, ModelGradingSettings(mode=mode), Sampling(), "demo").grade_many(items)  # type: ignore[arg-type]
        sent = recorder.prompts
        last = sum(len(now) - common_prefix(before, now) for before, now in zip(["", *sent], sent, strict=False))
        ever = sum(len(now) - max((common_prefix(old, now) for old in sent[:n]), default=0) for n, now in enumerate(sent))
        figures = [len(sent), *(size / CHARACTERS for size in (sum(map(len, sent)), last, ever))]
        lines.append(f"| {mode} | " + " | ".join(f"{figure / len(items):,.{0 if n else 1}f}" for n, figure in enumerate(figures)) + " |")
    return lines


def main() -> int:
    """Both tables on stdout."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, help="folder of the tasks; kept, and read again where it holds them")
    folder = parser.parse_args().work
    with tempfile.TemporaryDirectory() as empty:
        tasks = demo_tasks(folder or Path(empty))
    documents = len({probe.task.document_key for probe in tasks})
    lines, told_apart = table(tasks)
    print(f"{len(tasks)} tasks of {documents} documents; bold: the probe fails\n", *lines, sep="\n")
    print(
        f"\n{GROUPS} groups of {GROUP} answers, tokens per judged response at {CHARACTERS} characters each\n",
        *prompts(groups(tasks)),
        sep="\n",
    )
    return 0 if told_apart else 1


if __name__ == "__main__":
    sys.exit(main())
