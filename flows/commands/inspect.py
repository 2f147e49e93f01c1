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


def _where(workspace: Workspace, table: str, **wanted: Any) -> list[Row]:
    """Rows of an exported table whose columns equal the wanted values (one of them, for a set); read row group by row group."""
    import pyarrow.parquet as pq

    path = workspace.tables / f"{table}.parquet"
    if not path.exists():
        return []
    filters = [(name, "in" if isinstance(value, set) else "==", value) for name, value in wanted.items()]
    rows: list[Row] = pq.read_table(path, filters=filters).to_pylist() if all(value != set() for value in wanted.values()) else []
    return rows


def _named(workspace: Workspace, name: str) -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """(kind, column, value) of what has the name as its key or the begin of its id, and of documents whose key ends in it."""
    found, ends = [], []
    for kind, table, key_column, id_column in KINDS:
        columns = {key_column, id_column, *(("document_key", "anchor") if kind == "passage" else ())}
        for row in read_rows(workspace, table, *sorted(columns)):
            key = _key(kind, row)
            if key == name or (len(name) >= 8 and row[id_column].startswith(name)):
                found.append((kind, key, row[key_column]))
            elif kind == "document" and key.endswith("/" + name):
                ends.append((kind, key, row[key_column]))
    return found, ends


def find(workspace: Workspace, name: str) -> tuple[str, Row]:
    """The one record meant by a key, the end of a key, or a prefix (8 characters or more) of an id. Errors: UsageError for none or many."""
    exact, ends = _named(workspace, name)
    found = exact or ends
    if len(found) == 1:
        kind, _, value = found[0]
        table, column = next((table, column) for known, table, column, _ in KINDS if known == kind)
        return kind, _where(workspace, table, **{column: value})[0]
    if not found:
        raise UsageError(f"nothing is named {name!r} here", expected="a key, or 8 or more characters of an id", fix="see status, versions")
    shown = ", ".join(f"{kind} {key}" for kind, key, _ in found[:5])
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
    return _where(workspace, "rejections", record_id=names)


def _fates(workspace: Workspace, passages: list[Row]) -> dict[str, str]:
    """What became of each passage: selected, or the reason and detail of its refusal."""
    names = {passage["passage_id"] for passage in passages}
    fates = {row["passage_id"]: "selected" for row in _where(workspace, "selection", passage_id=names) if row["selected"]}
    refused = {row["record_id"]: f"{row['reason']}: {row['detail']}" for row in _refusals(workspace, names) if row["stage"] == "passages"}
    return {**dict.fromkeys(names, "not decided yet"), **fates, **refused}


def _document(workspace: Workspace, row: Row) -> Row:
    text = _text(workspace, row)
    starts = text["page_starts"] or [0]
    ends = [*starts[1:], len(text["text"])]
    passages = sorted(_where(workspace, "passages", document_key=row["document_key"]), key=lambda p: p["char_start"])
    fates = _fates(workspace, passages)
    keys = {p["passage_id"]: {"key": _key("passage", p), "fate": fates[p["passage_id"]]} for p in passages}
    pages = [
        {
            "page": number if text["page_starts"] else 0,
            "characters": end - start,
            "text": text["text"][start:end],
            "passages": [keys[p["passage_id"]] for p in passages if p["char_start"] < end and p["char_end"] > start],
        }
        for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1)
    ]
    tasks = _where(workspace, "tasks", document_key=row["document_key"])
    names = {row["document_key"], *(p["passage_id"] for p in passages), *(_key("passage", p) for p in passages)}
    return {
        **row,
        "near_duplicate_of": [c for c in _where(workspace, "document_clusters", document_key=row["document_key"]) if c["similarity"]],
        "pages": pages,
        "sections": text["sections"],
        "passages": [{**keys[p["passage_id"]], **_facts(p), "selected": fates[p["passage_id"]] == "selected"} for p in passages],
        "tasks": [t["task_key"] for t in tasks],
        "rejections": _refusals(workspace, names),
    }


def _facts(passage: Row) -> Row:
    return {name: passage[name] for name in ("passage_id", "words", "page_start", "page_end", "char_start", "char_end")}


def _passage(workspace: Workspace, row: Row) -> Row:
    selection = _where(workspace, "selection", passage_id=row["passage_id"])
    measures = _where(workspace, "passage_measures", passage_id=row["passage_id"])
    tasks = [{"task_key": t["task_key"], "question": t["question"]} for t in _where(workspace, "tasks", passage_id=row["passage_id"])]
    names = {row["passage_id"], _key("passage", row), *(t["task_key"] for t in tasks)}
    fate = _fates(workspace, [row])[row["passage_id"]]
    return {**row, "fate": fate, "measures": measures, "selection": selection, "tasks": tasks, "rejections": _refusals(workspace, names)}


def _task(workspace: Workspace, row: Row) -> Row:
    results = _where(workspace, "gate_results", task_id=row["task_id"])
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

    By key, by the end of a document's key, or by 8 or more characters of an id: the text page by page with the passages of each page and
    what became of them, sections, tasks, gates, and why something was refused.
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
