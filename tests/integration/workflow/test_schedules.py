"""Schedules: each due time is one execution, however many engines look."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer


async def test_with_three_engines_each_second_is_one_execution(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    rule = {"rule": {"interval": [{"field": "seconds", "secondsInterval": 1}]}}
    async with AsyncExitStack() as stack:
        for name in ("one", "two", "three"):
            engine = stack.enter_context(EngineProcess(nats_server, tmp_path, database_url, name))
            await engine.ready(nats_bus)
        made = await workflows.create(chain(node("Every", "scheduleTrigger", rule, 1.2), node("End", "noOp")), active=True)
        async with asyncio.timeout(60):
            while len((await workflows.list(made.id)).executions) < 6:
                await asyncio.sleep(0.1)
        await workflows.activate(made.id, active=False)
        listed = (await workflows.list(made.id)).executions
        times = []
        for each in listed:
            shown = await workflows.ended(each.id)
            assert shown.data is not None
            times.append(shown.data["resultData"]["runData"]["Every"][0]["data"]["main"][0][0]["json"]["timestamp"])
        assert len(times) == len(set(times)), sorted(times)
