"""Full disks on a GPU host: that of its models, and that of the sidecar itself."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_sidecar.addresses import Address, parse_address
from agent_sidecar.backends.ollama import OllamaBackend
from bus.messages import AgentStatus, ControlAction, OfferVerdict, OutcomeStatus
from bus.messages.models import JobStatus
from bus.nats_bus import NatsBus
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer, until
from tests.integration.agent_sidecar.test_models import Orderer, registry
from tests.integration.agent_sidecar.test_process import StartSidecar, start_sidecar
from tests.parts.nats import NatsServer
from tests.parts.ollama import MODEL, Ollama
from tests.parts.registry import Registry
from tests.parts.small_disk import SmallDisk, small_disk

__all__ = ["registry", "start_sidecar"]

MEGABYTES = 160


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", MEGABYTES) as found:
        yield found


@pytest.fixture
def ollama_on_small_disk(ollama: Ollama, disk: SmallDisk) -> Iterator[Ollama]:
    binary = shutil.which("ollama")
    assert binary is not None
    found = Ollama(binary, disk.folder / "ollama")
    found.start()
    yield found
    found.stop()


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_a_pull_onto_a_full_disk_fails_with_its_reason_and_succeeds_when_there_is_room_and_ollama_was_started_anew(
    leader: Leader,
    start_agent: StartAgent,
    ollama_on_small_disk: Ollama,
    disk: SmallDisk,
    registry: Registry,
    nats_bus: NatsBus,
) -> None:
    backend = OllamaBackend(parse_address(ollama_on_small_disk.url), frozenset({registry.address}))
    orderer = await Orderer(nats_bus, await start_agent(backend, heartbeat_seconds=0.1)).start()
    disk.fill()
    name = registry.name(MODEL)
    ended = await orderer.ended(await orderer.job(ControlAction.PULL, name))
    assert (ended.status, ended.error and ended.error.code) == (JobStatus.FAILED, "backend_error")
    assert "no space left on device" in str(ended.error)
    assert "start that Ollama anew" in str(ended.error)
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE)
    disk.empty()
    ollama_on_small_disk.stop()
    ollama_on_small_disk.start()
    await orderer.done(ControlAction.PULL, name)
    await leader.heartbeat("acacia", lambda h: [model.name for model in h.models or ()] == [name])


@pytest.mark.timeout(120)
async def test_a_sidecar_whose_own_disk_is_full_registers_and_works(
    nats_server: NatsServer,
    leader: Leader,
    start_sidecar: StartSidecar,
    builtin_server: Address,
    disk: SmallDisk,
) -> None:
    disk.fill()
    own = {"HIVE_DATA_DIR": str(disk.folder), "HIVE_BACKENDS": f"oak={builtin_server.url}/v1"}
    start_sidecar(nats_server, disk.folder / "sidecar.log", **own, HIVE_BACKEND_KEYS=f"oak={builtin_server.key}")
    agent = await until(lambda: next((each for each in leader.registrations if each.models), None))
    what = offer(model=agent.models[0].name)
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(what)).status is OutcomeStatus.COMPLETED
