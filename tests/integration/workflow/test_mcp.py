"""MCP Client Tool and MCP Client on real MCP servers, by both transports."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from mcp.server.mcpserver import MCPServer
from mcp_types import ToolAnnotations

from bus.errors import DeadlineExceeded, NodeFailed, OutcomeUnknown, RequestRefused
from tests.integration.workflow.databases import driver, pool  # noqa: F401 - fixtures
from tests.unit.workflow.nodes.case import Case, Fails, check, outputs
from tests.unit.workflow.nodes.case import run as run_case
from tests.unit.workflow.nodes.test_ai import MODEL, attach, flow
from workflow.core.driver import Driver
from workflow.core.effects import CallMcp, Effect, SubmitTask, effect_from_json
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.outside.guard import Guard
from workflow.outside.mcp_client import KEY_META, McpClient, McpServer

GUARD = Guard.of(["127.0.0.1"])
MAX_BYTES = 1_000_000
TOKEN = "correct-horse-battery"


class Bees:
    """A server with tools, and what was called of them."""

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.heads: list[dict[str, str]] = []
        self.waits = asyncio.Event()
        self.server = MCPServer("bees", log_level="CRITICAL")
        logging.getLogger("mcp").setLevel(logging.CRITICAL)
        self.server.tool(annotations=ToolAnnotations(read_only_hint=True))(self.count)
        for each in (self.feed, self.fails, self.large, self.sleeps):
            self.server.tool()(each)

    async def count(self, hive: str, deep: bool = False) -> str:
        """Counts the bees of a hive."""
        self.calls.append(("count", hive, deep))
        return json.dumps({"bees": 3 if hive == "acacia" else 0})

    async def feed(self, grams: int) -> str:
        """Feeds all."""
        self.calls.append(("feed", grams))
        return f"{grams} g eaten"

    async def fails(self) -> str:
        raise ValueError("mine")

    async def large(self) -> str:
        return "x" * 3 * MAX_BYTES

    async def sleeps(self) -> str:
        await self.waits.wait()
        return "late"


@pytest.fixture
async def bees() -> AsyncIterator[Bees]:
    found = Bees()
    yield found
    found.waits.set()


@asynccontextmanager
async def serving(bees: Bees, *, sse: bool = False, token: str | None = None) -> AsyncIterator[str]:
    """Its URL."""
    inner: Any = bees.server.sse_app() if sse else bees.server.streamable_http_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            heads = {name.decode(): value.decode() for name, value in scope["headers"]}
            bees.heads.append(heads)
            if token is not None and heads.get("authorization") != f"Bearer {token}":
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b"no"})
                return
        await inner(scope, receive, send)

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="critical", timeout_graceful_shutdown=1))
    task = asyncio.create_task(server.serve())
    try:
        async with asyncio.timeout(30):
            while not server.started:
                await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/{'sse' if sse else 'mcp'}"
    finally:
        bees.waits.set()
        server.should_exit = True
        await asyncio.wait_for(task, 30)


@pytest.mark.parametrize("sse", [False, True], ids=["streamable", "sse"])
async def test_tools_are_listed_and_called(bees: Bees, sse: bool) -> None:
    async with serving(bees, sse=sse, token=TOKEN) as url:
        client = McpClient(GUARD, MAX_BYTES)
        server = McpServer(url=url, sse=sse, headers={"authorization": f"Bearer {TOKEN}"})
        tools = {tool["name"]: tool for tool in await client.tools(server, 30)}
        assert set(tools) == {"count", "feed", "fails", "large", "sleeps"}
        assert tools["count"]["inputSchema"]["required"] == ["hive"]
        assert tools["count"]["annotations"]["readOnlyHint"] is True
        found = await client.call(server, "feed", {"grams": 5}, "k1", 30)
        assert (found["content"][0]["text"], found["isError"]) == ("5 g eaten", False)
        failed = await client.call(server, "fails", {}, "k2", 30)
        assert failed["isError"] is True
        with pytest.raises(NodeFailed):
            await client.tools(McpServer(url=url, sse=sse), 30)
    assert bees.calls == [("feed", 5)]
    assert KEY_META.startswith("hive/")


@pytest.mark.parametrize("sse", [False, True], ids=["streamable", "sse"])
async def test_the_guard_and_the_bounds_hold(bees: Bees, sse: bool) -> None:
    async with serving(bees, sse=sse) as url:
        server = McpServer(url=url, sse=sse)
        with pytest.raises(RequestRefused, match="internal address"):
            await McpClient(Guard(), MAX_BYTES).tools(server, 30)
        with pytest.raises(RequestRefused, match="HIVE_WORKFLOW_MAX_ANSWER_BYTES"):
            await McpClient(GUARD, MAX_BYTES).call(server, "large", {}, "k", 30)
        with pytest.raises(OutcomeUnknown, match="within 1 s"):
            await McpClient(GUARD, MAX_BYTES).call(server, "sleeps", {}, "k", 1)
    with pytest.raises(NodeFailed):
        await McpClient(GUARD, MAX_BYTES).tools(server, 30)


def proxied(inner: Any, answer: dict[str, Any], body: bytes) -> Any:
    """The server behind a proxy that gives up on calls of tools: they happen, and it answers something of its own."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        pieces: list[bytes] = []

        async def read() -> Any:
            message = await receive()
            pieces.append(message.get("body", b""))
            return message

        async def say(message: Any) -> None:
            if b'"tools/call"' not in b"".join(pieces):
                await send(message)

        await inner(scope, read, say)
        if b'"tools/call"' in b"".join(pieces):
            await send({"type": "http.response.start", "headers": [], **answer})
            await send({"type": "http.response.body", "body": body})

    return app


