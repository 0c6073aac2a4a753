"""What every Bus promises, told to the one in memory and to the one on a real server, so that neither can lie."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from bus import subjects
from bus.auth import Permission
from bus.client import Bus, Received
from bus.errors import DeadlineExceeded, NoLeader, PermissionDenied, TaskNotFound
from bus.messages import Claims, EventType, NoReply, OfferReply, OfferVerdict, Role, TaskClass, TaskRef
from bus.nats_bus import NatsBus
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus


@pytest.fixture
async def memory_bus() -> AsyncIterator[Bus]:
    bus = InMemoryBus()
    yield bus
    await bus.close()


@pytest.fixture(params=["memory_bus", "nats_bus"])
def bus(request: pytest.FixtureRequest) -> Bus:
    found: Bus = request.getfixturevalue(request.param)
    return found


class Inbox:
    """Collects what comes; `first(n)` waits for n messages."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[Received] = asyncio.Queue()

    async def __call__(self, received: Received) -> None:
        await self.queue.put(received)

    async def first(self, count: int) -> list[Received]:
        async with asyncio.timeout(5):
            return [await self.queue.get() for _ in range(count)]


async def test_a_subscriber_gets_what_matches_in_order(bus: Bus) -> None:
    inbox = Inbox()
    subscription = await bus.subscribe("test.*.b", inbox)
    await bus.flush()
    for number in range(3):
        await bus.publish("test.a.b", str(number).encode())
        await bus.publish("test.a.c", b"not mine")
    assert [m.data for m in await inbox.first(3)] == [b"0", b"1", b"2"]
    await subscription.close()


async def test_a_handler_that_fails_does_not_end_its_subscription(bus: Bus) -> None:
    inbox = Inbox()

    async def handler(received: Received) -> None:
        if received.data == b"bad":
            raise RuntimeError("a bug in a handler")
        await inbox(received)

    await bus.subscribe("test.fails", handler)
    await bus.flush()
    await bus.publish("test.fails", b"bad")
    await bus.publish("test.fails", b"good")
    assert (await inbox.first(1))[0].data == b"good"


async def test_the_same_id_is_stored_once(bus: Bus) -> None:
    subject = subjects.submit("default", TaskClass.HIGH, uuid4())
    first = await bus.publish_durable(subject, b"{}", message_id="one")
    again = await bus.publish_durable(subject, b"{}", message_id="one")
    assert not first.duplicate
    assert again.duplicate
    assert again.sequence == first.sequence


async def test_what_is_published_is_collected_too_until_that_is_closed(bus: Bus) -> None:
    heard, inbox = list[Received](), Inbox()
    collecting = await bus.collect("test.a.*", heard.append)
    await bus.subscribe("test.a.*", inbox)
    await bus.flush()
    for text in (b"1", b"2"):
        await bus.publish("test.a.b", text)
    await inbox.first(2)
    await collecting.close()
    await bus.publish("test.a.b", b"3")
    await inbox.first(1)
    assert [(each.subject, each.data) for each in heard] == [("test.a.b", b"1"), ("test.a.b", b"2")]


async def test_what_is_collected_is_answered_later_and_in_any_order(bus: Bus) -> None:
    task_id, heard = uuid4(), list[Received]()
    collecting = await bus.collect(subjects.ALL_REPORTS, heard.append)
    await bus.flush()
    first, second = (
        asyncio.create_task(bus.request_raw(subjects.report("acacia", task_id, attempt), attempt.encode(), patient=False))
        for attempt in ("first", "second")
    )
    async with asyncio.timeout(5):
        while len(heard) < 2:
            await asyncio.sleep(0.01)
    for received in reversed(heard):
        await bus.publish(received.reply, b"to " + received.data)
    assert [(await asking).data for asking in (first, second)] == [b"to first", b"to second"]
    await collecting.close()
    await bus.flush()
    with pytest.raises(NoLeader):
        await bus.request_raw(subjects.report("acacia", task_id, "third"), b"", timeout=1, patient=False)


async def test_what_nobody_answers_is_given_up(bus: Bus) -> None:
    collecting = await bus.collect(subjects.ALL_REPORTS, lambda _received: None)
    await bus.flush()
    with pytest.raises(DeadlineExceeded):
        await bus.request_raw(subjects.report("acacia", uuid4(), uuid4()), b"", timeout=0.1, patient=False)
    await collecting.close()


