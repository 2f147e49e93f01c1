"""The face of every gate: one task with its passage in, one finding out; pure and deterministic."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from rubric_factory.records import Passage, Task
from rubric_factory.settings.gates import GateSettings


class Severity(StrEnum):
    """What a failed gate means: error refuses the task, warning is recorded and shown."""

    ERROR = "error"
    WARNING = "warning"


class Needs(StrEnum):
    """What a finding depends on, besides the settings: nothing else may change it."""

    TASK = "task"
    PASSAGE = "passage"
    TITLE = "document_title"


@dataclass(frozen=True, slots=True)
class GateInput:
    """What a gate may look at."""

    task: Task
    passage: Passage
    document_title: str


@dataclass(frozen=True, slots=True)
class GateFinding:
    """figure: what the gate measured, in the unit its docstring names; detail: one printable line, may be empty."""

    passed: bool
    figure: float
    detail: str = ""


Gate = Callable[[GateInput, GateSettings], GateFinding]
# Questions by task_key in, findings by task_key out.
CorpusGate = Callable[[dict[str, str], GateSettings], dict[str, GateFinding]]
