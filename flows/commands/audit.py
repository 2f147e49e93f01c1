"""`audit`: the page that says what is in a version and whether it may be used. It reads the folder alone and locks nothing."""

from pathlib import Path

import click

from flows.commands.common import Invocation, command


@command("audit")
@click.argument("version", metavar="VERSION|PATH")
@click.option("--out", type=click.Path(path_type=Path), help="File to write.  [default: reports/ of the workspace]")
def audit_command(invocation: Invocation, version: str, out: Path | None) -> None:
    """Render the audit page of a version from its folder alone.

    One HTML file without script or network: funnel, gates, contracts, probes, distributions, splits, sample tasks with their evidence
    marked. VERSION is NAME (its latest), NAME@VERSION or VERSION in the workspace, PATH any folder, a staged one too. Exit code 3 when an
    error-severity result is in it; the page is written all the same.
    """
    from flows.resolve import version_folder
    from rubric_factory.errors import BlockedError
    from rubric_factory.reports.audit_page import audit_page
    from rubric_factory.workspace import write_text

    folder = version_folder(invocation, version)
    page, errors = audit_page(folder)
    path = out or invocation.place().reports / f"audit-{folder.resolve().parent.name}-{folder.resolve().name}.html"
    write_text(path, page)
    if errors:
        more = f" and {len(errors) - 3} more" if len(errors) > 3 else ""
        raise BlockedError(f"{'; '.join(errors[:3])}{more}", expected="no error-severity result", fix=f"see {path}")
    invocation.say(f"no error-severity result; {path}")
    invocation.result({"page": str(path), "errors": 0})
