"""One agent: a backend and everything that makes it one of Hive's. Knows no process and no other agent."""

import asyncio
from collections.abc import Coroutine
from time import monotonic
from typing import Any

from agent_sidecar.backends.backend import Backend
from agent_sidecar.condition import Condition
from agent_sidecar.health import Checkup
from agent_sidecar.heartbeat import Heartbeats, Pulse
from agent_sidecar.jobs import Jobs
from agent_sidecar.measured import Measured
from agent_sidecar.measuring import Measuring
from agent_sidecar.metrics import publish_metrics
from agent_sidecar.model_orders import ModelOrders
from agent_sidecar.orders import Orders
from agent_sidecar.patience import Patience
from agent_sidecar.registration import Registration, registration_of
from agent_sidecar.runner import Runner
from agent_sidecar.settings import SidecarSettings
from agent_sidecar.tally import Tally
from agent_sidecar.telemetry.host import Host
from agent_sidecar.trial import Trial
from agent_sidecar.watch import BackendWatch
from bus import subjects, telemetry
from bus.client import Bus, Closing, Received
from bus.errors import BackendError, BackendStalled, BackendUnreachable, InvalidRequest, ModelNotOnAgent, from_code
from bus.messages import (
    AgentRegistration,
    AttemptOutcome,
    BackendKind,
    DispatchOffer,
    Hardware,
    ModelInfo,
    OfferReply,
    OfferVerdict,
    Upstream,
)
from bus.messages.models import ModelWish
from bus.model_names import same_model
from bus.together import end

logger = telemetry.log(__name__)

FIRST_LOOK_SECONDS = 2.0
"""A backend that answers within this is registered with its models; one that does not comes to life later."""

_BACKENDS_FAULT = {error.code for error in (BackendError, BackendStalled, BackendUnreachable, ModelNotOnAgent)}
"""What an attempt fails with when its backend is ill, or its model does not work there."""


