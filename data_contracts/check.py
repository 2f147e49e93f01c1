"""Ask every contract of a staged folder and write contracts.json into it. The only module with a Great Expectations context."""

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_contracts import criteria, documents, passages, policy, tasks, verdicts
from data_contracts.facts import PROFILES, Finding, ask
from rubric_factory.dataset_facts import published_schema
from rubric_factory.dataset_files import CONTRACTS, DatasetRows, content_fingerprint, file_sha256, load_rows
from rubric_factory.errors import BlockedError, MissingExtraError, UsageError, WorkspaceError
from rubric_factory.publishing.staged import STAGED, load_staged
from rubric_factory.stages import Context, StageReport
from rubric_factory.stages.trials import STAGE
from rubric_factory.tables import VERDICTS
from rubric_factory.text import printable
from rubric_factory.workspace import write_text

SUITES: dict[str, ModuleType] = {
    "documents": documents,
    "passages": passages,
    "tasks": tasks,
    "criteria": criteria,
    "policy": policy,
    "verdicts": verdicts,
}
EXAMPLES = 5


@dataclass(frozen=True)
class Check:
    """One expectation or fact: unexpected is the number of records against it (0 where only a whole table is), examples name some."""

    table: str
    check: str
    severity: str
    success: bool
    unexpected: int
    examples: tuple[str, ...]

    def row(self) -> dict[str, Any]:
        """As it stands in contracts.json."""
        return {name: getattr(self, name) for name in ("table", "check", "severity", "success", "unexpected")} | {
            "examples": list(self.examples)
        }


@dataclass(frozen=True)
class ContractReport:
    """Result of all contracts on one staged content; success: no check of severity error failed."""

    profile: str
    content_fingerprint: str
    checks: tuple[Check, ...]

    @property
    def failed(self) -> tuple[Check, ...]:
        """Failed checks of severity error."""
        return tuple(check for check in self.checks if not check.success and check.severity == "error")

    @property
    def success(self) -> bool:
        """Whether this content may be published."""
        return not self.failed

    def require(self) -> None:
        """Errors: BlockedError that names the first failed checks."""
        if self.failed:
            names = ", ".join(f"{check.table}.{check.check} ({', '.join(check.examples[:2])})" for check in self.failed[:3])
            raise BlockedError(
                f"{len(self.failed)} contracts failed: {names}",
                expected="none",
                fix=f"see {CONTRACTS} in the staged folder; mend and stage again",
            )


