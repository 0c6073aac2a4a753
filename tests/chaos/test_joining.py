"""Replicas by `hive run` join a hive that `hive up` started, on its data folder alone, and leave it, under load and without a failed request."""

import asyncio
import os
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from random import Random

import httpx
import pytest

from bus.messages import AgentList, AgentStatus
from bus.nats_bus import NatsBus
from bus.settings import HiveSettings
from deploy.local.ports import free_port
from tests.chaos.backend import read_log
from tests.chaos.checker import judge
from tests.chaos.clients import Client, Submitter, Waiter
from tests.chaos.doors import Doors
from tests.chaos.history import Acknowledged, Log, of
from tests.chaos.settling import settle
from tests.chaos.topology import KEY
from tests.parts.hive import Hive
from tests.parts.replica import HIVE, Replica

JOIN_SECONDS = 40
LOAD_SECONDS = 1.5


class Joined:
    """What joins: a coordinator, a gateway, and two sidecars whose backend has a model that nobody else has."""

    def __init__(self, hive: Hive, folder: Path, stack: ExitStack) -> None:
        self._hive, self._folder, self._stack = hive, folder, stack
        self._backend_port, self._gateway_port = free_port(), free_port()
        self.generations = folder / "generations.jsonl"
        self.url = f"http://127.0.0.1:{self._gateway_port}"

    def start(self) -> dict[str, Replica]:
        backend = (sys.executable, "-m", "tests.chaos.backend", str(self._backend_port), str(self.generations))
        self._run("backend", backend)
        return {
            "coordinator": self._service("coordinator", "coordinator"),
            "gateway": self._service("gateway", "gateway", "--api-port", str(self._gateway_port)),
            **{name: self._service("sidecar", name, "--backends", self._at(name)) for name in ("second", "third")},
        }

    def _at(self, name: str) -> str:
        return f"{name}=http://127.0.0.1:{self._backend_port}/{name}?slots=8"

    def _service(self, service: str, name: str, *flags: str) -> Replica:
        return self._run(name, (str(HIVE), "run", service, *flags))

    def _run(self, name: str, command: tuple[str, ...]) -> Replica:
        replica = Replica(name, command, self._hive.env, self._folder / f"{name}.log")
        self._stack.callback(lambda: replica.kill() if replica.running else None)
        replica.start()
        return replica

    async def ready(self) -> None:
        """Its gateway serves and its agents are online."""
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=self.url, headers=headers) as http, asyncio.timeout(JOIN_SECONDS):
            while not await _serves(http):
                await asyncio.sleep(0.1)


async def _serves(http: httpx.AsyncClient) -> bool:
    try:
        answer = await http.get("/api/agents")
    except httpx.TransportError:
        return False
    if answer.status_code != 200:
        return False
    online = {a.agent_id for a in AgentList.model_validate_json(answer.content).agents if a.status is AgentStatus.ONLINE}
    return {"second", "third"} <= online


@pytest.mark.timeout(300)
async def test_replicas_join_a_running_hive_and_leave_it(hive: Hive, tmp_path: Path) -> None:
    log = Log(tmp_path / "history.jsonl")
    with ExitStack() as stack:
        joined = Joined(hive, tmp_path, stack)
        replicas = joined.start()
        await joined.ready()
        status = hive.json("status")
        doors = Doors([status["api"], joined.url], KEY)
        clients: list[Client] = [
            kind(f"{kind.__name__}{n}", log, Random(n), doors, pause_seconds=0.2)
            for kind in (Submitter, Waiter)
            for n in (1, 2)
        ]
        stopped = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for client in clients:
                group.create_task(client.run(stopped))
            await asyncio.sleep(LOAD_SECONDS)
            os.kill(hive.pids()["coordinator"], signal.SIGTERM)
            for name in ("coordinator", "second", "gateway"):
                await asyncio.sleep(LOAD_SECONDS)
                await replicas[name].stop()
            await asyncio.sleep(LOAD_SECONDS)
            stopped.set()
        settings = HiveSettings.model_validate({"nats_url": status["nats"]["url"]})
        bus = await NatsBus.connect(settings, "checker", timeout=10)
        await settle(doors, bus, log)
        await bus.close()
        await doors.close()
    log.close()
    history = [*Log.read(tmp_path / "history.jsonl"), *read_log(joined.generations)]
    verdict = judge(history)
    print(verdict)
    assert not verdict.broken, verdict
    assert not verdict.failed_requests, verdict
    assert len(of(history, Acknowledged)) > 20
