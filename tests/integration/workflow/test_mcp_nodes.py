"""Tools of real MCP servers as nodes of workflows, and in the place of Hive's own nodes: through real doors, and while an engine is killed."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from httpx import AsyncClient
from mcp.server.mcpserver import Context, MCPServer
from mcp_types import ToolAnnotations

from bus.nats_bus import NatsBus
from bus.vault import new_key
from tests.integration.workflow.doors import doors, given, saved
from tests.integration.workflow.echo import Echo
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_mcp import Bees, serving
from tests.integration.workflow.test_mcp_servers import Servers
from tests.parts.nats import NatsServer
from workflow.outside.mcp_client import KEY_META

pytestmark = pytest.mark.slow

HANDS = Path(__file__).with_name("tools_server.py")
SECONDS = 90
START = node("Start", "manualTrigger")


async def registered(client: AsyncClient, name: str, *words: str) -> None:
    wish = {"name": name, "transport": "stdio", "command": sys.executable, "args": words}
    assert (await client.post("/api/mcp-servers", json=wish)).status_code == 201
    async with asyncio.timeout(SECONDS):
        while (await client.get(f"/api/mcp-servers/{name}")).json()["status"] != "connected":
            await asyncio.sleep(0.05)


async def executed(client: AsyncClient, workflow_id: str) -> dict[str, Any]:
    answer = await client.post(f"/api/workflows/{workflow_id}/execute", params={"wait": 25}, json={})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def tool_node(name: str, kind: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**node(name, "", parameters), "type": f"hive.mcp.{kind}"}


def problems(record: dict[str, Any]) -> set[str]:
    return {problem["code"] for problem in record["problems"]}


async def test_tools_are_nodes_and_take_the_place_of_nodes(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    """A tool as a node, a request and a code that tools carry out; the report before and after their servers are there."""
    zones = {"source_timezone": "Europe/Berlin", "time": "={{ $json.at ?? '12:00' }}", "target_timezone": "Asia/Tokyo"}
    code = {"language": "python", "pythonCode": "result = [{'json': {'seen': len(items), 'who': items[0]['json']['who']}}]"}
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client, Echo() as echo:
        fetch = {
            "method": "POST",
            "url": f"{echo.url}orders",
            "sendBody": True,
            "specifyBody": "json",
            "jsonBody": "={{ {at: $json.target.timezone} }}",
        }
        who = {"mode": "raw", "jsonOutput": "={{ {who: $json.headers['x-carried-by'], body: $json.body} }}"}
        nodes = (
            START,
            tool_node("Convert", "time.convert_time", zones),
            node("Fetch", "httpRequest", fetch, 4.2),
            node("Who", "set", who, 3.4),
            node("Run", "code", code, 2),
        )
        by_tool = {"n8n-nodes-base.httpRequest": {"server": "hands"}, "Run": {"server": "hands"}}
        made = await saved(client, chain(*nodes, settings={"mcpTools": by_tool}), active=False)
        before = (await client.get(f"/api/workflows/{made}")).json()
        assert problems(before) == {"mcp_server_not_found"}
        assert [(each["node"], each["server"], each["tool"], each["registered"]) for each in before["mcp_tools"]] == [
            ("Convert", "time", "convert_time", False),
            ("Fetch", "hands", "http_request", False),
            ("Run", "hands", "code_execution", False),
        ]
        refused = await executed(client, made)
        assert refused["data"]["resultData"]["error"]["code"] == "mcp_server_not_found"
        await registered(client, "time", "-m", "mcp_server_time")
        await registered(client, "hands", str(HANDS))
        after = (await client.get(f"/api/workflows/{made}")).json()
        assert problems(after) == set()
        assert all(each["registered"] for each in after["mcp_tools"])
        done = await executed(client, made)
        assert done["status"] == "success", done["data"]["resultData"]
        (converted,) = await given(client, made, "Convert")
        assert (converted["json"]["target"]["timezone"], converted["pairedItem"]) == ("Asia/Tokyo", {"item": 0})
        (request,) = echo.requests
        assert (request.method, request.path, json.loads(request.body)) == ("POST", "/orders", {"at": "Asia/Tokyo"})
        assert [item["json"] for item in await given(client, made, "Run")] == [{"seen": 1, "who": "hands"}]
    connection = await asyncpg.connect(database_url)
    try:
        stored = json.loads(await connection.fetchval("SELECT mcp_tools FROM workflows"))
    finally:
        await connection.close()
    assert stored[1] == {"node": "Fetch", "server": "hands", "tool": "http_request"}


async def test_types_of_nodes_are_listed_with_tools_and_their_schemas(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    for words in (["init", "-q", str(repository)], ["-C", str(repository), "checkout", "-q", "-b", "acacia"]):
        await (await asyncio.create_subprocess_exec("git", *words)).wait()
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        await registered(client, "my.git", "-m", "mcp_server_git", "--repository", str(repository))
        types = {kind["name"]: kind for kind in (await client.get("/api/node-types")).json()["types"]}
        status = types["hive.mcp.my%2Egit.git_status"]
        assert (status["group"], status["inputs"], status["outputs"], status["title"]) == ("tool", 1, 1, "git_status")
        assert "repo_path" in status["parameters_schema"]["properties"]
        assert types["n8n-nodes-base.set"]["parameters_schema"] is None
        tool = tool_node("Status", "my%2Egit.git_status", {"repo_path": str(repository)})
        made = await saved(client, chain(START, tool), active=False)
        assert (await executed(client, made))["status"] == "success"
        assert "On branch acacia" in (await given(client, made, "Status"))[0]["json"]["data"]
        wrong = {**tool, "parameters": {"repo_path": 5}}
        made = await saved(client, chain(START, wrong), active=False)
        assert (await executed(client, made))["status"] == "error"
        assert "hive.mcp.my%2Egit.git_status" not in (await client.get("/api/node-types", headers={"Authorization": "x"})).text


class Slow(Bees):
    """Two tools that answer nobody before they may, one of which may be called twice; and with which keys they were called."""

    def __init__(self) -> None:
        self.keys: dict[str, list[str]] = {"reads": [], "writes": []}
        self.came, self.waits = asyncio.Event(), asyncio.Event()
        self.heads: list[dict[str, str]] = []
        self.server = MCPServer("slow", log_level="CRITICAL")
        self.server.tool(annotations=ToolAnnotations(read_only_hint=True))(self.reads)
        self.server.tool()(self.writes)

    async def reads(self, context: Context) -> dict[str, int]:
        return await self._called("reads", context)

    async def writes(self, context: Context) -> dict[str, int]:
        return await self._called("writes", context)

    async def _called(self, name: str, context: Context) -> dict[str, int]:
        meta: Any = context.request_context.meta
        self.keys[name].append(meta[KEY_META])
        self.came.set()
        await self.waits.wait()
        return {"calls": len(self.keys[name])}


@pytest.mark.parametrize(("tool", "ends"), [("reads", "success"), ("writes", "error")])
async def test_a_call_under_way_in_a_crash_is_made_again_with_its_key_or_is_unknown(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, tool: str, ends: str
) -> None:
    """As the tool's own server declares it: what may be called twice is, what may not ends as `outcome_unknown`."""
    slow, key, workflows = Slow(), {"HIVE_CREDENTIALS_KEY": new_key()}, Workflows(nats_bus)
    async with serving(slow) as url:
        with EngineProcess(nats_server, tmp_path, database_url, "first", **key) as first:
            await first.ready(nats_bus)
            await Servers(nats_bus).http("slow", url)
            made = await workflows.create(chain(START, tool_node("Tool", f"slow.{tool}")))
            begun = await workflows.execute(made.id)
            async with asyncio.timeout(SECONDS):
                await slow.came.wait()
            first.kill()
        slow.waits.set()
        with EngineProcess(nats_server, tmp_path, database_url, "second", **key) as second:
            await second.ready(nats_bus)
            ended = await workflows.ended(begun.id, SECONDS)
    assert ended.status == ends
    if ends == "success":
        assert len(slow.keys[tool]) == 2
        assert len(set(slow.keys[tool])) == 1
        assert ended.data["resultData"]["runData"]["Tool"][0]["data"]["main"][0][0]["json"] == {"calls": 2}
    else:
        assert len(slow.keys[tool]) == 1
        assert ended.data["resultData"]["error"]["code"] == "outcome_unknown"
