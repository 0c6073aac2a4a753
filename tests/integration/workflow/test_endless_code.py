"""Code without an end: it is stopped with the name of its node, and nobody else waits for it."""

import asyncio
from pathlib import Path

import pytest

from bus.messages import Claims, Role
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

ANNA, BO = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bo"))


async def test_others_go_on_while_all_threads_compute_what_does_not_end(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    with EngineProcess(nats_server, tmp_path, database_url, HIVE_WORKFLOW_THREADS="1") as engine:
        await engine.ready(nats_bus)
        start = node("Start", "manualTrigger")
        anna, bo = Workflows(nats_bus, ANNA), Workflows(nats_bus, BO)
        loop = await anna.create(chain(start, node("Loop", "code", {"jsCode": "while (true) {}"}, 2)))
        endless = [(await anna.execute(loop.id)).id for _ in range(3)]
        step = node("Step", "code", {"jsCode": "return [{json: {n: 1}}]"}, 2)
        own = await bo.create(chain(start, step))
        async with asyncio.timeout(30):
            assert (await bo.execute(own.id, wait=25)).status == "success"
        assert not (await anna.get(endless[0])).status.ended
        record = await anna.ended(endless[0], 90)
        assert record.status == "error"
        assert record.data is not None
        error = record.data["resultData"]["error"]
        assert (error["code"], error["node"]) == ("evaluation_limit", {"name": "Loop"})
        assert "60 s" in error["message"]
        await engine.logged("evaluation_stopped")
