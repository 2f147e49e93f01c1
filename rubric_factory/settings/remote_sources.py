"""Sources that lie elsewhere, acquired over a network: lists of URLs, and the OSTI records API."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from rubric_factory.settings.network import NetworkSettings
from rubric_factory.settings.source_base import NamedSource


class UrlListSource(NamedSource):
    """Documents at URLs. Keys of its documents: name + '/' + the URL in normal form."""

    type: Literal["url_list"] = "url_list"
    path: Path | None = Field(default=None, description="text file, one http(s) URL a line, '#' begins a comment line")
    urls: tuple[str, ...] = Field(default=(), description="URLs named right here, with those of path")
    refresh_days: float = Field(default=0.0, ge=0, description="days in which a document is not asked for again; 0: at every ingest")
    network: NetworkSettings = NetworkSettings()

    @model_validator(mode="after")
    def _something(self) -> "UrlListSource":
        if self.path is None and not self.urls:
            raise ValueError("path or urls is needed")
        return self


class OstiSource(NamedSource):
    """Reports found by the public records API of OSTI (https://www.osti.gov/api/v1/docs). Keys of its documents: name + '/' + OSTI id."""

    type: Literal["osti"] = "osti"
    query: str = Field(default="", description="words to search for (parameter q); empty: no such condition")
    parameters: dict[str, str] = Field(
        default={"product_type": "Technical Report", "has_fulltext": "true"},
        description="further search parameters, as the API's documentation names them",
    )
    max_documents: int = Field(default=100_000, ge=1, description="records listed at most")
    rows: int = Field(default=100, ge=1, le=1000, description="records asked for a page")
    listing_days: float = Field(default=1.0, ge=0, description="days in which a finished search is not run again")
    refresh_days: float = Field(default=30.0, ge=0, description="days in which a document is not asked for again; 0: at every ingest")
    base_url: str = Field(default="https://www.osti.gov/api/v1/records", description="the records resource")
    network: NetworkSettings = NetworkSettings()

    @field_validator("base_url")
    @classmethod
    def _plain_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or "@" in parts.netloc:
            raise ValueError("base_url is http(s)://HOST[:PORT]/PATH, without query, fragment or user name")
        return value

    @field_validator("parameters")
    @classmethod
    def _not_ours(cls, value: dict[str, str]) -> dict[str, str]:
        if ours := sorted({"q", "rows", "page"} & value.keys()):
            raise ValueError(f"{ours[0]} has a key of its own here: query, rows; pages are counted by the source")
        return value


class ObjectStoreSource(NamedSource):
    """Objects below a prefix of a store that fsspec speaks: s3://BUCKET/PREFIX with the extra [s3]. Keys: name + '/' + path below it."""

    type: Literal["object_store"] = "object_store"
    url: str = Field(
        pattern=r"^(s3|gs|gcs|abfs|az|memory)://\S+$",
        description="store and prefix, for example s3://reports/2024; s3, gs, gcs, abfs, az, and memory for tests",
    )
    options: dict[str, str | bool | int] = Field(
        default={}, description="options of the store, for example anon = true; credentials come from the environment (AWS_PROFILE…)"
    )
    concurrency: int = Field(default=8, ge=1, le=64, description="objects copied at once")

    @field_validator("url")
    @classmethod
    def _one_store(cls, value: str) -> str:
        if "::" in value:
            raise ValueError("url names one store: a chain of them ('::') is not opened")
        return value

    @field_validator("options")
    @classmethod
    def _no_secrets(cls, value: dict[str, str | bool | int]) -> dict[str, str | bool | int]:
        if secret := sorted({"key", "secret", "token", "password", "sas_token", "account_key"} & value.keys()):
            raise ValueError(f"{secret[0]} is a secret: the store's own environment variables or profile hold it, never this file")
        return value
