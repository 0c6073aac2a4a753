"""The sockets on which API and dashboard listen. The supervisor holds them, so that who comes while a door is started again waits, and is not refused."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Self

from bus.errors import Conflict

BACKLOG: Final = 2048
"""Connections that wait to be taken; the kernel's own limit (net.core.somaxconn) may be lower."""


class Listeners:
    """By the name of the process that is handed each."""

    def __init__(self, sockets: Mapping[str, socket.socket]) -> None:
        self._sockets = dict(sockets)

    @classmethod
    def open(cls, addresses: Mapping[str, tuple[str, int]]) -> Self:
        """Conflict for an address that somebody took since it was chosen."""
        found: dict[str, socket.socket] = {}
        try:
            for name, (host, port) in addresses.items():
                found[name] = _listen(host, port)
        except BaseException:
            cls(found).close()
            raise
        return cls(found)

    @classmethod
    def handed(cls, numbers: Mapping[str, int]) -> Self:
        """From the supervisor that this process was before."""
        return cls({name: socket.socket(fileno=number) for name, number in numbers.items()})

    @property
    def numbers(self) -> dict[str, int]:
        return {name: listener.fileno() for name, listener in self._sockets.items()}

    def hand_over(self) -> dict[str, int]:
        """Their numbers, which stay when this process becomes another program."""
        for listener in self._sockets.values():
            listener.set_inheritable(True)
        return self.numbers

    def close(self) -> None:
        for listener in self._sockets.values():
            listener.close()


def turn_away(number: int) -> None:
    """Ends the connections that wait at this listener, which nobody takes from: who came learns that it is away."""
    with socket.socket(fileno=os.dup(number)) as listener, suppress(OSError):
        listener.setblocking(False)
        while True:
            listener.accept()[0].close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise Conflict(
            f"{host}:{port} cannot be listened on: {error.strerror}. Stop who has it, or choose another port."
        ) from None
