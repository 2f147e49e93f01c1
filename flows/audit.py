"""Prefect flow `audit`: the audit page of a version, rendered anew."""

from pathlib import Path

from prefect import flow
from prefect.artifacts import create_markdown_artifact

from flows import artifacts, webhook
from flows.commands.common import Invocation
from flows.daily import render_audit
from flows.resolve import version_folder
from flows.units import unit
from rubric_factory.errors import BlockedError


@flow(
    name="audit",
    flow_run_name="audit {version}",
    persist_result=False,
    log_prints=False,
    validate_parameters=False,
    on_failure=[webhook.notify],
    on_crashed=[webhook.notify],
)
def audit(version: str, config: str = "pipeline.toml", workspace: str | None = None) -> str:
    """Render the page of VERSION (NAME, NAME@VERSION or a folder); its path. Errors: BlockedError for an error-severity result."""
    invocation = Invocation(config=Path(config), workspace=Path(workspace) if workspace else None)
    context = invocation.context()
    folder = version_folder(invocation, version)

    def render() -> dict[str, object]:
        path, errors = render_audit(context, folder)
        return {"page": str(path), "errors": errors}

    row = unit(f"audit {version}", render)
    create_markdown_artifact(
        f"* audit page: {artifacts.code(row['page'])}", key=f"{context.settings.name}-audit", description="The audit page"
    )
    if row["errors"]:
        raise BlockedError("; ".join(row["errors"][:3]), expected="no error-severity result", fix=f"see {row['page']}")
    return str(row["page"])
