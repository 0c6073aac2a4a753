"""The door for assistants, by its official client over HTTP, with the rooms on a bus in memory."""

import asyncio
import json
from uuid import UUID, uuid4

import httpx
import pytest
from mcp.shared.exceptions import MCPError
from structlog.testing import capture_logs

from bus import auth, subjects
from bus.messages import TaskStatus
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.catalogue import TOOLS
from coordinator.gateway.scraping import Readings
from coordinator.gateway.settings import GatewaySettings
from tests.integration.gateway.parts import until
from tests.parts.mcp import given, modern, session, text_of
from tests.unit.gateway.conftest import ADMIN, ANNA, VIEWER
from tests.unit.gateway.mcp_door import url
from tests.unit.gateway.rooms import Rooms

__all__ = ["url"]

PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "0"}},
}


@pytest.fixture
def settings() -> GatewaySettings:
    return GatewaySettings(mcp_sessions=3, mcp_hosts="hive.example")


def posting(url: str, key: str | None = ADMIN, **headers: str) -> httpx.AsyncClient:
    shown = {} if key is None else {"Authorization": f"Bearer {key}"}
    accept = {"Accept": "application/json, text/event-stream"}
    return httpx.AsyncClient(base_url=url, headers={**shown, **accept, **headers})


async def test_a_task_is_submitted_waited_for_and_read(url: str, rooms: Rooms) -> None:
    async with session(url, ANNA) as client:
        submitted = given(await client.call_tool("submit_task", {"prompt": "hi", "title": "greeting"}))
        assert (submitted["status"], submitted["ended"], submitted["owner"]) == ("queued", False, "anna")
        waiting = asyncio.create_task(client.call_tool("get_task", {"id": submitted["id"], "wait_seconds": 30}))
        await rooms.finish(UUID(submitted["id"]), "Hello.")
        task = given(await waiting)
        assert (task["status"], task["output"]["text"], task["usage"]["completion_tokens"]) == ("completed", "Hello.", 2)
        assert [found["id"] for found in given(await client.call_tool("list_tasks", {}))["tasks"]] == [submitted["id"]]


async def test_progress_tells_how_a_task_stands_while_a_client_waits(url: str, rooms: Rooms) -> None:
    heard: asyncio.Queue[str | None] = asyncio.Queue()

    async def progressed(progress: float, total: float | None, message: str | None) -> None:
        heard.put_nowait(message)

    async with session(url, ANNA) as client:
        arguments = {"prompt": "hi", "wait_seconds": 30}
        waiting = asyncio.create_task(client.call_tool("submit_task", arguments, progress_callback=progressed))
        async with asyncio.timeout(20):
            assert await heard.get() == "queued"
        (task_id,) = rooms.tasks
        await rooms.finish(task_id)
        assert given(await waiting)["ended"]


async def test_the_version_without_sessions_has_the_same_tools(url: str) -> None:
    async with modern(url, ANNA) as client:
        assert client.protocol_version == "2026-07-28"
        names = {tool.name for tool in (await client.list_tools()).tools}
        assert "submit_task" in names
        assert given(await client.call_tool("submit_task", {"prompt": "hi"}))["status"] == "queued"


async def test_tools_are_those_of_the_keys_role(url: str) -> None:
    async with session(url, VIEWER) as viewer, session(url, ANNA) as anna, session(url, ADMIN, header="x-api-key") as admin:
        seen = {tool.name for tool in (await viewer.list_tools()).tools}
        assert "list_agents" in seen
        assert not seen & {"submit_task", "create_workflow", "run_workflow", "cancel_execution"}
        assert {tool.name for tool in (await admin.list_tools()).tools} == set(TOOLS)
        refused = await viewer.call_tool("submit_task", {"prompt": "hi"})
        assert (refused.is_error, refused.structured_content["code"]) == (True, "permission_denied")
        assert "tasks.create" in text_of(refused)
        assert given(await anna.call_tool("submit_task", {"prompt": "hi"}))["owner"] == "anna"


