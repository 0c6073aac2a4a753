"""Puts offers, cancels and preemptions to the sidecars, after the commit that holds them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final
from uuid import UUID

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import BusUnavailable, DeadlineExceeded, HiveError, NoLeader
from bus.messages import Control, ControlAction, ControlReply, DispatchOffer, OfferReply, OfferVerdict
from bus.together import end
from coordinator.agents.agent import OpenAttempt
from coordinator.leading.inputs import Input, OfferAccepted, OfferRefused

logger = telemetry.log(__name__)

OFFER_SECONDS: Final = 2.0
BUSY_PAUSE_SECONDS: Final = 0.5
UNABLE_PAUSE_SECONDS: Final = 2.0
ABSENT_PAUSE_SECONDS: Final = 1.0


class Dispatcher:
    """An offer is repeated until it is answered or its attempt is closed: silence may mean that it was accepted."""

    def __init__(self, bus: Bus, put: Callable[[Input], None], is_open: Callable[[OpenAttempt], bool]) -> None:
        self._bus, self._put, self._is_open = bus, put, is_open
        self._tasks: set[asyncio.Task[Any]] = set()
        self._offering: set[UUID] = set()

    def offer(self, attempt: OpenAttempt, offer: DispatchOffer, *, again: bool = False) -> None:
        """`again`: the sidecar may have it already, from an offer whose answer nobody heard."""
        if attempt.id not in self._offering:
            self._offering.add(attempt.id)
            self._start(self._offer(attempt, offer, again))

    def cancel(self, attempt: OpenAttempt) -> None:
        self._start(self._cancel(attempt))

    def preempt(self, attempt: OpenAttempt, epoch: int) -> None:
        """It is to end with what it has written. One that runs no more has said so, or will."""
        self._start(self._order(attempt, Control(action=ControlAction.PREEMPT, attempt_id=attempt.id, epoch=epoch)))

    def _start(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _offer(self, attempt: OpenAttempt, offer: DispatchOffer, again: bool) -> None:
        subject = subjects.dispatch(attempt.agent_id, attempt.instance)
        data = offer.model_dump_json(exclude_defaults=True).encode()
        try:
            while self._is_open(attempt) and not attempt.superseded:
                try:
                    reply = await self._bus.request(subject, data, OfferReply, timeout=OFFER_SECONDS, patient=False)
                    self._put(_input(attempt, reply))
                    return
                except NoLeader:
                    # The server says that nobody listens. Who was offered it before may still have it, and come back with it.
                    if not again:
                        self._put(OfferRefused(attempt.id, "its sidecar was not there", ABSENT_PAUSE_SECONDS))
                        return
                    await asyncio.sleep(ABSENT_PAUSE_SECONDS)
                except (DeadlineExceeded, BusUnavailable):
                    again = True
                    logger.info("offer_unanswered", task_id=str(attempt.task_id), agent_id=attempt.agent_id)
                except HiveError as error:  # an answer that nobody can read is none
                    again = True
                    known = {"task_id": str(attempt.task_id), "agent_id": attempt.agent_id}
                    logger.warning("offer_answer_unreadable", error=error.message, **known)
                    await asyncio.sleep(ABSENT_PAUSE_SECONDS)
        finally:
            self._offering.discard(attempt.id)

    async def _cancel(self, attempt: OpenAttempt) -> None:
        reply = await self._order(attempt, Control(action=ControlAction.CANCEL, attempt_id=attempt.id))
        if reply is not None and not reply.running:
            self._put(OfferRefused(attempt.id, "it was cancelled before it began", pause_seconds=0.0))

    async def _order(self, attempt: OpenAttempt, control: Control) -> ControlReply | None:
        """Repeated until it is answered; None when the attempt is closed before."""
        while self._is_open(attempt):
            try:
                return await self._bus.request(subjects.control(attempt.agent_id), control, ControlReply, timeout=OFFER_SECONDS)
            except HiveError as error:
                action, known = control.action, {"task_id": str(attempt.task_id), "agent_id": attempt.agent_id}
                logger.info("order_unanswered", action=action, error=error.message, **known)
        return None

    async def close(self) -> None:
        await end(list(self._tasks))


def _input(attempt: OpenAttempt, reply: OfferReply) -> Input:
    match reply.verdict:
        case OfferVerdict.ACCEPTED:
            return OfferAccepted(attempt.id)
        case OfferVerdict.BUSY:
            return OfferRefused(attempt.id, reply.reason or "it was busy", BUSY_PAUSE_SECONDS)
        case OfferVerdict.UNABLE:
            return OfferRefused(attempt.id, reply.reason or "it was unable", UNABLE_PAUSE_SECONDS)
