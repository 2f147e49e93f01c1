"""The daily jobs: `[serve]`."""

from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from rubric_factory.settings.base import Section

CRON_FIELDS = 5


class ServeSettings(Section):
    """When `rubric-factory serve` rebuilds, and who hears of a failure. `train` and its evaluation follow what a rebuild publishes."""

    cron: str = Field(default="0 2 * * *", description="when to rebuild: minute, hour, day of month, month, day of week")
    timezone: str = Field(default="UTC", description="time zone of cron, for example Europe/Berlin")
    webhook: SecretStr | None = Field(
        default=None,
        description="http(s) address that is sent a JSON object when a job fails; it may hold a secret, so it is shown and stored nowhere "
        "(or set RUBRIC_FACTORY_SERVE__WEBHOOK)",
    )
    webhook_seconds: float = Field(default=10.0, gt=0, le=120, description="seconds one try to reach the webhook may take; there are two")

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, value: str) -> str:
        if len(value.split()) != CRON_FIELDS:
            raise ValueError('cron has five fields, for example "0 2 * * *"')
        return value

    @field_validator("webhook")
    @classmethod
    def _http(cls, value: SecretStr | None) -> SecretStr | None:
        parts = urlsplit(value.get_secret_value()) if value else None
        if parts is not None and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("webhook is http://HOST[:PORT]/PATH or https://...")
        return value
