"""Nothing leaves an engine that others may have buried meanwhile."""

import asyncio
from dataclasses import dataclass, field

from tests.integration.workflow.witness import Witness
from workflow.core.effects import CallHttp
from workflow.outside.guard import Guard
from workflow.outside.http_calls import HttpCalls
from workflow.running.fence import Fence, now


async def test_a_request_waits_until_the_lease_is_proven_again() -> None:
    fence = Fence()
    async with Witness() as witness, asyncio.timeout(30):
        http = HttpCalls(Guard.of(["127.0.0.1"]), 1000, fence)
        assert (await http.carry_out(CallHttp(url=witness.url, key="first"))).failure is None
        fence.proven(now() - 0.001)
        waiting = asyncio.create_task(http.carry_out(CallHttp(url=witness.url, key="second")))
        probe = HttpCalls(Guard.of(["127.0.0.1"]), 1000)
        for number in range(3):  # so that what would have left at once has had the time to arrive
            assert (await probe.carry_out(CallHttp(url=witness.url, key=f"probe{number}"))).failure is None
        assert not waiting.done()
        assert "second" not in witness.keys
        fence.proven(now() + 60)
        assert (await waiting).failure is None
        assert witness.keys["second"] == 1
        for each in (http, probe):
            await each.close()


@dataclass(frozen=True, kw_only=True)
class Losing(Guard):
    """Asked before a connection is made: by the time that it stands, the lease is lost."""

    fence: Fence
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def check(self, host: str, address: str) -> None:
        self.fence.proven(now() - 0.001)
        self.asked.set()


async def test_a_request_waits_too_where_the_lease_is_lost_while_its_connection_is_made() -> None:
    fence = Fence()
    guard = Losing(fence=fence)
    async with Witness() as witness, asyncio.timeout(30):
        http, probe = HttpCalls(guard, 1000, fence), HttpCalls(Guard.of(["127.0.0.1"]), 1000)
        waiting = asyncio.create_task(http.carry_out(CallHttp(url=witness.url, key="waits")))
        await guard.asked.wait()
        for number in range(3):  # so that what would have left at once has had the time to arrive
            assert (await probe.carry_out(CallHttp(url=witness.url, key=f"probe{number}"))).failure is None
        assert "waits" not in witness.keys
        fence.proven(now() + 60)
        assert (await waiting).failure is None
        assert witness.keys["waits"] == 1
        for each in (http, probe):
            await each.close()


async def test_it_closes_by_itself_and_is_open_before_there_is_a_lease() -> None:
    fence = Fence()
    assert fence.is_open
    fence.proven(now() + 0.05)
    async with asyncio.timeout(10):
        while fence.is_open:
            await asyncio.sleep(0.01)
        waiting = asyncio.create_task(fence.passed())
        fence.proven(now() - 1)  # an answer that came too late proves nothing
        await asyncio.sleep(0)
        assert not waiting.done()
        fence.proven(now() + 60)
        await waiting