async def test_a_task_is_its_owners(url: str) -> None:
    async with session(url, ANNA) as anna, session(url, VIEWER) as viewer:
        task = given(await anna.call_tool("submit_task", {"prompt": "hi"}))["id"]
        for tool in ("get_task", "cancel_task", "explain_task"):
            refused = await viewer.call_tool(tool, {"id": task})
            if tool != "explain_task":  # the room of this test explains to everybody
                assert refused.structured_content["code"] == "permission_denied"
        assert given(await anna.call_tool("cancel_task", {"id": task}))["status"] == TaskStatus.CANCELLED
        again = await anna.call_tool("cancel_task", {"id": task})
        assert (again.is_error, again.structured_content["code"]) == (True, "already_ended")


@pytest.mark.parametrize(
    ("tool", "arguments", "field"),
    [
        ("submit_task", {"prompt": "hi", "prioritty": 1}, "prioritty"),
        ("submit_task", {"prompt": "hi", "wait_seconds": 51}, "wait_seconds"),
        ("submit_task", {"prompt": "hi", "priority": 9}, "priority"),
        ("submit_task", {}, "prompt"),
        ("get_task", {"id": "seven"}, "id"),
        ("get_task", {}, "id"),
        ("get_agent", {"agent_id": "Not a slug"}, "agent_id"),
        ("list_tasks", {"limit": 0}, "limit"),
        ("create_workflow", {"n8n_data": []}, "n8n_data"),
        ("get_node_output", {"id": str(UUID(int=1)), "node": "Set", "run": -1}, "run"),
    ],
)
async def test_bad_arguments_are_refused_with_the_fields_name(
    url: str, tool: str, arguments: dict[str, object], field: str
) -> None:
    async with session(url, ADMIN) as client:
        refused = await client.call_tool(tool, arguments)
        assert refused.is_error
        assert (refused.structured_content["code"], f"`{field}`" in text_of(refused)) == ("invalid_request", True), text_of(
            refused
        )


async def test_a_room_that_is_not_there_is_told_in_words(url: str) -> None:
    async with session(url, ADMIN) as client:
        gone = await client.call_tool("get_task", {"id": str(uuid4())})
        assert gone.structured_content["code"] == "task_not_found"
        with pytest.raises(MCPError, match="There is no tool fly"):
            await client.call_tool("fly", {})


async def test_the_fleet_is_told(url: str) -> None:
    async with session(url, VIEWER) as client:
        assert given(await client.call_tool("list_agents", {}))["agents"][0]["agent_id"] == "acacia"
        assert given(await client.call_tool("cluster_status", {}))["queue"]["medium"] == 3
        assert given(await client.call_tool("performance", {}))["completed"] == 1


async def test_descriptions_are_whole(url: str) -> None:
    async with session(url, ADMIN) as client:
        for tool in (await client.list_tools()).tools:
            assert tool.description
            assert tool.input_schema["type"] == "object"
            assert tool.output_schema is not None
            assert tool.output_schema["type"] == "object"
            assert tool.annotations is not None
            assert None not in (
                tool.annotations.read_only_hint,
                tool.annotations.destructive_hint,
                tool.annotations.idempotent_hint,
            )
            assert not (tool.annotations.read_only_hint and tool.annotations.destructive_hint)


async def test_nothing_answers_without_a_key(url: str, memory_bus: InMemoryBus) -> None:
    async with posting(url, None) as nobody:
        refused = await nobody.post("/mcp", json=HELLO)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    async with session(url, ANNA) as client:
        await memory_bus.delete(subjects.KV_KEYS, auth.hash_key(ANNA))
        with pytest.raises(MCPError):
            await client.list_tools()


