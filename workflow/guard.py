"""Which addresses a workflow's requests may reach: none that is internal, unless an administrator allows it. Pure.

It is asked with the address that a connection is about to be made to, after the name was resolved and for each redirect anew, so a
name that changes its mind between check and use gains nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Self

from bus.errors import RequestRefused

Network = IPv4Network | IPv6Network


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
        found = ip_address(address.partition("%")[0])
        if isinstance(found, IPv6Address):
            found = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None) or found
        if any(found in network for network in self.networks if network.version == found.version):
            return
        # is_global is false for loopback, private, link-local, shared and reserved ones
        if not found.is_global or found.is_multicast:
            raise RequestRefused(
                f"{host} is {found}, an internal address, which workflows may not reach. "
                "An administrator may allow it with HIVE_WORKFLOW_ALLOW_INTERNAL."
            )
