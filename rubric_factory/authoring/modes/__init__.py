"""How the language-model author comes to its tasks: one small generator a mode, one table of all."""

from collections.abc import Callable, Mapping
from typing import Any

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Part
from rubric_factory.authoring.modes.contrast import contrast
from rubric_factory.authoring.modes.passage import in_one_call, in_three_calls
from rubric_factory.authoring.modes.withheld_section import withheld_section
from rubric_factory.records import Rejection
from rubric_factory.settings.author import LanguageModelAuthor

Mode = Callable[[Desk, Sheet], Part[tuple[list[Draft], list[Rejection]]]]
# By the name that stands in TaskNote.mode.
MODES: Mapping[str, Mode] = {
    "passage": in_one_call,
    "passage-3": in_three_calls,
    "contrast": contrast,
    "withheld_section": withheld_section,
}


def mode_of(section: LanguageModelAuthor) -> str:
    """Name of the configured mode."""
    mode: Any = section.mode
    return "passage-3" if mode.type == "passage" and mode.calls == 3 else str(mode.type)