async def test_what_is_sent_is_stored_in_its_order_whoever_is_waited_for_first(bus: Bus) -> None:
    ids = [uuid4() for _ in range(20)]
    sent = [await bus.send_durable(subjects.submit("default", TaskClass.LOW, i), b"{}", message_id=str(i)) for i in ids]
    sequences = [(await each).sequence for each in reversed(sent)]
    assert sequences == sorted(sequences, reverse=True)
    again = await (await bus.send_durable(subjects.submit("default", TaskClass.LOW, ids[0]), b"{}", message_id=str(ids[0])))
    assert again.duplicate


async def test_a_reader_goes_on_from_its_position(bus: Bus) -> None:
    ids = [uuid4() for _ in range(5)]
    stored = [await bus.publish_durable(subjects.submit("default", TaskClass.LOW, i), b"{}", message_id=str(i)) for i in ids]
    reader = await bus.read(subjects.TASKS, subjects.submits_of(TaskClass.LOW), stored[2].sequence)
    found: list[Received] = []
    async with asyncio.timeout(5):
        while len(found) < 3:
            found += await reader.batch(2)
    assert [m.sequence for m in found] == [s.sequence for s in stored[2:]]
    assert reader.caught_up
    assert found[0].stored_at is not None
    await reader.close()


async def test_purging_leaves_what_came_later_and_other_classes(bus: Bus) -> None:
    low, high, later = uuid4(), uuid4(), uuid4()
    stored = await bus.publish_durable(subjects.submit("default", TaskClass.LOW, low), b"{}", message_id=str(low))
    await bus.publish_durable(subjects.submit("default", TaskClass.HIGH, high), b"{}", message_id=str(high))
    await bus.publish_durable(subjects.submit("default", TaskClass.LOW, later), b"{}", message_id=str(later))
    await bus.purge(subjects.TASKS, subjects.submits_of(TaskClass.LOW), stored.sequence)
    assert (await bus.stream_state(subjects.TASKS)).last_sequence >= stored.sequence
    assert await bus.last(subjects.TASKS, subjects.submits_of_task(low)) is None
    assert await bus.last(subjects.TASKS, subjects.submits_of_task(high)) is not None
    assert await bus.last(subjects.TASKS, subjects.submits_of_task(later)) is not None


async def test_the_last_message_of_a_subject(bus: Bus) -> None:
    task_id = uuid4()
    subject = subjects.submit("default", TaskClass.MEDIUM, task_id)
    assert await bus.last(subjects.TASKS, subject) is None
    await bus.publish_durable(subject, b'{"prompt":"x"}', message_id="m", headers={subjects.HEADER_OWNER: "ann"})
    found = await bus.last(subjects.TASKS, subjects.submits_of_task(task_id))
    assert found is not None
    assert (found.data, found.subject, found.headers[subjects.HEADER_OWNER]) == (b'{"prompt":"x"}', subject, "ann")


def service(verbs: list[TaskRef]) -> Service:
    async def get(call: Call[TaskRef]) -> NoReply:
        verbs.append(call.body)
        if call.claims.sub == "ann":
            raise TaskNotFound("There is no task of that id.")
        if call.claims.sub == "bug":
            raise RuntimeError("secret inside")
        return NoReply()

    endpoint = Endpoint(verb="get", body=TaskRef, handler=get, permission=Permission.TASKS_VIEW)
    return Service(name="contract", version="1.0.0", description="of a test", endpoints=(endpoint,))


async def test_errors_cross_as_codes_and_nothing_else_does(bus: Bus) -> None:
    seen: list[TaskRef] = []
    served = await bus.serve(service(seen))
    verb, ref = subjects.service_verb("contract", "get"), TaskRef(id=uuid4())
    await bus.request(verb, ref, NoReply)
    assert seen == [ref]
    with pytest.raises(TaskNotFound, match="There is no task of that id"):
        await bus.request(verb, ref, NoReply, claims=Claims(sub="ann", roles=(Role.ADMIN,)))
    with pytest.raises(PermissionDenied, match=r"tasks\.view"):
        await bus.request(verb, ref, NoReply, claims=Claims(sub="bob", roles=(Role.VIEWER,)))
    with pytest.raises(Exception, match="failed inside") as caught:
        await bus.request(verb, ref, NoReply, claims=Claims(sub="bug", roles=(Role.ADMIN,)))
    assert "secret" not in str(caught.value)
    with pytest.raises(Exception, match="valid JSON"):
        await bus.request(verb, b"{", NoReply)
    await served.close()
    with pytest.raises(NoLeader):
        await bus.request(verb, ref, NoReply, timeout=0.3)


