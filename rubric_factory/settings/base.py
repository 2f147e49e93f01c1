"""The one base class of every settings section: frozen, unknown keys refused."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of pipeline.toml. Frozen; an unknown key is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
