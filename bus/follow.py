"""Follow one task's output, as every door does: live deltas, what was missed from the stream, and the record's word at the end.

Deltas are numbered by attempt and text offset, so joining live and stored ones needs no clock and no luck.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import UUID

from bus import subjects
from bus.client import Bus, Received
from bus.errors import DeadlineExceeded, InvalidRequest, Unavailable
from bus.messages import Claims, Content, Output, OutputChunk, TaskRecord, TaskRef, TokenLogprob, ToolCallDelta
from bus.messages.output import ahead, behind, contents_of

POLL_SECONDS = 2.0
"""Whoever waits also asks now and then: an event may be lost to a full buffer, the record is not."""

STORED_SECONDS = 2.0
"""What the stream holds comes at once; what does not come is not held any more, and the record has it at the end."""

FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 15.0
"""Between two readings of the stream for a chunk that did not come, and that it does not have either."""


@dataclass(frozen=True, kw_only=True)
class Delta:
    """New output of attempt `number`, of its answer `choice`. `offset` is where it begins, `end` where it ends (see OutputChunk)."""

    number: int
    offset: int
    choice: int = 0
    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    embeddings: tuple[str, ...] = ()

    @property
    def end(self) -> int:
        calls = sum((call.name is not None) + len(call.arguments) for call in self.tool_calls) if self.tool_calls else 0
        return self.offset + len(self.thinking) + len(self.text) + calls + len(self.embeddings)


@dataclass(frozen=True, kw_only=True)
class Restart:
    """The attempt that was followed ended without success; attempt `number` begins from the first character."""

    number: int


@dataclass(frozen=True, kw_only=True)
class Done:
    """The task has ended. `record.output` holds the whole text, when it completed."""

    record: TaskRecord


async def follow(
    bus: Bus, task_id: UUID, claims: Claims, *, number: int = 0, offset: int = 0, fresh: bool = False
) -> AsyncGenerator[Delta | Restart | Done, None]:
    """From attempt `number` and `offset` on (a resumed connection) to the end. `fresh`: the task is yet to be submitted.

    Nothing is told before the claims were looked at: TaskNotFound, PermissionDenied.
    InvalidRequest as soon as the attempt turns out not to have come as far as that.
    """
    inbox: asyncio.Queue[Received] = asyncio.Queue()
    async with AsyncExitStack() as stack:
        for subject in (subjects.outputs_of_task(task_id), subjects.events("task.*", entity_id=task_id)):
            stack.push_async_callback((await bus.subscribe(subject, inbox.put)).close)
        await bus.flush()
        reading = Reading(bus, task_id, Position(number, offset))
        ended = None if fresh else await _record(bus, task_id, claims)
        for item in () if fresh else await reading.stored():
            yield item
        while ended is None:
            received = await _next(inbox)
            if received is not None and subjects.is_output(received.subject):
                chunk = received.decode(OutputChunk)
                if chunk.number == number and end_of(chunk) < offset:  # said now, so nobody can have heard more before
                    raise beyond(number, offset, end_of(chunk))
                for item in reading.take(chunk):
                    yield item
            elif received is None or subjects.event_type(received.subject).terminal:
                ended = await _record(bus, task_id, claims)
            for item in await reading.missed() if ended is None and reading.gap.is_due(monotonic()) else ():
                yield item
        for item in reading.position.rest(ended):
            yield item
        yield Done(record=ended)


def end_of(what: OutputChunk | Output) -> int:
    """The offset behind it."""
    if isinstance(what, OutputChunk):
        return what.offset + what.units
    return sum(content.units for content in contents_of(what))


def beyond(number: int, offset: int, end: int) -> InvalidRequest:
    return InvalidRequest(
        f"Attempt {number} has not come to character {offset}; it is at {end}. Begin again, without the id of a last event."
    )


class Heard:
    """The text as it stands by the newest attempt that was heard, from its first character, as far as nothing of it was missed. Pure."""

    def __init__(self) -> None:
        self.number, self.end = 0, 0
        self._pieces: list[OutputChunk] = []

    def take(self, chunk: OutputChunk) -> None:
        if chunk.number > self.number:
            self.number = chunk.number
            self._cut(chunk.begins_at)
        if chunk.number == self.number and chunk.offset == self.end:
            self._pieces.append(chunk)
            self.end = end_of(chunk)

    def before(self, offset: int) -> tuple[OutputChunk, ...]:
        """What stands before it, as it was said; nothing where that is not known."""
        return self._until(offset) if offset <= self.end else ()

    def _cut(self, offset: int) -> None:
        self._pieces = list(self._until(offset))
        self.end = min(self.end, offset)

    def _until(self, offset: int) -> tuple[OutputChunk, ...]:
        return tuple(ahead(piece, offset - piece.offset) for piece in self._pieces if piece.offset < offset)


class Position:
    """Where a reader is: turns chunks, which may come twice, late or from a superseded attempt, into what is new. Pure."""

    def __init__(self, number: int, offset: int) -> None:
        self.number, self.offset = number, offset
        self._heard = Heard()

    def advance(self, chunk: OutputChunk) -> Iterator[Delta | Restart]:
        """Nothing for what was seen or is superseded, nor for what is behind a gap: that is read again (Reading), or of the record (`rest`)."""
        self._heard.take(chunk)
        if chunk.number < self.number:
            return
        if chunk.number > self.number:
            for restart in self._turn_to(chunk.number, chunk.begins_at):
                yield restart
                for piece in self._heard.before(chunk.begins_at):
                    yield from self._new(piece.offset, piece)
        if chunk.offset <= self.offset:
            yield from self._new(chunk.offset, chunk)

    def misses(self, chunk: OutputChunk) -> bool:
        """Whether something was said before the chunk that did not come here."""
        return chunk.number == self.number and chunk.offset > self.offset

    def rest(self, record: TaskRecord) -> Iterator[Delta | Restart]:
        """What the record has beyond what was seen."""
        if record.output is None:
            return
        final = len(record.attempts)
        if final > self.number:
            yield from self._turn_to(final, min(attempt.begins_at for attempt in record.attempts[self.number :]))
        start = 0
        for content in contents_of(record.output):
            yield from self._new(start, content)
            start += content.units

    def _turn_to(self, number: int, begins_at: int) -> Iterator[Restart]:
        """An attempt that goes on behind all that was seen takes nothing back."""
        seen, self.number = bool(self.number and self.offset), number
        if not (seen and self.offset <= begins_at):
            self.offset = 0
            if seen:
                yield Restart(number=number)

    def _new(self, start: int, content: Content) -> Iterator[Delta]:
        units = content.units
        if start + units <= self.offset:
            return
        new = behind(content, self.offset - start)
        yield Delta(
            number=self.number,
            offset=self.offset,
            choice=new.choice,
            text=new.text,
            thinking=new.thinking,
            tool_calls=new.tool_calls,
            logprobs=new.logprobs,
            embeddings=new.embeddings,
        )
        self.offset = start + units


class Gap:
    """A chunk that did not come: those behind it are of no use until the stream has been read again. Pure."""

    def __init__(self) -> None:
        self._due: float | None = None
        self._pause = FIRST_PAUSE_SECONDS

    def met(self, now: float) -> None:
        self._due = now if self._due is None else self._due

    def is_due(self, now: float) -> bool:
        """Whether to read the stream now; the next time after twice as long, should that not have helped."""
        if self._due is None or now < self._due:
            return False
        self._due, self._pause = now + self._pause, min(LONGEST_PAUSE_SECONDS, 2 * self._pause)
        return True


class Reading:
    """One task's chunks as they come to one reader, and from the stream what did not come to it."""

    def __init__(self, bus: Bus, task_id: UUID, position: Position) -> None:
        self._bus, self._subject = bus, subjects.outputs_of_task(task_id)
        self.position, self.gap = position, Gap()

    def take(self, chunk: OutputChunk) -> list[Delta | Restart]:
        found = list(self.position.advance(chunk))
        if self.position.misses(chunk):
            self.gap.met(monotonic())
        elif found:
            self.gap = Gap()
        return found

    async def missed(self) -> list[Delta | Restart]:
        """As `stored`, and nothing where the bus cannot tell: it is asked again, and the record has it at the end."""
        with suppress(Unavailable, DeadlineExceeded):
            return await self.stored()
        return []

    async def stored(self) -> list[Delta | Restart]:
        """What the stream has beyond what was seen, at once: how fast its reader reads is nothing to it. BusUnavailable."""
        found = [chunk async for chunk in stored(self._bus, self._subject)]
        return [item for chunk in found for item in self.position.advance(chunk)]


