"""Which names this door answers to: a page elsewhere must not reach it by a name that it lets point here (DNS rebinding). Pure.

An address cannot be made to point elsewhere, a name can: so addresses are let in, and names only where they are this host's own.
"""

from collections.abc import Collection
from ipaddress import ip_address
from urllib.parse import urlsplit

from bus.errors import PermissionDenied
from bus.hosts import is_loopback


def require_own_names(host: str | None, origin: str | None, *, loopback_only: bool, names: Collection[str]) -> None:
    """PermissionDenied for a Host, or an Origin, that is another's. `names` are this host's beside those of loopback."""
    here = _name(f"//{host or ''}")
    if not (_is_own(here, names) or (not loopback_only and _is_address(here))):
        raise PermissionDenied(f"This hive does not go by the name {host!r}. Add the name to HIVE_MCP_HOSTS if it is its own.")
    if origin is not None and not (_name(origin) == here or _is_own(_name(origin), names)):
        raise PermissionDenied(f"A page of {origin!r} may not call this hive. Add its host to HIVE_MCP_HOSTS to let it.")


def _name(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def _is_own(name: str, names: Collection[str]) -> bool:
    return bool(name) and (name in names or is_loopback(name))


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
