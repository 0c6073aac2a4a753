"""MCP servers that are registered: real ones, which run and are called by workflows, end, and leave nothing behind."""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest

from bus import subjects
from bus.client import Received
from bus.errors import HiveError
from bus.messages import Claims, EventType, NoReply, Role
from bus.messages.events import McpServerEvent
from bus.messages.mcp_servers import (
    ImportMcpServers,
    McpImport,
    McpServerList,
    McpServerRecord,
    McpServerRef,
    McpServerStatus,
    McpTransport,
    RegisterMcpServer,
    ReplaceMcpServer,
)
from bus.nats_bus import NatsBus
from bus.vault import new_key
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_mcp import Bees, bees, serving  # noqa: F401 - a fixture
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

STUBBORN = Path(__file__).with_name("stdio_server.py")
SECRET = "correct-horse/battery+staple"
DEVELOPER = Claims(sub="ada", roles=(Role.DEVELOPER,))
SECONDS = 90.0


class Servers:
    """The verbs of MCP servers."""

    def __init__(self, bus: NatsBus) -> None:
        self._bus = bus

    async def _ask(self, verb: str, body: Any, answer: Any, claims: Claims | None = None) -> Any:
        subject = subjects.service_verb(subjects.SERVICE_MCP_SERVERS, verb)
        return await self._bus.request(subject, body, answer, claims=claims, timeout=20)

    async def stdio(self, name: str, command: str, *args: str, claims: Claims | None = None, **more: Any) -> McpServerRecord:
        wish = RegisterMcpServer(name=name, transport=McpTransport.STDIO, command=command, args=args, **more)
        found: McpServerRecord = await self._ask("register", wish, McpServerRecord, claims)
        return found

    async def http(self, name: str, url: str, claims: Claims | None = None, **more: Any) -> McpServerRecord:
        more.setdefault("transport", McpTransport.STREAMABLE_HTTP)
        found: McpServerRecord = await self._ask(
            "register", RegisterMcpServer(name=name, endpoint=url, **more), McpServerRecord, claims
        )
        return found

    async def load(self, document: dict[str, Any], claims: Claims | None = None) -> dict[str, str | None]:
        """Codes of what was refused, by name."""
        done: McpImport = await self._ask("import", ImportMcpServers(document=document), McpImport, claims)
        return {entry.name: entry.code for entry in done.entries}

    async def get(self, name: str) -> McpServerRecord:
        found: McpServerRecord = await self._ask("get", McpServerRef(name=name), McpServerRecord)
        return found

    async def remove(self, name: str, claims: Claims | None = None) -> None:
        await self._ask("remove", McpServerRef(name=name), NoReply, claims)

    async def list(self) -> list[str]:
        found: McpServerList = await self._ask("list", NoReply(), McpServerList)
        return [each.name for each in found.servers]

    async def until(
        self, name: str, status: McpServerStatus, so: Callable[[McpServerRecord], bool] = lambda _: True
    ) -> McpServerRecord:
        async with asyncio.timeout(SECONDS):
            while True:
                found = await self.get(name)
                if found.status is status and so(found):
                    return found
                await asyncio.sleep(0.05)


def calling(server: str, tool: str, **arguments: Any) -> dict[str, Any]:
    given = {"server": server, "tool": tool, "inputMode": "json", "jsonInput": json.dumps(arguments)}
    return chain(node("Start", "manualTrigger"), node("Tool", "@n8n/n8n-nodes-langchain.mcpClient", given))


async def called(bus: NatsBus, server: str, tool: str, **arguments: Any) -> Any:
    """What the tool's node gave: its first content, or the message and code of its failure."""
    workflows = Workflows(bus)
    made = await workflows.create(calling(server, tool, **arguments))
    ended = await workflows.ended((await workflows.execute(made.id)).id, SECONDS)
    if ended.status != "success":
        return ended.data["resultData"]["error"]
    return ended.data["resultData"]["runData"]["Tool"][0]["data"]["main"][0][0]["json"]["content"][0]["text"]


