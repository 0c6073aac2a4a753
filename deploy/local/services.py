"""Hive's own services as processes: their names, modules, and how each shows that it serves."""

import asyncio
import http.client
import ssl
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from pydantic import SecretStr

from bus import subjects
from bus.client import Received
from bus.errors import DeadlineExceeded, Unavailable
from bus.messages.readings import ServiceVitals
from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from bus.version import code_on_disk
from bus.web.handed import VARIABLE as LISTENER
from coordinator.gateway.settings import GatewaySettings
from deploy.local.launch import Launch
from deploy.local.listeners import turn_away
from deploy.local.state import NatsAddress
from deploy.local.unit import Spec
from deploy.modules import MODULES

Check = Callable[[], Awaitable[bool]]

SIDECAR: Final = "sidecar-local"
"""Of two, the hive would believe the one that came last; so the newer comes when the older has drained."""
READY_SECONDS: Final = 120.0
"""A first start on a slow disk compiles every module it imports."""
DRAIN_SECONDS: Final = 12.0
"""A sidecar lets running work end for up to ten seconds."""


class BusProbe:
    """Asks services on the bus whether they serve, over one connection that is made when it is first needed."""

    def __init__(self, nats: NatsAddress) -> None:
        self._settings = HiveSettings(nats_url=SecretStr(nats.url), nats_ca=nats.ca)
        self._bus: NatsBus | None = None
        self._connecting = asyncio.Lock()

    def answers(self, service: str, verb: str) -> Check:
        """Whether somebody answers to the verb, be it with an error."""
        subject = subjects.service_verb(service, verb)

        async def check() -> bool:
            try:
                bus = await self.bus()
                await bus.request_raw(subject, b"", timeout=1, patient=False)
            except (Unavailable, DeadlineExceeded):
                return False
            return True

        return check

    def told_by(self, service: str) -> Callable[[int], Awaitable[None]]:
        """Waits until the process of that number says on the bus that it is there as this service (bus/vitals.py)."""

        async def wait(pid: int) -> None:
            heard = asyncio.Event()

            async def hear(received: Received) -> None:
                if received.decode(ServiceVitals).pid == pid:
                    heard.set()

            subscription = await (await self.bus()).subscribe(subjects.vitals(service, "*"), hear)
            try:
                await heard.wait()
            finally:
                await subscription.close()

        return wait

    async def bus(self) -> NatsBus:
        async with self._connecting:
            if self._bus is None:
                self._bus = await NatsBus.connect(self._settings, "supervisor", timeout=5)
            return self._bus

    async def close(self) -> None:
        if self._bus is not None:
            await self._bus.close()


def http_answers(host: str, port: int, path: str, *, status: int | None = None, secure: bool = False) -> Check:
    """Whether something answers there with this status; None: with any. Nothing is told to it, so its certificate is not looked at."""
    unverified = ssl._create_unverified_context()  # noqa: S323

    def ask() -> bool:
        connection = (
            http.client.HTTPSConnection(host, port, timeout=2, context=unverified)
            if secure
            else http.client.HTTPConnection(host, port, timeout=2)
        )
        try:
            connection.request("GET", path)
            answer = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return answer == status if status is not None else True

    return lambda: asyncio.to_thread(ask)


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Where the supervisor reaches the two services that listen."""

    host: str
    api_port: int
    gui_port: int
    secure: bool = False


def stages(
    doors: Doors,
    probe: BusProbe,
    environment: Mapping[str, str],
    identities: Mapping[str, Mapping[str, str]],
    listeners: Mapping[str, int] | None = None,
) -> list[list[Spec]]:
    """In the order of their dependence, which is also that of an upgrade: who ends first comes last. `identities`: by service, what it
    alone is told. `listeners`: by service, the number of the socket that it listens on.
    """

    def spec(name: str, module: str, ready: Check, more: Mapping[str, str] | None = None, stop_seconds: float = 5.0) -> Spec:
        command = (sys.executable, "-P", "-m", module)  # -P: a folder `monitor` where the user stands is not ours
        own, listener = identities.get(name.partition("-")[0], {}), (listeners or {}).get(name)
        handed = {} if listener is None else {LISTENER: str(listener)}
        launch = Launch(
            name=name,
            command=command,
            environment={**environment, **own, **handed, **(more or {})},
            files=() if listener is None else (listener,),
        )
        return Spec(
            launch=launch,
            ready=ready,
            version=code_on_disk,
            serves=None if name == SIDECAR else probe.told_by(name),
            turn_away=None if listener is None else partial(turn_away, listener),
            ready_seconds=READY_SECONDS,
            stop_seconds=stop_seconds,
        )

    return [
        [
            spec("coordinator", MODULES["coordinator"], probe.answers(subjects.SERVICE_QUEUE, "status")),
            spec("workflow", MODULES["workflow"], probe.answers(subjects.SERVICE_WORKFLOWS, "list")),
            spec("monitor", MODULES["monitor"], probe.answers(subjects.SERVICE_METRICS, "performance")),
        ],
        [
            spec(
                "gateway",
                MODULES["gateway"],
                http_answers(doors.host, doors.api_port, "/readyz", status=200, secure=doors.secure),
                stop_seconds=GatewaySettings.read().end_seconds + 0.5,
            ),
            spec("gui", MODULES["gui"], http_answers(doors.host, doors.gui_port, "/healthz", secure=doors.secure)),
        ],
        [
            spec(
                SIDECAR,
                MODULES["sidecar"],
                probe.answers(subjects.SERVICE_UPSTREAMS, "list"),
                {"HIVE_SIDECAR_ADOPT": "true"},
                stop_seconds=DRAIN_SECONDS,
            )
        ],
    ]
