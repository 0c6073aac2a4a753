"""One task of a door: submitted, followed to its end, and cancelled when its client goes.

Its end is told by the end mark, which is sent when the report is on disk; the record is asked for where that does not come, and where
chunks are missing (docs/adr/0017). The event of the end is sent at the same moment, so the mark may be just behind it.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Final, Self
from uuid import UUID

from bus import subjects, telemetry
from bus.auditing.changes import ABANDONED
from bus.client import Received
from bus.errors import BusUnavailable, DeadlineExceeded, HiveError, NotFound, TaskNotFound, Unavailable, from_code
from bus.follow import Delta, Position, Reading, Restart
from bus.messages import Claims, Ending, OutcomeStatus, OutputChunk, TaskRecord, TaskRef, TaskRequest, TaskStatus, Usage
from bus.messages.output import Timings
from bus.model_names import tagged
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.inbox import Inbox
from coordinator.gateway.submission import new_task_id

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 2.0
QUIET_SECONDS: Final = 2.0
"""After which the record is looked at when nothing comes: an event may be lost. Doubles each time, since most that wait are queued."""
LONGEST_QUIET_SECONDS: Final = 15.0
FIRST_PAUSE_SECONDS: Final = 1.0
CANCEL_SECONDS: Final = 600.0
MOST_UNKNOWN: Final = 5
"""Looks in a row that find no record of what was taken."""
MARK_SECONDS: Final = 0.2
"""After which the record is looked at when a task's end is announced and its mark does not come."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Nothing has come for a while. `record` as it is, where somebody could tell."""

    record: TaskRecord | None


@dataclass(frozen=True, slots=True)
class Ended:
    """It completed, and all of its output was yielded."""

    ending: Ending


