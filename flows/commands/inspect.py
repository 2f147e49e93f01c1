"""`inspect`: what was made of one document, passage or task, and why something was refused."""

from typing import Any

import click

from flows.commands.common import Invocation, command
from flows.summary import read_rows
from rubric_factory.errors import UsageError
from rubric_factory.text import printable
from rubric_factory.workspace import Workspace

Row = dict[str, Any]
LISTED = 20
# What a name may mean: kind, table, its key column, its id column.
KINDS = (
    ("document", "documents", "document_key", "document_id"),
    ("passage", "passages", "passage_id", "passage_id"),
    ("task", "tasks", "task_key", "task_id"),
)


def _key(kind: str, row: Row) -> str:
    return f"{row['document_key']}#{row['anchor']}" if kind == "passage" else str(row[f"{kind}_key"])


def find(workspace: Workspace, name: str) -> tuple[str, Row]:
    """The one record meant by a key, the end of a key, or a prefix (8 characters or more) of an id. Errors: UsageError for none or many."""
    found: list[tuple[str, Row]] = []
    ends: list[tuple[str, Row]] = []
    for kind, table, _, id_column in KINDS:
        for row in read_rows(workspace, table):
            key = _key(kind, row)
            if key == name or (len(name) >= 8 and row[id_column].startswith(name)):
                found.append((kind, row))
            elif kind == "document" and key.endswith("/" + name):
                ends.append((kind, row))
    found = found or ends
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(f"nothing is named {name!r} here", expected="a key, or 8 or more characters of an id", fix="see status, versions")
    shown = ", ".join(f"{kind} {_key(kind, row)}" for kind, row in found[:5])
    raise UsageError(f"{name!r} means {len(found)} records: {shown}", expected="one of them", fix="write its whole key")


def _text(workspace: Workspace, row: Row) -> Row:
    """The stored text of a document with its pages and sections; empty where the shard is gone."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = workspace.texts / f"{row['shard'].removesuffix('.parquet')}.parquet"
    if not path.exists():
        return {"text": "", "page_starts": [], "sections": []}
    wanted = pc.equal(pc.field("document_key"), row["document_key"])
    rows: list[Row] = pq.read_table(path, columns=["text", "page_starts", "sections"], filters=wanted).to_pylist()
    return rows[0] if rows else {"text": "", "page_starts": [], "sections": []}


def _refusals(workspace: Workspace, names: set[str]) -> list[Row]:
    return [row for row in read_rows(workspace, "rejections") if row["record_id"] in names]


def _document(workspace: Workspace, row: Row) -> Row:
    text = _text(workspace, row)
    starts = text["page_starts"] or [0]
    ends = [*starts[1:], len(text["text"])]
    pages = [{"page": n, "text": text["text"][a:b]} for n, (a, b) in enumerate(zip(starts, ends, strict=True), 1)]
    passages = [p for p in read_rows(workspace, "passages") if p["document_key"] == row["document_key"]]
    selected = {s["passage_id"] for s in read_rows(workspace, "selection", "passage_id", "selected") if s["selected"]}
    tasks = [t for t in read_rows(workspace, "tasks", "task_key", "document_key") if t["document_key"] == row["document_key"]]
    names = {row["document_key"], *(p["passage_id"] for p in passages), *(_key("passage", p) for p in passages)}
    return {
        **row,
        "pages": pages if text["page_starts"] else [{"page": 0, "text": text["text"]}],
        "sections": text["sections"],
        "passages": [
            {"key": _key("passage", p), "passage_id": p["passage_id"], "words": p["words"], "selected": p["passage_id"] in selected}
            for p in sorted(passages, key=lambda p: p["char_start"])
        ],
        "tasks": [t["task_key"] for t in tasks],
        "rejections": _refusals(workspace, names),
    }


def _passage(workspace: Workspace, row: Row) -> Row:
    selection = [s for s in read_rows(workspace, "selection") if s["passage_id"] == row["passage_id"]]
    tasks = [t for t in read_rows(workspace, "tasks", "task_key", "passage_id", "question") if t["passage_id"] == row["passage_id"]]
    names = {row["passage_id"], _key("passage", row), *(t["task_key"] for t in tasks)}
    return {**row, "selection": selection, "tasks": tasks, "rejections": _refusals(workspace, names)}


def _task(workspace: Workspace, row: Row) -> Row:
    results = [g for g in read_rows(workspace, "gate_results") if g["task_id"] == row["task_id"]]
    return {**row, "gates": results, "rejections": _refusals(workspace, {row["task_id"], row["task_key"]})}


def _lines(value: Any, indent: str = "") -> list[str]:
    """A record as lines for a terminal: every string made safe, long lists cut with their count."""
    if not isinstance(value, dict):
        return [f"{indent}{printable(str(value), 400)}"]
    lines = []
    for name, entry in value.items():
        if isinstance(entry, list) and entry:
            lines.append(f"{indent}{name}: {len(entry)}")
            for item in entry[:LISTED]:
                inner = _lines(item, indent + "    ")
                lines += [f"{indent}  - {inner[0].strip()}", *inner[1:]]
            if len(entry) > LISTED:
                lines.append(f"{indent}  ... and {len(entry) - LISTED} more (--json shows all)")
        else:
            lines.append(f"{indent}{name}: {printable(str(entry), 600)}")
    return lines


@command("inspect")
@click.argument("name", metavar="DOCUMENT|PASSAGE|TASK")
def inspect_command(invocation: Invocation, name: str) -> None:
    """Show what was made of one document, passage or task.

    By key, by the end of a document's key, or by 8 or more characters of an id: the text page by page, sections, passages, tasks, gates,
    and why something was refused.
    """
    workspace = invocation.place()
    refused = _refusals(workspace, {name})
    try:
        kind, row = find(workspace, name)
    except UsageError:
        if not refused:
            raise
        kind, made = "refused", {"record_id": name, "rejections": refused}
    else:
        made = {"document": _document, "passage": _passage, "task": _task}[kind](workspace, row)
    invocation.say(kind)
    for line in _lines(made, "  "):
        invocation.say(line)
    invocation.result({"kind": kind, **made})
