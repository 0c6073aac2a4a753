"""What is killed in the middle of a call of a registered server: the server, or the engine. Whoever waits is told, work goes on, nothing is left."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from bus.messages.mcp_servers import McpServerStatus
from bus.nats_bus import NatsBus
from bus.vault import new_key
from deploy.local.ports import free_port
from tests.integration.workflow.parts import EngineProcess, Workflows
from tests.integration.workflow.test_mcp_servers import SECONDS, STUBBORN, Servers, called, calling, gone
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow


class Remote:
    """A server of streamable HTTP, in a process of its own."""

    def __init__(self) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}/mcp"
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, str(STUBBORN), str(self._port)], stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def restart(self) -> None:
        self._process = self._start()


@contextmanager
def remote() -> Iterator[Remote]:
    found = Remote()
    try:
        yield found
    finally:
        found.kill()


async def began(file: Path) -> int:
    """The process that is in the call."""
    async with asyncio.timeout(SECONDS):
        while not (written := await asyncio.to_thread(_read, file)):
            await asyncio.sleep(0.02)
    return int(written)


def _read(file: Path) -> str:
    return file.read_text() if file.exists() else ""


async def test_a_server_of_http_that_is_killed_in_a_call_fails_it_at_once_and_is_used_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    servers, file = Servers(nats_bus), tmp_path / "begun"
    with remote() as far, EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        await servers.http("far", far.url)
        await servers.until("far", McpServerStatus.CONNECTED)
        asked = asyncio.create_task(called(nats_bus, "far", "waits", begun=str(file)))
        await began(file)
        far.kill()
        failed = await asked
        assert failed["code"] == "outcome_unknown"  # so no retry of the node calls it again
        assert "Whether the call happened is not known" in failed["message"]
        refused = await called(nats_bus, "far", "echo", words="?")
        assert refused["code"] == "node_failed"  # nobody was there to be called
        await servers.until("far", McpServerStatus.FAILED)
        far.restart()
        await servers.until("far", McpServerStatus.CONNECTED)
        assert await called(nats_bus, "far", "echo", words="again") == "again"


async def test_a_program_that_is_killed_in_a_call_fails_it_and_is_begun_again(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    """By somebody else, such as the kernel for want of memory."""
    servers, file = Servers(nats_bus), tmp_path / "begun"
    with EngineProcess(nats_server, tmp_path, database_url) as engine:
        await engine.ready(nats_bus)
        await servers.stdio("near", sys.executable, str(STUBBORN))
        await servers.until("near", McpServerStatus.CONNECTED)
        asked = asyncio.create_task(called(nats_bus, "near", "waits", begun=str(file)))
        pid = await began(file)
        warden = psutil.Process(pid).ppid()
        os.kill(pid, signal.SIGKILL)
        assert (await asked)["code"] == "outcome_unknown"
        await gone(pid, warden)
        await servers.until("near", McpServerStatus.CONNECTED)
        assert await called(nats_bus, "near", "echo", words="again") == "again"


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "stop"])
async def test_an_engine_that_ends_in_a_call_leaves_its_end_to_another(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, how: signal.Signals
) -> None:
    """The execution is taken up where it was: what may not be called twice is not, and the next call finds a new process."""
    servers, workflows, file = Servers(nats_bus), Workflows(nats_bus), tmp_path / "begun"
    key = {"HIVE_CREDENTIALS_KEY": new_key()}
    with EngineProcess(nats_server, tmp_path, database_url, **key) as engine:
        await engine.ready(nats_bus)
        await servers.stdio("near", sys.executable, str(STUBBORN))
        await servers.until("near", McpServerStatus.CONNECTED)
        made = await workflows.create(calling("near", "waits", begun=str(file)))
        begun = await workflows.execute(made.id)
        pid = await began(file)
        warden = psutil.Process(pid).ppid()
        with EngineProcess(nats_server, tmp_path, database_url, "other", **key) as other:
            await other.ready(nats_bus)
            engine.process.send_signal(how)
            await asyncio.to_thread(engine.process.wait, SECONDS)
            await gone(pid, warden)
            ended = await workflows.ended(begun.id, SECONDS)
            assert ended.data["resultData"]["error"]["code"] == "outcome_unknown"
            await other.logged("mcp_keeper_begins")
            seen = (await servers.get("near")).checked_at
            await servers.until("near", McpServerStatus.CONNECTED, lambda found: found.checked_at != seen)
            assert await called(nats_bus, "near", "echo", words="on") == "on"
