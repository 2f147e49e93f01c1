"""The audit page into the staged folder: it travels with the version, and shows why a blocked one is blocked."""

import time

from rubric_factory.stages import Context, StageReport
from rubric_factory.workspace import write_text

REPORT = "report.html"


def audit(context: Context) -> StageReport:
    """Render report.html of the staged folder, the same bytes for the same content. Publishing is what refuses, not this.

    Counts: errors (error-severity results on the page). Errors: BlockedError where nothing is staged, DatasetError, MissingExtraError.
    """
    from rubric_factory.reports.audit_page import audit_page

    started = time.monotonic()
    folder = context.workspace.staging / context.settings.name
    with context.progress.step("audit", 1, "pages") as step:
        page, errors = audit_page(folder)
        write_text(folder / REPORT, page)
        step.advance()
    return StageReport("audit", {"errors": len(errors)}, {}, time.monotonic() - started)
