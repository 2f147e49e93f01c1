"""withheld_section: the author sees a paper's front matter and methods, and one passage of its withheld results or conclusion.

After CLR-voyance (arXiv 2605.09584: the policy sees the past, the oracle the future). The question carries what its answer is reasoned
from; the passage is the task's grounding: evidence, gates and judge know it alone.
"""

from rubric_factory.authoring.desk import Desk, Draft, Sheet
from rubric_factory.authoring.dialogue import Part
from rubric_factory.authoring.modes.passage import in_one_call
from rubric_factory.records import Rejection


def withheld_section(desk: Desk, sheet: Sheet) -> Part[tuple[list[Draft], list[Rejection]]]:
    """All tasks of a withheld passage in one reply; the desk shows the sheet's visible part, and refuses what it tells already."""
    return (yield from in_one_call(desk, sheet))
