"""What a model costs: `[prices]`, used by estimates alone; no dataset depends on it."""

from pydantic import Field

from rubric_factory.settings.base import Section


class PriceSettings(Section):
    """Prices of the author's tokens, for `rebuild --dry-run`. Empty: unknown."""

    prompt_per_million: float | None = Field(default=None, ge=0, description="price of a million prompt tokens")
    completion_per_million: float | None = Field(default=None, ge=0, description="price of a million completion tokens")
    currency: str = Field(default="USD", description="currency of the prices")