def alive(*pids: int) -> list[int]:
    return [pid for pid in pids if _lives(pid)]


def _lives(pid: int) -> bool:
    """A process may end while it is looked at."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def gone(*pids: int) -> None:
    async with asyncio.timeout(SECONDS):
        while alive(*pids):
            await asyncio.sleep(0.02)


async def test_servers_of_others_are_registered_and_used_in_workflows(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    repository = tmp_path / "repository"
    for words in (["init", "-q", str(repository)], ["-C", str(repository), "checkout", "-q", "-b", "acacia"]):
        await (await asyncio.create_subprocess_exec("git", *words)).wait()
    heard: asyncio.Queue[Received] = asyncio.Queue()
    servers = Servers(nats_bus)
    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        await nats_bus.subscribe(subjects.events(EventType.MCP_SERVER_STATUS_CHANGED), heard.put)
        document = {
            "mcpServers": {
                "time": {"command": sys.executable, "args": ["-m", "mcp_server_time"], "env": {"TOKEN": SECRET}},
                "git": {"command": sys.executable, "args": ["-m", "mcp_server_git", "--repository", str(repository)]},
            }
        }
        assert await servers.load(document) == {"time": None, "git": None}
        time = await servers.until("time", McpServerStatus.CONNECTED)
        assert {"get_current_time", "convert_time"} <= {tool.name for tool in time.tools}
        assert time.server_name == "mcp-time"
        assert (time.env_names, time.transport, time.command) == (("TOKEN",), McpTransport.STDIO, sys.executable)
        await servers.until("git", McpServerStatus.CONNECTED)
        told = await called(
            nats_bus, "time", "convert_time", source_timezone="Europe/Berlin", time="12:00", target_timezone="Asia/Tokyo"
        )
        assert told["source"]["timezone"] == "Europe/Berlin"
        assert "12:00" in told["source"]["datetime"]
        assert "On branch acacia" in await called(nats_bus, "git", "git_status", repo_path=str(repository))
        assert (await called(nats_bus, "nobody", "x"))["code"] == "mcp_server_not_found"
        seen = []
        async with asyncio.timeout(SECONDS):
            while ("time", McpServerStatus.CONNECTED) not in seen or ("git", McpServerStatus.CONNECTED) not in seen:
                change = (await heard.get()).decode(McpServerEvent).data
                seen.append((change.name, change.status))
        log = engine.log.read_text()
    assert SECRET not in log
    assert SECRET not in time.model_dump_json()


async def test_one_that_ends_in_a_call_fails_it_and_is_begun_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    servers = Servers(nats_bus)
    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        await servers.stdio("stubborn", sys.executable, str(STUBBORN), env={"MINE": SECRET})
        await servers.until("stubborn", McpServerStatus.CONNECTED)
        environment = await called(nats_bus, "stubborn", "seen")
        assert SECRET not in json.dumps(environment)  # a secret is not given back
        assert "MINE" in environment
        assert not [name for name in environment if name.startswith(("HIVE_", "NATS_"))]
        left = await called(nats_bus, "stubborn", "leave")
        assert alive(*left) == left, left
        failed = await called(nats_bus, "stubborn", "dies")
        assert failed["code"] == "outcome_unknown"  # so nobody tries it again unasked
        assert "out of honey" in failed["message"]
        await gone(*left)
        await servers.until("stubborn", McpServerStatus.CONNECTED)
        assert await called(nats_bus, "stubborn", "echo", words="again") == "again"
        assert await called(nats_bus, "stubborn", "grow") == "grown"
        await servers.until("stubborn", McpServerStatus.CONNECTED, lambda found: "grown" in [tool.name for tool in found.tools])
        left = await called(nats_bus, "stubborn", "leave")
        await servers.remove("stubborn")
        await gone(*left)
        assert await servers.list() == []
        await servers.stdio("absent", "/no/such/program")
        assert "cannot be started" in str((await servers.until("absent", McpServerStatus.FAILED)).reason)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
async def test_nothing_is_left_of_them_when_their_engine_ends(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, how: signal.Signals
) -> None:
    """And another engine, which has the same key, goes on with them."""
    servers, key = Servers(nats_bus), {"HIVE_CREDENTIALS_KEY": new_key()}
    with EngineProcess(nats_server, tmp_path, database_url, **key) as engine:
        await engine.ready(nats_bus)
        await servers.stdio("stubborn", sys.executable, str(STUBBORN))
        await servers.until("stubborn", McpServerStatus.CONNECTED)
        with EngineProcess(nats_server, tmp_path, database_url, "other", **key) as other:
            await other.ready(nats_bus)
            left = await called(nats_bus, "stubborn", "leave")  # by whichever engine the execution came to
            assert alive(*left) == left, left
            engine.process.send_signal(how)
            await asyncio.to_thread(engine.process.wait, SECONDS)
            await gone(*left)
            await other.logged("mcp_keeper_begins")
            seen = (await servers.get("stubborn")).checked_at
            await servers.until("stubborn", McpServerStatus.CONNECTED, lambda found: found.checked_at != seen)
            assert await called(nats_bus, "stubborn", "echo", words="on") == "on"


async def test_who_may_register_what(
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    tmp_path: Path,
    bees: Bees,  # noqa: F811
) -> None:
    servers = Servers(nats_bus)
    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        seed = {
            "servers": {
                "comfyui": {
                    "endpoint": "ws://localhost:8188/api/mcp",
                    "capabilities": ["image_generation", "image_processing"],
                    "version": "1.0.0",
                    "status": "active",
                },
                "code_review": {
                    "endpoint": "http://localhost:8000/mcp",
                    "capabilities": ["code_analysis", "security_scan"],
                    "version": "1.2.0",
                    "status": "active",
                },
            }
        }
        assert await servers.load(seed) == {"comfyui": "unsupported_mcp_transport", "code_review": None}
        review = await servers.get("code_review")
        assert (review.capabilities, review.version, review.active) == (("code_analysis", "security_scan"), "1.2.0", True)
        with pytest.raises(HiveError) as refused:
            await servers.stdio("mine", "/bin/cat", claims=DEVELOPER)
        assert refused.value.code == "permission_denied"
        assert await servers.load({"mcpServers": {"mine": {"command": "cat"}}}, DEVELOPER) == {"mine": "permission_denied"}
        with pytest.raises(HiveError) as refused:
            await servers.http("mine", "ws://x.invalid/mcp", DEVELOPER)
        assert refused.value.code == "unsupported_mcp_transport"
        with pytest.raises(HiveError) as refused:
            await servers.remove("code_review", DEVELOPER)
        assert refused.value.code == "permission_denied"
        async with serving(bees, token=SECRET) as url:
            head = {"Authorization": f"Bearer {SECRET}"}
            await servers.http("bees", url, headers=head)  # an administrator's may be internal
            await servers.http("inside", url, DEVELOPER, headers=head)
            found = await servers.until("bees", McpServerStatus.CONNECTED)
            assert "count" in [tool.name for tool in found.tools]
            assert await called(nats_bus, "bees", "count", hive="acacia") == {"bees": 3}
            assert "internal address" in str((await servers.until("inside", McpServerStatus.FAILED)).reason)
            assert (await called(nats_bus, "inside", "count", hive="acacia"))["code"] == "request_refused"
            off = ReplaceMcpServer(
                name="bees", transport=McpTransport.STREAMABLE_HTTP, endpoint=url, headers=head, active=False
            )
            await servers._ask("replace", off, McpServerRecord)
            assert (await servers.get("bees")).status is McpServerStatus.INACTIVE
            assert (await called(nats_bus, "bees", "count", hive="acacia"))["code"] == "mcp_server_failed"
        connection = await asyncpg.connect(database_url)
        try:
            stored = str(await connection.fetch("SELECT * FROM mcp_servers"))
        finally:
            await connection.close()
        assert "code_review" in stored
        assert SECRET not in stored
        assert SECRET not in engine.log.read_text()
