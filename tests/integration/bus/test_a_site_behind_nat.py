"""A sidecar behind a leaf comes in by its own key and has its own subjects, as one that reaches the hive's bus itself."""

import asyncio
from pathlib import Path

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import BusUnavailable
from bus.messages import NoReply
from tests.parts.hosts import JoinedHost, admitting, know, log_of
from tests.parts.leaf import Hub, Leaf

WALNUT = JoinedHost("walnut")


async def test_a_host_behind_a_leaf_has_its_own_identity(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "hub")
    leaf = Leaf(tmp_path / "leaf", hub)
    try:
        hub.start()
        leaf.start()
        operator = await hub.connect()
        await know(operator, WALNUT)
        admits, coordinator = await admitting(hub)
        heard: asyncio.Queue[str] = asyncio.Queue()

        async def take(received: Received) -> None:
            heard.put_nowait(received.subject)

        await operator.subscribe(subjects.ALL_HEARTBEATS, take)
        await operator.flush()
        walnut = await WALNUT.connect(leaf, timeout=20)

        async def obey(_received: Received) -> NoReply:
            return NoReply()

        await walnut.answer(subjects.control("walnut"), obey)
        await walnut.publish(subjects.heartbeat("oak"), b"{}")
        await walnut.publish(subjects.heartbeat("walnut"), b"{}")
        assert await asyncio.wait_for(heard.get(), 10) == subjects.heartbeat("walnut")
        await operator.request(subjects.control("walnut"), NoReply(), NoReply, timeout=10)
        outcome = subjects.outcome("walnut", "t", "a")
        assert (await walnut.publish_durable(outcome, b"{}", message_id="walnuts", timeout=10)).sequence == 1
        assert 'Publish Violation - Subject "hive.agents.oak.heartbeat"' in log_of(leaf)
        with pytest.raises(BusUnavailable, match="does not let this host in"):
            await JoinedHost("walnut").connect(leaf, timeout=1)
        for each in (walnut, admits, coordinator, operator):
            await each.close()
    finally:
        for server in (leaf, hub):
            if server.process is not None:
                server.kill()
