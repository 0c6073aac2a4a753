"""Many sidecars in one process, each with a connection of its own: `python -m tests.bench.simulated_sidecars FIRST COUNT`.

What they say and answer is the real protocol, and where it can be the sidecar's own code; only the backend behind them is missing.
NATS_URL names the bus. They hear on `bench.cut.FIRST` how many of them are to lose their connections.
"""

import asyncio
import os
import random
import signal
import sys
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from time import monotonic
from uuid import UUID, uuid4

import uvloop

from agent_sidecar.heartbeat import Heartbeats, Pulse
from agent_sidecar.metrics import compose
from agent_sidecar.registration import Registration, registration_of
from agent_sidecar.tally import Recent
from agent_sidecar.telemetry.gpu import GpuReading
from agent_sidecar.telemetry.host import HostReading
from bus import subjects, telemetry
from bus.client import Received
from bus.messages import (
    AgentRegistration,
    AgentStatus,
    AttemptOutcome,
    Control,
    ControlAction,
    ControlReply,
    DispatchOffer,
    Hardware,
    Message,
    ModelInfo,
    NetworkCounters,
    OfferReply,
    OfferVerdict,
    OutcomeStatus,
    Output,
    Upstream,
    Usage,
)
from bus.messages.health import AgentHealthCheck
from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from bus.together import end

HOLD, INSTANT = "hold", "instant"
"""Models: a task with the first runs until it is cancelled, one with the second ends at once."""
HEARTBEAT_SECONDS = 1.0
METRICS_SECONDS = float(os.environ.get("HIVE_BENCH_METRICS_SECONDS", "5"))
SLOTS = 2
CONNECTING = 20
"""At once."""
MODELS = tuple(
    ModelInfo(name=name, loaded=name in (HOLD, INSTANT), size_bytes=4_700_000_000, context_length=8192, family="llama")
    for name in (HOLD, INSTANT, "llama3.2:3b", "qwen3:8b")
)
READING = HostReading(
    cpu_usage=12.5,
    memory_usage=41.0,
    disk_usage=63.2,
    network_io=NetworkCounters(bytes_sent_per_second=120_000, bytes_received_per_second=90_000),
    gpu=GpuReading(usage=71.0, memory=55.0, temperature=64.0, power_watts=231.0),
)
RECENT = Recent(tokens_per_second=52.4, response_time=1.8, success_rate=0.99, error_rate=0.01)


class Cut(Message):
    """The answer to `bench.cut`: when the connections went, by the machine's monotonic clock, and whose they were."""

    at: float
    agents: tuple[str, ...]


