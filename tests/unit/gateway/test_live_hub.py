"""Who hears what by which subscription, what waits for what, and when a key holds at `/ws`."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from starlette.websockets import WebSocket

from bus import auth, subjects
from bus.client import Closing, Handler
from bus.errors import BusUnavailable
from bus.guarding.guard import Guard
from bus.messages import Claims, Role
from bus.mirror import Mirror
from bus.testing import InMemoryBus
from coordinator.gateway.identity import Identity
from coordinator.gateway.live.hub import Hub
from coordinator.gateway.live.outbox import Outbox
from coordinator.gateway.live.socket import Client
from coordinator.gateway.live.topics import parse
from coordinator.gateway.verified import Verified
from tests.unit.monitor.events import task_event

KEY = "sk-hive-live-new"


class Counted(InMemoryBus):
    """Counts what is subscribed; subjects in `stuck` wait until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.stuck: dict[str, asyncio.Event] = {}

    @property
    def open(self) -> list[str]:
        return sorted(each.subject_filter for each in self._subscriptions)

    async def subscribe(self, subject: str, handler: Handler) -> Closing:
        if subject in self.stuck:
            await self.stuck[subject].wait()
        return await super().subscribe(subject, handler)


async def publish_task(bus: InMemoryBus, owner: str) -> None:
    event = task_event(owner=owner)
    await bus.publish(subjects.event(subjects.DEFAULT_TENANT, event.type, event.data.task_id), event)
    await bus.flush()


def said(outbox: Outbox) -> list[str]:
    return [json.loads(text)["topic"] for text in iter(outbox.next, None)]


async def test_all_who_follow_tasks_of_users_share_one_subscription_and_hear_their_own() -> None:
    bus = Counted()
    hub, ann, bob, everyone = Hub(bus), Outbox(), Outbox(), Outbox()
    for name, outbox in (("user.ann", ann), ("user.bob", bob), ("user.*", everyone)):
        await hub.follow(parse(name), outbox)
    assert len(bus.open) == 3, "one of tasks, one of workflows, one of quotas"
    await publish_task(bus, "ann")
    assert (said(ann), said(bob), said(everyone)) == (["user.ann"], [], ["user.ann"])
    await hub.leave(parse("user.ann"), ann)
    await publish_task(bus, "ann")
    assert (said(ann), said(bob), said(everyone)) == ([], [], ["user.ann"])
    for name, outbox in (("user.bob", bob), ("user.*", everyone)):
        await hub.leave(parse(name), outbox)
    assert (bus.open, hub.topics) == ([], ())


async def test_a_topic_that_the_bus_is_slow_to_take_up_holds_no_other_up() -> None:
    bus, outbox = Counted(), Outbox()
    metrics = subjects.metrics("acacia")
    let_go = bus.stuck[metrics] = asyncio.Event()
    hub = Hub(bus)
    waiting = asyncio.create_task(hub.follow(parse("agent.acacia"), outbox))
    async with asyncio.timeout(3):
        await hub.follow(parse("user.ann"), outbox)
        await hub.leave(parse("user.ann"), outbox)
        assert not waiting.done()
        let_go.set()
        await waiting
    assert metrics in bus.open
    await hub.leave(parse("agent.acacia"), outbox)
    assert bus.open == []


async def test_what_the_bus_does_not_take_up_in_time_is_refused_and_leaves_nothing() -> None:
    bus, outbox = Counted(), Outbox()
    bus.stuck[subjects.metrics("acacia")] = asyncio.Event()
    hub = Hub(bus, open_seconds=0.05)
    with pytest.raises(BusUnavailable, match=r"agent\.acacia"):
        await hub.follow(parse("agent.acacia"), outbox)
    assert (bus.open, hub.topics) == ([], ())
    bus.stuck.clear()
    await hub.follow(parse("agent.acacia"), outbox)
    assert len(bus.open) == 2
    await hub.leave(parse("agent.acacia"), outbox)


class Wire:
    """One connection as a server hands it over: what the client sends, and what it was sent."""

    def __init__(self) -> None:
        self.sent, self._toward = asyncio.Queue[Mapping[str, Any]](), asyncio.Queue[dict[str, Any]]()
        self._toward.put_nowait({"type": "websocket.connect"})

    def say(self, **message: Any) -> None:
        self._toward.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})

    async def hear(self) -> dict[str, Any]:
        while True:
            message = await self.sent.get()
            if message["type"] == "websocket.close":
                return dict(message)
            if message["type"] == "websocket.send":
                told: dict[str, Any] = json.loads(message["text"])
                return told

    def socket(self) -> WebSocket:
        async def send(message: Any) -> None:
            self.sent.put_nowait(message)

        scope = {"type": "websocket", "path": "/ws", "query_string": b"", "headers": []}
        return WebSocket(scope, self._toward.get, send)


async def test_a_key_holds_before_the_copy_has_heard_of_it_and_is_answered_once_it_was_looked_up() -> None:
    bus, stopping = InMemoryBus(), asyncio.Event()
    unheard = Identity(Mirror(bus, subjects.KV_KEYS, Claims.model_validate_json), Verified(bus), Guard(None))
    await bus.put(subjects.KV_KEYS, auth.hash_key(KEY), Claims(sub="ann", roles=(Role.ADMIN,)))
    wire = Wire()
    serving = asyncio.create_task(Client(wire.socket(), unheard, Hub(bus)).serve(stopping))
    async with asyncio.timeout(5):
        wire.say(type="authenticate", id="1", data={"key": KEY})
        assert (await wire.hear())["type"] == "authenticate"
        wire.say(type="subscribe", topic="user.ann")
        assert (await wire.hear())["type"] == "subscribe"
        await bus.delete(subjects.KV_KEYS, auth.hash_key(KEY))
        wire.say(type="ping")
        assert (await wire.hear())["data"]["code"] == "unauthenticated"
        await serving


async def test_a_key_that_is_unknown_is_not_answered_as_if_it_held() -> None:
    bus, wire = InMemoryBus(), Wire()
    identity = Identity(Mirror(bus, subjects.KV_KEYS, Claims.model_validate_json), Verified(bus), Guard(None))
    wire.say(type="authenticate", id="1", data={"key": KEY})
    async with asyncio.timeout(5):
        await Client(wire.socket(), identity, Hub(bus)).serve(asyncio.Event())
        told = await wire.hear()
    assert (told["type"], told["data"]["code"]) == ("error", "unauthenticated")