class Run:
    """`async with`: submits on entry; on exit cancels a task that has not ended, unless it may be asked for again by its
    Idempotency-Key or this gateway is leaving: told to stop, it lets answers end that take no longer than it may.
    """

    def __init__(self, gateway: Gateway, claims: Claims, idempotency_key: str | None, model: str | None = None) -> None:
        """`model`: one of several that the same key may come to ask for, each by a task of its own."""
        self._gateway, self._claims, self._key = gateway, claims, idempotency_key
        self.task_id: UUID = task_id_of(claims, idempotency_key, model)
        self.record: TaskRecord | None = None
        """As it ended, where the record was looked at."""
        self.agent_id: str | None = None
        """Who writes it, once something came."""
        self._inbox, self._reading = Inbox(), Reading(gateway.bus, self.task_id, Position(0, 0))
        self._stack = AsyncExitStack()
        self._over, self._fresh, self._abandoned = True, False, False
        self._unknown = 0
        self._marked = False
        """Whether the newest attempt's end mark was read."""

    async def __aenter__(self) -> Self:
        """Listens first. On one connection the server sees that before the submit, so nothing need be waited for."""
        self._stack.enter_context(self._gateway.waiting.expect(self.task_id, self._inbox))
        listening = await self._gateway.bus.collect(subjects.outputs_of_task(self.task_id), self._inbox.put)
        self._stack.push_async_callback(listening.close)
        return self

    async def submit(self, request: TaskRequest) -> None:
        """Raises what docs/errors.md lists for a submit. From here on the task is this run's to cancel."""
        self._over = False
        submit = self._gateway.submission.submit
        try:
            submitted = await submit(request, self._claims, task_id=self.task_id, idempotency_key=self._key)
        except BusUnavailable:
            raise  # it may have been taken
        except HiveError:
            self._over = True
            raise
        self._fresh = submitted.created

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_mine = self._key is None or self._abandoned
        if not self._over and is_mine and not self._gateway.leaving.is_set():
            self._gateway.background(self._cancel())
        await self._stack.aclose()

    def abandon(self) -> None:
        """Another is asked in its place: nobody waits for it any more, with a key or without."""
        self._abandoned = True

    async def _cancel(self) -> None:
        """Its client has gone, or takes nothing more of it. That says nothing about the host.

        Said again while nobody can hear it: what clients gave up while the record was away would be done ahead of what others wait for.
        """
        claims = self._claims.model_copy(update={"via": ABANDONED})
        until, pause = monotonic() + CANCEL_SECONDS, FIRST_PAUSE_SECONDS
        while not self._gateway.leaving.is_set():
            try:
                body = TaskRef(id=self.task_id)
                await verbs.ask(self._gateway.bus, subjects.SERVICE_TASKS, "cancel", body, TaskRecord, claims)
                return
            except HiveError as error:
                if not isinstance(error, Unavailable | DeadlineExceeded) or monotonic() > until:
                    logger.info("task_not_cancelled", task_id=str(self.task_id), reason=error.message)
                    return
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._gateway.leaving.wait()
            pause = min(LONGEST_QUIET_SECONDS, 2 * pause)

    async def items(self) -> AsyncGenerator[Delta | Restart | Quiet | Ended, None]:
        """To the end of the task, which is the last item. Raises the error that it failed with; Unavailable when the gateway stops."""
        if not self._fresh:
            for item in await self._reading.stored():
                yield item
            self._inbox.set()
        quiet_seconds, said_at = QUIET_SECONDS, monotonic()
        while True:
            while (received := self._inbox.take()) is not None:
                chunk = received.decode(OutputChunk)
                for item in self._read(received, chunk):
                    said_at = monotonic()
                    yield item
                if self._is_whole(chunk):
                    self._over = True
                    yield Ended(chunk.ending or Ending())
                    return
            if self._inbox.lost or self._reading.gap.is_due(monotonic()):
                self._inbox.lost = False
                found = await self._reading.missed()
                self._inbox.set()
                for item in found:
                    said_at = monotonic()
                    yield item
            announced = self._inbox.announced
            if (
                not (announced and self._marked)
                and await self._heard(MARK_SECONDS if announced else quiet_seconds)
                and monotonic() - said_at < LONGEST_QUIET_SECONDS
            ):
                continue
            self._inbox.announced, said_at = False, monotonic()
            record = await self.look()
            if record is not None and record.status.terminal:
                self.record = record
                for item in self._reading.position.rest(record):
                    yield item
                self._over = True
                yield Ended(_ending_of(record))
                return
            if not announced:
                yield Quiet(record)
                quiet_seconds = min(quiet_seconds * 2, LONGEST_QUIET_SECONDS)

    async def _heard(self, seconds: float) -> bool:
        """Whether something came within so many seconds. Unavailable when the gateway stops."""
        heard = await self._inbox.wait(seconds)
        if self._gateway.leaving.is_set():
            raise Unavailable(
                f"This gateway is stopping. The task {self.task_id} goes on; its output can be fetched by its id."
            )
        return heard

    def _read(self, received: Received, chunk: OutputChunk) -> list[Delta | Restart]:
        if chunk.number >= self._reading.position.number:
            self.agent_id = subjects.agent_of_output(received.subject)
            self._marked = chunk.end is not None
        return self._reading.take(chunk)

    def _is_whole(self, chunk: OutputChunk) -> bool:
        """Whether it is the end mark of an answer that is complete, and all of that came here."""
        completed = chunk.end is OutcomeStatus.COMPLETED and chunk.ending is not None
        return completed and chunk.number == self._reading.position.number and chunk.offset == self._reading.position.offset

    async def look(self) -> TaskRecord | None:
        """The record; None where nobody can tell. TaskNotFound for one that is gone, such as by a restored backup: it has no end."""
        try:
            record = await self.known()
        except (Unavailable, DeadlineExceeded):
            return None
        self._unknown = 0 if record is not None else self._unknown + 1
        if self._unknown >= MOST_UNKNOWN:
            self._over = True
            raise TaskNotFound(f"The task {self.task_id} is not in the record any more. Ask again.")
        if record is not None:
            self.agent_id = self.agent_id or record.assigned_agent_id
        return record

    async def known(self) -> TaskRecord | None:
        """The record; None where there is none. Unavailable or DeadlineExceeded where nobody can tell."""
        body = TaskRef(id=self.task_id)
        try:
            return await verbs.ask(
                self._gateway.bus, subjects.SERVICE_TASKS, "get", body, TaskRecord, self._claims, seconds=LOOK_SECONDS
            )
        except NotFound:
            return None


def task_id_of(claims: Claims, idempotency_key: str | None, model: str | None) -> UUID:
    """No client's key holds a U+0000, so none is taken for another's."""
    key = idempotency_key if idempotency_key is None or model is None else f"{idempotency_key}\0{tagged(model)}"
    return new_task_id(claims.tenant, key)


def _ending_of(record: TaskRecord) -> Ending:
    """Raises what the task failed with."""
    if record.status is not TaskStatus.COMPLETED:
        if record.error is None:
            raise HiveError(f"The task {record.id} was {record.status} before it ended.")
        raise from_code(record.error.code, record.error.message)
    output = record.output
    reasons = () if output is None else tuple(answer.finish_reason for answer in (output, *output.others))
    return Ending(
        finish_reasons=reasons,
        usage=record.usage or Usage(),
        timings=record.timings or Timings(),
        context=None if output is None else output.context,
    )
