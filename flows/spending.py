"""What models have cost: by stage, by gate, per published task, and how much of the prompts was computed anew."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from flows.summary import read_rows, splits
from rubric_factory.dataset_version import versions
from rubric_factory.gates.model.protocol import SAMPLE
from rubric_factory.gates.model.solver import STAGE as SOLVER
from rubric_factory.gates.model.table import JUDGE_GATES
from rubric_factory.ledger import Ledger, look
from rubric_factory.settings import Settings
from rubric_factory.settings.prices import PriceSettings
from rubric_factory.workspace import Workspace

Row = dict[str, Any]
SUMMED = ("calls", "asked", "prompt_tokens", "completion_tokens", "cached_tokens", "uncached_tokens", "seconds")
# Stages whose calls are gradings of answers.
JUDGING = frozenset({"probe", "lock", "verify", "judge-gate", "judge-audit", "judge", "evaluate-judge", "train"})


def ledgers(workspace: Workspace) -> list[Path]:
    """The workspace's ledger and those of its training runs, as far as they are there."""
    own = [workspace.ledger] if workspace.ledger.exists() else []
    return own + sorted(workspace.runs.glob("*/ledger-*.sqlite"))


def _read(path: Path) -> tuple[list[Row], list[Row]]:
    """Rows of costs, and of what was spent without an answer that is still here: failed calls, archived answers."""
    with Ledger(path) as ledger:
        rows = look.costs(ledger)
        spent = ledger.spent()
    for row in rows:
        row["uncached_tokens"] = row.pop("uncached_told") + row.pop("uncached_shared")
        row["stage"] = row["stage"] or "unknown"
    gone = []
    for one in spent:
        here = [r for r in rows if (r["model"], r["revision"], r["stage"]) == (one.model, one.revision, one.stage or "unknown")]
        rest = {
            name: getattr(one, name) - sum(r[name] for r in here) for name in ("calls", "prompt_tokens", "completion_tokens", "seconds")
        }
        if rest["calls"] > 0:
            blank = {"asked": 0, "cached_tokens": 0, "uncached_tokens": rest["prompt_tokens"], "told": 0, "kind": ""}
            gone.append({"model": one.model, "revision": one.revision, "stage": one.stage or "unknown", **blank, **rest})
    return rows, gone


def _total(rows: Iterable[Row], prices: PriceSettings, **name: str) -> Row:
    """Sums over rows; money is None where one of their models has no price."""
    rows = list(rows)
    total: Row = {**name, **{key: sum(row[key] for row in rows) for key in SUMMED}}
    money = [prices.for_model(row["model"]).of(row["prompt_tokens"], row["completion_tokens"], row["cached_tokens"]) for row in rows]
    known = [one for one in money if one is not None]
    total["money"] = round(sum(known), 6) if len(known) == len(money) else None
    total["uncached_tokens"], total["seconds"] = round(total["uncached_tokens"]), round(total["seconds"], 1)
    return total


def _by(rows: list[Row], key: str, prices: PriceSettings) -> list[Row]:
    return [_total((row for row in rows if row[key] == value), prices, **{key: value}) for value in sorted({row[key] for row in rows})]


def _gates(rows: list[Row], prices: PriceSettings, accepted: int) -> list[Row]:
    """judge-gate by the kind of answer that was graded, with the gates that read its score; one grading may serve several.

    What the solver was asked stands beside it, as kind 'solver'. per_accepted: calls, tokens and money over the tasks that the gates left.
    """
    asked = [row for row in rows if row["stage"] == "judge-gate"] + [{**r, "kind": SOLVER} for r in rows if r["stage"] == SOLVER]
    found = _by(asked, "kind", prices)
    for row in found:
        wanted = SAMPLE if row["kind"] == SOLVER else row["kind"]
        row["gates"] = [name for name, entry in JUDGE_GATES.items() if wanted in entry.needs]
        names = ("calls", "prompt_tokens", "completion_tokens", "money")
        row["per_accepted"] = {name: round(row[name] / accepted, 6) for name in names if accepted and row[name] is not None}
    return found


def accepted_tasks(workspace: Workspace) -> int:
    """Tasks that judge-gate graded and did not refuse."""
    refused = {row["record_id"] for row in read_rows(workspace, "rejections", "record_id", "stage") if row["stage"] == "judge-gate"}
    return sum(row["task_id"] not in refused for row in read_rows(workspace, "quality", "task_id"))


def _how(rows: list[Row]) -> str:
    """How uncached tokens are known."""
    told, calls = sum(row["told"] for row in rows), sum(row["calls"] for row in rows)
    if told == calls:
        return "as the servers told"
    shared = "computed: the part of each prompt that the prompt before it did not have, in characters"
    return shared if told == 0 else f"{told} of {calls} answers as the server told, the others {shared}"


def published_tasks(workspace: Workspace, name: str) -> int:
    """Tasks of the latest published version of a dataset, 0 without one."""
    own = [version for version in versions(workspace.datasets) if version.name == name]
    return sum(side["tasks"] for side in splits(Path(own[-1].path)).values()) if own else 0


def spending(settings: Settings, workspace: Workspace) -> Row:
    """Totals of all ledgers. per_published_task: everything spent, refused work included, over the tasks of the latest version.

    uncached_prompt_tokens: of the author per task it wrote that is there now, of judges per judged response.
    """
    prices, paths = settings.prices, ledgers(workspace)
    rows, gone = [], []
    for path in paths:
        here, lost = _read(path)
        rows += here
        gone += lost
    written, published = len(read_rows(workspace, "tasks", "task_key")), published_tasks(workspace, settings.name)
    stages, accepted = _by(rows, "stage", prices), accepted_tasks(workspace)
    author, judging = [r for r in rows if r["stage"] == "author"], [r for r in rows if r["stage"] in JUDGING]
    graded = sum(row["asked"] for row in judging)
    total = _total(rows + gone, prices)
    each = {row["stage"]: row["money"] / published for row in stages if published and row["money"] is not None}
    return {
        "currency": prices.currency,
        "ledgers": [str(path) for path in paths],
        "total": total,
        "stages": stages,
        "without_answer": _total(gone, prices) if gone else None,
        "models": _by(rows, "model", prices),
        "gates": _gates(rows, prices, accepted),
        "accepted_tasks": accepted,
        "published_tasks": published,
        "money_per_published_task": total["money"] / published if published and total["money"] is not None else None,
        "money_per_published_task_by_stage": each,
        "tasks_written": written,
        "responses_judged": graded,
        "uncached_prompt_tokens_per_task": round(sum(r["uncached_tokens"] for r in author) / written, 1) if written and author else None,
        "uncached_prompt_tokens_per_judged_response": round(sum(r["uncached_tokens"] for r in judging) / graded, 1) if graded else None,
        "uncached_basis": _how(author + judging),
    }
