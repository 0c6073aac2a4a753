"""The bus as a host that joins can reach it. Pure."""

from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from bus.hosts import in_url, is_loopback


def bus_address(servers: Iterable[str], reached: str) -> str:
    """NATS_URL as another host would write it, several by comma. `reached` is the host by which it reached this door: what
    listens on this machine's loopback address here is there under that name.
    """
    return ",".join(_as_seen_from_there(server, reached) for server in servers)


def _as_seen_from_there(server: str, reached: str) -> str:
    parts = urlsplit(server if "://" in server else f"nats://{server}")
    if not is_loopback(parts.hostname or ""):
        return urlunsplit(parts)
    credentials, at, _ = parts.netloc.rpartition("@")
    port = f":{parts.port}" if parts.port else ""
    return urlunsplit(parts._replace(netloc=f"{credentials}{at}{in_url(reached)}{port}"))
