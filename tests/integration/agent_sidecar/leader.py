"""The coordinator's side of the bus, played by a test: registers agents, offers attempts, hears what becomes of them."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar
from uuid import UUID, uuid4

from bus import subjects
from bus.client import Bus, Received
from bus.errors import BusUnavailable
from bus.messages import (
    AgentRegistration,
    AttemptOutcome,
    Control,
    ControlAction,
    ControlReply,
    DispatchOffer,
    Heartbeat,
    NoReply,
    OfferReply,
    OutputChunk,
    PerformanceMetrics,
)
from bus.messages.benchmarks import AgentBenchmark, BenchmarkStatus
from bus.service import Call, Endpoint, Service

T = TypeVar("T")

EPOCH = 7


async def until(found: Callable[[], T | None], seconds: float = 60) -> T:
    """The first result that is not None or False; looks every 10 ms."""
    async with asyncio.timeout(seconds):
        while True:
            if result := found():
                return result
            await asyncio.sleep(0.01)


def offer(prompt: str = "Say hello.", **more: object) -> DispatchOffer:
    fields: dict[str, object] = {
        "attempt_id": uuid4(),
        "task_id": uuid4(),
        "tenant": "default",
        "number": 1,
        "epoch": EPOCH,
        "model": "smollm2:135m",
        "prompt": prompt,
        "options": {"num_predict": 16, "temperature": 0},
        "seconds_left": 60,
    }
    return DispatchOffer.model_validate(fields | more)


class Leader:
    """`await Leader(bus).start()`; everything it hears is kept."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.registrations: list[AgentRegistration] = []
        self.heartbeats: list[Heartbeat] = []
        self.metrics: list[PerformanceMetrics] = []
        self.benchmarks: list[AgentBenchmark] = []
        self.outcomes: dict[UUID, AttemptOutcome] = {}
        self.chunks: dict[UUID, list[OutputChunk]] = defaultdict(list)

    async def start(self, *, leads: bool = True) -> "Leader":
        if leads:
            await self.lead()
        await self.bus.subscribe(subjects.ALL_HEARTBEATS, self._heard)
        await self.bus.subscribe(subjects.ALL_METRICS, self._measured)
        await self.bus.subscribe(subjects.ALL_OUTCOMES, self._ended)
        await self.bus.subscribe(subjects.ALL_OUTPUT, self._said)
        await self.bus.flush()
        return self

    async def lead(self) -> None:
        endpoints = (
            Endpoint(verb="register", body=AgentRegistration, handler=self._register, permission=None, by_agent=True),
            Endpoint(verb="benchmarked", body=AgentBenchmark, handler=self._benchmarked, permission=None, by_agent=True),
        )
        await self.bus.serve(
            Service(name=subjects.SERVICE_AGENTS, version="1.0.0", description="a test's leader", endpoints=endpoints)
        )

    async def _register(self, call: Call[AgentRegistration]) -> NoReply:
        self.registrations.append(call.body)
        return NoReply()

    async def _benchmarked(self, call: Call[AgentBenchmark]) -> NoReply:
        self.benchmarks.append(call.body)
        return NoReply()

    async def _heard(self, received: Received) -> None:
        self.heartbeats.append(received.decode(Heartbeat))

    async def _measured(self, received: Received) -> None:
        self.metrics.append(received.decode(PerformanceMetrics))

    async def _ended(self, received: Received) -> None:
        outcome = received.decode(AttemptOutcome)
        self.outcomes[outcome.attempt_id] = outcome

    async def _said(self, received: Received) -> None:
        self.chunks[UUID(subjects.last_token(received.subject))].append(received.decode(OutputChunk))

    async def offer(self, agent: AgentRegistration, what: DispatchOffer) -> OfferReply:
        return await self.bus.request(subjects.dispatch(agent.agent_id, agent.instance), what, OfferReply)

    async def control(self, agent_id: str, action: ControlAction, **more: object) -> ControlReply:
        order = Control.model_validate({"action": action, **more})
        return await self.bus.request(subjects.control(agent_id), order, ControlReply)

    async def registered(self, agent_id: str) -> AgentRegistration:
        return await until(lambda: next((r for r in self.registrations if r.agent_id == agent_id), None))

    async def benchmark_ended(self, seconds: float = 200) -> AgentBenchmark:
        """The last report of a benchmark, which takes as long as a real model does on what the machine leaves it."""
        return await until(
            lambda: next((each for each in self.benchmarks if each.status is not BenchmarkStatus.RUNNING), None), seconds
        )

    async def outcome(self, what: DispatchOffer, seconds: float = 60) -> AttemptOutcome:
        return await until(lambda: self.outcomes.get(what.attempt_id), seconds)

    async def stored_outcome(self, agent_id: str, what: DispatchOffer) -> AttemptOutcome:
        """From the stream, as a coordinator reads it: for when the leader was away itself."""
        subject = subjects.outcome(agent_id, what.task_id, what.attempt_id)
        async with asyncio.timeout(60):
            while True:
                with suppress(BusUnavailable):
                    if stored := await self.bus.last(subjects.OUTCOMES, subject):
                        return stored.decode(AttemptOutcome)
                await asyncio.sleep(0.05)

    async def ended(self, what: DispatchOffer, seconds: float = 60) -> list[OutputChunk]:
        """Every chunk of the attempt, the end among them."""
        chunks = self.chunks[what.attempt_id]
        await until(lambda: any(chunk.end for chunk in chunks), seconds)
        return chunks

    async def first_words(self, what: DispatchOffer, seconds: float = 60) -> None:
        chunks = self.chunks[what.attempt_id]
        await until(lambda: any(chunk.text for chunk in chunks), seconds)

    async def heartbeat(self, agent_id: str, matches: Callable[[Heartbeat], bool], seconds: float = 60) -> Heartbeat:
        """A heartbeat from now on that matches."""
        heard = len(self.heartbeats)
        return await until(
            lambda: next((h for h in self.heartbeats[heard:] if h.agent_id == agent_id and matches(h)), None), seconds
        )
