"""The audit page of a dataset version: one self-contained HTML file, from the folder alone."""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from rubric_factory.errors import DatasetError
from rubric_factory.publishing.card import limits
from rubric_factory.reports.figures import collect
from rubric_factory.reports.funnel import funnel
from rubric_factory.reports.page import count, figure, percent, render
from rubric_factory.reports.samples import samples
from rubric_factory.reports.source import Source, read_source

CONTENTS = (
    ("funnel", "Funnel"),
    ("gates", "Gates"),
    ("contracts", "Contracts"),
    ("judge", "Judge and probes"),
    ("distributions", "Distributions"),
    ("splits", "Splits and licences"),
    ("samples", "Sample tasks"),
    ("cost", "Cost and calls"),
    ("limits", "Known limits"),
)
SEED = 0
GRADES = {
    "demo": "An embedded author or judge with fixed rules made this. It proves that the path works; it is no evidence that training on it "
    "teaches anything.",
    "model": "Language models wrote the tasks from passages of real documents, and deterministic gates checked them. No person has "
    "confirmed them.",
}


def grade_sentence(grade: str) -> str:
    """What an evidence grade means, in a plain sentence."""
    return GRADES.get(grade, "The folder does not say what this grade rests on.")


def _cost(manifest: Mapping[str, Any]) -> tuple[list[str], list[tuple[str, dict[str, Any]]]] | None:
    """(columns, rows) of manifest.cost, one a model; None where nothing was paid."""
    rows = [(name, row) for name, row in sorted(manifest.get("cost", {}).items()) if isinstance(row, dict)]
    columns = sorted({name for _, row in rows for name in row})
    return (columns, [(model, {name: row.get(name) for name in columns}) for model, row in rows]) if rows else None


def _judge(source: Source) -> str:
    """Identity of the judge that is locked in the version, '' without one."""
    return str(source.lock.get("identity") or {**vars(source.facts), **source.manifest}.get("judge") or "")


def _warned(source: Source) -> list[str]:
    """What failed and keeps nothing from being published, with its counts: gates, the worst first, then contracts and probes."""
    gates = [(name, row) for name, row in source.facts.gates.items() if row["severity"] != "error" and row["refused"]]
    found = [
        f"gate {name.replace('_', ' ')}: {count(row['refused'])} of {count(row['checked'])} tasks failed "
        f"({percent(row['refused'] / max(row['checked'], 1))})"
        for name, row in sorted(gates, key=lambda item: (-item[1]["refused"], item[0]))
    ]
    for row in source.checks:
        if not row["success"] and row["severity"] != "error":
            records = f"{count(row['unexpected'])} record{'s' if row['unexpected'] != 1 else ''}"
            found.append(f"contract {row['table']}: {row['check'].replace('_', ' ')}: {records}")
    for row in source.probes("before"):
        if row["passed"] is False and row["severity"] != "error":
            accepted = f"{'≥' if row['floor'] else '≤'} {figure(row['accept'])}"
            found.append(f"probe {row['name'].replace('_', ' ')}: {figure(row['value'])}, accepted {accepted}")
    return found


def _values(source: Source) -> dict[str, Any]:
    facts, found = source.facts, collect(source.folder)
    passed = sorted((row for row in source.checks if row["success"]), key=lambda row: (row["table"], row["check"]))
    before = source.probes("before")
    software = source.manifest.get("software", {})
    return {
        "source": source,
        "facts": facts,
        "counts": facts.counts,
        "contents": CONTENTS,
        "errors": source.errors,
        "warned": _warned(source),
        "grade": grade_sentence(facts.evidence_grade),
        "total": sum(facts.counts["tasks"].values()),
        "refused": sum(n for reasons in facts.rejections.values() for n in reasons.values()),
        "figures_of": found,
        "judge": _judge(source),
        "lock": source.lock,
        "ensemble": facts.lock,
        "software": " ".join(str(part)[:12] for part in (software.get("version"), software.get("commit")) if part),
        "steps": funnel(facts),
        "gates": sorted(facts.gates.items(), key=lambda item: (-item[1]["refused"], item[0])),
        "failed": [row for row in source.checks if not row["success"]],
        "passed": [(table, list(rows)) for table, rows in groupby(passed, key=lambda row: row["table"])],
        "before": before,
        "after": {row["name"]: row for row in source.probes("after")},
        "worst": [row for row in before if row["passed"] is False and row["worst"]],
        "plots": list(found.plots()),
        "weights": found.weight_table,
        "licences": sorted(found.licences.items(), key=lambda item: (-item[1], item[0])),
        "samples": samples(source.folder, SEED),
        "seed": SEED,
        "cost": _cost(source.manifest),
        "limits": limits(facts),
    }


def audit_page(folder: Path) -> tuple[str, list[str]]:
    """HTML of a published or staged folder, and its error-severity results (none: publishable).

    The same folder gives the same bytes; a staged one gives a page without number, times and cost. Errors: DatasetError, BlockedError for a
    folder that is no version, MissingExtraError.
    """
    source = read_source(folder)
    try:
        return render("audit.html", _values(source)), source.errors
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DatasetError(
            f"{folder} cannot be shown: {type(error).__name__} {error}",
            expected="a folder as the stage or publish step wrote it",
            fix="see rubric-factory verify",
        ) from error
