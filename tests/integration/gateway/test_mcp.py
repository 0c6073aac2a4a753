"""The door for assistants with the real rooms behind it: coordinator, engine, PostgreSQL and nats-server."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, ClientSession
from mcp.server.subscriptions import ToolsListChanged
from mcp.shared.exceptions import MCPError
from mcp_types import ResourceTemplateReference, ResourceUpdatedNotification, TextResourceContents, ToolListChangedNotification

from bus.nats_bus import NatsBus
from tests.integration.gateway.conftest import Hive
from tests.integration.gateway.parts import ADMIN_KEY, GatewayProcess
from tests.integration.workflow.parts import EngineProcess, chain, node
from tests.parts.mcp import Told, given, modern, session, text_of
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


@pytest.mark.slow
async def test_what_runs_is_cancelled(hive: Hive) -> None:
    hive.sidecar.may_end.clear()
    async with session(hive.gateway.url, ADMIN_KEY) as client:
        running = given(await client.call_tool("submit_task", {"prompt": "Say hello.", "wait_seconds": 1}))
        assert not running["ended"]
        assert given(await client.call_tool("cancel_task", {"id": running["id"]}))["status"] == "cancelled"
        assert given(await client.call_tool("list_tasks", {"status": ["cancelled"]}))["tasks"][0]["id"] == running["id"]


@pytest.mark.slow
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


@pytest.mark.slow
async def test_an_execution_is_followed_and_stopped(whole: Whole) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
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


def asking(name: str, **settings: Any) -> dict[str, Any]:
    """Takes a number and a word, and gives them back."""
    fields = {"workflowInputs": {"values": [{"name": "n", "type": "number"}, {"name": "word", "type": "string"}]}}
    code = "return [{json: {...$input.first().json, by: 'the workflow'}}]"
    nodes = node("Asked", "executeWorkflowTrigger", fields, 1.1), node("Answer", "code", {"jsCode": code}, 2)
    return {**chain(*nodes, settings=settings), "name": name}


def changed(message: Any) -> bool:
    return isinstance(message, ToolListChangedNotification)


async def tools_of(client: ClientSession | Client) -> dict[str, Any]:
    return {tool.name: tool for tool in (await client.list_tools()).tools}


@pytest.mark.slow
async def test_an_active_workflow_is_a_tool_and_clients_are_told(whole: Whole) -> None:
    told = Told()
    async with session(whole.url, ADMIN_KEY, told) as client:
        made = given(await client.call_tool("create_workflow", {"n8n_data": asking("Ask me")}))["id"]
        assert "ask_me" not in await tools_of(client)
        given(await client.call_tool("activate_workflow", {"id": made, "active": True}))
        await told.until(changed)
        tool = (await tools_of(client))["ask_me"]
        assert tool.input_schema["properties"] == {"n": {"type": "number"}, "word": {"type": "string"}}
        run = given(await client.call_tool("ask_me", {"n": 7}))
        assert (run["status"], run["items"][0]["json"]) == ("success", {"n": 7, "word": None, "by": "the workflow"})
        for arguments, field in (({"n": "seven"}, "n"), ({"m": 7}, "m")):
            refused = await client.call_tool("ask_me", arguments)
            assert (refused.structured_content["code"], f"`{field}`" in text_of(refused)) == ("invalid_request", True)
        given(await client.call_tool("update_workflow", {"id": made, "name": "Ask again"}))
        await told.until(changed)
        assert "ask_again" in await tools_of(client)
        given(await client.call_tool("activate_workflow", {"id": made, "active": False}))
        await told.until(changed)
        assert "ask_again" not in await tools_of(client)


@pytest.mark.slow
async def test_a_client_of_the_version_without_sessions_listens(whole: Whole) -> None:
    async with modern(whole.url, ADMIN_KEY) as client, client.listen(tools_list_changed=True) as changes:
        made = given(await client.call_tool("create_workflow", {"n8n_data": asking("Ask me")}))["id"]
        given(await client.call_tool("activate_workflow", {"id": made, "active": True}))
        async with asyncio.timeout(20):
            assert isinstance(await anext(aiter(changes)), ToolsListChanged)
        assert given(await client.call_tool("ask_me", {"word": "hi"}))["items"][0]["json"]["word"] == "hi"


@pytest.mark.slow
async def test_clients_of_every_gateway_are_told(whole: Whole, nats_server: NatsServer, tmp_path: Path) -> None:
    told, folder = Told(), tmp_path / "second"
    folder.mkdir()
    with GatewayProcess(nats_server, folder) as second:
        await second.answers()
        async with session(whole.url, ADMIN_KEY) as client, session(second.url, ADMIN_KEY, told) as other:
            made = given(await client.call_tool("create_workflow", {"n8n_data": asking("Ask me")}))["id"]
            given(await client.call_tool("activate_workflow", {"id": made, "active": True}))
            await told.until(changed)
            assert given(await other.call_tool("ask_me", {"n": 1}))["status"] == "success"


@pytest.mark.slow
async def test_a_workflow_that_failed_says_so(whole: Whole) -> None:
    breaking = {**chain(node("Start", "manualTrigger"), node("Break", "code", {"jsCode": "throw new Error('no luck')"}, 2))}
    async with session(whole.url, ADMIN_KEY) as client:
        made = given(await client.call_tool("create_workflow", {"n8n_data": {**breaking, "name": "Break"}}))["id"]
        given(await client.call_tool("activate_workflow", {"id": made, "active": True}))
        failed = await client.call_tool("break", {})
        assert (failed.is_error, failed.structured_content["code"], "no luck" in text_of(failed)) == (True, "node_failed", True)


@pytest.mark.slow
async def test_a_workflow_is_a_tool_of_those_whom_its_saver_lets_call_it(whole: Whole) -> None:
    async with whole.hive.gateway.client() as admin:
        anna = (await admin.post("/api/keys", json={"owner": "anna"})).json()["key"]
        vera = (await admin.post("/api/keys", json={"owner": "vera", "role": "viewer"})).json()["key"]
    async with session(whole.url, ADMIN_KEY) as saver, session(whole.url, anna) as other, session(whole.url, vera) as viewer:
        for document in (asking("Mine alone"), asking("For all", callerPolicy="any")):
            made = given(await saver.call_tool("create_workflow", {"n8n_data": document}))["id"]
            given(await saver.call_tool("activate_workflow", {"id": made, "active": True}))
        assert {"mine_alone", "for_all"} <= (await tools_of(saver)).keys()
        assert (await tools_of(other)).keys() & {"mine_alone", "for_all"} == {"for_all"}
        assert not (await tools_of(viewer)).keys() & {"mine_alone", "for_all"}
        run = given(await other.call_tool("for_all", {"n": 1}))
        assert run["created_by"] == "admin"
        for client, name in ((other, "mine_alone"), (viewer, "for_all")):
            with pytest.raises(MCPError, match=f"There is no tool {name}"):
                await client.call_tool(name, {})


@pytest.mark.slow
async def test_tools_of_workflows_come_back_with_their_engine(whole: Whole, nats_bus: NatsBus) -> None:
    told = Told()
    async with session(whole.url, ADMIN_KEY, told) as client:
        made = given(await client.call_tool("create_workflow", {"n8n_data": asking("Ask me")}))["id"]
        given(await client.call_tool("activate_workflow", {"id": made, "active": True}))
        await told.until(changed)
        await asyncio.to_thread(whole.engine.stop)
        without = await tools_of(client)
        assert ("submit_task" in without, "ask_me" in without) == (True, False)
        whole.engine.restart()
        await told.until(changed, 60)
        assert "ask_me" in await tools_of(client)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning")
async def test_executions_and_workflows_are_watched(whole: Whole) -> None:
    told = Told()
    slow = chain(
        node("Start", "manualTrigger"), node("Rest", "wait", {"resume": "timeInterval", "amount": 1, "unit": "hours"}, 1.1)
    )
    async with session(whole.url, ADMIN_KEY, told) as client:
        made = given(await client.call_tool("create_workflow", {"n8n_data": slow}))["id"]
        document, listed = f"hive://workflows/{made}", (await client.list_resources()).resources
        assert {"hive://agents/acacia", document} <= {resource.uri for resource in listed}
        await client.subscribe_resource(document)
        given(await client.call_tool("update_workflow", {"id": made, "name": "Slow"}))
        await told.until(lambda message: updated(message, document))
        run = given(await client.call_tool("run_workflow", {"id": made}))["id"]
        execution = f"hive://executions/{run}"
        await client.subscribe_resource(execution)
        given(await client.call_tool("cancel_execution", {"id": run}))
        await told.until(lambda message: updated(message, execution))
        (contents,) = (await client.read_resource(execution)).contents
        assert isinstance(contents, TextResourceContents)
        assert json.loads(contents.text)["status"] == "canceled"
        ids = await client.complete(ResourceTemplateReference(uri="hive://executions/{id}"), {"name": "id", "value": run[:6]})
        assert ids.completion.values == [run]


def updated(message: Any, uri: str) -> bool:
    return isinstance(message, ResourceUpdatedNotification) and message.params.uri == uri
