"""Following a task's output when the stream does not hold what it just held."""

import asyncio
from contextlib import aclosing
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bus import auth, subjects
from bus.client import Received
from bus.errors import BusUnavailable, TaskNotFound
from bus.follow import Delta, Done, Gap, Position, Restart, follow
from bus.messages import (
    AttemptRecord,
    AttemptStatus,
    Claims,
    Output,
    OutputChunk,
    TaskRecord,
    TaskRef,
    TaskStatus,
    ToolCallDelta,
)
from bus.messages.output import ahead, behind, output_from
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus

TASK = TaskRecord(
    id=uuid4(),
    owner="anna",
    status=TaskStatus.COMPLETED,
    priority=3,
    created_at=datetime.now(UTC),
    output=Output(text="Hello there."),
)


class Forgetful(InMemoryBus):
    """Between a look at the newest message and the reading, the stream loses it, as it does when it is too old."""

    async def last(self, stream: str, subject_filter: str) -> Received | None:
        found = await super().last(stream, subject_filter)
        if found is not None:
            await self.purge(stream, subject_filter, found.sequence)
        return found


async def test_output_that_expires_while_it_is_looked_for_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.follow.STORED_SECONDS", 0.05)

    async def get(_call: Call[TaskRef]) -> TaskRecord:
        return TASK

    bus = Forgetful()
    endpoint = Endpoint(verb="get", body=TaskRef, handler=get, permission=None)
    await bus.serve(Service(name=subjects.SERVICE_TASKS, version="0", description="", endpoints=(endpoint,)))
    await bus.publish(subjects.output("acacia", TASK.id, uuid4()), OutputChunk(number=1, offset=0, text="Hello "))
    async with asyncio.timeout(5):
        items = [item async for item in follow(bus, TASK.id, auth.BUS_OPERATOR)]
    assert items == [Delta(number=0, offset=0, text="Hello there."), Done(record=TASK)]
    await bus.close()


async def test_nothing_is_told_to_whoever_may_not_see_the_task() -> None:
    async def get(_call: Call[TaskRef]) -> TaskRecord:
        raise TaskNotFound("There is no such task.")

    bus = InMemoryBus()
    endpoint = Endpoint(verb="get", body=TaskRef, handler=get, permission=None)
    await bus.serve(Service(name=subjects.SERVICE_TASKS, version="0", description="", endpoints=(endpoint,)))
    await bus.publish(subjects.output("acacia", TASK.id, uuid4()), OutputChunk(number=1, offset=0, text="A secret."))
    async with aclosing(follow(bus, TASK.id, Claims(sub="bo", roles=(), tenant="burns"))) as told:
        with pytest.raises(TaskNotFound):
            await anext(told)
    await bus.close()


async def test_an_end_that_nobody_announced_is_found_by_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.follow.POLL_SECONDS", 0.02)
    looks = iter([TASK.model_copy(update={"status": TaskStatus.RUNNING})] * 3)

    async def get(_call: Call[TaskRef]) -> TaskRecord:
        return next(looks, TASK)

    bus = InMemoryBus()
    endpoint = Endpoint(verb="get", body=TaskRef, handler=get, permission=None)
    await bus.serve(Service(name=subjects.SERVICE_TASKS, version="0", description="", endpoints=(endpoint,)))
    async with asyncio.timeout(5):
        items = [item async for item in follow(bus, TASK.id, auth.BUS_OPERATOR)]
    assert items[-1] == Done(record=TASK)
    await bus.close()


class Deaf(InMemoryBus):
    """Of what one task says it hands over nothing with `unheard` in it, though its stream has it."""

    def __init__(self, unheard: bytes) -> None:
        super().__init__()
        self._unheard = unheard

    def _hand_over(self, received: Received) -> None:
        if self._unheard not in received.data:
            super()._hand_over(received)


