"""What a person sees of a run in Prefect's UI: tables and short texts. Whatever came from a document or a model is inert in them."""

import re
from pathlib import Path
from typing import Any

from rubric_factory.text import printable

Row = dict[str, Any]
_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+\-.!|~<>&])")
SHOWN_CHARACTERS = 300


def inert(value: Any) -> str:
    """Text that is nothing but text where Markdown is read: in Markdown artifacts, and in the cells of tables too. Cut."""
    return _SPECIAL.sub(lambda m: {"<": "&lt;", ">": "&gt;", "&": "&amp;"}.get(m[1], "\\" + m[1]), printable(str(value), SHOWN_CHARACTERS))


def code(value: Any) -> str:
    """Text as Markdown code: a path, an id. Backticks in it become quotes."""
    return f"`{printable(str(value), 1000).replace('`', chr(39))}`"


def counts(stage: Row) -> dict[str, int]:
    """What a stage counted, without what it counted none of."""
    return {key: value for key, value in stage.items() if isinstance(value, int) and not isinstance(value, bool) and value}


def line(stage: Row) -> str:
    """What a stage counted, for a log."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in counts(stage).items()) or "nothing to do"


def funnel(stages: list[Row]) -> list[Row]:
    """One row a figure of a stage: what it counted, then what it refused, by reason. Narrow: wide columns leave the page."""
    rows = []
    for stage in stages:
        found = [(key, value) for key, value in counts(stage).items()]
        found += [(f"refused: {reason}", value) for reason, value in sorted(stage["rejections"].items())]
        rows += [{"stage": inert(stage["stage"]), "what": inert(key.replace("_", " ")), "count": value} for key, value in found]
    return rows


def gates(found: dict[str, dict[str, int]]) -> list[Row]:
    """One row a gate."""
    return [{"gate": inert(name), "checked": row["checked"], "refused": row["refused"]} for name, row in found.items()]


def publication(stages: list[Row], name: str) -> str:
    """What a rebuild came to, and where its audit page lies."""
    done = {stage["stage"]: stage for stage in stages}
    row = done.get("publish")
    if row is None:
        return "Nothing was published: the run did not get that far."
    news = "was published" if row["published"] else "is the latest; nothing new was published"
    lines = [f"**{inert(name)} {inert(row['version'])}** {news}.", "", f"* folder: {code(row['folder'])}"]
    page = Path(row["folder"]) / "report.html"
    lines.append("* audit page: " + code(page if page.exists() else f"rubric-factory audit {row['folder']}"))
    return "\n".join(lines)


def figure(found: Row) -> str:
    """mean [low, high]."""
    return "no grade" if found["mean"] is None else f"{found['mean']:.3f} [{found['ci95_low']:.3f}, {found['ci95_high']:.3f}]"


def intervals(groups: dict[str, dict[str, Row]]) -> list[Row]:
    """One row a group, one column an arm; mean and 95 % interval."""
    return [{"group": inert(group), **{printable(arm): figure(found) for arm, found in arms.items()}} for group, arms in groups.items()]


def training_note(row: Row) -> str:
    """What a training job came to, and where the run lies."""
    words = {
        "trained": "This run was trained.",
        "finished before": "This run was finished before; nothing was trained again.",
    }
    return "\n".join([words[row["state"]], "", f"* run: {code(row['run_path'])}", f"* version: {code(row['version'])}"])
