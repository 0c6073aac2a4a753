"""Ports: taken before anything starts, so that a busy one is told in one sentence and not in the log of some process."""

import asyncio
import errno
import socket
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from time import monotonic
from typing import Final

import psutil

from bus.errors import Conflict, InvalidRequest
from deploy.settings import DeploySettings

PATIENCE_SECONDS = 2.0
"""The children of a hive that was killed a moment ago may still be on their way out."""

LOWEST_FREE = 20_000
KERNELS_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
LOWEST_OF_KERNEL = 32_768
"""Where the file does not say, such as on macOS, whose own range begins higher."""

_given: Final[set[int]] = set()
"""By this process, to whoever does not listen there yet: a hive draws five, a cluster of the bus twelve, before the first of them begins."""


@dataclass(frozen=True, kw_only=True)
class Ports:
    api: int
    gui: int
    nats: int
    nats_monitor: int
    nats_websocket: int
    nats_leaf: int = 0
    """0: nobody asked for one."""


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One port that is wanted, and where a user says so."""

    what: str
    host: str
    port: int
    remedy: str


async def choose(settings: DeploySettings) -> Ports:
    """Conflict when a port that was asked for is busy. The bus's are not looked at when it is somebody else's; InvalidRequest where that
    one was to take leaves in.
    """
    if settings.given_nats_url is not None and settings.nats_leaf_port is not None:
        raise InvalidRequest(
            "This hive starts no bus of its own (NATS_URL), so it opens no door for leaves. Leave out --leaf-port and HIVE_NATS_LEAF_PORT, "
            "and give the door to that server: deploy/leaf/hub.conf has it."
        )
    wishes = {
        "api": Wish(what="the API", host=settings.host, port=settings.api_port, remedy="`hive up --port N` or HIVE_API_PORT"),
        "gui": Wish(what="the dashboard", host=settings.host, port=settings.gui_port, remedy="--gui-port or HIVE_GUI_PORT"),
    }
    bus_wishes = {
        "nats": Wish(what="NATS", host=settings.nats_host, port=settings.nats_port, remedy="--nats-port or HIVE_NATS_PORT"),
        "nats_monitor": _loopback("NATS's monitoring", settings.nats_monitor_port, "HIVE_NATS_MONITOR_PORT"),
        "nats_websocket": _loopback("NATS's WebSocket", settings.nats_websocket_port, "HIVE_NATS_WEBSOCKET_PORT"),
    }
    if settings.nats_leaf_port is not None:
        bus_wishes["nats_leaf"] = Wish(
            what="leaves", host=settings.nats_host, port=settings.nats_leaf_port, remedy="--leaf-port or HIVE_NATS_LEAF_PORT"
        )
    if settings.given_nats_url is None:
        wishes |= bus_wishes
    taken = {name: await _take(wish) for name, wish in wishes.items()}
    return Ports(**dict.fromkeys(bus_wishes, 0) | taken)


def _loopback(what: str, port: int, variable: str) -> Wish:
    return Wish(what=what, host="127.0.0.1", port=port, remedy=variable)


async def _take(wish: Wish) -> int:
    if wish.port == 0:
        return free_port(wish.host)
    deadline = monotonic() + PATIENCE_SECONDS
    while (port := bindable(wish.host, wish.port)) is None:
        if monotonic() > deadline:
            raise Conflict(busy(wish, holder(wish.port)))
        await asyncio.sleep(0.1)
    return port


def busy(wish: Wish, held_by: str | None) -> str:
    """The sentence for a user: which port, who could hold it, what to change."""
    who = held_by or "a process that this user may not see, perhaps in a container"
    return (
        f"Port {wish.port}, wanted for {wish.what}, is in use by {who}. "
        f"Stop that, or choose another port with {wish.remedy}; 0 takes a free one."
    )


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens, another each time, below the range from which the kernel gives one to every outgoing connection.

    From that range, it could be such a connection's when the listener starts, or starts again after a crash.
    """
    below = range(LOWEST_FREE, _lowest_of_kernel())
    drawn = SystemRandom().sample(below, min(len(below), 32))
    found = (bindable(host, port) for port in (*(port for port in drawn if port not in _given), 0))
    port = next(port for port in found if port is not None)
    _given.add(port)
    return port


def _lowest_of_kernel() -> int:
    try:
        return int(KERNELS_RANGE.read_text().split()[0])
    except FileNotFoundError:
        return LOWEST_OF_KERNEL


def bindable(host: str, port: int) -> int | None:
    """The port (for 0 a free one) when a server could listen there now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except OSError as error:
        raise _not_here(host, error) from None
    with socket.socket(family, kind, protocol) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            server.bind(address)
            server.listen()
        except PermissionError:
            raise InvalidRequest(f"This user may not listen on port {port}. Choose one from 1024 on.") from None
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return None
            raise _not_here(host, error) from None
        return int(server.getsockname()[1])


def _not_here(host: str, error: OSError) -> InvalidRequest:
    return InvalidRequest(f"{host} is not an address of this machine ({error.strerror}). Set HIVE_HOST or HIVE_NATS_HOST.")


def holder(port: int) -> str | None:
    """`name (pid)` of who listens on the port, where this user may know."""
    try:
        connections = psutil.net_connections("tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
            try:
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
            except psutil.Error:
                return f"process {connection.pid}"
    return None
