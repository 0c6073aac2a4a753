"""Which addresses a workflow's requests may reach: none that is internal, unless an administrator allows it. Pure.

It is asked with the address that a connection is about to be made to, after the name was resolved and for each redirect anew, so a
name that changes its mind between check and use gains nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Self

from bus.errors import RequestRefused

Network = IPv4Network | IPv6Network
_NAT64: Final = ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Guard:
    """`hosts`: names that may be reached wherever they are."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, allowed: Iterable[str]) -> Self:
        """Names, addresses and networks as the setting has them."""
        hosts, networks = set(), []
        for entry in allowed:
            try:
                networks.append(ip_network(entry, strict=False))
            except ValueError:
                hosts.add(entry.lower().rstrip("."))
        return cls(frozenset(hosts), tuple(networks))

    def check(self, host: str, address: str) -> None:
        """Raises RequestRefused where `host`, which resolved to `address`, may not be reached."""
        if host.lower().rstrip(".") in self.hosts:
            return
        found = _reached(ip_address(address.partition("%")[0]))
        if any(found in network for network in self.networks if network.version == found.version):
            return
        if _is_internal(found):
            raise RequestRefused(
                f"{host} is {found}, an internal address, which workflows may not reach. "
                "An administrator may allow it with HIVE_WORKFLOW_ALLOW_INTERNAL."
            )


ANYWHERE: Final = Guard(networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
"""For addresses that an administrator gave."""


def _is_internal(address: IPv4Address | IPv6Address) -> bool:
    """`is_global` is false for loopback, private, link-local and shared ones, and true for some that nobody routes outside."""
    site_local = isinstance(address, IPv6Address) and address.is_site_local
    return not address.is_global or address.is_multicast or address.is_reserved or site_local


def _reached(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv6 one carries, since that is where packets end up."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address