async def _next(inbox: asyncio.Queue[Received]) -> Received | None:
    try:
        async with asyncio.timeout(POLL_SECONDS):
            return await inbox.get()
    except TimeoutError:
        return None


async def stored(bus: Bus, subject_filter: str) -> AsyncGenerator[OutputChunk, None]:
    """What the stream holds now, oldest first. Minutes after the end that is nothing, and the record has it all. BusUnavailable."""
    newest = await bus.last(subjects.OUTPUT, subject_filter)
    if newest is None:
        return
    reader, sequence = await bus.read(subjects.OUTPUT, subject_filter), 0
    try:
        while sequence < newest.sequence:
            async with asyncio.timeout(STORED_SECONDS):
                batch = await reader.batch(10_000)
            for message in batch:
                sequence = message.sequence
                yield message.decode(OutputChunk)
    except TimeoutError:  # the newest has expired meanwhile, or was erased
        pass
    finally:
        await reader.close()


async def _record(bus: Bus, task_id: UUID, claims: Claims) -> TaskRecord | None:
    """The record when the task has ended; None while it has not, or while nobody can tell."""
    try:
        verb = subjects.service_verb(subjects.SERVICE_TASKS, "get")
        record = await bus.request(verb, TaskRef(id=task_id), TaskRecord, claims=claims)
    except (Unavailable, DeadlineExceeded):
        return None
    return record if record.status.terminal else None
