"""Keys by address, for clients of language models that cannot send one: off unless an administrator writes them down.

An address proves little. So it opens the doors of these clients alone, never to a page in a browser, and never beyond what its key may.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator
from pydantic_settings import NoDecode
from starlette.datastructures import Headers

from bus import auth

_HASH: Final = re.compile(r"sha256:([0-9a-f]{64})")
_BROWSERS_OWN: Final = ("origin", "sec-fetch-site")
"""A browser adds one of them, and no program does."""
_SHOWN: Final = ("authorization", "x-api-key")


@dataclass(frozen=True, slots=True)
class AddressKey:
    """`key_hash` as the bucket of keys has it."""

    network: IPv4Network | IPv6Network
    key_hash: str


def _parse(value: Any) -> Any:
    """ValueError for a range that is none, and for a file that holds no key."""
    if not isinstance(value, str):
        return value
    return tuple(_entry(part.strip()) for part in value.split(",") if part.strip())


def _entry(text: str) -> AddressKey:
    network, equals, key = (part.strip() for part in text.partition("="))
    if not equals or not key:
        raise ValueError(f"{text!r} is no range with its key; write it like 192.168.1.0/24=/etc/hive/lan.key")
    try:
        found = ip_network(network)
    except ValueError:
        raise ValueError(f"{network!r} is no range of addresses; write it like 192.168.1.0/24") from None
    if hashed := _HASH.fullmatch(key):
        return AddressKey(found, hashed[1])
    try:
        secret = Path(key).read_text().strip()
    except OSError as error:
        raise ValueError(f"{key} cannot be read: {error.strerror}. It holds the key of {network}") from None
    if not secret:
        raise ValueError(f"{key} is empty. It holds the key of {network}")
    return AddressKey(found, auth.hash_key(secret))


AddressKeys = Annotated[tuple[AddressKey, ...], NoDecode, BeforeValidator(_parse)]


def hash_for(address: str | None, headers: Headers, keys: Iterable[AddressKey]) -> str | None:
    """The hash of the key that stands for a request from there: the narrowest range decides. None where it shows a key of its own,
    or comes from a browser. Pure.
    """
    if address is None or any(name in headers for name in (*_SHOWN, *_BROWSERS_OWN)):
        return None
    try:
        host = ip_address(address)
    except ValueError:
        return None
    if isinstance(host, IPv6Address) and host.ipv4_mapped is not None:
        host = host.ipv4_mapped
    found = [key for key in keys if key.network.version == host.version and host in key.network]
    return max(found, key=lambda key: key.network.prefixlen).key_hash if found else None
