"""What models cost: `[prices]`, used by estimates, accounts and caps; no dataset depends on it."""

from pydantic import Field

from rubric_factory.settings.base import Section


class ModelPrices(Section):
    """Prices of one model's tokens. Empty: unknown."""

    prompt_per_million: float | None = Field(default=None, ge=0, description="price of a million prompt tokens")
    completion_per_million: float | None = Field(default=None, ge=0, description="price of a million completion tokens")
    cached_per_million: float | None = Field(
        default=None, ge=0, description="price of a million prompt tokens that the server says it had cached; empty: as the others"
    )

    @property
    def known(self) -> bool:
        """Whether both prices that every call needs are there."""
        return self.prompt_per_million is not None and self.completion_per_million is not None

    def of(self, prompt_tokens: float, completion_tokens: float, cached_tokens: float = 0.0) -> float | None:
        """Money for so many tokens, cached ones being part of the prompt's; None where a price is unknown."""
        if self.prompt_per_million is None or self.completion_per_million is None:
            return None
        cached = self.prompt_per_million if self.cached_per_million is None else self.cached_per_million
        prompt = (prompt_tokens - cached_tokens) * self.prompt_per_million + cached_tokens * cached
        return (prompt + completion_tokens * self.completion_per_million) / 1e6


class PriceSettings(ModelPrices):
    """Prices of every model, but for those that `models` names."""

    currency: str = Field(default="USD", description="currency of the prices")
    models: dict[str, ModelPrices] = Field(default_factory=dict, description='models with prices of their own: [prices.models."NAME"]')

    def for_model(self, model: str) -> ModelPrices:
        """Prices of one model."""
        return self.models.get(model, self)
