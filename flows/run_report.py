"""run.html beside the files that it shows: drawn when a run ends, well or badly, by whoever started it."""

from pathlib import Path

from rubric_factory.errors import DatasetError, MissingExtraError
from rubric_factory.workspace import write_text

PAGE = "run.html"


def draw(folder: Path, log: Path) -> None:
    """Write <folder>/run.html. A run does not fail for want of its page: a page that cannot be drawn is a line in its log."""
    try:
        from rubric_factory.reports.run_page import run_page

        write_text(folder / PAGE, run_page(folder))
    except (DatasetError, MissingExtraError) as error:
        with log.open("a", encoding="utf-8") as handle:
            handle.write(f"{PAGE} was not drawn: {error}\n")
