"""One agent's attempts: takes offers up to its slots, runs them side by side, stops them on request, reports every end."""

import asyncio
from collections.abc import Callable
from functools import partial
from uuid import UUID

from agent_sidecar.admission import Admission, Room
from agent_sidecar.asking import ask_of
from agent_sidecar.attempt import Attempt
from agent_sidecar.backends.backend import Backend
from agent_sidecar.condition import Condition
from agent_sidecar.deltas import NOTHING, Deltas
from agent_sidecar.measured import Measured
from agent_sidecar.patience import Patience, expectation, first_token_limit, silent_tokens
from agent_sidecar.report import Reports, publish_chunk
from agent_sidecar.spans import attempt_span
from agent_sidecar.watchdog import Stop
from bus import subjects, telemetry
from bus.client import Bus
from bus.messages import AttemptOutcome, DispatchOffer, Ending, ModelInfo, OfferReply, OutputChunk
from bus.model_names import same_model

logger = telemetry.log(__name__)

Ended = Callable[[AttemptOutcome, str], None]
"""Told of every attempt's end, with the model that it used."""


def end_mark(offer: DispatchOffer, deltas: Deltas, outcome: AttemptOutcome) -> OutputChunk:
    """The last chunk of an attempt: all that is to be said beside the output that was sent."""
    output = outcome.output
    ending = Ending(
        finish_reasons=tuple(answer.finish_reason for answer in (output, *output.others)),
        usage=outcome.usage,
        timings=outcome.timings,
        context=output.context,
        error=outcome.error,
    )
    begun = deltas.begins_at
    return OutputChunk(number=offer.number, offset=deltas.offset, begins_at=begun, end=outcome.status, ending=ending)


class Runner:
    """`slots` and `models` are kept current by the agent; `models` None: not known yet."""

    def __init__(
        self,
        bus: Bus,
        backend: Backend,
        *,
        agent_id: str,
        instance: str,
        condition: Condition,
        measured: Measured,
        patience: Patience,
        output_bytes: int,
        ended: Ended,
    ) -> None:
        self._bus, self._backend = bus, backend
        self._agent_id, self._instance = agent_id, instance
        self._condition, self._measured, self._patience = condition, measured, patience
        self._output_bytes, self._ended = output_bytes, ended
        self._admission = Admission()
        self._reports = Reports(bus)
        self._generating: dict[UUID, Attempt] = {}
        self._unreported: dict[UUID, asyncio.Task[None]] = {}
        self.slots = 1
        self.models: tuple[ModelInfo, ...] | None = None

    @property
    def running(self) -> tuple[UUID, ...]:
        """Attempts whose outcome is not acknowledged yet."""
        return tuple(self._unreported)

    @property
    def busy(self) -> int:
        """Slots that are taken: the backend works on this many attempts."""
        return len(self._generating)

    def outdated(self, epoch: int) -> bool:
        """Whether a later leader has spoken since."""
        return self._admission.outdated(epoch)

    def uses(self, model: str) -> int:
        """Attempts that the backend works on with it."""
        return sum(same_model(attempt.offer.model, model) for attempt in self._generating.values())

    def offer(self, offer: DispatchOffer) -> OfferReply:
        """Answers at once; an accepted attempt begins."""
        has_model = self.models is None or self._model(offer.model) is not None
        closed = self._condition.closed or ("the bus does not acknowledge its reports" if self._reports.full else None)
        room = Room(free_slots=self.slots - self.busy, closed=closed, has_model=has_model)
        reply, begins = self._admission.answer(offer, room)
        if begins:
            self._begin(offer)
        return reply

    def stop(self, attempt_id: UUID, why: Stop, epoch: int | None = None) -> tuple[bool, str]:
        """Whether the attempt runs and is now being stopped, and a sentence. One that was never offered will not begin.

        `epoch` is that of the leader who asks; None for a person.
        """
        if epoch is not None and self._admission.outdated(epoch):
            return False, f"is not stopped by a coordinator of epoch {epoch}, which is over"
        if attempt := self._generating.get(attempt_id):
            attempt.stop(why)
            return True, "is being stopped"
        if self._admission.knows(attempt_id):
            return False, "does not run any more"
        self._admission.forbid(attempt_id)
        return False, "was not offered here and will not begin"

    async def finish(self, seconds: float) -> None:
        """Let what runs end; stop what still runs after `seconds`, and wait until every outcome is acknowledged."""
        if self._generating and seconds > 0:
            await asyncio.wait([self._unreported[id_] for id_ in self._generating], timeout=seconds)
        for attempt in list(self._generating.values()):
            attempt.stop(Stop.AGENT_LEAVES)
        while self._unreported:
            await asyncio.wait(list(self._unreported.values()))

    def first_token_seconds(self, name: str, model: ModelInfo | None, characters: int, silent: int = 0) -> float:
        """How long the first token of an answer to so many characters may take, when `silent` others are written before it is sent.
        `model` as the backend lists it.
        """
        return first_token_limit(self._patience, expectation(model, self._measured.model(name)), characters, silent)

    def _begin(self, offer: DispatchOffer) -> None:
        written = NOTHING if offer.continue_from is None else offer.continue_from.output
        characters = ask_of(offer).characters
        silent = silent_tokens(self._backend.kind, offer.options, tools=bool(offer.tools))
        send = partial(publish_chunk, self._bus, subjects.output(self._agent_id, offer.task_id, offer.attempt_id))
        attempt = Attempt(
            offer,
            self._backend,
            Deltas(send, offer.number, self._output_bytes, written),
            first_seconds=self.first_token_seconds(offer.model, self._model(offer.model), characters, silent),
            stall_seconds=self._patience.stall_seconds,
        )
        self._generating[offer.attempt_id] = attempt
        self._unreported[offer.attempt_id] = asyncio.create_task(self._run(attempt))

    async def _run(self, attempt: Attempt) -> None:
        offer = attempt.offer
        with telemetry.trace(offer.traceparent), attempt_span(offer, self._agent_id) as span:
            try:
                try:
                    outcome = await attempt.run(self._agent_id, self._instance)
                finally:
                    del self._generating[offer.attempt_id]
                if outcome.error is not None:
                    span.fail(outcome.error.code)
                self._ended(outcome, offer.model)
                await self._reports.tell(outcome)
                self._admission.reported(offer.attempt_id)
                end = end_mark(offer, attempt.deltas, outcome)
                await publish_chunk(self._bus, subjects.output(self._agent_id, offer.task_id, offer.attempt_id), end)
            finally:
                del self._unreported[offer.attempt_id]

    def _model(self, name: str) -> ModelInfo | None:
        return next((model for model in self.models or () if same_model(model.name, name)), None)
