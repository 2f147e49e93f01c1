"""`demo`: the sample documents through every stage into a published version, then a small policy trained and evaluated on it."""

import json
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from flows.commands.common import Invocation, command, report_row

if TYPE_CHECKING:
    from rubric_factory.settings import Settings
    from rubric_factory.stages import Context, StageReport

EXCLUDED = ("LICENCES.tsv", "licences/*")


def demo_config() -> Path:
    """configs/demo.toml: it travels in the wheel."""
    return Path(str(files("configs").joinpath("demo.toml")))


def recorded_config() -> Path:
    """configs/demo-recorded.toml."""
    return demo_config().with_name("demo-recorded.toml")


def _authored_by(author: str) -> Path:
    return recorded_config() if author == "recorded" else demo_config()


def demo_settings(invocation: Invocation, out: Path, documents: Path | None, author: str = "extractive") -> "Settings":
    """Settings of the demo, its workspace under out. Errors: UsageError where there are no sample documents and none are given."""
    from rubric_factory.errors import UsageError
    from rubric_factory.settings.sources import FolderSource

    settings = invocation.settings(_authored_by(author))
    update: dict[str, Any] = {"workspace": invocation.workspace or out / "workspace"}
    if settings.author is not None and settings.author.type == "batch_files":
        update["author"] = settings.author.model_copy(update={"requests_dir": out / "requests"})
    if documents is not None:
        table = documents / "LICENCES.tsv"
        source = FolderSource(
            name="documents", path=documents.resolve(), exclude=EXCLUDED, licence_table=table.resolve() if table.exists() else None
        )
        update["sources"] = (source,)
    settings = settings.model_copy(update=update)
    missing = [source.path for source in settings.sources if source.type == "folder" and not source.path.is_dir()]
    if missing and documents is None and invocation.config is None:
        raise UsageError(
            "the sample documents are only in a checkout of the repository, and this is none",
            expected="a folder of PDF, HTML or text files",
            fix="rubric-factory demo --documents DIR",
        )
    if missing:
        raise UsageError(
            f"no folder at {missing[0]}", expected="a folder of PDF, HTML or text files", fix="name another with --documents DIR"
        )
    return settings


def summary(context: "Context", reports: "dict[str, StageReport]") -> dict[str, Any]:
    """What demo-run/summary.json holds, without the seconds: read from the tables and the published version."""
    from flows.summary import gates, probes, read_rows, rejections, splits
    from rubric_factory.dataset_version import latest
    from rubric_factory.errors import DatasetError

    version = latest(context.workspace.datasets, context.settings.name)
    if version is None:
        raise DatasetError("the stages ended and nothing is published", fix="run again with --debug")
    sides = splits(Path(version.path))
    return {
        "documents_seen": reports["ingest"].counts["documents_seen"],
        "documents_kept": reports["ingest"].counts["documents"],
        "rejections": rejections(context.workspace),
        "passages": len(read_rows(context.workspace, "passages", "passage_id")),
        "author": version.manifest["author"],
        "tasks_authored": len(read_rows(context.workspace, "tasks", "task_key")),
        "tasks_published": sum(side["tasks"] for side in sides.values()),
        "splits": sides,
        "gates": gates(context.workspace),
        "dataset_path": str(version.path),
        "version": version.version,
        "content_fingerprint": version.content_fingerprint,
        "contracts_passed": json.loads((Path(version.path) / "contracts.json").read_text(encoding="utf-8"))["success"],
        "evidence_grade": version.manifest["evidence_grade"],
        "probes": probes(version.manifest),
    }


def _worth(row: dict[str, Any]) -> str:
    if str(row["author"]).startswith("extractive"):
        return f"{row['evidence_grade']}: extractive tasks are plumbing. They prove the path; they are not training data."
    return f"{row['evidence_grade']}: recorded replies of a language model, graded by the embedded judge: to look at, not to train on."


