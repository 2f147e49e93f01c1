"""Names to addresses that may be asked, and sockets to no other: what is checked is what is connected to.

aiohttp takes both plug points: the resolver's answer is the very list that it connects to, and every socket, for a name or for an address
written out, is made by the factory, which looks at the address a second time. A name that changes its mind in between is never asked twice.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from rubric_factory.sources.addresses import AddressPolicy

# Host to its addresses, as text. Injected by tests.
Lookup = Callable[[str], Awaitable[Sequence[str]]]


class RefusedAddress(OSError):
    """An address that the policy does not permit; an OSError, so that the client reports it as a failed connection."""


async def system_lookup(host: str) -> list[str]:
    """Addresses of a name as the system knows them, in its order of preference. Errors: OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return list(dict.fromkeys(str(info[4][0]) for info in found))


class PinnedResolver(AbstractResolver):
    """One lookup a connection; a name with a single address that is not permitted is refused as a whole."""

    def __init__(self, policy: AddressPolicy, lookup: Lookup = system_lookup) -> None:
        self._policy, self._lookup = policy, lookup

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Permitted addresses of a host. Errors: RefusedAddress; OSError where it has none."""
        addresses = await self._lookup(host)
        for address in addresses:
            if not self._policy.permits(address):
                raise RefusedAddress(f"{host} is {address}")
        if not addresses:
            raise OSError(f"{host} has no address")
        numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=numeric,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is held."""


def socket_factory(policy: AddressPolicy) -> Callable[[Any], socket.socket]:
    """Makes sockets for permitted addresses (family, type, proto, name, sockaddr). Errors of it: RefusedAddress."""

    def make(info: Any) -> socket.socket:
        family, kind, protocol, _, place = info
        if not policy.permits(str(place[0])):
            raise RefusedAddress(f"the address is {place[0]}")
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)
        return made

    return make
