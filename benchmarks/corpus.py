"""Every figure that the corpus has to reach, in one run: ratios, with sample sizes and the machine's load.

    python -m benchmarks.corpus DIR [--documents 3000] [--datatrove PYTHON] [--scratch DIR] [--json FILE]

DIR holds documents (which: docs/experiments.md). Samples are drawn with fixed seeds; a file is used once. Parts: HTML and PDF
against the bare libraries (corpus_html, corpus_pdf), near-duplicates against datatrove and brute force (corpus_dedupe; without PYTHON, an
interpreter that has datatrove, that ratio is left out), both stages as processes (corpus_stages) at three sizes, on one worker, again,
with 1 % changed and with 1 % added, and the parent's memory on copies of the passages (corpus_memory).
Shares are of CPU, children included, imports before the first document excluded.
"""

import argparse
import json
import os
import random
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import corpus_dedupe, corpus_html, corpus_memory, corpus_pdf
from benchmarks.corpus_stages import Documents, files_of, run

PAIRS = 3
COPIES = 27  # of 3,000 documents: those of 81,000
SIZES = (0.25, 0.5, 1.0)
# What the figures must reach: (name, bound, whether the bound is the least or the most).
BOUNDS = (
    ("html_over_bare", 1.25, "most"),
    ("pdf_over_bare", 2.5, "most"),
    ("parallel_efficiency", 0.85, "least"),
    ("near_duplicates_datatrove_over_ours", 20.0, "least"),
    ("near_duplicates_recall", 0.97, "least"),
    ("near_duplicates_precision", 0.99, "least"),
    ("second_run_share", 0.02, "most"),
    ("changed_1_percent_share", 0.05, "most"),
    ("added_1_percent_share", 0.05, "most"),
    ("growth_kb_a_document", 6.0, "most"),
    ("peak_mb", 1536.0, "most"),
    ("accounted_for", 1.0, "least"),
)