JSON = [(b"content-type", b"application/json")]


@pytest.mark.parametrize(
    ("answer", "body"),
    [
        ({"status": 504}, b"Gateway Timeout"),
        ({"status": 200, "headers": [(b"content-type", b"text/html")]}, b"<h1>Please wait</h1>"),
        ({"status": 200, "headers": JSON}, b'{"jsonrpc": "2.0", "id": 1, "resu'),
    ],
    ids=["error", "page", "cut"],
)
async def test_what_a_proxy_says_is_no_answer_of_the_server(
    bees: Bees, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], body: bytes
) -> None:
    inner = bees.server.streamable_http_app()
    monkeypatch.setattr(bees.server, "streamable_http_app", lambda: proxied(inner, answer, body))
    async with serving(bees) as url:
        with pytest.raises(OutcomeUnknown, match="Whether the call happened is not known"):
            await McpClient(GUARD, MAX_BYTES).call(McpServer(url=url), "feed", {"grams": 5}, "k", 30)
    assert bees.calls == [("feed", 5)]


def carrying(loop: asyncio.AbstractEventLoop, texts: list[str] | None = None) -> Callable[[Effect], Reply]:
    """Carries out calls of MCP here, and answers questions to a model with these texts."""

    async def asked(effect: CallMcp) -> Reply:
        client, server = McpClient(GUARD, MAX_BYTES), McpServer(url=effect.url, sse=effect.sse)
        try:
            if effect.operation == "list":
                return Reply(value=await client.tools(server, effect.timeout_seconds))
            return Reply(value=await client.call(server, effect.tool, effect.arguments, effect.key, effect.timeout_seconds))
        except (NodeFailed, DeadlineExceeded, RequestRefused) as error:
            return Reply(failure=Failure(message=error.message, code=error.code))

    def carry_out(effect: Effect) -> Reply:
        if isinstance(effect, SubmitTask):
            assert texts is not None
            return Reply(value={"status": "completed", "output": {"text": texts.pop(0)}})
        stored = effect_from_json(effect.to_json())
        assert isinstance(stored, CallMcp)
        return asyncio.run_coroutine_threadsafe(asked(stored), loop).result(60)

    return carry_out