async def test_a_patient_request_waits_for_a_service_to_come(bus: Bus) -> None:
    verb = subjects.service_verb("contract", "get")
    asked = asyncio.create_task(bus.request(verb, TaskRef(id=uuid4()), NoReply, timeout=5))
    await asyncio.sleep(0)
    await bus.serve(service([]))
    await asked


async def test_patience_with_nobody_ends_before_the_time_for_an_answer(bus: Bus) -> None:
    verb = subjects.service_verb("contract", "get")
    async with asyncio.timeout(20):
        with pytest.raises(NoLeader):
            await bus.request(verb, TaskRef(id=uuid4()), NoReply, timeout=120, patience=0.3)


async def test_answering_a_subject(bus: Bus) -> None:
    async def reply(received: Received) -> OfferReply:
        return OfferReply(verdict=OfferVerdict.BUSY, reason=received.data.decode())

    await bus.answer(subjects.dispatch("acacia", "i1"), reply)
    await bus.flush()
    answer = await bus.request(subjects.dispatch("acacia", "i1"), b"full", OfferReply)
    assert answer == OfferReply(verdict=OfferVerdict.BUSY, reason="full")


async def test_a_watch_of_an_emptied_bucket_has_nothing_to_wait_for(nats_bus: NatsBus) -> None:
    await nats_bus.put(subjects.KV_AGENTS, "acacia", b"{}")
    await nats_bus.client.jetstream().purge_stream(f"KV_{subjects.KV_AGENTS}")

    async def handler(key: str, value: bytes | None) -> None:
        raise AssertionError(f"{key} was purged")

    async with asyncio.timeout(5):
        watch = await nats_bus.watch(subjects.KV_AGENTS, handler)
    await watch.close()


async def test_a_watch_hands_over_what_is_there_then_what_changes(bus: Bus) -> None:
    changes: asyncio.Queue[tuple[str, bytes | None]] = asyncio.Queue()

    async def handler(key: str, value: bytes | None) -> None:
        await changes.put((key, value))

    await bus.put(subjects.KV_AGENTS, "acacia", b"1")
    await bus.put(subjects.KV_AGENTS, "walnut", b"1")
    await bus.delete(subjects.KV_AGENTS, "walnut")
    watch = await bus.watch(subjects.KV_AGENTS, handler)

    async def next_of_acacia() -> tuple[str, bytes | None]:
        while (change := await changes.get())[0] != "acacia":
            pass
        return change

    # Each change is awaited before the next is made: of two in quick succession only the newer need be handed over.
    async with asyncio.timeout(5):
        seen = [await next_of_acacia()]
        await bus.put(subjects.KV_AGENTS, "acacia", b"2")
        seen.append(await next_of_acacia())
        await bus.delete(subjects.KV_AGENTS, "acacia")
        seen.append(await next_of_acacia())
    assert seen == [("acacia", b"1"), ("acacia", b"2"), ("acacia", None)]
    assert await bus.get(subjects.KV_AGENTS, "acacia") is None
    assert await bus.keys(subjects.KV_AGENTS) == []
    await watch.close()


async def test_events_reach_live_subscribers_and_their_stream(bus: Bus) -> None:
    inbox = Inbox()
    await bus.subscribe(subjects.ALL_EVENTS, inbox)
    await bus.flush()
    for event_type in (EventType.TASK_COMPLETED, EventType.TASK_QUEUED):
        await bus.publish_durable(subjects.event("default", event_type, "t"), b"{}", message_id=f"t-{event_type}")
    assert [subjects.event_type(m.subject) for m in await inbox.first(2)] == [EventType.TASK_COMPLETED, EventType.TASK_QUEUED]
    assert await bus.last(subjects.EVENTS, subjects.events("task.completed")) is not None
    assert await bus.last(subjects.PROGRESS, subjects.events("task.queued")) is not None


def test_the_real_bus_is_one(nats_bus: NatsBus) -> None:
    assert isinstance(nats_bus, Bus)