def closing(invocation: Invocation, row: dict[str, Any], out: Path, *, news: bool, trains: bool) -> None:
    """The closing table: what was made, where, what it is worth, and how to go on."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from flows.demo_policy import rows as policy_rows
    from rubric_factory.text import printable

    if invocation.json:
        return
    table = Table(show_header=False, title="demo", title_justify="left")
    refused = sum(count for reasons in row["rejections"].values() for count in reasons.values())
    sides = ", ".join(f"{split} {side['tasks']} from {side['documents']} documents" for split, side in row["splits"].items())
    failed = [name for name, probe in row["probes"].items() if probe["passed"] is False]
    judged = f"{len(row['probes'])} probes; failed: {', '.join(failed) or 'none'}" if row["probes"] else "none configured"
    for name, value in (
        ("documents", f"{row['documents_seen']} seen, {row['documents_kept']} kept"),
        ("passages", row["passages"]),
        ("author", row["author"]),
        ("tasks", f"{row['tasks_authored']} authored, {row['tasks_published']} published"),
        ("splits", sides),
        ("refused", f"{refused} records at all stages, each with its reason: summary.json"),
        ("gates", f"{len(row['gates'])} gates; contracts {'passed' if row['contracts_passed'] else 'not passed'}"),
        ("judge", judged),
        ("version", f"{row['version']}{'' if news else '  (nothing new: same inputs, same version)'}"),
        ("dataset", row["dataset_path"]),
        ("audit page", str(Path(row["dataset_path"]) / "report.html")),
        *policy_rows(row, trains),
        ("summary", str(out / "summary.json")),
        ("time", f"{sum(row['seconds'].values()):.1f} s"),
        ("grade", _worth(row)),
        ("next", "a real author: set [author] in pipeline.toml (README, 'A real author'), then rubric-factory rebuild"),
    ):
        table.add_row(name, Text(printable(str(value), 1000)))
    Console(soft_wrap=True).print(table)


def _trained(context: "Context", version: Path) -> dict[str, Any]:
    from flows.demo_policy import can_train, figures, train_policy

    if can_train(context):
        return figures(train_policy(context, version))
    return dict.fromkeys(("heldout_reward", "rl_train_reward", "tuned_minus_base", "tuned_minus_constant", "run_path"))


@command("demo")
@click.option("--out", type=click.Path(path_type=Path), default=Path("demo-run"), show_default=True, help="Folder of everything it makes.")
@click.option("--documents", type=click.Path(path_type=Path), help="Folder of documents instead of the samples of a checkout.")
@click.option(
    "--author",
    type=click.Choice(["extractive", "recorded"]),
    default="extractive",
    show_default=True,
    help="Who writes the tasks: the embedded author, or recorded answers of a large language model (nothing is trained on those).",
)
def demo_command(invocation: Invocation, out: Path, documents: Path | None, author: str) -> None:
    """Walk the sample documents through every stage, into a published version, and train a small policy on it.

    No model, no server, no network: the embedded author is extractive, so its tasks are plumbing ("demo" grade). Running it again
    continues, and publishes nothing new when nothing changed.
    """
    from flows.laps import Laps, process_age
    from flows.pipeline import run_stage
    from rubric_factory.stages import STAGES
    from rubric_factory.stages.ingest import check_sources
    from rubric_factory.workspace import write_text

    laps = Laps(process_age())
    settings = demo_settings(invocation, out, documents, author)
    check_sources(invocation.context(settings))
    reports: dict[str, StageReport] = {}
    with invocation.writer("demo", settings) as context:
        laps.lap("startup")
        for stage in STAGES:
            reports[stage] = run_stage(stage, context)
            laps.lap(stage)
        row = summary(context, reports)
        laps.lap("summary")
        row |= _trained(context, Path(row["dataset_path"]))
        laps.lap("train")
        row["seconds"] = {name: round(seconds, 3) for name, seconds in laps.seconds.items()}
        write_text(out / "summary.json", json.dumps(row, indent=2, ensure_ascii=False) + "\n")
    published = bool(reports["publish"].counts.get("published"))
    closing(invocation, row, out, news=published, trains=settings.training is not None)
    invocation.result({**row, "stages": [report_row(report) for report in reports.values()]})
