"""Facts about whole sets of rows, which no expectation over one table can say: splits, spans, ids, ancestors, licences."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from data_contracts.rates import judge_failures, questions_apart, refusal_rates, weight_shares
from rubric_factory import dataset_facts
from rubric_factory.dataset_files import LOCK, DatasetRows
from rubric_factory.dataset_version import ancestors, side_of_documents, trained_on
from rubric_factory.passages.decide import LARGE_CLUSTER
from rubric_factory.passages.withheld import WITHHELD, kind_of_path
from rubric_factory.publishing.ancestry import Ancestry, ancestry, near_ancestors
from rubric_factory.publishing.staged import Staged
from rubric_factory.publishing.yank import yanked
from rubric_factory.settings.gates import GateSettings
from rubric_factory.settings.passages import PassageSettings
from rubric_factory.settings.publish import BandSettings
from rubric_factory.tables import SPLITS

# Warnings of the standard profile that block in the release profile.
RELEASE_ERRORS = frozenset(
    {
        "splits_filled",
        "above_demo_grade",
        "clusters_small",
        "withstood_probes",
        "refusal_rates",
        "weight_shares",
        "questions_apart",
        "verdicts_kept",
    }
)
_OF_RUBRICS = frozenset({"weight_shares"})
PROFILES = ("standard", "release", "behaviour")
# Rubrics that ask for conduct rest on no passage: the behaviour profile does without these.
LEFT_OUT = {"behaviour": frozenset({"evidence_verbatim", "prompt_apart_from_passage"})}


@dataclass(frozen=True)
class Finding:
    """Outcome of one fact: every line names a record and its problem."""

    name: str
    severity: str
    problems: tuple[str, ...]


def splits_filled(rows: DatasetRows) -> Iterator[str]:
    """Every split has a task; without one in train nothing can be trained."""
    yield from (f"{split}: no task" for split in SPLITS if not rows.tasks[split])


def above_demo_grade(rows: DatasetRows) -> Iterator[str]:
    """No task was made by an embedded author."""
    yield from (f"{row['task_key']}: grade demo" for split in SPLITS for row in rows.tasks[split] if row["evidence_grade"] == "demo")


def not_yanked(rows: DatasetRows, datasets: Path, name: str) -> Iterator[str]:
    """Nothing that was taken down comes back."""
    taken_down = yanked(datasets, name)
    for split in SPLITS:
        for row in rows.tasks[split]:
            if taken_down.holds(row["document_key"], row["document_id"]):
                yield f"{row['task_key']}: its document was taken down"


def judge_locked(rows: DatasetRows, staged: Staged, folder: Path) -> Iterator[str]:
    """The judge of the tasks is the one that staged.json and judge.lock.json name, and it was probed; or there is none anywhere."""
    try:
        locked = json.loads((folder / LOCK).read_text(encoding="utf-8")).get("identity") if (folder / LOCK).exists() else ""
    except (OSError, ValueError, AttributeError):
        locked = None
    if locked != staged.judge:
        yield f"{LOCK}: not of the judge that staged.json names"
    if bool(staged.judge) != bool(staged.probes_before) or bool(staged.judge) != bool(staged.lock):
        yield "staged.json: a judge without lock or probes, or these without a judge"
    for split in SPLITS:
        for row in rows.tasks[split]:
            if row["judge"] != staged.judge:
                yield f"{row['task_key']}: graded by another judge than the locked one"


def withstood_probes(staged: Staged) -> Iterator[str]:
    """No probe of severity error failed; one that was let through by hand says so in the lock, and warns here."""
    yield from (f"{name}: failed" for name, row in staged.probes_before.items() if row["passed"] is False and row["severity"] == "error")


def verdicts_kept(rows: DatasetRows, staged: Staged, judged: Collection[str] | None) -> Iterator[str]:
    """Every task with grades has the verdicts that they come from. judged: task ids with stored verdicts; None: nothing to look in."""
    if staged.judge and judged is not None:
        for split in SPLITS:
            yield from (f"{row['task_key']}: no verdict is stored" for row in rows.tasks[split] if row["task_id"] not in judged)


def withheld_grounding(rows: DatasetRows, author: dict[str, Any]) -> Iterator[str]:
    """Where questions are asked from the visible part of papers, every task rests on a section that is withheld, as its heading says."""
    if (author.get("mode") or {}).get("type") != "withheld_section":
        return
    for split in SPLITS:
        for row in rows.tasks[split]:
            if kind_of_path(row["section"] or "") not in WITHHELD:
                yield f"{row['task_key']}: its section is neither results nor conclusion"


def near_duplicates_apart(rows: DatasetRows, known: Ancestry, settings: PassageSettings) -> Iterator[str]:
    """No passage that is new to its side is a near-duplicate of a text that an ancestor had on another side."""
    new = {row["sha256"]: (split, row) for split in SPLITS for row in rows.grounding[split] if known.side.get(row["sha256"]) != split}
    found = near_ancestors({name: row["text"] for name, (_, row) in new.items()}, known, settings)
    for name, near in sorted(found.items()):
        split, row = new[name]
        # The very text of an ancestor's train split is what `dataset_facts.apart_from_ancestors` names.
        others = {known.side[old] for old in near if (old, known.side[old]) != (name, "train")} - {split}
        if others:
            yield f"{row['grounding_id']}: in {split}, near-duplicate of what an ancestor had in {' and '.join(sorted(others))}"


def fingerprint_fits(rows: DatasetRows, staged: Staged, fingerprint: str) -> Iterator[str]:
    """staged.json speaks of these rows: fingerprint and counts."""
    if staged.content_fingerprint != fingerprint:
        yield "staged.json: content_fingerprint is not that of the rows"
    for split in SPLITS:
        for config in ("tasks", "grounding"):
            if staged.counts[config][split] != len(getattr(rows, config)[split]):
                yield f"staged.json: the number of {config} in {split} is not that of the rows"


def ask(
    rows: DatasetRows,
    staged: Staged,
    settings: dict[str, Any],
    *,
    folder: Path,
    fingerprint: str,
    datasets: Path,
    profile: str,
    judged: Collection[str] | None = None,
) -> Sequence[Finding]:
    """Every fact, in a fixed order; only `complete` where that one fails. judged: as in verdicts_kept.

    Errors: DatasetError where an ancestor is gone or damaged.
    """
    complete = Finding("complete", "error", tuple(dataset_facts.complete(rows)))
    if complete.problems:
        return [complete]
    older = ancestors(datasets, staged.name, staged.parent)
    trained, known, passages = trained_on(older), ancestry(older), PassageSettings(**settings["passages"])
    gates, bands = GateSettings(**settings["gates"]), BandSettings(**settings["publish"]["bands"])
    named: dict[str, Callable[[], Iterator[str]]] = {
        **{name: partial(fact, rows) for name, fact in dataset_facts.FACTS.items() if name != "complete"},
        "as_assigned": lambda: dataset_facts.as_assigned(rows, side_of_documents(staged.splits)),
        "apart_from_ancestors": lambda: chain(
            dataset_facts.apart_from_ancestors(rows, trained), near_duplicates_apart(rows, known, passages)
        ),
        "licences_allowed": lambda: dataset_facts.licences_allowed(rows, settings["publish"]["allowed_licences"]),
        "withheld_grounding": lambda: withheld_grounding(rows, settings["author"]),
        "not_yanked": lambda: not_yanked(rows, datasets, staged.name),
        "fingerprint_fits": lambda: fingerprint_fits(rows, staged, fingerprint),
        "judge_locked": lambda: judge_locked(rows, staged, folder),
        "verdicts_kept": lambda: verdicts_kept(rows, staged, judged),
        "judge_failures": lambda: judge_failures(staged, bands),
        "refusal_rates": lambda: refusal_rates(staged, bands),
        "weight_shares": lambda: weight_shares(rows, gates, bands),
        "questions_apart": lambda: questions_apart(rows, gates, bands),
        "withstood_probes": lambda: withstood_probes(staged),
        "splits_filled": lambda: splits_filled(rows),
        "above_demo_grade": lambda: above_demo_grade(rows),
        "clusters_small": lambda: iter(["largest cluster: above 5 % of the passages"] * (staged.largest_cluster_share > LARGE_CLUSTER)),
    }
    findings = [complete]
    for name, fact in named.items():
        if name in LEFT_OUT.get(profile, ()):
            continue
        severity = "warning" if name in RELEASE_ERRORS and profile != "release" else "error"
        # A rubric that is none is a finding of `ids_from_content`; what is asked of rubrics cannot be asked of it.
        broken = name in _OF_RUBRICS and any(found.name == "ids_from_content" and found.problems for found in findings)
        findings.append(Finding(name, severity, () if broken else tuple(fact())))
    return findings
