"""`GET /metrics` of one process, for Prometheus: what it alone knows of itself, beside Python's and the operating system's own.

What the hive as a whole has is at the gateways (docs/metrics.md). Off until a port is set, and nothing of it is loaded before.
"""

import asyncio
import ipaddress
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from bus import telemetry
from bus.client import Bus
from bus.settings import HiveSettings

logger = telemetry.log(__name__)

HEAD_BYTES: Final = 16 * 1024
HEAD_SECONDS: Final = 5.0
"""In which a request must have come."""
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a process: `hive_<name>`. A counter's name has no `_total`, which Prometheus appends. Those of one name have the same labels."""

    name: str
    kind: Literal["gauge", "counter"]
    text: str
    value: float
    labels: Mapping[str, str] = field(default_factory=dict)


Read = Callable[[], Iterable[Sample]]


def nothing_more() -> Iterable[Sample]:
    return ()


@asynccontextmanager
async def exposed(
    settings: HiveSettings, port: int | None, service: str, bus: Bus, read: Read = nothing_more
) -> AsyncIterator[int | None]:
    """While it is entered; gives the port on which it serves, None where it does not. `read` is called at each scrape.

    A service does its work without it, so what stands in its way is logged: an address that is taken, or no token beyond loopback.
    """
    server = None if port is None else await _opened(settings, port, _Page(service, bus, read))
    if server is None:
        yield None
        return
    async with server:
        chosen = int(server.sockets[0].getsockname()[1])
        logger.info("metrics_served", host=settings.metrics_host, port=chosen)
        yield chosen


async def _opened(settings: HiveSettings, port: int, page: "_Page") -> asyncio.Server | None:
    host, token = settings.metrics_host, settings.metrics_token
    if token is None and not is_loopback(host):
        logger.error("metrics_not_served", host=host, next="set HIVE_METRICS_TOKEN, or HIVE_METRICS_HOST=127.0.0.1")
        return None
    door = _Door(page.text, None if token is None else token.get_secret_value())
    try:
        return await asyncio.start_server(door.answer, host, port, limit=HEAD_BYTES)
    except OSError as error:
        logger.error("metrics_not_served", host=host, port=port, reason=str(error))
        return None


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _Page:
    """Prometheus's text format."""

    def __init__(self, service: str, bus: Bus, read: Read) -> None:
        from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

        self._service, self._bus, self._read = service, bus, read
        self._registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self._registry)
        self._registry.register(self)

    def text(self) -> bytes:
        from prometheus_client import generate_latest

        return generate_latest(self._registry)

    def collect(self) -> Iterable[Any]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily

        yield InfoMetricFamily("hive_process", "Which service of Hive this process is.", value={"service": self._service})
        found = dict[str, Any]()
        for sample in (*_of_bus(self._bus), *self._read()):
            if sample.name not in found:
                family = CounterMetricFamily if sample.kind == "counter" else GaugeMetricFamily
                found[sample.name] = family(f"hive_{sample.name}", sample.text, labels=tuple(sample.labels))
            found[sample.name].add_metric(tuple(sample.labels.values()), sample.value)
        yield from found.values()


def _of_bus(bus: Bus) -> Sequence[Sample]:
    return (
        Sample("bus_connected", "gauge", "1 while this process has a connection to the bus.", bus.connected),
        Sample("bus_connections", "counter", "Connections to the bus that this process has made.", bus.connections),
    )


class _Door:
    """So little HTTP as a scrape needs: one request a connection."""

    def __init__(self, page: Callable[[], bytes], token: str | None) -> None:
        self._page, self._token = page, token

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(HEAD_SECONDS):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(self._reply(head.decode("latin-1")))
                await writer.drain()
        writer.close()

    def _reply(self, head: str) -> bytes:
        first, *lines = head.split("\r\n")
        method, _, rest = first.partition(" ")
        if rest.partition(" ")[0].partition("?")[0] != "/metrics":
            return _response("404 Not Found", b"Metrics are at /metrics.\n")
        if method != "GET":
            return _response("405 Method Not Allowed", b"Ask with GET.\n", "Allow: GET\r\n")
        if not self._may_read(lines):
            return _response("401 Unauthorized", b"Send HIVE_METRICS_TOKEN as Bearer.\n", "WWW-Authenticate: Bearer\r\n")
        try:
            return _response("200 OK", self._page())
        except Exception:
            logger.exception("metrics_not_told")
            return _response("500 Internal Server Error", b"The log of this process has the reason.\n")

    def _may_read(self, lines: Iterable[str]) -> bool:
        if self._token is None:
            return True
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        given = headers.get("authorization", "").removeprefix("Bearer ")
        return secrets.compare_digest(given.encode(), self._token.encode())


def _response(status: str, body: bytes, headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {CONTENT_TYPE}\r\nContent-Length: {len(body)}\r\n{headers}Connection: close\r\n\r\n"
    return head.encode() + body
