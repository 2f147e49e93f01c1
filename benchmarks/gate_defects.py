"""Defects that the deterministic gates catch, and good tasks that they refuse wrongly: `python -m benchmarks.gate_defects`.

Good tasks: tests/data/good_tasks.json and the accepted ones of tests/data/author_replies.json, each through the author's own checks and the
gates. Defects: benchmarks/defects, whose tables (first, fresh, more, unseen) were each written before any gate was run on them. A
defect is caught where an expected gate names it and did not name the task it was made from. Exit code 1 below 95 % caught over all,
below 80 % for a kind, or above 5 % falsely refused.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

from benchmarks.defects.case import Case
from benchmarks.defects.fresh import FRESH
from benchmarks.defects.instances import EVERY, INSTANCES, instances
from benchmarks.defects.more import MORE
from benchmarks.defects.table import KINDS
from benchmarks.defects.unseen import UNSEEN
from rubric_factory.authoring.desk import Desk, Fault, Sheet
from rubric_factory.gates.table import CORPUS_GATES
from rubric_factory.records import Passage
from rubric_factory.settings.author import ScriptedAuthor, WritingSettings
from rubric_factory.settings.gates import GateSettings

DATA = Path(__file__).parent.parent / "tests" / "data"
SETTINGS = GateSettings()
POOLED, EACH, FALSE = 0.95, 0.80, 0.05


@dataclass(frozen=True)
class Outcome:
    """One kind: how many defects were made, how many an expected gate named, how many any gate named, and an example that none did."""

    kind: str
    made: int
    caught: int
    refused: int
    missed: str = ""

    @property
    def share(self) -> float:
        """Caught, in [0, 1]."""
        return self.caught / self.made


def good_cases() -> list[Case]:
    """The good tasks, in order."""
    cases = [Case(one["title"], one["passage"], one["task"]) for one in json.loads((DATA / "good_tasks.json").read_text(encoding="utf-8"))]
    for one in json.loads((DATA / "author_replies.json").read_text(encoding="utf-8")):
        labelled = zip(one["tasks"], one["refused"], strict=True)
        cases += [Case(one["title"], one["passage"], task) for task, refused in labelled if not refused]
    return cases


@lru_cache(maxsize=1024)
def _faults(title: str, text: str, written: str) -> tuple[Fault, ...]:
    document = "0" * 64
    passage = Passage(Passage.id_of(document, 0, len(text), text), document, f"d/{title}", "p1/0", "", 0, 0, len(text), 1, 1, text)
    section = ScriptedAuthor(model="m", revision="r", function="a:b", writing=WritingSettings())
    desk = Desk(section, 7, (), "m@r", "model", SETTINGS, "standard")
    return desk.draft(Sheet(passage, title), 0, json.loads(written)).faults


def reasons(case: Case) -> dict[str, str]:
    """Every reason that the author's checks and the gates of one task have against a case, with its detail."""
    return {fault.reason: fault.detail for fault in _faults(case.title, case.passage, json.dumps(case.task))}


def repeats(case: Case, defect: Case) -> dict[str, str]:
    """Reasons of the gates over all questions, where the defect stands beside the case it was made from."""
    questions = {"d/a#p1/0/0": case.task["question"], "d/b#p1/0/0": defect.task["question"]}
    found = {gate: check(questions, SETTINGS)["d/b#p1/0/0"] for gate, check in CORPUS_GATES.items()}
    return {gate: finding.detail for gate, finding in found.items() if not finding.passed}


def measure(kind: str, cases: Sequence[Case], most: int = INSTANCES) -> Outcome:
    """Make at most `most` defects of one kind and ask the gates."""
    expected, made, caught, refused, missed = EVERY[kind].gates, 0, 0, 0, ""
    for at, defect in islice(instances(kind, cases), most):
        found = {**reasons(defect), **(repeats(cases[at], defect) if "duplicate_question" in expected else {})}
        named = found.keys() & set(expected) - reasons(cases[at]).keys()
        made, caught, refused = made + 1, caught + bool(named), refused + bool(found)
        if not named:
            missed = missed or json.dumps(defect.task, ensure_ascii=False)
    return Outcome(kind, made, caught, refused, missed)


def table(outcomes: Sequence[Outcome]) -> float:
    """Print a row a kind and one over all; share caught of all."""
    print("| kind | gate expected | made | caught by it | refused by any |\n|---|---|---|---|---|")
    for one in outcomes:
        print(f"| {one.kind} | {' or '.join(EVERY[one.kind].gates)} | {one.made} | {one.caught} | {one.refused} |")
    made, caught, refused = (sum(getattr(one, name) for one in outcomes) for name in ("made", "caught", "refused"))
    print(f"| all {len(outcomes)} kinds | | {made} | {caught} ({caught / made:.1%}) | {refused} ({refused / made:.1%}) |")
    return caught / made


def main() -> int:
    """Print the tables."""
    cases = good_cases()
    wrong = {case.task["question"]: found for case in cases if (found := reasons(case))}
    for question, found in wrong.items():
        print(f"REFUSED {question[:80]}\n" + "\n".join(f"   {gate}: {detail}" for gate, detail in found.items()))
    outcomes: list[Outcome] = []
    for name, kinds in (("first", KINDS), ("fresh", FRESH), ("more", MORE), ("unseen", UNSEEN)):
        print(f"\n{name} table:")
        found = [measure(kind, cases) for kind in kinds]
        table(found)
        outcomes += found
    share = sum(one.caught for one in outcomes) / sum(one.made for one in outcomes)
    print(f"all {len(outcomes)} kinds: {share:.1%} of {sum(one.made for one in outcomes)} caught by the gate that the table names")
    print(f"good tasks: {len(cases)}, wrongly refused: {len(wrong)}")
    low = [one.kind for one in outcomes if one.share < EACH]
    print("kinds under 80 %:", ", ".join(low) or "none")
    return int(share < POOLED or bool(low) or len(wrong) / len(cases) > FALSE)


if __name__ == "__main__":
    sys.exit(main())
