"""Nothing leaves an engine that others may have buried meanwhile."""

import asyncio

from tests.integration.workflow.witness import Witness
from workflow.effects import CallHttp
from workflow.fence import Fence, now
from workflow.guard import Guard
from workflow.http_calls import HttpCalls


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
