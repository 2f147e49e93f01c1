"""How documents are fetched over a network: `[network]`."""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, field_validator

from rubric_factory.settings.base import Section


def _network(value: str) -> str:
    return str(ipaddress.ip_network(value))


class NetworkSettings(Section):
    """Policy of every request of a remote source (docs/adr/0007). Sizes are capped by extract.max_bytes."""

    contact: str = Field(
        default="", pattern=r"^[\x21-\x7e]{0,200}$", description="mail address or page that the User-Agent names, for servers' owners"
    )
    allow_addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        default=(), description="networks (CIDR) that may be asked although they are not public, for example an intranet's"
    )
    proxy: str | None = Field(
        default=None, description="http://HOST:PORT of a proxy; it resolves names then. HTTP_PROXY and the like are not read"
    )
    timeout_seconds: float = Field(default=120.0, gt=0, description="wall time of one request with its body")
    retries: int = Field(default=3, ge=0, le=20, description="further tries after a transport error, a timeout, 429 or 5xx")
    max_wait_seconds: float = Field(default=120.0, ge=0, description="longest wait a server may ask for (Retry-After, Crawl-delay)")
    max_redirects: int = Field(default=5, ge=0, le=20, description="redirects followed for one document")
    host_seconds: float = Field(default=1.0, ge=0, description="seconds between two requests to one host, at least")
    host_concurrency: int = Field(default=2, ge=1, le=64, description="requests to one host at once")
    concurrency: int = Field(default=16, ge=1, le=1024, description="requests at once")

    @field_validator("proxy")
    @classmethod
    def _proxy(cls, value: str | None) -> str | None:
        parts = urlsplit(value) if value else None
        if parts is not None and (parts.scheme != "http" or not parts.hostname or parts.username is not None):
            raise ValueError("proxy is http://HOST:PORT, without user name or password")
        return value
