"""Output as server-sent events: resumable, alive through proxies, and ended in words when the gateway stops."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeVar

from pydantic import BaseModel

from bus.errors import HiveError, InvalidRequest
from bus.follow import Delta, Done, Restart, beyond, end_of, follow
from bus.messages import Claims, Message, TaskRecord, TokenLogprob, ToolCallDelta
from bus.messages.places import QueuePlace
from bus.together import let_go
from coordinator.gateway import problem
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.places import place_of

T = TypeVar("T")

KEEP_ALIVE_SECONDS: Final = 15.0
RECONNECT_MILLISECONDS: Final = 1000


class Position(Message):
    """Where a reader is: attempt `number`, and how far it has seen it (`units` of bus.messages.output)."""

    number: int = 0
    offset: int = 0


class OutputDelta(Message):
    """The data of an event `delta`: what is new of the answer `choice`, and where it begins. Calls of tools come in parts."""

    number: int
    offset: int
    text: str = ""
    thinking: str = ""
    choice: int = 0
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    embeddings: tuple[str, ...] = ()


class OutputRestart(Message):
    """The data of an event `restart`: forget what came; attempt `number` begins from the first character."""

    number: int


class Pause(Enum):
    """What happens when nothing does."""

    QUIET = ": still here\n\n"
    STOPPING = ": this gateway is stopping; connect again with Last-Event-ID to go on\n\n"


def parse_position(last_event_id: str | None) -> Position:
    """The `id` of the last event that a client has seen. InvalidRequest when it is none of ours."""
    if not last_event_id:
        return Position()
    number, _, offset = last_event_id.partition(":")
    if not (number.isdecimal() and offset.isdecimal() and len(last_event_id) <= 32):
        raise InvalidRequest("Last-Event-ID is not the id of an event of this stream. Leave it out to begin at the start.")
    return Position(number=int(number), offset=int(offset))


def check_position(position: Position, record: TaskRecord) -> None:
    """InvalidRequest for what nobody can have seen: silence until the end would look as if nothing were said.

    How far a running attempt has come only its next words tell (bus/follow.py): what the stream holds of it may be less.
    """
    begun = len(record.attempts)
    if position.number > begun:
        raise InvalidRequest(
            f"Last-Event-ID names attempt {position.number}, and the task has had {begun}. Leave it out to begin at the start."
        )
    if record.output is not None and position.number == begun and position.offset > end_of(record.output):
        raise beyond(begun, position.offset, end_of(record.output))


async def output_events(
    gateway: Gateway, record: TaskRecord, claims: Claims, start: Position, instance: str, request_id: str
) -> AsyncIterator[str]:
    """The text of a stream of events: `queue` while it waits, `delta`, `restart`, and at last `done` with the task, or `error`."""
    yield f"retry: {RECONNECT_MILLISECONDS}\n\n"
    items = follow(gateway.bus, record.id, claims, number=start.number, offset=start.offset)
    beside = gateway.places.watch(record.id, place_of(record))
    try:
        async for step in paced(items, gateway.stopping, beside):
            yield step.value if isinstance(step, Pause) else _render(step)
    except HiveError as error:
        yield _event("error", problem.describe(error, instance, request_id))


async def paced(
    items: AsyncGenerator[T, None],
    stopping: asyncio.Event,
    beside: AsyncGenerator[T, None] | None = None,
    *,
    quiet_seconds: float = KEEP_ALIVE_SECONDS,
) -> AsyncIterator[T | Pause]:
    """The items as they come, a Pause when none does for a while, and the end when `stopping` is set.

    What comes `beside` is taken as well, and ends nothing. The items are read in a task of their own: when the client goes away this one may await nothing more, that one can clean up.
    """
    inbox: asyncio.Queue[T | Pause | _End] = asyncio.Queue(64)
    tasks = {asyncio.create_task(_pump(items, inbox)), asyncio.create_task(_halt(stopping, inbox))}
    if beside is not None:
        tasks.add(asyncio.create_task(_take(beside, inbox)))
    try:
        while True:
            match await _next(inbox, quiet_seconds):
                case _End(error=error):
                    if error is not None:
                        raise error
                    return
                case Pause.STOPPING:
                    yield Pause.STOPPING
                    return
                case step:
                    yield step
    finally:
        let_go(tasks)


@dataclass(frozen=True, slots=True)
class _End:
    error: Exception | None = None


async def _take(items: AsyncGenerator[T, None], inbox: "asyncio.Queue[T | Pause | _End]") -> None:
    async with aclosing(items):
        async for item in items:
            await inbox.put(item)


async def _pump(items: AsyncGenerator[T, None], inbox: "asyncio.Queue[T | Pause | _End]") -> None:
    end = _End()
    try:
        await _take(items, inbox)
    except Exception as error:
        end = _End(error)
    await inbox.put(end)


async def _halt(stopping: asyncio.Event, inbox: "asyncio.Queue[T | Pause | _End]") -> None:
    await stopping.wait()
    await inbox.put(Pause.STOPPING)


async def _next(inbox: "asyncio.Queue[T | Pause | _End]", quiet_seconds: float) -> T | Pause | _End:
    try:
        async with asyncio.timeout(quiet_seconds):
            return await inbox.get()
    except TimeoutError:
        return Pause.QUIET


def _render(item: Delta | Restart | Done | QueuePlace) -> str:
    match item:
        case QueuePlace():
            return _event("queue", item)
        case Delta():
            data = OutputDelta.model_validate(item, from_attributes=True)
            return _event("delta", data, f"{item.number}:{item.end}")
        case Restart():
            return _event("restart", OutputRestart(number=item.number), f"{item.number}:0")
        case Done():
            return _event("done", item.record)


def _event(name: str, data: BaseModel, event_id: str | None = None) -> str:
    """One event. JSON holds no line breaks, so one `data:` line is enough."""
    marked = "" if event_id is None else f"id: {event_id}\n"
    return f"{marked}event: {name}\ndata: {data.model_dump_json()}\n\n"
