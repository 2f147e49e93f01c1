"""README.md of a version: YAML configurations and a page for people. Everything that came from documents or settings is escaped."""

import html
import re
from collections.abc import Mapping
from typing import Any

from rubric_factory.publishing.staged import Staged
from rubric_factory.tables import PUBLISHED, SPLITS
from rubric_factory.text import printable

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~-])")
# Licence names that the Hub knows by the same name in lower case.
_HUB_LICENCES = frozenset({"apache-2.0", "cc-by-4.0", "cc-by-nc-4.0", "cc-by-sa-4.0", "cc0-1.0", "mit", "pddl"})
DEMO = (
    "**Plumbing grade.** These tasks were made by an embedded author with fixed rules and are graded `demo`: they prove that the path "
    "works and are no evidence that training on them teaches anything. Name a language model in `[author]` to make a real dataset."
)


def escaped(text: Any, limit: int = 200) -> str:
    """Untrusted text as one line of inert Markdown: controls shown, HTML and Markdown characters escaped, cut at limit characters."""
    shown = _MARKDOWN.sub(r"\\\1", html.escape(printable(str(text), limit), quote=False))
    return shown.replace("://", ":&#47;&#47;").replace("www.", "www&#46;")


def front_matter(staged: Staged) -> str:
    """YAML that `datasets` reads. A split without rows is left out: the library (5.2) cannot load an empty one.

    Each description names the content: the library caches rows by the folder's last name and this YAML alone, not by their files, so
    that two datasets of one number would share them.
    """
    filled = [split for split in SPLITS if staged.counts["tasks"][split]]
    names = [name.lower() for name in staged.licences]
    licence = names[0] if len(names) == 1 and names[0] in _HUB_LICENCES else "other"
    lines = [
        "---",
        f"license: {licence}",
        "task_categories:",
        "- text-generation",
        "tags:",
        "- rubrics",
        "- reinforcement-learning",
        "configs:",
    ]
    for config in PUBLISHED:
        lines.append(f"- config_name: {config}")
        lines += ["  default: true"] if config == "policy" else []
        lines += [f"  description: content {staged.content_fingerprint} of {staged.name}", "  data_files:"]
        for split in filled:
            lines += [f"  - split: {split}", f"    path: {config}/{split}-*.parquet"]
    return "\n".join([*lines, "---", ""])


