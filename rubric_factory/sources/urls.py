"""URLs as they are asked for: one parser for the check and the request, one normal form for keys."""

import ipaddress
import re

from yarl import URL

MAX_CHARACTERS = 4000
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_USER = re.compile(r"[^/?#]*//[^/?#]*@")  # an empty user name too, which the parser drops
_NUMBER = re.compile(r"\d+|0x[0-9a-f]*")


class BadUrl(ValueError):
    """A URL that is not asked for; the message says why."""


def parse(text: str, base: URL | None = None) -> URL:
    """The URL in normal form: lower-case ASCII host, no default port, no fragment, no dot segments. base: what a relative one refers to.

    Refused (BadUrl): anything but http and https; user names; hosts that are addresses in disguise (octal, hexadecimal, one number,
    a zone id), or no host names at all. Nothing here is asked of a network.
    """
    if len(text) > MAX_CHARACTERS:
        raise BadUrl(f"{len(text)} characters, at most {MAX_CHARACTERS}")
    if not text or any(character.isspace() or not character.isprintable() or character == "\\" for character in text):
        raise BadUrl("blanks, control characters or backslashes in it")
    try:
        url = URL(text)
        url = base.join(url) if base is not None else url
        port = url.port
        host = url.raw_host
    except ValueError as error:
        raise BadUrl(str(error)) from None
    if url.scheme not in ("http", "https"):
        raise BadUrl(f"the scheme is {url.scheme or 'missing'}, not http or https")
    if url.raw_user is not None or url.raw_password is not None or _USER.match(text):
        raise BadUrl("it holds a user name or password")
    if not host or not port:
        raise BadUrl("no host, or port 0")
    url = url.with_host(_host(host.rstrip("."))).with_fragment(None)
    return url if url.raw_path != "/" else url.with_path("/", keep_query=True)


def _host(host: str) -> str:
    """The host if it is a name, or an address in its usual form."""
    if literal(host):
        return host
    if not _HOST.fullmatch(host) or ".." in host:
        raise BadUrl(f"{host[:80]!r} is no host name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        raise BadUrl(f"{host} is an address in disguise")
    return host


def literal(host: str) -> bool:
    """Whether a host is an IP address in its usual form, without a zone."""
    try:
        return "%" not in host and bool(ipaddress.ip_address(host))
    except ValueError:
        return False


def origin(url: URL) -> str:
    """scheme://host:port: what robots.txt and the rate of requests are kept by."""
    return f"{url.scheme}://{url.raw_host}:{url.port}"
