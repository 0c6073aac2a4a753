"""A sidecar that is killed in the middle of an answer, as a process, with a real backend: another one ends the answer that readers have begun to read."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from pydantic import SecretStr

from agent_sidecar.addresses import Address, parse_address
from agent_sidecar.backends.ollama import OllamaBackend
from bus import auth, subjects
from bus.follow import Delta, Done, Restart, follow
from bus.messages import AgentList, AgentStatus, NoReply, TaskClass, TaskRecord, TaskRequest
from bus.nats_bus import NatsBus
from bus.permissions import SIDECAR
from bus.together import end
from coordinator.main import serve
from coordinator.settings import CoordinatorSettings
from tests.integration.agent_sidecar.test_continuing import CONTINUING, continuing_ollama
from tests.parts.nats import NatsServer
from tests.parts.ollama import MODEL, Ollama
from tests.parts.refrain import REFRAIN, SURE
from tests.parts.replica import Replica

pytestmark = pytest.mark.slow

__all__ = ["continuing_ollama"]

NAMES = ("oak", "elm")
TOKENS = 90
READ_BEFORE = 25
"""Characters that a reader has when the host dies."""
READY_SECONDS = 60


class Hosts:
    """Two sidecars of one hive, each a process of its own, that use the same backend."""

    def __init__(self, bus: NatsBus, replicas: dict[str, Replica]) -> None:
        self.bus, self._replicas = bus, replicas

    async def ready(self) -> str:
        """The model that both have, once both are online."""
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "list")
        async with asyncio.timeout(READY_SECONDS):
            while True:
                listed = (await self.bus.request(verb, NoReply(), AgentList, timeout=20)).agents
                online = [agent for agent in listed if agent.status is AgentStatus.ONLINE and agent.models]
                if len(online) == len(NAMES):
                    return self._model([model.name for model in online[0].models])
                await asyncio.sleep(0.05)

    @staticmethod
    def _model(names: list[str]) -> str:
        return CONTINUING if CONTINUING in names else names[0]

    async def submit(self, request: TaskRequest) -> UUID:
        task_id = uuid4()
        subject = subjects.submit(subjects.DEFAULT_TENANT, TaskClass.MEDIUM, task_id)
        await self.bus.publish_durable(subject, request, message_id=f"default.{task_id}")
        return task_id

    async def kill_who_works_on(self, task_id: UUID) -> None:
        """Kill -9."""
        newest = await self.bus.last(subjects.OUTPUT, subjects.outputs_of_task(task_id))
        assert newest is not None
        process = self._replicas[newest.subject.split(".")[2]].process
        assert process is not None
        os.kill(process.pid, signal.SIGKILL)


@pytest.fixture
async def coordinator(nats_server: NatsServer, nats_bus: NatsBus, database_url: str) -> AsyncIterator[NatsBus]:
    settings = {"nats_url": SecretStr(nats_server.url), "database_url": SecretStr(database_url)}
    task = asyncio.create_task(serve(CoordinatorSettings.model_validate(settings)))
    yield nats_bus
    await end([task])


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


def start(coordinator: NatsBus, nats_server: NatsServer, folder: Path, stack: ExitStack, url: str, key: str | None) -> Hosts:
    replicas = {}
    for name in NAMES:
        (folder / name).mkdir()
        own = {"HIVE_DATA_DIR": str(folder / name), "NATS_URL": nats_server.url_of(SIDECAR), "HIVE_BACKENDS": f"{name}={url}"}
        own |= {"HIVE_BACKEND_KEYS": f"{name}={key}"} if key else {}
        replicas[name] = Replica.of("sidecar", name, own, folder)
        replicas[name].start()
        stack.callback(replicas[name].kill)
    return Hosts(coordinator, replicas)


@pytest.fixture(params=["llama.cpp", "ollama"])
def going_on(
    request: pytest.FixtureRequest, coordinator: NatsBus, nats_server: NatsServer, tmp_path: Path, stack: ExitStack
) -> Hosts:
    """Their model goes on from what was written."""
    if request.param == "ollama":
        ollama: OllamaBackend = request.getfixturevalue("continuing_ollama")
        return start(coordinator, nats_server, tmp_path, stack, ollama.endpoint, None)
    address: Address = request.getfixturevalue("builtin_server")
    return start(coordinator, nats_server, tmp_path, stack, f"{address.url}/v1", address.key)


async def read_and_kill(hosts: Hosts, task_id: UUID) -> tuple[str, list[Restart], TaskRecord]:
    """What a reader has in the end, and what it was told, when the host dies in the middle."""
    text, restarts, killed = "", list[Restart](), False
    async for item in follow(hosts.bus, task_id, auth.BUS_OPERATOR):
        match item:
            case Delta():
                text += item.text
            case Restart():
                text = ""
                restarts.append(item)
            case Done():
                return text, restarts, item.record
        if not killed and len(text) >= READ_BEFORE:
            await hosts.kill_who_works_on(task_id)
            killed = True
    raise AssertionError


async def at_once(hosts: Hosts, request: TaskRequest) -> str:
    task_id = await hosts.submit(request)
    async for item in follow(hosts.bus, task_id, auth.BUS_OPERATOR):
        if isinstance(item, Done):
            assert item.record.output is not None
            return item.record.output.text
    raise AssertionError


@pytest.mark.timeout(300)
async def test_the_answer_of_a_killed_host_is_ended_by_another_and_nothing_is_taken_back(going_on: Hosts) -> None:
    model = await going_on.ready()
    request = TaskRequest(prompt=REFRAIN, model=model, options={"num_predict": TOKENS, **SURE})
    text, restarts, record = await read_and_kill(going_on, await going_on.submit(request))
    assert restarts == []
    assert [attempt.status.value for attempt in record.attempts] == ["lost", "completed"]
    assert record.attempts[1].begins_at >= READ_BEFORE
    assert record.output is not None
    assert text == record.output.text == await at_once(going_on, request)


@pytest.mark.timeout(300)
async def test_where_the_model_would_begin_again_readers_are_told_so(
    coordinator: NatsBus, nats_server: NatsServer, tmp_path: Path, stack: ExitStack, ollama: Ollama
) -> None:
    """Its template closes every message."""
    hosts = start(coordinator, nats_server, tmp_path, stack, parse_address(ollama.url).url, None)
    await hosts.ready()
    request = TaskRequest(prompt=REFRAIN, model=MODEL, options={"num_predict": TOKENS, **SURE})
    text, restarts, record = await read_and_kill(hosts, await hosts.submit(request))
    assert restarts == [Restart(number=2)]
    assert [attempt.begins_at for attempt in record.attempts] == [0, 0]
    assert record.output is not None
    assert text == record.output.text