def stages(corpus: Path, scratch: Path, documents: int) -> dict[str, Any]:
    """Both stages at three sizes, on one worker and two, again, changed and added to.

    parallel_efficiency: wall seconds on one worker over twice those on two, the least of PAIRS alternating runs each, at the middle size;
    ..._bound: what is left when all CPU of the parent on two workers is taken as serial, (P + C) / (2 P + C), which no other process
    moves.
    """
    docs = Documents(scratch / "documents", files_of(corpus))
    curve: list[dict[str, Any]] = []
    for share in SIZES:
        docs.add(int(documents * share) - len(docs.names))
        workspace = scratch / f"workspace-{len(docs.names)}"
        curve.append({"documents": len(docs.names), "bytes": sum(path.stat().st_size for path in docs.names)})
        curve[-1] |= run(workspace, docs.folder, 2)
        if share == SIZES[1]:
            pairs = [[run(scratch / f"{number}-{workers}", docs.folder, workers) for workers in (1, 2)] for number in range(PAIRS)]
            alone, both = (min(side, key=lambda row: row["wall"]) for side in zip(*pairs, strict=True))
    first, workspace = curve[-1]["cpu"], scratch / f"workspace-{documents}"
    again = run(workspace, docs.folder, 2)
    one_percent = max(1, documents // 100)
    docs.change(one_percent)
    changed = run(workspace, docs.folder, 2)
    docs.add(one_percent)
    added = run(workspace, docs.folder, 2)
    serial = sum(both[stage]["parent_cpu"] for stage in ("ingest", "passages"))
    runs = {"curve": curve, "one_worker": alone, "two_workers": both, "again": again, "changed": changed, "added": added}
    return {
        "documents": documents,
        "parallel_efficiency": round(alone["wall"] / (2 * both["wall"]), 3),
        "parallel_efficiency_bound": round(both["cpu"] / (both["cpu"] + serial), 3),
        "second_run_share": round(again["cpu"] / first, 4),
        "changed_1_percent_share": round(changed["cpu"] / first, 4),
        "added_1_percent_share": round(added["cpu"] / first, 4),
        "peak_mb": [row["passages"]["peak_mb"] for row in curve],
        "accounted_for": min(row["accounted_for"] for row in (*curve, alone, both, again, changed, added)),
        "runs": runs,
        "workspace": str(workspace),
    }


def measure(corpus: Path, scratch: Path, documents: int = 3000, python: str | None = None) -> dict[str, Any]:
    """All figures by name, the details of each part under its name, and the machine they were measured on."""
    load, began = os.getloadavg(), time.monotonic()
    html = corpus_html.measure(corpus_html.sample(corpus, 600))
    pdfs = sorted(path for path in corpus.rglob("*.pdf") if path.is_file())
    pdf = corpus_pdf.measure(random.Random(1).sample(pdfs, min(200, len(pdfs))))
    both = stages(corpus, scratch, documents)
    near = corpus_dedupe.measure(Path(both["workspace"]), python=python)
    memory = corpus_memory.grown(Path(both["workspace"]), scratch / "copies", (COPIES // 3, 2 * COPIES // 3, COPIES))
    more = memory[2]["documents"] - memory[1]["documents"]
    figures: dict[str, Any] = {
        "html_over_bare": html["ratio"],
        "pdf_over_bare": pdf["pool_over_bare"],
        "near_duplicates_datatrove_over_ours": near.get("datatrove_over_ours"),
        "near_duplicates_recall": near["recall"],
        "near_duplicates_precision": near["precision"],
        "growth_kb_a_document": round(1024 * (memory[2]["export_peak_mb"] - memory[1]["export_peak_mb"]) / more, 2),
        "peak_mb": memory[2]["export_peak_mb"],
    }
    figures |= {name: both[name] for name, _, _ in BOUNDS if name in both and name not in figures}
    details = {"html": html, "pdf": pdf, "near_duplicates": near, "stages": both, "memory": memory}
    machine = {"cores": os.cpu_count(), "load_before": load, "load_after": os.getloadavg(), "seconds": round(time.monotonic() - began)}
    return {"figures": figures, "machine": machine, "details": details}


def lines(found: dict[str, Any]) -> list[str]:
    """The figures for a reader: each with what it must reach, what it was measured on, and whether it does."""
    html, pdf, near, both = (found["details"][part] for part in ("html", "pdf", "near_duplicates", "stages"))
    on = {
        "html": f"{html['pages']} pages",
        "pdf": f"{pdf['documents']} documents, {pdf['pages']} pages",
        "growth": f"copies of the passages of {found['details']['memory'][2]['documents']} documents",
        "peak": f"{found['details']['memory'][2]['passages']} passages, copies",
        "near": f"{near['passages']} passages; {near['compared']} against brute force, {near['true_pairs']} true pairs",
    }
    shown = []
    for name, bound, side in BOUNDS:
        value = found["figures"][name]
        reached = "not measured" if value is None else "reached" if (value <= bound if side == "most" else value >= bound) else "MISSED"
        sample = on.get(name.split("_")[0], f"{both['documents']} documents")
        shown.append(f"{name:38} {value!s:>8}  at {side} {bound:<5} {reached:12} {sample}")
    for kind in ("html", "pdf"):
        genres = found["details"][kind]["by_genre"].items()
        shown.append(f"{kind} by genre: " + ", ".join(f"{genre} {row.get('ratio', row.get('parse_over_bare'))}" for genre, row in genres))
    for row in both["runs"]["curve"]:
        passages = row["passages"]["counts"]["passages"]
        shown.append(
            f"{row['documents']} documents, {row['bytes'] / 2**20:.0f} MB: ingest {row['ingest']['wall']} s, passages"
            f" {row['passages']['wall']} s ({passages}), {row['cpu']} CPU s, peak {row['passages']['peak_mb']} MB"
        )
    shown += [f"copies of the passages: {row}" for row in found["details"]["memory"]]
    shown.append(f"parallel efficiency by CPU, the parent's all serial: {both['parallel_efficiency_bound']}")
    return [*shown, f"machine: {found['machine']}"]


def main() -> None:
    """Print the figures; write all of it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, default=3000)
    parser.add_argument("--datatrove", metavar="PYTHON", help="interpreter of an environment with datatrove")
    parser.add_argument("--scratch", type=Path, help="made anew, and kept; by default a temporary folder")
    parser.add_argument("--json", type=Path, help="write all figures here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        scratch = given.scratch or Path(temporary)
        if given.scratch:
            shutil.rmtree(scratch, ignore_errors=True)
        found = measure(given.corpus, scratch, given.documents, given.datatrove)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(lines(found)))


if __name__ == "__main__":
    main()
