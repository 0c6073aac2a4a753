"""What is stored when of an effect, and what becomes of one that was in flight when its engine was killed."""

import asyncio
import json
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from bus.nats_bus import NatsBus
from tests.integration.workflow.killing import place_of
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

BUSY = {"jsCode": "const end = Date.now() + 4000; while (Date.now() < end) {} return $input.all();"}


async def frame_of(pool: asyncpg.Pool, execution_id: UUID) -> dict[str, Any]:
    text = await pool.fetchval("SELECT frame FROM executions WHERE id = $1", execution_id)
    found: dict[str, Any] = json.loads(text)
    return found


async def until_stored(pool: asyncpg.Pool, execution_id: UUID, key: str, seconds: float = 60) -> dict[str, Any]:
    """The frame by which the record first has the reply of an effect."""
    async with asyncio.timeout(seconds):
        while True:
            frame = await frame_of(pool, execution_id)
            if place_of(frame, key) == "stored":
                return frame
            await asyncio.sleep(0.01)


async def test_an_effect_s_own_output_is_stored_before_anything_builds_on_it(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """The engine dies while the node after the request computes: the reply was in the record before that began."""
    async with Witness() as witness, asyncpg.create_pool(database_url, min_size=1, max_size=2) as pool:
        with EngineProcess(nats_server, tmp_path, database_url, "first", **ALLOW) as first:
            await first.ready(nats_bus)
            nodes = (node("Start", "manualTrigger"), request("One", witness.url), node("Busy", "code", BUSY, 2))
            made = await workflows.create(chain(*nodes, request("Two", witness.url)))
            begun = await workflows.execute(made.id)
            await witness.heard(1)
            (key,) = witness.keys
            frame = await until_stored(pool, begun.id, key)
            standing = frame["current"] and frame["current"]["visit"]["node"]
            assert standing == "One", "it was stored with what was built on it"
            first.kill()
            assert len(witness.keys) == 1, "the node after it had ended before the engine died"
        with EngineProcess(nats_server, tmp_path, database_url, "second", **ALLOW) as second:
            await second.ready(nats_bus)
            assert (await workflows.ended(begun.id)).status == "success"
        assert witness.keys[key] == 1
        assert len(witness.keys) == 2


async def test_what_must_not_happen_twice_ends_as_outcome_unknown(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """Not even by another attempt of the node; what the failure leads to is the node's `onError`, as always."""
    once = {"onInterrupt": "outcomeUnknown"}
    async with Witness() as witness:
        witness.hold.clear()
        with EngineProcess(nats_server, tmp_path, database_url, "first", **ALLOW) as first:
            await first.ready(nats_bus)
            pay = {**request("Pay", witness.url), **once}
            stops = await workflows.create(chain(node("Start", "manualTrigger"), {**pay, "retryOnFail": True}))
            goes_on = {**pay, "onError": "continueErrorOutput"}
            document = chain(node("Start", "manualTrigger"), goes_on)
            document["nodes"].append(node("Look", "noOp"))
            document["connections"]["Pay"] = {"main": [[], [{"node": "Look", "type": "main", "index": 0}]]}
            handled = await workflows.create(document)
            begun = [(await workflows.execute(made.id)).id for made in (stops, handled)]
            await witness.heard(2)
            first.kill()
        witness.hold.set()
        with EngineProcess(nats_server, tmp_path, database_url, "second", **ALLOW) as second:
            await second.ready(nats_bus)
            failed, went_on = [await workflows.ended(each) for each in begun]
        assert set(witness.keys.values()) == {1}, "a request was repeated"
        assert failed.status == "error"
        assert failed.data is not None
        assert failed.data["resultData"]["error"]["code"] == "outcome_unknown"
        assert went_on.status == "success", went_on.error_message
        assert went_on.data is not None
        assert "Look" in went_on.data["resultData"]["runData"]
