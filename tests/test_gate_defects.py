"""The gates against defects made by code, and against good tasks: what `python -m benchmarks.gate_defects` measures, smaller."""

import ast
import json
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import ROOT
from honest_tasks import solar

from benchmarks import gate_defects
from benchmarks.defects.instances import EVERY as KINDS
from benchmarks.defects.instances import INSTANCES, instances
from benchmarks.gate_defects import EACH, FALSE, POOLED, good_cases, measure, reasons
from rubric_factory.gates.table import CORPUS_GATES, GATES, check_task
from rubric_factory.records import Message, Rubric
from rubric_factory.settings.gates import GateSettings

CASES = good_cases()
WORDING = json.loads((Path(__file__).parent / "data" / "good_wording.json").read_text(encoding="utf-8"))
AUTHOR_REASONS = {"schema_violation", "evidence_not_verbatim"}
# A whole run takes a minute: here a third of each kind.
MOST = 8


@pytest.mark.parametrize("number", range(len(CASES)))
def test_no_good_task_is_refused(number):
    assert reasons(CASES[number]) == {}


def spoken_of(kind: str, text: str) -> dict[str, str]:
    """What the gates have against a sound task with another question, first description or pitfall."""
    item = solar()
    if kind == "questions":
        task = replace(item.task, question=text, prompt=(Message("user", text),))
    else:
        criteria, at = list(item.task.rubric.criteria), 0 if kind == "descriptions" else 4
        criteria[at] = replace(criteria[at], description=text)
        task = replace(item.task, rubric=Rubric(tuple(criteria)))
    return {gate: found.detail for gate, found in check_task(replace(item, task=task), GateSettings()).items() if not found.passed}


def test_good_wordings_are_hardly_ever_refused():
    texts = [(kind, text) for kind, listed in WORDING.items() for text in listed]
    refused = {text: found for kind, text in texts if (found := spoken_of(kind, text))}
    assert len(texts) >= 100 and len(refused) <= FALSE * len(texts), refused


def test_the_table_is_as_long_as_promised():
    assert len(KINDS) >= 40 and {gate for kind in KINDS.values() for gate in kind.gates} <= {*GATES, *CORPUS_GATES} | AUTHOR_REASONS
    counts = {kind: sum(1 for _ in instances(kind, CASES)) for kind in KINDS}
    assert min(counts.values()) >= 10 and max(counts.values()) == INSTANCES
    # Every gate is measured by some kind; `evidence_verbatim` also by the author's own search for quotes.
    assert {*GATES, *CORPUS_GATES} == {gate for kind in KINDS.values() for gate in kind.gates} - AUTHOR_REASONS


def test_instances_are_the_same_each_time_and_differ_from_their_case():
    once = [defect for kind in KINDS for _, defect in instances(kind, CASES)]
    assert once == [defect for kind in KINDS for _, defect in instances(kind, good_cases())]
    assert all(defect != CASES[at] for kind in KINDS if kind != "asked_again" for at, defect in instances(kind, CASES))


@pytest.fixture(scope="module")
def outcomes():
    return {kind: measure(kind, CASES, MOST) for kind in KINDS}


def test_defects_are_caught_by_the_gate_that_the_table_names(outcomes):
    made, caught = (sum(getattr(one, name) for one in outcomes.values()) for name in ("made", "caught"))
    assert caught / made >= POOLED, Counter({kind: one.made - one.caught for kind, one in outcomes.items()}).most_common(9)


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_slips_through(outcomes, kind):
    assert outcomes[kind].share >= EACH, outcomes[kind].missed


def test_a_defect_counts_only_by_its_own_gate(monkeypatch):
    """With a gate put to sleep its kinds are missed: no other gate's refusal counts for it."""
    item = solar()
    sound = GATES["standalone"].check(item, GateSettings())
    monkeypatch.setitem(GATES, "standalone", replace(GATES["standalone"], check=lambda item, settings: sound))
    gate_defects._faults.cache_clear()
    asleep = measure("by_a_figure", CASES, 4)
    gate_defects._faults.cache_clear()
    assert sound.passed and (asleep.made, asleep.caught) == (4, 0)


def test_defects_are_made_with_the_standard_library_alone():
    for path in sorted((ROOT / "benchmarks" / "defects").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [a.name for a in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []
            )
            assert all(name.startswith("benchmarks.defects") or name.partition(".")[0] in sys.stdlib_module_names for name in names), path
