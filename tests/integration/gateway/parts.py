"""Gateway and coordinator as the supervisor starts them, and a sidecar as the bus sees it, whose backend answers at once."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Self
from uuid import UUID, uuid4

from httpx import AsyncClient, HTTPError

from bus import subjects
from bus.client import Bus, Received
from bus.messages import (
    AgentRegistration,
    AgentStatus,
    AttemptOutcome,
    Control,
    ControlAction,
    ControlReply,
    DispatchOffer,
    Heartbeat,
    ModelInfo,
    NoReply,
    OfferReply,
    OfferVerdict,
    OutcomeStatus,
    Output,
    OutputChunk,
    Usage,
)
from bus.permissions import COORDINATOR, GATEWAY
from deploy.local.ports import free_port
from tests.parts.nats import NatsServer

ROOT = Path(__file__).parents[3]
ADMIN_KEY = "sk-hive-test-0123456789abcdef0123456789abcdef"


async def until(found: Callable[[], bool], seconds: float = 60) -> None:
    """Looks every 10 ms until it holds."""
    async with asyncio.timeout(seconds):
        while not found():
            await asyncio.sleep(0.01)


class Process:
    """`python -m <module>`, with its log in `folder`."""

    def __init__(self, module: str, folder: Path, env: dict[str, str]) -> None:
        self._command = [sys.executable, "-m", module]
        self._env = {**os.environ, "HIVE_DATA_DIR": str(folder), "HIVE_LOG_FORMAT": "json", **env}
        self.log = folder / f"{module}.log"
        self.process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        with self.log.open("ab") as log:
            return subprocess.Popen(self._command, cwd=ROOT, env=self._env, stdout=log, stderr=log)

    def restart(self) -> None:
        self.process = self._start()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> float:
        """Seconds from SIGTERM to a clean end."""
        began = monotonic()
        self.process.terminate()
        assert self.process.wait(timeout=15) == 0, self.log.read_text()[-2000:]
        return monotonic() - began

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class GatewayProcess(Process):
    def __init__(self, server: NatsServer, folder: Path, **env: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            "coordinator.gateway.main", folder, {"NATS_URL": server.url_of(GATEWAY), "HIVE_API_PORT": str(self.port), **env}
        )

    def client(self, key: str | None = ADMIN_KEY) -> AsyncClient:
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        return AsyncClient(base_url=self.url, headers=headers, timeout=30)

    async def answers(self, path: str = "/healthz", seconds: float = 90) -> None:
        """Until `path` answers 200."""
        async with asyncio.timeout(seconds), self.client(None) as client:
            while True:
                assert self.process.poll() is None, self.log.read_text()[-2000:]
                try:
                    if (await client.get(path)).status_code == 200:
                        return
                except HTTPError:
                    pass
                await asyncio.sleep(0.02)


class CoordinatorProcess(Process):
    def __init__(self, server: NatsServer, folder: Path, database_url: str) -> None:
        env = {"NATS_URL": server.url_of(COORDINATOR), "HIVE_DATABASE_URL": database_url, "HIVE_ADMIN_KEY": ADMIN_KEY}
        super().__init__("coordinator.main", folder, env)


class InstantSidecar:
    """Says `text` for every offer, as soon as `may_end` is set: at once, unless a test clears it."""

    def __init__(self, bus: Bus, *, text: str = "Hello there.", slots: int = 64) -> None:
        self._bus, self._text = bus, text
        self._agent = AgentRegistration(
            agent_id="acacia",
            name="ACACIA",
            endpoint="http://gpu-host:11434",
            instance=uuid4().hex,
            slots=slots,
            models=(ModelInfo(name="instant:1b", loaded=True),),
        )
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._beating: asyncio.Task[None] | None = None
        self.may_end = asyncio.Event()
        self.may_end.set()

    @property
    def busy(self) -> bool:
        return bool(self._running)

    async def start(self) -> None:
        agent_id = self._agent.agent_id
        await self._bus.answer(subjects.dispatch(agent_id, self._agent.instance), self._offered)
        await self._bus.answer(subjects.control(agent_id), self._told)
        await self._register()
        self._beating = asyncio.create_task(self._beat())

    async def close(self) -> None:
        tasks = [*self._running.values(), *([self._beating] if self._beating else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _register(self) -> None:
        await self._bus.request(subjects.service_verb(subjects.SERVICE_AGENTS, "register"), self._agent, NoReply, timeout=90)

    async def _beat(self) -> None:
        for sequence in range(1_000_000):
            beat = Heartbeat(
                agent_id=self._agent.agent_id,
                instance=self._agent.instance,
                sequence=sequence,
                status=AgentStatus.ONLINE,
                slots=self._agent.slots,
                running=tuple(self._running),
                models=self._agent.models,
            )
            await self._bus.publish(subjects.heartbeat(self._agent.agent_id), beat)
            await asyncio.sleep(0.5)

    async def _offered(self, received: Received) -> OfferReply:
        offer = received.decode(DispatchOffer)
        if offer.attempt_id not in self._running:
            self._running[offer.attempt_id] = asyncio.create_task(self._run(offer))
        return OfferReply(verdict=OfferVerdict.ACCEPTED)

    async def _told(self, received: Received) -> ControlReply:
        control = received.decode(Control)
        if control.action is ControlAction.REGISTER:
            await self._register()
        return ControlReply(ok=True)

    async def _run(self, offer: DispatchOffer) -> None:
        half = len(self._text) // 2
        output = subjects.output(self._agent.agent_id, offer.task_id, offer.attempt_id)
        await self._bus.publish(output, OutputChunk(number=offer.number, offset=0, text=self._text[:half]))
        await self.may_end.wait()
        await self._bus.publish(output, OutputChunk(number=offer.number, offset=half, text=self._text[half:]))
        outcome = AttemptOutcome(
            attempt_id=offer.attempt_id,
            task_id=offer.task_id,
            agent_id=self._agent.agent_id,
            instance=self._agent.instance,
            status=OutcomeStatus.COMPLETED,
            output=Output(text=self._text),
            usage=Usage(prompt_tokens=3, completion_tokens=2),
        )
        subject = subjects.outcome(self._agent.agent_id, offer.task_id, offer.attempt_id)
        await self._bus.publish_durable(subject, outcome, message_id=str(offer.attempt_id), timeout=60)
        end = OutputChunk(number=offer.number, offset=len(self._text), end=OutcomeStatus.COMPLETED)
        await self._bus.publish(output, end)
        del self._running[offer.attempt_id]