class Agent:
    """`start`, then `stop` once. `host` is given where the backend runs on this machine."""

    def __init__(
        self,
        bus: Bus,
        backend: Backend,
        settings: SidecarSettings,
        *,
        agent_id: str,
        upstream: Upstream,
        instance: str,
        host: Host | None = None,
    ) -> None:
        self.agent_id, self.upstream = agent_id, upstream
        self._bus, self._backend, self._settings, self._instance = bus, backend, settings, instance
        self._host = host
        self._hardware = upstream.hardware or (host.hardware() if host else Hardware())
        self._measured = Measured(settings.data_dir / "sidecar" / f"{self.agent_id}.json")
        self.condition, self.tally = Condition(), Tally()
        self.runner = self._new_runner()
        self.runner.slots = upstream.slots or self._measured.findings.slots or 1
        self._watch = self._new_watch()
        self._registration = Registration(bus, self.describe)
        self._registered_kind: BackendKind | None = None
        self._registered_models = False
        self._jobs = Jobs(bus, agent_id, instance, settings.pulls_at_once)
        self._measuring = Measuring(
            bus,
            agent_id,
            backend,
            self.runner,
            self.condition,
            self._measured,
            fixed_slots=upstream.slots,
            look=self._watch.look_soon,
        )
        self._heartbeats = Heartbeats(bus, agent_id, self._instance, pulse=self._pulse, reconnected=self._registration.again)
        orders = Orders(
            agent_id,
            self.runner,
            self.condition,
            self._measuring,
            ModelOrders(agent_id, backend, self.runner, self._jobs, self._watch.look_soon),
            register=self._registration.again,
        )
        self._desk = orders.desk()
        self._checkup = Checkup(agent_id, backend, self.condition, host, lambda: self.tally.recent(monotonic()))
        self._tasks: list[asyncio.Task[None]] = []
        self._open: list[Closing] = []

    def _new_runner(self) -> Runner:
        settings = self._settings
        return Runner(
            self._bus,
            self._backend,
            agent_id=self.agent_id,
            instance=self._instance,
            condition=self.condition,
            measured=self._measured,
            patience=Patience(
                first_token_seconds=settings.first_token_seconds,
                stall_seconds=settings.stall_seconds,
                load_bytes_per_second=settings.load_bytes_per_second,
            ),
            output_bytes=settings.output_bytes,
            ended=self._attempt_ended,
        )

    def _new_watch(self) -> BackendWatch:
        trial = Trial(
            self._backend,
            limit=lambda name, model: self.runner.first_token_seconds(name, model, characters=0),
            loaded=self._measured.note_load,
        )
        return BackendWatch(
            self._backend,
            self.condition,
            trial,
            seen=self._seen,
            busy=lambda: self.runner.busy > 0 or self._measuring.under_way,
            healthy_seconds=self._settings.models_seconds,
            probe_seconds=self._settings.probe_seconds,
        )

    async def start(self) -> None:
        """Returns when the agent listens. Neither a dead backend nor a missing leader keeps it from starting."""
        try:
            async with asyncio.timeout(FIRST_LOOK_SECONDS):
                await self._watch.look()
        except TimeoutError:
            logger.warning("backend_slow", agent_id=self.agent_id, endpoint=self._backend.endpoint)
        self._open += [
            await self._bus.answer(subjects.dispatch(self.agent_id, self._instance), self._offered),
            await self._bus.answer(subjects.control(self.agent_id), self._desk.handle),
            # Apart from the orders: none of them waits for a backend that is slow to answer this.
            await self._bus.answer(subjects.health(self.agent_id), lambda _asked: self._checkup.check()),
        ]
        self._go(self._registration.run())
        self._go(self._watch.run())
        self._go(self._heartbeats.run(self._settings.heartbeat_seconds))
        self._go(
            publish_metrics(
                self._bus,
                self.agent_id,
                self._host,
                seconds=self._settings.metrics_seconds,
                active=lambda: self.runner.busy,
                recent=lambda: self.tally.recent(monotonic()),
            )
        )

    def _go(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def prefer(self, wishes: tuple[ModelWish, ...]) -> None:
        """How its models are to be loaded from now on."""
        self._backend.prefer(wishes)

    async def stop(self, drain_seconds: float) -> None:
        """Refuse new work, let what runs end, report it, go. Heartbeats say so until the end, and the first of them before a
        report frees a slot that is not to be filled.
        """
        self.condition.leaving = True
        await self._heartbeats.send()
        await self._measuring.close()
        try:
            await self.runner.finish(drain_seconds)
        finally:
            await self._jobs.close()
            await end(self._tasks)
            for closing in self._open:
                await closing.close()
            await self._backend.aclose()

    def describe(self) -> AgentRegistration:
        """The agent as it introduces itself."""
        self._registered_kind, self._registered_models = self._backend.kind, bool(self.runner.models)
        return registration_of(
            self.upstream,
            agent_id=self.agent_id,
            instance=self._instance,
            endpoint=self._backend.endpoint,
            kind=self._backend.kind,
            slots=self.runner.slots,
            models=self.runner.models or (),
            hardware=self._hardware,
        )

    def _pulse(self) -> Pulse:
        return Pulse(
            status=self.condition.status,
            reason=self.condition.reason or self._watch.suspects.reason,
            slots=self.runner.slots,
            running=self.runner.running,
            measuring=self._measuring.under_way,
            models=self.runner.models,
        )

    async def _offered(self, received: Received) -> OfferReply:
        try:
            reply = self.runner.offer(received.decode(DispatchOffer))
        except InvalidRequest as error:  # of a coordinator that speaks otherwise: it must not wait for an answer
            return OfferReply(verdict=OfferVerdict.UNABLE, reason=f"cannot read the offer: {error.message}")
        if reply.verdict is OfferVerdict.ACCEPTED:
            self._measuring.give_way()
        return reply

    async def _seen(self, models: tuple[ModelInfo, ...]) -> None:
        """The backend is well and told its models."""
        if self.condition.fault is not None:
            told = self.upstream.slots or self._measured.findings.slots or await self._backend.slots()
            self.runner.slots = told or 1
        self.runner.models = models
        if self._registered_kind is None:
            return
        # The record of an agent without models would leave a new leader without any until the next heartbeat that tells them.
        if self._registered_kind != self._backend.kind or (models and not self._registered_models):
            self._registration.again()

    def _attempt_ended(self, outcome: AttemptOutcome, model: str) -> None:
        was_warm = any(known.loaded and same_model(known.name, model) for known in self.runner.models or ())
        self.tally.add(outcome, monotonic())
        if outcome.error is not None:
            ids = {"task_id": str(outcome.task_id), "attempt_id": str(outcome.attempt_id)}
            logger.info("attempt_failed", agent_id=self.agent_id, code=outcome.error.code, **ids)
        if not was_warm and outcome.timings.load_seconds:
            self._measured.note_load(model, outcome.timings.load_seconds)
        if outcome.error is not None and outcome.error.code in _BACKENDS_FAULT:
            logger.warning("backend_failed", agent_id=self.agent_id, reason=outcome.error.message)
            self.condition.fail(from_code(outcome.error.code, outcome.error.message), model)
            self._watch.look_soon()
        elif not was_warm:
            self._watch.look_soon()
