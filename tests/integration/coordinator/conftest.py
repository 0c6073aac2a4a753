"""A coordinator within the test, on real NATS and real PostgreSQL, and sidecars that do what the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg
import pytest
from pydantic import BaseModel, SecretStr

from bus import subjects
from bus.messages import (
    AgentRecord,
    AgentRef,
    AgentStatus,
    ClusterStatus,
    NoReply,
    TaskRecord,
    TaskRef,
    TaskRequest,
    TaskStatus,
    task_class,
)
from bus.nats_bus import NatsBus
from bus.permissions import COORDINATOR
from bus.together import end
from coordinator.leading import term
from coordinator.main import serve
from coordinator.settings import CoordinatorSettings
from coordinator.store.database import migrate, open_connection
from tests.integration.coordinator.turns import Leader
from tests.parts.nats import NatsServer
from tests.parts.scripted_sidecar import ScriptedSidecar

M = TypeVar("M", bound=BaseModel)


class Hive:
    """What a test says to the coordinator, and how it waits for what becomes of it."""

    def __init__(self, server: NatsServer, bus: NatsBus, database_url: str) -> None:
        self.server, self.bus, self.database_url = server, bus, database_url
        self.coordinators: list[asyncio.Task[None]] = []
        self.sidecars: list[ScriptedSidecar] = []
        self._stack = AsyncExitStack()

    def start_coordinator(self, **more: object) -> asyncio.Task[None]:
        known = {"nats_url": SecretStr(self.server.url_of(COORDINATOR)), "database_url": SecretStr(self.database_url)}
        task = asyncio.create_task(serve(CoordinatorSettings.model_validate(known | more)))
        self.coordinators.append(task)
        return task

    async def stop(self, coordinator: asyncio.Task[None]) -> None:
        """As SIGTERM does. An error that ended it earlier is the test's."""
        async with asyncio.timeout(10):
            await end([coordinator])
        if not coordinator.cancelled():
            coordinator.result()

    async def leading(self) -> ClusterStatus:
        """The word of whoever leads, once somebody does."""
        return await self.ask("status", NoReply(), ClusterStatus, service="queue", seconds=20)

    async def sidecar(self, agent_id: str, **more: object) -> ScriptedSidecar:
        sidecar = ScriptedSidecar(self.bus, agent_id, **more)  # type: ignore[arg-type]
        await sidecar.start()
        self.sidecars.append(sidecar)
        return sidecar

    async def distant_sidecar(self, agent_id: str, **more: object) -> ScriptedSidecar:
        """With a connection of its own, by whose name the server tells of its end: `await sidecar.bus.close()`."""
        sidecar = ScriptedSidecar(self.bus, agent_id, **more)  # type: ignore[arg-type]
        sidecar.bus = await self.connection(sidecar)
        await sidecar.start()
        self.sidecars.append(sidecar)
        return sidecar

    async def connection(self, sidecar: ScriptedSidecar) -> NatsBus:
        name = subjects.sidecar_connection(sidecar.instance)
        connection = await NatsBus.connect(self.server.settings(), name, timeout=10)
        self._stack.push_async_callback(connection.close)
        return connection

    async def ask(
        self, verb: str, body: BaseModel | bytes, answer: type[M], *, service: str = "tasks", seconds: float = 30, **more: Any
    ) -> M:
        return await self.bus.request(subjects.service_verb(service, verb), body, answer, timeout=seconds, **more)

    async def database(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(self.database_url)
        self._stack.push_async_callback(connection.close)
        return connection

    async def sql(self, statement: str, *arguments: object) -> list[Any]:
        """Straight to the record."""
        connection = await asyncpg.connect(self.database_url)
        try:
            return list(await connection.fetch(statement, *arguments))
        finally:
            await connection.close()

    async def submit(
        self, prompt: str = "Say hello", *, task_id: UUID | None = None, owner: str | None = None, **more: object
    ) -> UUID:
        """As a door does: straight to the stream."""
        request = TaskRequest.model_validate({"prompt": prompt, **more})
        task_id = task_id or uuid4()
        subject = subjects.submit("default", task_class(request.priority), task_id)
        headers = {subjects.HEADER_OWNER: owner} if owner else {}
        await self.bus.publish_durable(subject, request, message_id=f"default.{task_id}", headers=headers)
        return task_id

    async def publish(self, body: bytes, task_id: UUID | str, *, tenant: str = "default", **headers: str) -> None:
        """As `nats pub --jetstream` does: whatever somebody writes."""
        named = {f"Hive-{name.title()}": value for name, value in headers.items()}
        await self.bus.publish_durable(subjects.submit(tenant, "medium", task_id), body, message_id=uuid4().hex, headers=named)

    async def call(self, verb: str, task_id: UUID) -> TaskRecord:
        return await self.ask(verb, TaskRef(id=task_id), TaskRecord)

    async def agent(self, agent_id: str) -> AgentRecord:
        return await self.ask("get", AgentRef(agent_id=agent_id), AgentRecord, service="agents")

    async def agent_is(self, agent_id: str, status: AgentStatus) -> AgentRecord:
        async with asyncio.timeout(30):
            while (record := await self.agent(agent_id)).status is not status:
                await asyncio.sleep(0.02)
        return record

    async def model_is_known(self, name: str) -> None:
        """To the doors, which refuse what nobody ever offered."""
        async with asyncio.timeout(30):
            while await self.bus.get(subjects.KV_MODELS, subjects.model_key(name)) is None:
                await asyncio.sleep(0.02)

    async def until(self, task_id: UUID, done: Callable[[TaskRecord], bool], seconds: float = 30) -> TaskRecord:
        async with asyncio.timeout(seconds):
            while True:
                record = await self.call("get", task_id)
                if done(record):
                    return record
                await asyncio.sleep(0.02)

    async def stored(self, task_id: UUID) -> None:
        """Until the leader has taken it in; before that it is told from the stream."""
        await self.leading()
        async with asyncio.timeout(30):
            while not await self.sql("SELECT FROM tasks WHERE id = $1", task_id):
                await asyncio.sleep(0.02)

    async def ended(self, task_id: UUID, seconds: float = 30) -> TaskRecord:
        return await self.until(task_id, lambda record: record.status.terminal, seconds)

    async def reaches(self, task_id: UUID, status: TaskStatus) -> TaskRecord:
        return await self.until(task_id, lambda record: record.status is status)

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[UUID]:
        """Begins with a turn that takes in the task of this id, and cannot be committed meanwhile: what comes gathers for the next."""
        await self.leading()
        connection = await self.database()
        async with connection.transaction():
            await connection.execute("SELECT FROM leadership FOR UPDATE")
            task_id = await self.submit()
            await self.commit_waits()
            yield task_id

    async def commit_waits(self) -> None:
        """Until a turn waits for a row that somebody else holds."""
        waits = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        async with asyncio.timeout(10):
            while not await self.sql(waits):
                await asyncio.sleep(0.02)

    async def all_is_read(self, stream: str = subjects.TASKS) -> None:
        """By the leader's consumers, and handed over: what its connection was sent before, it has before it answers."""
        js = self.bus.client.jetstream()
        async with asyncio.timeout(10):
            while any(consumer.num_pending for consumer in await js.consumers_info(stream)):
                await asyncio.sleep(0.02)
        await self.leading()

    async def close(self) -> None:
        for sidecar in self.sidecars:
            await sidecar.close()
        for coordinator in self.coordinators:
            await self.stop(coordinator)
        await self._stack.aclose()


@pytest.fixture(autouse=True)
def short_listening(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripted sidecars beat ten times a second, so a new leader has heard them all the sooner."""
    monkeypatch.setattr(term, "LISTEN_SECONDS", 0.25)


@pytest.fixture
async def idle_hive(nats_server: NatsServer, nats_bus: NatsBus, database_url: str) -> AsyncIterator[Hive]:
    """Nobody leads yet."""
    hive = Hive(nats_server, nats_bus, database_url)
    yield hive
    await hive.close()


@pytest.fixture
async def hive(idle_hive: Hive) -> Hive:
    idle_hive.start_coordinator()
    return idle_hive


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """To an empty record of the latest form."""
    await migrate(database_url)
    connection = await open_connection(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def leader(nats_bus: NatsBus, connection: asyncpg.Connection) -> Leader:
    """Takes turns when the test says so."""
    return Leader(nats_bus, connection)
