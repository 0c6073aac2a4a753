"""PostgreSQL's disk is full for a while: what an engine has to save waits until there is room again, as it waits for a database that is away."""

from pathlib import Path

import asyncpg
import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

FULL = """
CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON executions EXECUTE FUNCTION full_disk()"""


async def test_an_execution_goes_on_when_there_is_room_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    async with Witness() as witness, asyncpg.create_pool(database_url, min_size=1, max_size=1) as pool:
        with EngineProcess(nats_server, tmp_path, database_url, **ALLOW) as engine:
            await engine.ready(nats_bus)
            witness.hold.clear()
            made = await workflows.create(
                chain(node("Start", "manualTrigger"), request("One", witness.url), request("Two", witness.url))
            )
            begun = await workflows.execute(made.id)
            await witness.heard(1)
            await pool.execute(FULL)
            witness.hold.set()
            await engine.logged("store_waits_for_database")
            await pool.execute("DROP TRIGGER full_disk ON executions")
            assert (await workflows.ended(begun.id)).status == "success"
        assert len(witness.keys) == 2
        assert set(witness.keys.values()) == {1}