async def test_what_was_missed_is_read_from_the_stream_while_the_task_still_runs() -> None:
    """It would say nothing more until the end of its task."""
    bus = Deaf(b"two ")
    items = follow(bus, TASK.id, auth.BUS_OPERATOR, fresh=True)
    subject, told = subjects.output("acacia", TASK.id, uuid4()), list[Delta]()
    async with asyncio.timeout(10), aclosing(items):
        first = asyncio.ensure_future(anext(items))
        while not first.done():
            await bus.publish(subject, OutputChunk(number=1, offset=0, text="one "))
        told.append(delta(await first))
        for offset, text in ((4, "two "), (8, "three")):
            await bus.publish(subject, OutputChunk(number=1, offset=offset, text=text))
        told += [delta(await anext(items)) for _ in range(2)]
        await bus.publish(subject, OutputChunk(number=1, offset=13, text=" four"))
        told.append(delta(await anext(items)))
    assert told == [
        Delta(number=1, offset=offset, text=text) for offset, text in ((0, "one "), (4, "two "), (8, "three"), (13, " four"))
    ]
    await bus.close()


class Absent(InMemoryBus):
    """Its streams cannot be read."""

    async def last(self, stream: str, subject_filter: str) -> Received | None:
        raise BusUnavailable("The bus cannot be reached.")


async def test_a_stream_that_cannot_be_read_for_what_was_missed_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bus.follow.POLL_SECONDS", 0.02)
    said_all = asyncio.Event()

    async def get(_call: Call[TaskRef]) -> TaskRecord:
        return TASK if said_all.is_set() else TASK.model_copy(update={"status": TaskStatus.RUNNING})

    bus = Absent()
    endpoint = Endpoint(verb="get", body=TaskRef, handler=get, permission=None)
    await bus.serve(Service(name=subjects.SERVICE_TASKS, version="0", description="", endpoints=(endpoint,)))
    items = follow(bus, TASK.id, auth.BUS_OPERATOR, fresh=True)
    subject = subjects.output("acacia", TASK.id, uuid4())
    async with asyncio.timeout(10), aclosing(items):
        first = asyncio.ensure_future(anext(items))
        while not first.done():
            await bus.publish(subject, OutputChunk(number=1, offset=0, text="Hello "))
        await first
        await bus.publish(subject, OutputChunk(number=1, offset=9, text="re."))
        said_all.set()
        assert [item async for item in items] == [Delta(number=1, offset=6, text="there."), Done(record=TASK)]
    await bus.close()


def test_a_gap_that_cannot_be_closed_is_looked_at_ever_more_rarely() -> None:
    gap, looks = Gap(), list[float]()
    for tick in range(600):
        gap.met(tick / 10)
        if gap.is_due(tick / 10):
            looks.append(tick / 10)
    assert looks == [0, 1, 3, 7, 15, 30, 45]


def test_what_a_superseded_attempt_still_says_is_passed_over() -> None:
    position = Position(0, 0)
    assert said(position, 1, 0, "Hel") == [Delta(number=1, offset=0, text="Hel")]
    assert said(position, 2, 0, "Good") == [Restart(number=2), Delta(number=2, offset=0, text="Good")]
    assert said(position, 1, 3, "lo") == []
    assert said(position, 2, 4, " day") == [Delta(number=2, offset=4, text=" day")]


def test_an_attempt_that_goes_on_from_what_was_said_takes_nothing_back() -> None:
    position = Position(0, 0)
    assert said(position, 1, 0, "Hel") == [Delta(number=1, offset=0, text="Hel")]
    assert said(position, 2, 3, "lo", begins_at=3) == [Delta(number=2, offset=3, text="lo")]
    ended = record("Hello", begins_at=(0, 3))
    assert list(position.rest(ended)) == []


