"""How whatever is outside is reached: by an address that the guard was asked about, which is in the log where it was refused; databases of
credentials with TLS that still checks the host's name, and with a bound on what they answer.
"""

import asyncio
import socket
import ssl
from typing import Any

from bus import telemetry
from bus.errors import RequestRefused
from workflow.outside.guard import Guard

logger = telemetry.log(__name__)


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


def require(guard: Guard, host: str, address: str) -> None:
    """RequestRefused, which is logged: who looks for what is inside goes through many names and addresses."""
    try:
        guard.check(host, address)
    except RequestRefused as error:
        logger.warning("address_refused", code=error.code, host=host, address=address)
        raise


async def resolved(guard: Guard, host: str, port: int) -> list[str]:
    """All addresses of a name, when the guard lets all of them be reached. What is connected to must be one of these: whoever asked for
    the name again could get another answer. RequestRefused; OSError and UnicodeError for a name that there is not.
    """
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
    for address in addresses:
        require(guard, host, address)
    return addresses


async def address_of(guard: Guard, host: str, port: int) -> str:
    """RequestRefused for an internal one, a unix socket, and a name that there is not."""
    if not host or "/" in host or host.startswith("@"):
        raise RequestRefused("The credential's host is no name and no address. Workflows reach no unix sockets.")
    try:
        return (await resolved(guard, host, port))[0]
    except (OSError, UnicodeError) as error:
        raise RequestRefused(f"The name {host} cannot be resolved: {getattr(error, 'strerror', None) or error}") from None


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
