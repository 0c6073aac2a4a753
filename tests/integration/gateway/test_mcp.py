"""The door for assistants with the real rooms behind it: coordinator, engine, PostgreSQL and nats-server."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bus.nats_bus import NatsBus
from tests.integration.gateway.conftest import Hive
from tests.integration.gateway.parts import ADMIN_KEY
from tests.integration.workflow.parts import EngineProcess, chain, node
from tests.parts.mcp import given, session, text_of
from tests.parts.nats import NatsServer


@dataclass(frozen=True)
class Whole:
    """A hive with its workflows."""

    hive: Hive
    engine: EngineProcess

    @property
    def url(self) -> str:
        return self.hive.gateway.url


@pytest.fixture
async def whole(
    hive: Hive, nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> AsyncIterator[Whole]:
    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        yield Whole(hive, engine)


def doubling(name: str = "Double it") -> dict[str, Any]:
    double = "return [{json: {n: 2 * $input.first().json.n}}]"
    return {**chain(node("Start", "manualTrigger"), node("Double", "code", {"jsCode": double}, 2)), "name": name}


async def test_a_task_goes_in_and_its_answer_comes_out(hive: Hive) -> None:
    async with session(hive.gateway.url, ADMIN_KEY) as client:
        task = given(await client.call_tool("submit_task", {"prompt": "Say hello.", "model": "instant:1b", "wait_seconds": 30}))
        assert (task["status"], task["output"]["text"], task["agent_id"]) == ("completed", "Hello there.", "acacia")
        twice = [await client.call_tool("submit_task", {"prompt": "Once.", "idempotency_key": "once"}) for _ in range(2)]
        assert len({given(answer)["id"] for answer in twice}) == 1
        unknown = await client.call_tool("submit_task", {"prompt": "hi", "model": "nobody:1b"})
        assert unknown.structured_content["code"] == "unknown_model"
        table = given(await client.call_tool("explain_placement", {"prompt": "hi", "model": "instant:1b"}))
        assert table["choice"] == "acacia"
        assert given(await client.call_tool("explain_task", {"id": task["id"]}))["agents"]
        assert given(await client.call_tool("list_models", {}))["models"][0]["name"] == "instant:1b"
        assert given(await client.call_tool("get_agent", {"agent_id": "acacia"}))["status"] == "online"
        assert given(await client.call_tool("cluster_status", {}))["leader"]


async def test_what_runs_is_cancelled(hive: Hive) -> None:
    hive.sidecar.may_end.clear()
    async with session(hive.gateway.url, ADMIN_KEY) as client:
        running = given(await client.call_tool("submit_task", {"prompt": "Say hello.", "wait_seconds": 1}))
        assert not running["ended"]
        assert given(await client.call_tool("cancel_task", {"id": running["id"]}))["status"] == "cancelled"
        assert given(await client.call_tool("list_tasks", {"status": ["cancelled"]}))["tasks"][0]["id"] == running["id"]


async def test_a_workflow_is_stored_run_and_read(whole: Whole) -> None:
    async with session(whole.url, ADMIN_KEY) as client:
        made = given(await client.call_tool("create_workflow", {"n8n_data": doubling()}))
        run = {"id": made["id"], "items": [{"json": {"n": 21}}], "wait_seconds": 30}
        ended = given(await client.call_tool("run_workflow", run))
        assert (ended["status"], ended["last_node"], ended["items"]) == (
            "success",
            "Double",
            [{"json": {"n": 42}, "pairedItem": {"item": 0}}],
        )
        listed = given(await client.call_tool("list_executions", {"workflow_id": made["id"]}))["executions"]
        assert [each["id"] for each in listed] == [ended["id"]]
        asked = {"id": ended["id"], "node": "Start"}
        assert given(await client.call_tool("get_node_output", asked))["items"][0]["json"] == {"n": 21}
        missing = await client.call_tool("get_node_output", {"id": ended["id"], "node": "Nobody"})
        assert (missing.structured_content["code"], "Start, Double" in text_of(missing)) == ("invalid_request", True)
        changed = given(await client.call_tool("update_workflow", {"id": made["id"], "name": "Doubling", "version": 1}))
        assert (changed["name"], changed["version"]) == ("Doubling", 2)
        stale = await client.call_tool("update_workflow", {"id": made["id"], "name": "Other", "version": 1})
        assert stale.structured_content["code"] == "conflict"
        assert given(await client.call_tool("get_workflow", {"id": made["id"]}))["n8n_data"]["nodes"]
        assert given(await client.call_tool("list_workflows", {}))["workflows"][0]["name"] == "Doubling"


async def test_an_execution_is_followed_and_stopped(whole: Whole) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    async def progressed(_progress: float, _total: float | None, message: str | None) -> None:
        heard.put_nowait(message)

    slow = chain(
        node("Start", "manualTrigger"), node("Rest", "wait", {"resume": "timeInterval", "amount": 1, "unit": "hours"}, 1.1)
    )
    async with session(whole.url, ADMIN_KEY) as client:
        made = given(await client.call_tool("create_workflow", {"n8n_data": slow}))
        begun = given(await client.call_tool("run_workflow", {"id": made["id"]}))
        assert not begun["ended"]
        asked = {"id": begun["id"], "wait_seconds": 40}
        waiting = asyncio.create_task(client.call_tool("get_execution", asked, progress_callback=progressed))
        async with asyncio.timeout(20):
            await heard.get()
        assert given(await client.call_tool("cancel_execution", {"id": begun["id"]}))["status"] == "canceled"
        assert given(await waiting)["status"] == "canceled"
        again = await client.call_tool("cancel_execution", {"id": begun["id"]})
        assert again.structured_content["code"] == "execution_ended"