class SimulatedSidecar:
    """`start`, then `cut` or `stop`."""

    def __init__(self, number: int) -> None:
        self.agent_id, self._instance = f"host-{number:04}", uuid4().hex[:12]
        self._running: dict[UUID, DispatchOffer] = {}
        self._reports: set[asyncio.Task[None]] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._bus = await NatsBus.connect(HiveSettings(), subjects.sidecar_connection(self._instance))
        await self._bus.answer(subjects.dispatch(self.agent_id, self._instance), self._offered)
        await self._bus.answer(subjects.control(self.agent_id), self._controlled)
        await self._bus.answer(subjects.health(self.agent_id), self._checked)
        self._registration = Registration(self._bus, self._describe)
        for work in (self._registration.run(), self._beat(), self._measure()):
            self._tasks.append(asyncio.create_task(work))

    def _describe(self) -> AgentRegistration:
        return registration_of(
            Upstream(url="http://127.0.0.1:11434", name=self.agent_id.upper()),
            agent_id=self.agent_id,
            instance=self._instance,
            endpoint="http://127.0.0.1:11434",
            kind="ollama",
            slots=SLOTS,
            models=MODELS,
            hardware=Hardware(gpu_type="Simulated", vram_gb=24, cpu_cores=16, ram_gb=64),
        )

    async def _beat(self) -> None:
        await asyncio.sleep(random.uniform(0, HEARTBEAT_SECONDS))
        again, pulse = self._registration.again, self._pulse
        heartbeats = Heartbeats(self._bus, self.agent_id, self._instance, pulse=pulse, reconnected=again)
        await heartbeats.run(HEARTBEAT_SECONDS)

    def _pulse(self) -> Pulse:
        return Pulse(
            status=AgentStatus.ONLINE, reason=None, slots=SLOTS, running=tuple(self._running), measuring=False, models=MODELS
        )

    async def _measure(self) -> None:
        await asyncio.sleep(random.uniform(0, METRICS_SECONDS))
        while True:
            metrics = compose(self.agent_id, datetime.now(UTC), len(self._running), RECENT, READING)
            await self._bus.publish(subjects.metrics(self.agent_id), metrics)
            await asyncio.sleep(METRICS_SECONDS)

    async def _offered(self, received: Received) -> OfferReply:
        offer = received.decode(DispatchOffer)
        if offer.attempt_id not in self._running:
            if len(self._running) >= SLOTS:
                return OfferReply(verdict=OfferVerdict.BUSY)
            self._running[offer.attempt_id] = offer
            if offer.model == INSTANT:
                self._report(offer, OutcomeStatus.COMPLETED)
        return OfferReply(verdict=OfferVerdict.ACCEPTED)

    async def _controlled(self, received: Received) -> ControlReply:
        control = received.decode(Control)
        if control.action is ControlAction.REGISTER:
            self._registration.again()
        offer = self._running.get(control.attempt_id) if control.attempt_id else None
        if offer is not None and control.action is ControlAction.CANCEL:
            self._report(offer, OutcomeStatus.CANCELLED)
        return ControlReply(ok=True, running=offer is not None)

    async def _checked(self, _received: Received) -> AgentHealthCheck:
        return AgentHealthCheck(agent_id=self.agent_id, timestamp=datetime.now(UTC), response_time=0.01, available=True)

    def _report(self, offer: DispatchOffer, status: OutcomeStatus) -> None:
        async def report() -> None:
            outcome = AttemptOutcome(
                attempt_id=offer.attempt_id,
                task_id=offer.task_id,
                agent_id=self.agent_id,
                instance=self._instance,
                status=status,
                output=Output(text="done"),
                usage=Usage(prompt_tokens=8, completion_tokens=1),
            )
            subject = subjects.outcome(self.agent_id, offer.task_id, offer.attempt_id)
            await self._bus.publish_durable(subject, outcome, message_id=str(offer.attempt_id), timeout=60)
            self._running.pop(offer.attempt_id, None)

        task = asyncio.create_task(report())
        self._reports.add(task)
        task.add_done_callback(self._reports.discard)

    def cut(self) -> None:
        """As a host does whose power goes, but that its kernel still says so: the socket closes, and nobody comes back."""
        for task in self._tasks:
            task.cancel()
        self._bus.client.options["allow_reconnect"] = False
        self._bus.client._transport._io_writer.transport.abort()

    async def stop(self) -> None:
        await end([*self._tasks, *self._reports])
        await self._bus.close()


async def run(first: int, count: int) -> None:
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    sidecars = [SimulatedSidecar(number) for number in range(first, first + count)]
    cut_off: set[SimulatedSidecar] = set()

    async def cut(received: Received) -> Cut:
        chosen = [sidecar for sidecar in sidecars if sidecar not in cut_off][: int(received.data)]
        at = monotonic()
        for sidecar in chosen:
            sidecar.cut()
        cut_off.update(chosen)
        return Cut(at=at, agents=tuple(sidecar.agent_id for sidecar in chosen))

    async with AsyncExitStack() as stack:
        bus = await NatsBus.connect(HiveSettings(), "bench")
        stack.push_async_callback(bus.close)
        for begin in range(0, count, CONNECTING):
            some = sidecars[begin : begin + CONNECTING]
            await asyncio.gather(*(sidecar.start() for sidecar in some))
        await bus.answer(f"bench.cut.{first}", cut)
        await told.wait()
        await asyncio.gather(*(sidecar.stop() for sidecar in sidecars if sidecar not in cut_off))


if __name__ == "__main__":
    telemetry.configure("bench", "error", "text")
    uvloop.run(run(int(sys.argv[1]), int(sys.argv[2])))
