"""`doctor`: whether environment and workspace can work, and the repair of the warehouse."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import click

from flows.commands.common import DEFAULT_CONFIG, Invocation, command
from flows.needs import LOCAL, local_models
from rubric_factory.errors import FactoryError, WorkspaceError
from rubric_factory.workspace import Workspace

# Extra: the packages that tell whether it is installed.
EXTRAS = {
    "pipeline": ("duckdb", "great_expectations", "pypdfium2", "trafilatura", "datasets"),
    "prefect": ("prefect",),
    "train": ("torch", "trl"),
    "vllm": ("vllm",),
    "local": LOCAL,
}
FREE_BYTES = 1_000_000_000


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: state is ok, missing (optional) or bad."""

    name: str
    state: str
    detail: str


def _environment() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    yield Finding("python", "ok" if sys.version_info >= (3, 11) else "bad", version)
    for extra, packages in EXTRAS.items():
        absent = [package for package in packages if importlib.util.find_spec(package) is None]
        detail = f"without {', '.join(absent)}: pip install -e '.[{extra}]' in the checkout" if absent else "installed"
        yield Finding(f"extra [{extra}]", "missing" if absent else "ok", detail)


def _tried(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", check())
    except FactoryError as error:
        return Finding(name, "bad", str(error))


def _disk(workspace: Workspace) -> str:
    workspace.create()
    free = shutil.disk_usage(workspace.root).free
    if free < FREE_BYTES:
        raise FactoryError(f"{free / 1e9:.1f} GB free", expected="at least 1 GB", fix="free some disk space")
    return f"{free / 1e9:.0f} GB free"


def _ledger(workspace: Workspace) -> str:
    from rubric_factory.ledger import Ledger, check_local

    check_local(workspace.ledger)
    if not workspace.ledger.exists():
        return "none yet; the disk is local"
    with Ledger(workspace.ledger) as ledger:
        rows = ledger.summary()
    return f"opens; {len(rows)} kinds of calls; the disk is local"


def _warehouse(workspace: Workspace) -> str:
    from rubric_factory import warehouse

    if not workspace.warehouse.exists():
        if rows := warehouse.exported_rows(workspace):
            raise WorkspaceError(
                f"{workspace.warehouse} is gone, and {rows} rows of it lie in {workspace.tables}",
                expected="both",
                fix="rubric-factory doctor --repair (the next command that writes does the same)",
            )
        return "none yet"
    with warehouse.opened(workspace) as store:
        return f"opens; {store.count('documents')} documents, {store.count('tasks')} tasks"


def repair(workspace: Workspace) -> dict[str, int]:
    """Rebuild the warehouse from the exported tables; rows per table. The old file stays until the new one is whole."""
    from rubric_factory import warehouse

    return warehouse.rebuild(workspace)


@command("doctor")
@click.option("--repair", "mend", is_flag=True, help="Rebuild the warehouse from the files of the workspace.")
@click.option("--keys", is_flag=True, help="Print every key of the configuration, with type, default and meaning, and check nothing.")
def doctor_command(invocation: Invocation, mend: bool, keys: bool) -> int:
    """Check environment and workspace; repair the warehouse.

    Exit code 1 when something is bad. A missing optional extra is only named, unless a model of type "local" needs it.
    """
    if keys:
        from flows.reference import settings_reference

        invocation.say(settings_reference())
        invocation.result({"keys": settings_reference()})
        return 0
    workspace = invocation.place()
    findings = list(_environment())
    with workspace.writing():
        if mend:
            loaded = ", ".join(f"{table} {rows}" for table, rows in repair(workspace).items())
            findings.append(Finding("repair", "ok", f"rebuilt from files: {loaded}"))
        findings.append(_tried("workspace", lambda: _disk(workspace)))
        findings.append(_tried("warehouse", lambda: _warehouse(workspace)))
    findings.append(_tried("ledger", lambda: _ledger(workspace)))
    if invocation.config or DEFAULT_CONFIG.exists():  # --workspace alone needs no configuration
        findings.append(_tried("local models", lambda: local_models(invocation.settings())))
    for finding in findings:
        invocation.say(f"{finding.state:<8} {finding.name}: {finding.detail}")
    invocation.result({"findings": [{"name": f.name, "state": f.state, "detail": f.detail} for f in findings]})
    return int(any(finding.state == "bad" for finding in findings))
