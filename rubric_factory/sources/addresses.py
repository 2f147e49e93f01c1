"""Which network addresses may be asked: public unicast ones, and those a configuration names. Pure.

An address inside another (IPv4-mapped, NAT64, 6to4) is judged as what it leads to. Sources: the IANA special-purpose address registries;
RFC 6052, 3056, 4380, 8215. Python's is_global alone is too kind: it passes multicast, site-local, reserved IPv6 space and
NAT64 forms of 127.0.0.1.
"""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Not public whatever the standard library of the day says.
_REFUSED: tuple[Network, ...] = (
    ipaddress.IPv4Network("0.0.0.0/8"),
    ipaddress.IPv4Network("100.64.0.0/10"),  # carrier-grade NAT; cloud metadata lives there too
    ipaddress.IPv4Network("168.63.129.16/32"),  # a cloud's host agent, behind a public address
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),  # 6to4 relays
    ipaddress.IPv4Network("198.18.0.0/15"),
    ipaddress.IPv4Network("224.0.0.0/3"),  # multicast, reserved, broadcast
    ipaddress.IPv6Network("2001::/23"),  # protocol assignments, Teredo among them
    ipaddress.IPv6Network("2001:db8::/32"),
    ipaddress.IPv6Network("3fff::/20"),  # documentation, since 2024
)


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to, if it is such a form."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def is_public(address: Address) -> bool:
    """Whether an address is public unicast, itself or as what it leads to."""
    if isinstance(address, ipaddress.IPv6Address):
        if (inner := _inner(address)) is not None:
            return is_public(inner)
        if address not in _GLOBAL_UNICAST or address.scope_id is not None:
            return False
    return address.is_global and not any(address in network for network in _REFUSED if network.version == address.version)


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses, and those in `allowed` (CIDR). everything: for a connection to a configured proxy, which nobody else chose."""

    allowed: Sequence[Network] = ()
    everything: bool = False

    @classmethod
    def of(cls, networks: Sequence[str]) -> "AddressPolicy":
        """Policy of a configuration's allow_addresses."""
        return cls(tuple(ipaddress.ip_network(network) for network in networks))

    def permits(self, text: str) -> bool:
        """Whether the address may be connected to; False for a text that is no address."""
        try:
            address: Address = ipaddress.ip_address(text)
        except ValueError:
            return False
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        plain = mapped or address  # the system reaches both in the same way
        return self.everything or is_public(plain) or any(plain in n for n in self.allowed if n.version == plain.version)
