"""What is killed in the middle of a call of an assistant: the assistant, what it started, or the gateway. The task goes on, nothing is left."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from httpx import AsyncClient

from tests.integration.gateway.conftest import Hive
from tests.integration.gateway.parts import ADMIN_KEY, ROOT
from tests.parts.mcp import given, session
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

HIVE = str(Path(sys.executable).with_name("hive"))
SECONDS = 60
WISH = {"prompt": "Say hello.", "model": "instant:1b", "wait_seconds": 45}
ASSISTANT = """
import asyncio, json, sys
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp import ClientSession
from tests.parts.mcp import session

async def ask(client):
    print("ready", flush=True)
    await client.call_tool("submit_task", json.loads(sys.argv[1]))

async def main(how, *words):
    if how == "http":
        async with session(*words) as client:
            await ask(client)
    env = dict(word.split("=", 1) for word in words[1:])
    async with stdio_client(StdioServerParameters(command=words[0], args=["mcp"], env=env)) as pipes, ClientSession(*pipes) as client:
        await client.initialize()
        await ask(client)

asyncio.run(main(*sys.argv[2:]))
"""
"""Of another process, so that it can be killed: submits a task and waits for its end."""


@pytest.fixture
async def hive(hive: Hive) -> AsyncIterator[Hive]:
    """Whose tasks do not end before they may."""
    hive.sidecar.may_end.clear()
    yield hive
    hive.sidecar.may_end.set()


async def running(client: AsyncClient) -> str:
    """The task that an assistant waits for."""
    async with asyncio.timeout(SECONDS):
        while not (found := (await client.get("/api/tasks", params={"status": "running"})).json()["tasks"]):
            await asyncio.sleep(0.02)
    return str(found[0]["id"])


async def ended(client: AsyncClient, task_id: str) -> str:
    async with asyncio.timeout(SECONDS):
        while (found := (await client.get(f"/api/tasks/{task_id}")).json())["status"] != "completed":
            await asyncio.sleep(0.02)
    return str(found["output"]["text"])


def asking(*words: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", ASSISTANT, json.dumps(WISH), *words], cwd=ROOT)


def below(process: "subprocess.Popen[bytes]") -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


async def gone(processes: list[psutil.Process]) -> None:
    async with asyncio.timeout(SECONDS):
        while any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in processes):
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("how", ["http", "stdio"])
async def test_an_assistant_that_is_killed_leaves_its_task_and_nothing_else(
    hive: Hive, nats_server: NatsServer, tmp_path: Path, how: str
) -> None:
    settings = {"NATS_URL": nats_server.url, "HIVE_DATA_DIR": str(tmp_path), "HIVE_KEY": ADMIN_KEY}
    words = (hive.gateway.url, ADMIN_KEY) if how == "http" else (HIVE, *(f"{key}={value}" for key, value in settings.items()))
    gateway = psutil.Process(hive.gateway.process.pid)
    async with hive.gateway.client() as client:
        await client.get("/api/tasks")
        before = len(gateway.net_connections("tcp"))
        assistant = asking(how, *words)
        try:
            task_id = await running(client)
            started = below(assistant)
            assert bool(started) == (how == "stdio")
        finally:
            assistant.send_signal(signal.SIGKILL)
            assistant.wait()
        await gone(started)
        async with asyncio.timeout(SECONDS):
            while len(gateway.net_connections("tcp")) > before:
                await asyncio.sleep(0.05)
        hive.sidecar.may_end.set()
        assert await ended(client, task_id) == "Hello there."


async def test_a_gateway_that_is_killed_fails_the_call_and_not_the_task(hive: Hive) -> None:
    failed: Any = None
    async with hive.gateway.client() as client:
        with suppress(Exception):
            async with session(hive.gateway.url, ADMIN_KEY) as assistant:
                asked = asyncio.create_task(assistant.call_tool("submit_task", WISH))
                task_id = await running(client)
                hive.gateway.kill()
                async with asyncio.timeout(SECONDS):
                    await asyncio.wait([asked])
                failed = asked.exception()
    assert failed is not None
    hive.gateway.restart()
    hive.sidecar.may_end.set()
    await hive.gateway.answers("/readyz")
    async with session(hive.gateway.url, ADMIN_KEY) as again:
        task = given(await again.call_tool("get_task", {"id": task_id, "wait_seconds": 30}))
    assert (task["status"], task["output"]["text"]) == ("completed", "Hello there.")
