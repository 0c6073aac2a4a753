"""A sidecar whose every answer a test decides, speaking the real protocol on the real bus: for faults that no backend has on demand."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID, uuid4

from bus import subjects
from bus.client import Bus, Closing, Received
from bus.errors import BusUnavailable
from bus.messages import (
    AgentRegistration,
    AgentStatus,
    AttemptOutcome,
    Capability,
    Control,
    ControlAction,
    ControlReply,
    DispatchOffer,
    FailureInfo,
    Heartbeat,
    ModelInfo,
    NoReply,
    OfferReply,
    OfferVerdict,
    OutcomeStatus,
    Output,
    Usage,
)
from bus.messages.benchmarks import AgentBenchmark, BenchmarkStatus
from bus.messages.health import AgentHealthCheck

ACCEPTED = OfferReply(verdict=OfferVerdict.ACCEPTED)
MODEL = ModelInfo(name="smollm2:135m", loaded=True)
LISTENING_SECONDS = 10


class ScriptedSidecar:
    """`offers` and `controls` are queues of what came; `reply` decides what an offer is answered, None: nothing. `ill`: what its
    health checks find.
    """

    def __init__(self, bus: Bus, agent_id: str, *, slots: int = 1, models: tuple[ModelInfo, ...] = (MODEL,)) -> None:
        self.bus, self.agent_id, self.instance = bus, agent_id, uuid4().hex[:8]
        self.slots, self.models = slots, models
        self.offers: asyncio.Queue[DispatchOffer] = asyncio.Queue()
        self.controls: asyncio.Queue[Control] = asyncio.Queue()
        self.reply: Callable[[DispatchOffer], OfferReply | None] = lambda _offer: ACCEPTED
        self.status = AgentStatus.ONLINE
        self.capabilities: tuple[Capability, ...] = ()
        self.ill: str | None = None
        self.measuring = False
        self.running: set[UUID] = set()
        self._sequence = 0
        self._listening: list[Closing] = []
        self._beating: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await self.listen()
        await self.register()
        self._beating = asyncio.create_task(self._beat())

    async def listen(self) -> None:
        """To offers and orders."""
        for subject, handler in (
            (subjects.dispatch(self.agent_id, self.instance), self._offered),
            (subjects.control(self.agent_id), self._controlled),
            (subjects.health(self.agent_id), self._checked),
        ):
            self._listening.append(await self.bus.answer(subject, handler))
        async with asyncio.timeout(LISTENING_SECONDS):
            while not await self._heard_by_server():
                await asyncio.sleep(0.05)

    async def _heard_by_server(self) -> bool:
        try:
            await self.bus.flush()
        except BusUnavailable:  # its connection is yet to come back
            return False
        return True

    async def stop_listening(self) -> None:
        """Alive, and heard; but what is asked of it has no responder."""
        while self._listening:
            await self._listening.pop().close()

    async def lose_connection(self) -> None:
        await self.vanish()
        await self.bus.close()

    async def reconnect(self, bus: Bus) -> None:
        """The same instance goes on by this connection."""
        self.bus = bus
        await self.come_back()

    async def come_back(self) -> None:
        """The same instance, after it vanished."""
        await self.listen()
        self._beating = asyncio.create_task(self._beat())

    async def register(self) -> None:
        registration = AgentRegistration(
            agent_id=self.agent_id,
            name=self.agent_id.upper(),
            endpoint="http://127.0.0.1:11434",
            instance=self.instance,
            slots=self.slots,
            models=self.models,
            capabilities=self.capabilities,
        )
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "register")
        await self.bus.request(verb, registration, NoReply, timeout=20)

    async def _beat(self) -> None:
        while True:
            self._sequence += 1
            await self.bus.publish(subjects.heartbeat(self.agent_id), self._heartbeat(self._sequence))
            await asyncio.sleep(0.1)

    async def beaten(self, times: int) -> None:
        """Until it has sent so many more heartbeats, ten a second: for what shows only as time passes."""
        wanted = self._sequence + times
        async with asyncio.timeout(10 + times / 5):
            while self._sequence < wanted:
                await asyncio.sleep(0.02)

    def _heartbeat(self, sequence: int) -> Heartbeat:
        return Heartbeat(
            agent_id=self.agent_id,
            instance=self.instance,
            sequence=sequence,
            status=self.status,
            slots=self.slots,
            running=tuple(self.running),
            measuring=self.measuring,
            models=self.models,
        )

    async def _offered(self, received: Received) -> OfferReply:
        offer = received.decode(DispatchOffer)
        reply = self.reply(offer)
        if reply is not None and reply.verdict is OfferVerdict.ACCEPTED:
            self.running.add(offer.attempt_id)
        await self.offers.put(offer)
        if reply is None:
            raise ConnectionError("the answer is lost on its way")
        return reply

    async def _controlled(self, received: Received) -> ControlReply:
        control = received.decode(Control)
        if control.action is ControlAction.REGISTER:
            self._registering = asyncio.create_task(self.register())
        if control.action is ControlAction.BENCHMARK:
            self.measuring = True
        if control.action is ControlAction.YIELD:
            self.measuring = False
        await self.controls.put(control)
        return ControlReply(ok=True, running=control.attempt_id in self.running)

    async def _checked(self, _received: Received) -> AgentHealthCheck:
        return AgentHealthCheck(
            agent_id=self.agent_id,
            timestamp=datetime.now(UTC),
            response_time=0.01,
            available=self.ill is None,
            error_message=self.ill,
        )

    async def offered(self, seconds: float = 30) -> DispatchOffer:
        async with asyncio.timeout(seconds):
            return await self.offers.get()

    async def controlled(self, seconds: float = 30) -> Control:
        async with asyncio.timeout(seconds):
            return await self.controls.get()

    async def measured(self, order: Control, status: BenchmarkStatus, **more: object) -> None:
        """A report of the benchmark that was ordered; one that ends it frees the slots."""
        assert order.benchmark is not None
        known = {"id": order.benchmark.id, "agent_id": self.agent_id, "model": order.model, "trigger": order.benchmark.trigger}
        record = AgentBenchmark.model_validate({**known, "status": status, "started_at": datetime.now(UTC), **more})
        self.measuring = status is BenchmarkStatus.RUNNING
        await self.bus.request(subjects.service_verb(subjects.SERVICE_AGENTS, "benchmarked"), record, NoReply, timeout=20)

    async def complete(self, offer: DispatchOffer, text: str = "done") -> None:
        await self.report(offer, OutcomeStatus.COMPLETED, output=Output(text=text), usage=Usage(completion_tokens=len(text)))

    async def fail(
        self, offer: DispatchOffer, *, code: str = "backend_error", retryable: bool = True, message_id: str | None = None
    ) -> None:
        error = FailureInfo(code=code, message="as the test wants it")
        await self.report(offer, OutcomeStatus.FAILED, message_id=message_id, error=error, retryable=retryable)

    async def report(
        self, offer: DispatchOffer, status: OutcomeStatus, *, message_id: str | None = None, **more: object
    ) -> None:
        """`message_id` other than the attempt's: a report that the bus does not know for a repetition."""
        outcome = AttemptOutcome.model_validate(
            {
                "attempt_id": offer.attempt_id,
                "task_id": offer.task_id,
                "agent_id": self.agent_id,
                "instance": self.instance,
                "status": status,
                **more,
            }
        )
        subject = subjects.outcome(self.agent_id, offer.task_id, offer.attempt_id)
        await self.bus.publish_durable(subject, outcome, message_id=message_id or str(offer.attempt_id))
        self.running.discard(offer.attempt_id)

    async def vanish(self) -> None:
        """Not a word any more: heartbeats and answers stop."""
        if self._beating is not None:
            self._beating.cancel()
        await self.stop_listening()

    close = vanish
