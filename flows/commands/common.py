"""What all commands share: the common options, the context built from them, and how results are shown."""

import contextlib
import dataclasses
import functools
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rubric_factory.settings import Settings
    from rubric_factory.stages import Context, StageReport
    from rubric_factory.workspace import Workspace

ALLOW = "Go on with a judge that failed an error-severity probe; manifest and card record it."
DEFAULT_CONFIG = Path("pipeline.toml")


@dataclass
class Invocation:
    """The common options of one command line, and where its results go."""

    config: Path | None = None
    workspace: Path | None = None
    json: bool = False
    debug: bool = False

    def settings(self, default: Path = DEFAULT_CONFIG) -> "Settings":
        """Settings of --config (or the default file), with --workspace over them."""
        from rubric_factory.settings import load_settings

        overrides = {"workspace": self.workspace} if self.workspace else None
        return load_settings(self.config or default, overrides)

    def place(self) -> "Workspace":
        """The workspace alone: --workspace needs no configuration file."""
        from rubric_factory.workspace import Workspace

        return Workspace(self.workspace or self.settings().workspace)

    def context(self, settings: "Settings | None" = None) -> "Context":
        """What every stage gets: settings, workspace, and progress shown on stderr and kept for `status`."""
        from rubric_factory.progress import Progress
        from rubric_factory.stages import Context
        from rubric_factory.workspace import Workspace

        settings = settings or self.settings()
        workspace = Workspace(settings.workspace)
        return Context(settings, workspace, Progress(workspace.progress))

    @contextlib.contextmanager
    def writer(self, command: str, settings: "Settings | None" = None) -> Iterator["Context"]:
        """The context of a command that writes: holds the workspace, and keeps the resolved settings beside the output."""
        from rubric_factory.workspace import write_text

        context = self.context(settings)
        with context.workspace.writing():
            resolved = context.settings.model_dump_json(indent=2)
            write_text(context.workspace.reports / f"settings-{command}.json", resolved + "\n")
            yield context

    def say(self, text: str = "") -> None:
        """One line for a person; nothing with --json."""
        if not self.json:
            click.echo(text)

    def result(self, row: dict[str, Any]) -> None:
        """The one JSON object, last line of stdout; nothing without --json."""
        if self.json:
            click.echo(json.dumps(row, ensure_ascii=True, default=str))
            sys.stdout.flush()

    def report(self, *rows: dict[str, Any]) -> None:
        """Show what stages did (rows of report_row), a line or two each."""
        for row in rows:
            counts = ", ".join(f"{name} {value}" for name, value in row.items() if isinstance(value, int) and not isinstance(value, bool))
            self.say(f"{row['stage']}: {counts}")
            refused = ", ".join(f"{reason} {count}" for reason, count in sorted(row["rejections"].items()))
            if refused:
                self.say(f"  refused: {refused}")
            if row.get("author"):
                self.say(f"  author: {row['author']}")
            if row.get("published") is True:
                self.say(f"published {row['version']}: {row['folder']}")
            elif row.get("published") is False:
                self.say(f"nothing new: content and card equal those of version {row['version']}; nothing was published")


def report_row(report: "StageReport") -> dict[str, Any]:
    """A stage report as a JSON row: its counts, and what else the stage measured, at the top level."""
    row = {field.name: getattr(report, field.name) for field in dataclasses.fields(report)}
    measured = {name: round(value, 3) if isinstance(value, float) else value for name, value in row.items() if name != "counts"}
    return {**report.counts, **measured}


def _keep(ctx: click.Context, parameter: click.Parameter, value: Any) -> None:
    if value and parameter.name:
        setattr(ctx.ensure_object(Invocation), parameter.name, value)


def _common(flag: str, text: str, **options: Any) -> click.Option:
    # Eager, so that an error of another option is already shown as --json and --debug ask.
    return click.Option([flag], help=text, callback=_keep, expose_value=False, is_eager=True, **options)


def common_options() -> list[click.Option]:
    """The options of every command, new ones each time."""
    return [
        _common("--config", "Configuration file.  [default: pipeline.toml; demo: its own]", type=click.Path(path_type=Path)),
        _common("--workspace", "Folder of everything that is made, over the configured one.", type=click.Path(path_type=Path)),
        _common("--json", "Print one JSON object as the last line of stdout.", is_flag=True),
        _common("--debug", "Show the traceback of an error.", is_flag=True),
    ]


def command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Decorator: a command with the common options behind its own; the function gets the Invocation first, its docstring is the help."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def checked(*given: Any, **options: Any) -> Any:
            from rubric_factory.settings import refuse_unknown_variables

            refuse_unknown_variables()  # here, so that commands which read no configuration refuse one too
            return function(*given, **options)

        made = click.command(name)(click.pass_obj(checked))
        made.params += common_options()
        return made

    return decorate
