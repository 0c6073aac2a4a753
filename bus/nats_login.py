"""How a client shows the bus who it is, and makes sure that it speaks to the right one."""

import ssl
from dataclasses import dataclass, field
from typing import Any

from bus import subjects
from bus.admission import wanted
from bus.errors import InvalidRequest
from bus.permissions import ROOMS, host_user
from bus.settings import HiveSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class HostIdentity:
    """A host that has joined, by the key that it made then, and the agents that it speaks for (docs/adr/0060)."""

    name: str
    agents: tuple[str, ...] = ()
    seed: str = field(repr=False)


def login(settings: HiveSettings, host: HostIdentity | None = None) -> dict[str, Any]:
    """Options of nats-py. InvalidRequest for a file of an authority that cannot be read."""
    options: dict[str, Any] = dict(settings.nats_login)  # of servers that a cluster tells of, only the address is known
    if host is not None and not options:
        options = {
            "nkeys_seed_str": host.seed,
            "token": wanted(host.agents),
            "inbox_prefix": subjects.inbox(host_user(host.name)),
        }
    elif options.get("user") in ROOMS:
        options["inbox_prefix"] = subjects.inbox(options["user"])
    if any(server.startswith(("tls://", "wss://")) for server in settings.nats_servers):
        options["tls"] = context(settings)
    return options


def context(settings: HiveSettings) -> ssl.SSLContext:
    """Trusts the authority that is named, and no other then. InvalidRequest."""
    try:
        return ssl.create_default_context(cafile=settings.nats_ca)
    except OSError as error:  # ssl.SSLError is one
        raise InvalidRequest(f"HIVE_NATS_CA: {settings.nats_ca} cannot be used: {error.strerror or error}.") from None