def _context() -> Any:
    """An ephemeral context: no files, no network, no progress bars. Errors: MissingExtraError."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    try:
        import great_expectations as gx
        from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults, ProgressBarsConfig
    except ImportError:
        raise MissingExtraError.of("great_expectations", "pipeline") from None
    configuration = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    return gx.get_context(mode="ephemeral", project_config=configuration)


def _name(configuration: Any) -> str:
    arguments = configuration.kwargs
    columns = [str(arguments[name]) for name in ("column", "column_A", "column_B") if name in arguments]
    return ":".join([configuration.type.removeprefix("expect_"), *columns])


def _check(table: str, result: Any, keys: list[Any]) -> Check:
    """Our row of one Great Expectations result: positions become keys, so that no document text is stored."""
    severity = "error" if result.expectation_config.severity == "critical" else "warning"
    positions = result.result.get("partial_unexpected_index_list") or []
    examples = tuple(printable(str(keys[at]), 120) for at in positions[:EXAMPLES] if isinstance(at, int))
    return Check(
        table, _name(result.expectation_config), severity, bool(result.success), int(result.result.get("unexpected_count", 0)), examples
    )


def _verdict_rows(path: Path | None) -> list[dict[str, Any]] | None:
    """Stored verdicts, none where the judge graded nothing; None where nobody says where they lie. Errors: WorkspaceError."""
    if path is None:
        return None
    try:
        columns = [name for name in VERDICTS.names if name not in ("raw", "reason", "criteria", "agreement", "votes")]
        return pq.read_table(path, columns=columns).to_pylist() if path.exists() else []
    except (OSError, pa.ArrowInvalid) as error:
        raise WorkspaceError(
            f"cannot read {path}: {error}", expected="the judge's verdicts", fix="run rubric-factory judge-gate again"
        ) from None


def _expectations(rows: DatasetRows, judged: list[dict[str, Any]], judge: str) -> list[Check]:
    from great_expectations import ExpectationSuite

    from data_contracts import frames

    source = _context().data_sources.add_pandas("staged")
    checks: list[Check] = []
    for table, suite in SUITES.items():
        frame = frames.verdicts(rows, judged, judge) if table == "verdicts" else getattr(frames, table)(rows)
        batch = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all").get_batch({"dataframe": frame})
        results = batch.validate(ExpectationSuite(table, expectations=suite.expectations())).results
        found = [_check(table, result, list(frame[suite.KEY])) for result in results]
        checks += sorted(found, key=lambda check: (check.check, check.severity))
    return checks


def _fact(finding: Finding) -> Check:
    examples = tuple(printable(problem, 200) for problem in finding.problems[:EXAMPLES])
    return Check("facts", finding.name, finding.severity, not finding.problems, len(finding.problems), examples)


def check(folder: Path, profile: str, *, datasets: Path, stored: Path | None = None) -> ContractReport:
    """Check a staged folder and write its contracts.json (the same bytes for the same content).

    profile: 'standard', or 'release', where an empty split, demo grade or a large cluster blocks too. datasets: where published versions
    lie, for ancestors and takedowns. stored: verdicts of the judge's gates, looked at where the version names a judge.

    Errors: UsageError, BlockedError where nothing is staged, DatasetError, MissingExtraError, WorkspaceError.
    """
    if profile not in PROFILES:
        raise UsageError(f"unknown contract profile {profile!r}", expected=f"one of {', '.join(PROFILES)}")
    staged = load_staged(folder)
    (folder / CONTRACTS).unlink(missing_ok=True)
    settings = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    fingerprint = content_fingerprint(folder)
    checks = [_fact(Finding("published_schema", "error", tuple(published_schema(folder))))]
    if checks[0].success:
        rows = load_rows(folder)
        found = _verdict_rows(stored) if staged.judge else None
        judged = None if found is None else {row["task_id"] for row in found}
        places = {"folder": folder, "fingerprint": fingerprint, "datasets": datasets, "profile": profile}
        findings = ask(rows, staged, settings, judged=judged, **places)  # type: ignore[arg-type]
        checks += [_fact(finding) for finding in findings] + _expectations(rows, found or [], staged.judge)
    report = ContractReport(profile, fingerprint, tuple(checks))
    written = {
        "success": report.success,
        "profile": profile,
        "content_fingerprint": fingerprint,
        "staged_sha256": file_sha256(folder / STAGED),
        "checks": [each.row() for each in checks],
    }
    write_text(folder / CONTRACTS, json.dumps(written, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    return report


def contracts(context: Context) -> StageReport:
    """The contracts as a stage: checks the staged folder with the configured profile. A failure is in contracts.json and in the counts.

    Counts: checks, failed_errors, failed_warnings. Errors: as check; a failed contract itself is raised by publish, or by
    ContractReport.require.
    """
    started = time.monotonic()
    with context.progress.step("contracts", 1, "folders") as step:
        folder = context.workspace.staging / context.settings.name
        stored = context.workspace.verdicts / f"{STAGE}.parquet"
        report = check(folder, context.settings.publish.profile, datasets=context.workspace.datasets, stored=stored)
        step.advance()
    warnings = sum(not each.success for each in report.checks) - len(report.failed)
    counts = {"checks": len(report.checks), "failed_errors": len(report.failed), "failed_warnings": warnings}
    return StageReport("contracts", counts, {}, time.monotonic() - started)
