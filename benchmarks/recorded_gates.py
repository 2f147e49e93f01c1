"""What the deterministic gates make of the recorded tasks as they were written, beside a blind rater's labels.

    python -m benchmarks.recorded_gates WORKSPACE [--set first|second|third|fourth|all] [--show]

WORKSPACE: one in which ingest and passages ran with configs/demo-recorded.toml (for the third and fourth set with per_document = 8).
Nothing is repaired here: first replies. Each set was asked, answered and labelled before any gate had run on it, and the gates were mended
on each after their first run: what this prints now is no estimate for other tasks. docs/experiments.md has every first run.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.language_model import identity_of
from rubric_factory.intervals import wilson
from rubric_factory.llm import chat_api
from rubric_factory.records import Rejection
from rubric_factory.settings import load_settings
from rubric_factory.tables import passage_from_row
from rubric_factory.workspace import Workspace

ROOT = Path(__file__).parent.parent
DATA = ROOT / "tests" / "data"


# Set -> recorded tasks and their labels.
SETS = {
    "first": ("completions/wave-1-tasks.jsonl", "labels/recorded-tasks.jsonl"),
    "second": ("completions/wave-5-tasks.jsonl", "labels/recorded-tasks-2.jsonl"),
    "third": ("third_set/tasks.jsonl", "third_set/labels.jsonl"),
    "fourth": ("fourth_set/tasks.jsonl", "fourth_set/labels.jsonl"),
}


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def drafts(workspace: Path, chosen_sets: Sequence[str]) -> list[tuple[str, str, int, Draft]]:
    """(document_key, request key, number in the reply, draft) of every recorded task of some sets."""
    settings = load_settings(ROOT / "configs" / "demo-recorded.toml", {"workspace": workspace})
    section = settings.author
    replies = {row["custom_id"]: row["response"]["body"] for one in chosen_sets for row in _rows(DATA / SETS[one][0])}
    desk = Desk(section, settings.seed, (), identity_of(section), "model", settings.gates, "standard")
    found = []
    tables = Workspace(workspace).tables
    chosen = {row["passage_id"] for row in pq.read_table(tables / "selection.parquet").to_pylist() if row["selected"]}
    titles = {row["document_key"]: row["title"] for row in pq.read_table(tables / "documents.parquet").to_pylist()}
    for row in pq.read_table(tables / "passages.parquet").to_pylist():
        if row["passage_id"] in chosen:
            sheet = Sheet(passage_from_row(row), titles[row["document_key"]])
            key = desk.ask("tasks", sheet).key(section.model, section.revision)
            if key not in replies:
                continue
            listed = desk.listed("tasks", chat_api.completion(replies[key], 0.0), sheet)
            values = [] if isinstance(listed, Rejection) else listed
            found += [(sheet.passage.document_key, key, slot, desk.draft(sheet, slot, value)) for slot, value in enumerate(values)]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--set", choices=[*SETS, "all"], default="all", dest="chosen", help="all: the recorded ones")
    parser.add_argument("--show", action="store_true", help="each accepted task that a gate refuses, with why")
    given = parser.parse_args()
    sets = ["first", "second"] if given.chosen == "all" else [given.chosen]
    labels = {(row["request"], row["task"]): row for one in sets for row in _rows(DATA / SETS[one][1])}
    chosen = drafts(given.workspace, sets)
    good = [one for one in chosen if labels[one[1], one[2]]["accept"]]
    bad = [one for one in chosen if not labels[one[1], one[2]]["accept"]]
    wrong = [one for one in good if one[3].faults]
    caught = sum(bool(one[3].faults) for one in bad)
    share = wilson(len(wrong), len(good))
    documents = len({one[0] for one in chosen})
    print(f"{given.chosen}: {len(chosen)} tasks of {documents} documents; the rater accepts {len(good)}, refuses {len(bad)}")
    print(f"accepted and refused by a gate: {len(wrong)} of {len(good)}: {share.mean:.3f} [{share.low:.3f}, {share.high:.3f}]")
    print(f"refused by the rater and by a gate: {caught} of {len(bad)}")
    print("by gate:", dict(Counter(fault.reason for one in wrong for fault in one[3].faults).most_common()))
    if given.show:
        for document_key, key, slot, draft in wrong:
            print(f"\n{key[:12]}/{slot} {document_key}")
            print("  question:", draft.written["question"])
            for fault in draft.faults:
                print(f"  {fault.reason}: {fault.detail}")


if __name__ == "__main__":
    main()
