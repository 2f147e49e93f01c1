"""How much may be spent on language models: `[caps]`, checked before every call; no dataset depends on it."""

from pydantic import Field

from rubric_factory.settings.base import Section


class WorkspaceCaps(Section):
    """Of everything ever spent in this workspace, by all commands and models together. Empty: no cap."""

    calls: int | None = Field(default=None, ge=0, description="calls answered or failed, at most")
    tokens: int | None = Field(default=None, ge=0, description="prompt and completion tokens, at most")
    money: float | None = Field(default=None, ge=0, description="money at the prices of [prices], at most")


class CapSettings(Section):
    """Of one command, whatever it calls models for (`rebuild` and `publish` with all their stages). Empty: no cap.

    A command that reaches a cap sends nothing more, waits for what is under way, and ends with exit code 1; run again, it continues.
    Batch files are not held to a cap: they are paid where they are answered.
    """

    calls: int | None = Field(default=None, ge=0, description="calls sent, at most")
    tokens: int | None = Field(default=None, ge=0, description="prompt and completion tokens, at most")
    money: float | None = Field(default=None, ge=0, description="money at the prices of [prices], at most")
    hours: float | None = Field(default=None, gt=0, description="wall time after which nothing more is sent")
    workspace: WorkspaceCaps = WorkspaceCaps()

    @property
    def spending(self) -> bool:
        """Whether calls, tokens or money are capped, of the command or of the workspace."""
        return any(one is not None for own in (self, self.workspace) for one in (own.calls, own.tokens, own.money))
