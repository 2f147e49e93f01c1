"""Looking inside a ledger, mending it and keeping it small. Nothing here is on the way of a call."""

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from rubric_factory.errors import WorkspaceError
from rubric_factory.ledger.calls import Answer
from rubric_factory.ledger.store import Ledger

Row = dict[str, Any]
PAGE = 500


def found(ledger: Ledger, prefix: str, most: int) -> list[Row]:
    """Calls whose key begins with prefix, at most so many: as sql/ledger/find_prefix.sql, with `texts` by digest."""
    return _with_texts(ledger, ledger.connection.rows("find_prefix", prefix=prefix.lower(), most=most))


def everything(ledger: Ledger) -> Iterator[Row]:
    """Every call in the order of keys, PAGE at a time: a ledger need not fit into memory."""
    beyond = ""
    while rows := ledger.connection.rows("page", beyond=beyond, most=PAGE):
        yield from _with_texts(ledger, rows)
        beyond = rows[-1]["key"]


def _with_texts(ledger: Ledger, rows: list[Row]) -> list[Row]:
    wanted = sorted({digest for row in rows for digest in (row.pop("texts") or "").split()})
    bodies = {row["digest"]: row["body"] for row in ledger.connection.rows("find_texts", digests=json.dumps(wanted))}
    return [{**row, "texts": bodies} for row in rows]


def costs(ledger: Ledger) -> list[Row]:
    """What answered calls cost, as sql/ledger/costs.sql."""
    return ledger.connection.rows("costs")


def retry(ledger: Ledger, keys: Iterable[str]) -> int:
    """Dead letters are open again, with no attempt counted; how many."""
    dead = {row["key"] for row in ledger.dead()}
    wanted = [{"key": key} for key in keys if key in dead]
    with ledger.connection.transaction():
        ledger.connection.many("retry_call", wanted)
    return len(wanted)


def archivable(ledger: Ledger, before: float, needed: Callable[[str, str], bool]) -> list[str]:
    """Keys of answers from before that time (seconds since 1970) that nothing needs. needed: of stage and subject.

    An answer whose subject is not known is never among them.
    """
    rows = ledger.connection.rows("archivable", cutoff=before)
    return [row["key"] for row in rows if not needed(row["stage"], row["subject"])]


def alone(ledger: Ledger) -> None:
    """Errors: WorkspaceError where another process has calls under way."""
    if others := ledger.leases.others():
        raise WorkspaceError(
            f"{len(others)} other commands have calls under way in {ledger.connection.path}",
            expected="no command that calls a model",
            fix="wait for them, then run again",
        )


def remove(ledger: Ledger, keys: Iterable[str]) -> None:
    """Calls, requests and answers go, in one transaction; what they cost stays in the accounts. They must lie elsewhere by now."""
    parameters = [{"key": key} for key in keys]
    with ledger.connection.transaction():
        for statement in ("delete_answer", "delete_request", "delete_call"):
            ledger.connection.many(statement, parameters)


def restore(ledger: Ledger, rows: Iterable[Mapping[str, Any]]) -> int:
    """Answered calls of an archive or export come back, unless they are here; how many rows were read. Costs are not counted again.

    PAGE rows a transaction: what was read before an error stays. Errors: whatever rows raises; WorkspaceError for a row that does not fit.
    """
    count, left = 0, iter(rows)
    while page := list(islice(left, PAGE)):
        count += len(page)
        with ledger.connection.transaction():
            known = ledger.connection.rows("find_calls", keys=json.dumps([row["key"] for row in page]))
            here = {row["key"] for row in known if row["state"] == "answered"}
            # Of a key that is there twice, the first row counts.
            fresh = {row["key"]: row for row in reversed(page) if row["key"] not in here}.values()
            calls = ("key", "model", "revision", "sent", "attempts")
            ledger.connection.many("restore_call", [{name: row[name] for name in calls} for row in fresh])
            ledger.connection.many(
                "store_answer", [{name: row[name] for name in ("key", "answered_at", *Answer.__slots__)} for row in fresh]
            )
            ledger.connection.many("store_request", [_asked(row) for row in fresh])
    return count


def _asked(row: Mapping[str, Any]) -> Row:
    """What an imported call was for; what was asked does not come back."""
    asked = {name: row[name] for name in ("key", "stage", "subject", "part")}
    return asked | {"characters": row["characters"] or 0, "shared": row["shared"] or 0, "texts": "", "body": None}


def drop_requests(ledger: Ledger, before: float) -> None:
    """What was asked is dropped for answers from before that time; what it was for, and the answers, stay. Errors: as alone."""
    alone(ledger)
    with ledger.connection.transaction():
        ledger.connection.many("drop_request", [{"cutoff": before}])
        kept = {digest for row in ledger.connection.rows("referenced_texts") for digest in row["texts"].split()}
        gone = [row["digest"] for row in ledger.connection.rows("text_digests") if row["digest"] not in kept]
        ledger.connection.many("delete_text", [{"digest": digest} for digest in gone])
    ledger.forget_texts()


def compact(ledger: Ledger) -> tuple[int, int]:
    """Give unused space back to the disk; bytes before and after. Errors: WorkspaceError where others have calls under way."""
    alone(ledger)
    before = size(ledger.connection.path)
    ledger.connection.execute("VACUUM")
    ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before, size(ledger.connection.path)


def size(path: Path) -> int:
    """Bytes of the file and its log."""
    parts = (path, path.with_name(path.name + "-wal"))
    return sum(part.stat().st_size for part in parts if part.exists())


def days_ago(days: float) -> float:
    """Seconds since 1970 of so many days ago."""
    return time.time() - days * 86400.0
