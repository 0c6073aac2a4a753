"""How databases of credentials are reached: by an address that the guard was asked about, with TLS that still checks the host's name, and
with a bound on what they answer.
"""

import asyncio
import socket
import ssl
from typing import Any

from bus.errors import RequestRefused
from workflow.outside.guard import Guard


class Room:
    """For what a database answers to one effect."""

    def __init__(self, max_bytes: int) -> None:
        self._max, self._left = max_bytes, max_bytes

    def take(self, size: int) -> None:
        """RequestRefused where that is too much."""
        self._left -= size
        if self._left < 0:
            raise RequestRefused(
                f"The answers have more than {self._max:,} bytes (HIVE_WORKFLOW_MAX_ANSWER_BYTES). Ask for less at a time."
            )


async def address_of(guard: Guard, host: str, port: int) -> str:
    """RequestRefused for an internal one, a unix socket, and a name that there is not."""
    if not host or "/" in host or host.startswith("@"):
        raise RequestRefused("The credential's host is no name and no address. Workflows reach no unix sockets.")
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RequestRefused(f"The name {host} cannot be resolved: {getattr(error, 'strerror', None) or error}") from None
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        guard.check(host, address)
    return addresses[0]


class NamedContext(ssl.SSLContext):
    """Connections go to an address; the certificate is for the name."""

    host: str | None = None

    def wrap_bio(self, *args: Any, **kwargs: Any) -> ssl.SSLObject:
        return super().wrap_bio(*args, **{**kwargs, "server_hostname": self.host})


def tls(host: str, *, verify: bool) -> ssl.SSLContext:
    context = NamedContext(ssl.PROTOCOL_TLS_CLIENT)
    context.host = host
    if verify:
        context.load_default_certs()
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