def test_what_was_said_beyond_the_point_from_which_another_goes_on_is_taken_back() -> None:
    position = Position(0, 0)
    assert said(position, 1, 0, "Help") == [Delta(number=1, offset=0, text="Help")]
    assert said(position, 2, 3, "lo", begins_at=3) == [
        Restart(number=2),
        Delta(number=2, offset=0, text="Hel"),
        Delta(number=2, offset=3, text="lo"),
    ]
    assert list(position.rest(record("Hello", begins_at=(0, 3)))) == []


def test_a_reader_that_came_back_late_is_given_the_beginning_again_where_the_stream_has_it() -> None:
    position = Position(1, 4)
    assert said(position, 1, 0, "Help") == []
    assert said(position, 1, 4, "er") == [Delta(number=1, offset=4, text="er")]
    assert said(position, 2, 3, "lo", begins_at=3)[1:] == [
        Delta(number=2, offset=0, text="Hel"),
        Delta(number=2, offset=3, text="lo"),
    ]


def test_what_was_missed_before_the_point_from_which_another_goes_on_is_left_to_the_record() -> None:
    position = Position(1, 4)
    assert said(position, 2, 3, "lo", begins_at=3) == [Restart(number=2)]
    assert list(position.rest(record("Hello", begins_at=(0, 3)))) == [Delta(number=2, offset=0, text="Hello")]


def test_what_is_said_again_is_of_its_kind_and_no_more_than_what_is_gone_on_from() -> None:
    position, look = Position(0, 0), ToolCallDelta(index=0, name="look", arguments="{}")
    list(position.advance(OutputChunk(number=1, offset=0, thinking="Hm", text="Help")))
    list(position.advance(OutputChunk(number=1, offset=6, text=" me", tool_calls=(look,))))
    assert position.offset == 12
    assert said(position, 2, 8, "e", begins_at=8) == [
        Restart(number=2),
        Delta(number=2, offset=0, thinking="Hm", text="Help"),
        Delta(number=2, offset=6, text=" m"),
        Delta(number=2, offset=8, text="e"),
    ]


@pytest.mark.parametrize("units", range(12))
def test_a_piece_is_what_is_ahead_and_what_is_behind(units: int) -> None:
    calls = (ToolCallDelta(index=0, name="look", arguments="{}"), ToolCallDelta(index=1, name="go"))
    whole = OutputChunk(number=1, offset=0, thinking="Hm", text="Help", tool_calls=calls, embeddings=("AAAA", "BBBB"))
    first, rest = ahead(whole, units), behind(whole, units)
    assert (whole.units, first.units, rest.units) == (12, units, 12 - units)
    put_together = output_from(Output(), [first, *([rest] if rest.units else [])])
    assert put_together == output_from(Output(), [whole])


def test_the_record_says_whether_the_attempts_that_were_missed_went_on() -> None:
    going_on, anew = record("Hello", begins_at=(0, 3, 4)), record("Hello", begins_at=(0, 3, 0))
    position = Position(0, 0)
    list(said(position, 1, 0, "Hel"))
    assert list(position.rest(going_on)) == [Delta(number=3, offset=3, text="lo")]
    position = Position(0, 0)
    list(said(position, 1, 0, "Hel"))
    assert list(position.rest(anew)) == [Restart(number=3), Delta(number=3, offset=0, text="Hello")]


def record(text: str, begins_at: tuple[int, ...]) -> TaskRecord:
    attempts = tuple(
        AttemptRecord(
            id=uuid4(),
            number=number,
            agent_id="acacia",
            model="m",
            status=AttemptStatus.PREEMPTED,
            begins_at=begin,
            offered_at=TASK.created_at,
        )
        for number, begin in enumerate(begins_at, start=1)
    )
    return TASK.model_copy(update={"attempts": attempts, "output": Output(text=text)})


def said(position: Position, number: int, offset: int, text: str, begins_at: int = 0) -> list[Delta | Restart]:
    return list(position.advance(OutputChunk(number=number, offset=offset, text=text, begins_at=begins_at)))


def delta(item: Delta | Restart | Done) -> Delta:
    assert isinstance(item, Delta)
    return item