async def test_an_agent_uses_the_tools_of_a_server(bees: Bees, driver: Driver) -> None:  # noqa: F811
    texts = [
        json.dumps({"tool": "count", "input": {"hive": "acacia"}}),
        json.dumps({"tool": "feed", "input": "7"}),
        json.dumps({"tool": "large", "input": {}}),
        "done",
    ]
    async with serving(bees) as url:
        given = {"endpointUrl": url, "include": "except", "excludeTools": ["large", "sleeps"]}
        tool = attach("Bees", "mcpClientTool", "Node", "ai_tool", given, 1.2)
        driver.carry_out = carrying(asyncio.get_running_loop(), texts)
        execution = await asyncio.to_thread(driver.run, flow("agent", {}, [{"chatInput": "x"}], MODEL, tool))
    assert execution.last_items()[0]["json"] == {"output": "done"}
    asked = [effect.request["messages"] for effect in driver.effects if isinstance(effect, SubmitTask)]
    told: Any = asked[-1]
    line = '- count: Counts the bees of a hive. Its input is an object with "hive" (string), "deep" (boolean, may be left out).'
    assert line in told[0]["content"]
    assert "- large" not in told[0]["content"]
    shown = [message["content"].partition("\n")[2] for message in told if message["content"].startswith("The tool ")]
    assert shown == ['{"bees": 3}', "7 g eaten", "There is no tool 'large'."]
    assert bees.calls == [("count", "acacia", False), ("feed", 7)]
    calls = [effect for effect in driver.effects if isinstance(effect, CallMcp)]
    assert [(effect.operation, effect.tool, effect.repeatable) for effect in calls] == [
        ("list", "", True),
        ("call", "count", True),
        ("call", "feed", False),
    ]


async def test_selected_tools_of_the_older_version(bees: Bees, driver: Driver) -> None:  # noqa: F811
    async with serving(bees, sse=True) as url:
        given = {"sseEndpoint": url, "include": "selected", "includeTools": ["feed"]}
        tool = attach("Bees", "mcpClientTool", "Node", "ai_tool", given)
        driver.carry_out = carrying(asyncio.get_running_loop(), ["done"])
        execution = await asyncio.to_thread(driver.run, flow("agent", {}, [{"chatInput": "x"}], MODEL, tool))
    assert execution.failure is None, execution.failure
    (asked,) = [effect.request for effect in driver.effects if isinstance(effect, SubmitTask)]
    assert "- feed" in str(asked)
    assert "- count" not in str(asked)


async def test_a_server_that_is_not_there_fails_the_agent(driver: Driver) -> None:  # noqa: F811
    driver.carry_out = carrying(asyncio.get_running_loop(), [])
    for url, says in (
        ("http://127.0.0.1:9/mcp", "'Bees': The MCP server"),
        ("ftp://x", "must be a URL"),
        ("http://10.0.0.1/", "internal"),
    ):
        tool = attach("Bees", "mcpClientTool", "Node", "ai_tool", {"endpointUrl": url}, 1.2)
        execution = await asyncio.to_thread(driver.run, flow("agent", {}, [{"chatInput": "x"}], MODEL, tool))
        assert execution.failure is not None
        assert says in execution.failure.message


async def test_a_node_calls_a_tool_for_each_item(bees: Bees, driver: Driver) -> None:  # noqa: F811
    carry_out = carrying(asyncio.get_running_loop())

    async def node(gives: Any, items: Any = ({},), settings: Any = None, **parameters: Any) -> Any:
        case = Case(
            name="",
            kind="@n8n/n8n-nodes-langchain.mcpClient",
            parameters=parameters,
            items=items,
            gives=gives,
            settings=settings or {},
        )
        return await asyncio.to_thread(run_case if gives is None else check, driver, case, carry_out)

    async with serving(bees) as url:
        base = {"endpointUrl": url, "tool": {"__rl": True, "mode": "list", "value": "count"}}
        found = outputs(
            await node(
                None, [{"h": "acacia"}, {"h": "beech"}], **base, inputMode="json", jsonInput='={"hive": "{{ $json.h }}"}'
            )
        )
        assert [item["json"]["content"][0]["text"] for item in found[0]] == [{"bees": 3}, {"bees": 0}]
        by_fields = await node(None, **{**base, "tool": "feed"}, parameters={"value": {"grams": 4}})
        assert outputs(by_fields)[0][0]["json"]["content"] == [{"type": "text", "text": "4 g eaten"}]
        await node(Fails("Error executing tool fails"), **{**base, "tool": "fails"})
        await node(Fails("no JSON object"), **base, inputMode="json", jsonInput="[")
        await node(Fails("No tool"), endpointUrl=url)
        kept = await node(None, settings={"onError": "continueRegularOutput"}, **{**base, "tool": "fails"})
        assert "error" in outputs(kept)[0][0]["json"]
        await node(Fails("internal address"), **{**base, "endpointUrl": "http://169.254.169.254/mcp"})
