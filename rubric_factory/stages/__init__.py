"""One file a stage. A stage composes rooms and decides nothing; the CLI and the flows call the same functions."""

from dataclasses import dataclass, field

from rubric_factory.llm.account import Account
from rubric_factory.progress import Progress
from rubric_factory.settings import Settings
from rubric_factory.workspace import Workspace

# In the order data walks through them; the names `--from` takes.
STAGES = ("ingest", "passages", "author", "gate", "probe", "lock", "judge-gate", "stage", "contracts", "audit", "publish")


@dataclass(frozen=True)
class Context:
    """What every stage gets. account: of what the command has spent on models, over all its stages."""

    settings: Settings
    workspace: Workspace
    progress: Progress = field(default_factory=Progress)
    account: Account = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "account", Account(self.settings.caps, self.settings.prices))


@dataclass(frozen=True)
class StageReport:
    """What every stage returns: counts, never rows."""

    stage: str
    counts: dict[str, int]
    rejections: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