def _table(head: list[str], rows: list[list[Any]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join(lines + [f"| {' | '.join(escaped(cell) for cell in row)} |" for row in rows])


def _difficulty(staged: Staged) -> str:
    if not staged.judge:
        return "No judge has been locked for this version: its quality scores are empty and `judge` is blank."
    if not staged.solver:
        return "`quality.spread` and `quality.difficulty` are empty, and no gate looked at them: they take a solver, and none was named."
    return "`quality.spread` and `quality.difficulty` hold for the one solver that is named above: another model finds other tasks hard."


def limits(staged: Staged) -> list[str]:
    """What a user of the version must know: plain sentences, for the card and the audit page."""
    found = [
        "Rubrics are graded by a judge that reads the grounding passage; the policy never sees it.",
        _difficulty(staged),
        "A near-duplicate of a document that left the corpus is recognised by the passages that versions published; those that had no task "
        "are recognised only if they are repeated verbatim.",
    ]
    if "withheld.txt" in staged.prompts:
        found.append(
            "Questions were written from front matter and methods of papers; the grounding is a withheld passage of their results, "
            "discussion or conclusion, told by its heading."
        )
    if staged.lock.get("allowed"):
        found.append("The judge failed probes of severity error and was let through by hand: do not train on its grades.")
    empty = [split for split in SPLITS if not staged.counts["tasks"][split]]
    if empty:
        found.append(f"No task fell to {' and '.join(empty)}: `datasets` shows no such split.")
    if "unknown" in staged.licences:
        found.append("Some documents have no known licence: check the licence column before passing the data on.")
    return found


def _figure(row: Mapping[str, Any]) -> str:
    return "not applicable" if row["value"] is None else f"{row['value']:.3f}"


def _members(lock: Mapping[str, Any]) -> str:
    """Who the ensemble is and how far its judges agree on the canary; '' for a single judge."""
    if not lock.get("members"):
        return ""
    named = [
        f"{escaped(one['identity'], 300)} (with the ensemble on {_number(one['agreement'])}, {one['flip_rate']:.1%} flipped)"
        for one in lock["members"]
    ]
    return f"An ensemble, share of its judges behind its canary verdicts {_number(lock['agreement'])}: {'; '.join(named)}. "


def judge_section(staged: Staged) -> list[str]:
    """Who graded, what it withstood, and what was let through; nothing without a judge."""
    if not staged.judge:
        return []
    lock, after = staged.lock, staged.probes_after
    weak = "its first quarter (weak)"
    if "answer_closed.txt" in staged.prompts:
        weak = "an answer that its author wrote without the passage (weak; without one the reference's first quarter)"
    rows = []
    for name, row in staged.probes_before.items():
        result = {True: "passed", False: "failed", None: ""}[row["passed"]]
        accept = f"{'at least' if row['floor'] else 'at most'} {row['accept']:g}"
        rows.append([name, _figure(row), accept, row["severity"], result, _figure(after[name]) if name in after else ""])
    allowed = [f"**Let through by hand** although it failed: {'; '.join(map(escaped, lock['allowed']))}."] if lock["allowed"] else []
    return [
        "## Judge",
        f"Judge: {escaped(staged.judge)}. Backend: {escaped(lock['backend'])}, engine: {escaped(lock['engine'])}. Locked on "
        f"{lock['canary_pairs']} graded answers, {lock['flip_rate']:.1%} of their verdicts flipped between repeats: `judge.lock.json`. "
        f"{_members(lock)}`quality` holds what it gives to each task's reference answer, to {weak}, and to another document's answer.",
        *allowed,
        "Probes: what the judge gives to answers of known worth, on tasks that no judge had chosen yet, and after its gates.",
        _table(["probe", "value", "accepted", "severity", "result", "after the gates"], rows),
    ]


def solver_section(staged: Staged) -> list[str]:
    """Whose answers tell spread and difficulty, which criteria tell nothing apart, and how steady the judge was on what is left."""
    parts = []
    if staged.judge and staged.solver:
        parts.append(
            f"Solver: {escaped(staged.solver, 300)}. `quality.spread` is its best above its worst answer, `quality.difficulty` 1 less "
            "their mean score."
        )
    if staged.necessity:
        rows = [
            [row["category"], row["criteria"], row["unneeded"], row["widening_without"], _number(row["mean_margin_change"])]
            for row in staged.necessity
        ]
        parts += [
            "Criteria, from stored verdicts: those that tell no two graded answers apart, those without which reference and weak answer "
            "would lie further apart, and how much of that margin one makes on average.",
            _table(["category", "criteria", "tell nothing apart", "margin larger without", "mean share of the margin"], rows),
        ]
    if staged.gate_audit:
        tasks = max(row["tasks"] for row in staged.gate_audit.values())
        parts += [
            f"Audit of {tasks} of the tasks that were left (it decides nothing): the same answer graded again, and references with one "
            "thing wrong.",
            _table(["figure", "value", "graded"], [[name, _figure(row), row["n"]] for name, row in staged.gate_audit.items()]),
        ]
    return parts


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def authoring_section(staged: Staged) -> list[str]:
    """What repair saved and what people decided; nothing where neither happened."""
    parts = []
    if staged.repair:
        rows = [[row["reason"], row["tried"], row["mended"], row["publishable"]] for row in staged.repair]
        said = (
            "Tasks whose first version was refused went back to the author with the reason: how many, and how many of them passed the "
            "deterministic gates and all gates afterwards."
        )
        parts += ["## Repair", said, _table(["first refusal", "tried", "mended", "publishable"], rows)]
    if staged.reviews:
        said = "What people decided about tasks: refused ones and those of flagged sources are left out, edits are in."
        parts += ["## Review", said, _table(["decision", "rows"], [[name, n] for name, n in sorted(staged.reviews.items())])]
    return parts


def body(staged: Staged) -> str:
    """The card's page without what differs between equal versions (number, times): also what its fingerprint is made of."""
    counts = staged.counts
    rows = [[split, counts["tasks"][split], counts["documents"][split], counts["grounding"][split]] for split in SPLITS]
    gates = [[name, gate["severity"], gate["checked"], gate["refused"]] for name, gate in sorted(staged.gates.items())]
    refused = [[stage, reason, n] for stage, found in sorted(staged.rejections.items()) for reason, n in sorted(found.items())]
    parts = [
        f"# {escaped(staged.name)}",
        "Questions about technical documents, each with a reference answer and a weighted rubric, grounded in one passage.",
        *([DEMO] if staged.evidence_grade == "demo" else []),
        "## Configurations",
        "- `policy` (default): `task_id`, `prompt`: the only configuration a policy may see.\n"
        "- `tasks`: question, reference answer, rubric, provenance: for judges and gates.\n"
        "- `grounding`: the passages. The policy must never see them.",
        "## Counts",
        _table(["split", "tasks", "documents", "passages"], rows),
        f"Author: {escaped(staged.author)}. Evidence grade: {escaped(staged.evidence_grade)}. "
        f"Largest near-duplicate cluster: {staged.largest_cluster_share:.1%} of the usable passages.",
        "## Licences and provenance",
        "Every row names its document (`document_key`, `source_uri`, sha256 as `document_id`), pages, section and licence.",
        _table(["licence", "tasks"], [[name, n] for name, n in sorted(staged.licences.items())]),
        *judge_section(staged),
        *solver_section(staged),
        *authoring_section(staged),
        "## Gates",
        _table(["gate", "severity", "checked", "refused"], gates),
        "## Refused on the way",
        _table(["stage", "reason", "records"], refused),
        "## Known limits",
        "\n".join(f"- {line}" for line in limits(staged)),
    ]
    return "\n\n".join(parts) + "\n"


def card(staged: Staged, version: str) -> str:
    """Whole README.md of a version."""
    use = (
        "## Load it\n\n```python\nfrom datasets import load_dataset\n\n"
        'prompts = load_dataset("path/to/this/folder", "policy")\nrubrics = load_dataset("path/to/this/folder", "tasks")\n```\n\n'
        f"## Train on it\n\n```bash\nrubric-factory train {staged.name}/{version}\n```\n"
    )
    return f"{front_matter(staged)}\n<!-- version {version} -->\n\n{body(staged)}\n{use}"