async def test_a_session_is_its_keys(url: str) -> None:
    async with posting(url, ANNA) as anna, posting(url, ADMIN) as admin:
        begun = await anna.post("/mcp", json=HELLO)
        own = {"Mcp-Session-Id": begun.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        assert (await anna.post("/mcp", json=PING, headers=own)).status_code == 200
        assert (await admin.post("/mcp", json=PING, headers=own)).status_code == 404
        assert (await anna.delete("/mcp", headers=own)).status_code == 200
        assert (await anna.post("/mcp", json=PING, headers=own)).status_code == 404


async def test_sessions_are_bounded(url: str) -> None:
    async with posting(url, ANNA) as anna:
        begun = [await anna.post("/mcp", json=HELLO) for _ in range(4)]
        assert [answer.status_code for answer in begun] == [200, 200, 200, 503]
        ended = await anna.delete("/mcp", headers={"Mcp-Session-Id": begun[0].headers["mcp-session-id"]})
        assert ended.status_code == 200
        assert (await anna.post("/mcp", json=HELLO)).status_code == 200


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("localhost:8420", None, 200),
        ("127.0.0.1", "http://localhost:6274", 200),
        ("hive.example", "https://hive.example", 200),
        ("evil.example", None, 403),
        ("192.168.1.5:8420", None, 403),  # this hive listens on loopback alone
        ("localhost:8420", "https://evil.example", 403),
        ("evil.example", "http://evil.example", 403),
        ("localhost:8420", "null", 403),
    ],
)
async def test_a_page_of_another_site_does_not_come_in(url: str, host: str, origin: str | None, status: int) -> None:
    headers = {"Host": host} | ({} if origin is None else {"Origin": origin})
    async with posting(url, ANNA) as client:
        answer = await client.post("/mcp", json=HELLO, headers=headers)
        assert answer.status_code == status, answer.text
        if status == 403:
            assert answer.json()["code"] == "permission_denied"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"jsonrpc": "' + b"a" * 5_000_000 + b'"}', 413, "payload_too_large"),
        (b'{"jsonrpc": ' + b"[" * 900 + b"]" * 900 + b"}", 400, "invalid_json"),
    ],
    ids=["too large", "too deep"],
)
async def test_bodies_that_are_too_large_or_too_deep_are_refused_and_logged(
    url: str, body: bytes, status: int, code: str
) -> None:
    async with posting(url, ANNA) as anna:
        with capture_logs() as logs:
            answer = await anna.post("/mcp", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert [(log["path"], log["code"]) for log in logs if log["event"] == "request_refused"] == [("POST /mcp", code)]


async def test_a_stop_ends_streams(gateway: Gateway, url: str) -> None:
    async with posting(url, ANNA) as anna:
        begun = await anna.post("/mcp", json=HELLO)
        own = {"Mcp-Session-Id": begun.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        async with anna.stream("GET", "/mcp", headers=own, timeout=10) as stream:
            gateway.stop()
            try:
                assert [line async for line in stream.aiter_lines()] == []
            except httpx.RemoteProtocolError as error:
                pytest.fail(f"the stream was cut and not ended: {error}")


@pytest.mark.slow
async def test_a_stream_ends_with_its_key(url: str, memory_bus: InMemoryBus) -> None:
    async with posting(url, ANNA) as anna:
        begun = await anna.post("/mcp", json=HELLO)
        own = {"Mcp-Session-Id": begun.headers["mcp-session-id"], "MCP-Protocol-Version": "2025-11-25"}
        async with anna.stream("GET", "/mcp", headers=own, timeout=20) as stream:
            assert stream.status_code == 200
            await memory_bus.delete(subjects.KV_KEYS, auth.hash_key(ANNA))
            assert [line async for line in stream.aiter_lines()] == []


async def test_requests_are_counted_under_their_path(url: str, gateway: Gateway) -> None:
    counted = b'hive_api_request_duration_seconds_count{method="POST",route="/mcp",status="200"} 1.0'
    async with posting(url, ANNA) as anna:
        await anna.post("/mcp", json=HELLO)
        await until(lambda: counted in gateway.metrics.page(None, (), Readings()))


async def test_half_a_character_is_refused_in_words(url: str) -> None:
    """The package's newer transport lets it in, and the bus could not carry it."""
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "0"},
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    params = {"name": "submit_task", "arguments": {"prompt": "half"}, "_meta": meta}
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).replace("half", "\\ud800")
    headers = {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": "tools/call", "Mcp-Name": "submit_task"}
    async with posting(url, ANNA) as anna:
        answer = await anna.post("/mcp", content=body, headers={**headers, "Content-Type": "application/json"})
    result = answer.json()["result"]
    assert (result["isError"], result["structuredContent"]["code"]) == (True, "invalid_request")
