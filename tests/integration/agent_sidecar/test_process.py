"""The sidecar as a process: what it imports, how it starts without a backend or a leader, and how it leaves."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import psutil
import pytest

from agent_sidecar.addresses import Address
from agent_sidecar.backends.builtin import installed
from bus import subjects
from bus.errors import BackendUnreachable, Conflict, InvalidRequest
from bus.messages import (
    AgentRef,
    AgentRegistration,
    AgentStatus,
    ControlAction,
    NoReply,
    OfferVerdict,
    OutcomeStatus,
    Upstream,
    UpstreamList,
)
from bus.nats_bus import NatsBus
from bus.permissions import SIDECAR
from deploy.local.ports import free_port
from tests.integration.agent_sidecar.leader import Leader, offer, until
from tests.parts.nats import NatsServer
from tests.parts.ollama import MODEL, Ollama

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


LeaderOn = Callable[[NatsServer], Awaitable[Leader]]


class StartSidecar(Protocol):
    def __call__(self, nats: NatsServer, log: Path | None = None, /, **environment: str) -> subprocess.Popen[bytes]: ...


@pytest.fixture
def start_sidecar(tmp_path: Path) -> Iterator[StartSidecar]:
    started: list[subprocess.Popen[bytes]] = []

    def start(nats: NatsServer, log: Path | None = None, /, **environment: str) -> subprocess.Popen[bytes]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("HIVE_", "OLLAMA_", "NATS_"))}
        with (log or tmp_path / "sidecar.log").open("ab") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "agent_sidecar.main"],
                cwd=ROOT,
                env={**clean, "NATS_URL": nats.url_of(SIDECAR), "HIVE_DATA_DIR": str(tmp_path), **environment},
                stdout=stream,
                stderr=stream,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
async def leader_on() -> AsyncIterator[LeaderOn]:
    """A leader on a server of the test's own."""
    buses: list[NatsBus] = []

    async def connect(server: NatsServer) -> Leader:
        buses.append(await server.connect())
        return await Leader(buses[-1]).start()

    yield connect
    for bus in buses:
        await bus.close()


async def gone(process: subprocess.Popen[bytes], seconds: float = 10) -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), seconds)


def verb(name: str) -> str:
    return subjects.service_verb(subjects.SERVICE_UPSTREAMS, name)


def test_it_imports_nothing_that_only_a_server_needs() -> None:
    code = (
        "import sys, json\n"
        "from agent_sidecar import main\n"
        "sys.meta_path.insert(0, main.LeaveOut())\n"
        "import agent_sidecar.process\n"
        "print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))\n"
    )
    found = set(json.loads(subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True).stdout))
    unwanted = {"fastapi", "nicegui", "asyncpg", "typer", "rich", "aiohttp", "httpx", "xllamacpp", "pynvml", "amdsmi"}
    assert "agent_sidecar" in found
    assert found & unwanted == set()


async def test_without_any_backend_it_serves_the_builtin_model_and_leaves_when_asked(
    nats_server: NatsServer, leader: Leader, start_sidecar: StartSidecar
) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    process = start_sidecar(nats_server, OLLAMA_HOST=f"127.0.0.1:{free_port()}")
    agent = await until(lambda: next(iter(leader.registrations), None))
    assert (agent.backend, agent.slots, agent.model) == ("builtin", 2, "smollm2:135m")
    assert agent.hardware.cpu_cores
    assert agent.hardware.ram_gb
    what = offer()
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(what)).status is OutcomeStatus.COMPLETED
    process.send_signal(signal.SIGTERM)
    assert await gone(process) == 0


async def test_sigterm_drains_before_it_leaves(nats_server: NatsServer, leader: Leader, start_sidecar: StartSidecar) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    process = start_sidecar(nats_server, HIVE_BACKENDS="acacia=builtin", HIVE_DRAIN_SECONDS="2")
    agent = await leader.registered("acacia")
    short = offer(options={"num_predict": 20, "temperature": 0})
    endless = offer(options={"num_predict": 4000, "ignore_eos": True})
    for what in (short, endless):
        assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    await leader.first_words(endless)
    process.send_signal(signal.SIGTERM)
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.DRAINING)
    assert (await leader.outcome(short)).status is OutcomeStatus.COMPLETED
    left = await leader.outcome(endless)
    assert left.error is not None
    assert (left.error.code, left.retryable) == ("agent_lost", True)
    assert await gone(process) == 0


async def test_a_dead_backend_and_a_missing_leader_keep_nothing_from_starting(
    nats_server: NatsServer, nats_bus: NatsBus, start_sidecar: StartSidecar
) -> None:
    leader = await Leader(nats_bus).start(leads=False)
    start_sidecar(nats_server, HIVE_BACKENDS=f"walnut=http://127.0.0.1:{free_port()}?slots=3")
    heard = await leader.heartbeat("walnut", lambda h: True)
    assert (heard.status, heard.models, heard.slots) == (AgentStatus.DEGRADED, None, 3)
    assert "nothing listens" in (heard.reason or "")
    await leader.lead()
    registered = await leader.registered("walnut")
    assert (registered.instance, registered.slots) == (heard.instance, 3)


async def test_what_was_not_acknowledged_is_reported_when_the_bus_is_back(
    own_nats_server: NatsServer, leader_on: LeaderOn, start_sidecar: StartSidecar, tmp_path: Path
) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    leader = await leader_on(own_nats_server)
    start_sidecar(own_nats_server, HIVE_BACKENDS="acacia=builtin")
    agent = await leader.registered("acacia")
    what = offer(options={"num_predict": 60, "temperature": 0, "ignore_eos": True})
    await leader.offer(agent, what)
    await leader.first_words(what)
    own_nats_server.kill()
    await until(lambda: "outcome_not_acknowledged" in (tmp_path / "sidecar.log").read_text())
    own_nats_server.start()
    outcome = await leader.stored_outcome("acacia", what)
    assert outcome.status is OutcomeStatus.COMPLETED
    assert len(outcome.output.text) > 60
    await until(lambda: len(leader.registrations) >= 2)
    assert {r.instance for r in leader.registrations} == {agent.instance}


async def test_hosts_are_added_and_removed_while_it_runs(
    nats_server: NatsServer, nats_bus: NatsBus, leader: Leader, start_sidecar: StartSidecar, ollama: Ollama
) -> None:
    environment = {
        "HIVE_SIDECAR_ADOPT": "true",
        "HIVE_BACKENDS": f"walnut=http://127.0.0.1:{free_port()}",
        "HIVE_DRAIN_SECONDS": "0",
    }
    process = start_sidecar(nats_server, **environment)
    with pytest.raises(BackendUnreachable, match="nothing listens"):
        await nats_bus.request(verb("add"), Upstream(url=f"http://127.0.0.1:{free_port()}"), Upstream, timeout=20)
    with pytest.raises(InvalidRequest, match="not an address"):
        await nats_bus.request(verb("add"), Upstream(url="ftp://x"), Upstream)
    with pytest.raises(Conflict, match="HIVE_BACKENDS"):
        await nats_bus.request(verb("add"), Upstream(url=ollama.url, agent_id="walnut"), Upstream)
    added = await nats_bus.request(verb("add"), Upstream(url=ollama.url, agent_id="acacia", slots=2), Upstream)
    assert (added.kind, added.agent_id, added.slots) == ("ollama", "acacia", 2)
    agent = await leader.registered("acacia")
    what = offer(model=MODEL)
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(what)).status is OutcomeStatus.COMPLETED
    listed = await nats_bus.request(verb("list"), NoReply(), UpstreamList)
    assert [upstream.agent_id for upstream in listed.upstreams] == ["walnut", "acacia"]

    process.send_signal(signal.SIGTERM)
    assert await gone(process) == 0
    start_sidecar(nats_server, **environment)
    again = await until(
        lambda: next((r for r in leader.registrations if r.instance != agent.instance and r.agent_id == "acacia"), None)
    )
    await nats_bus.request(verb("remove"), AgentRef(agent_id="acacia"), NoReply)
    heard = leader.heartbeats[-1]
    await until(lambda: [h.agent_id for h in leader.heartbeats[-2:]] == ["walnut", "walnut"] and leader.heartbeats[-1] != heard)
    reply = await nats_bus.request(verb("list"), NoReply(), UpstreamList)
    assert [upstream.agent_id for upstream in reply.upstreams] == ["walnut"]
    assert again.agent_id == "acacia"


async def test_a_key_is_taken_kept_by_the_sidecar_and_shown_nowhere(
    nats_server: NatsServer,
    nats_bus: NatsBus,
    leader: Leader,
    start_sidecar: StartSidecar,
    builtin_server: Address,
    tmp_path: Path,
) -> None:
    """A real llama.cpp asks for it."""
    key, url = builtin_server.key or "", builtin_server.url
    environment = {"HIVE_SIDECAR_ADOPT": "true", "HIVE_BACKENDS": f"walnut=http://127.0.0.1:{free_port()}"}
    process = start_sidecar(nats_server, **environment)

    async def add(**more: str) -> Upstream:
        body = json.dumps({"url": url, "agent_id": "acacia", **more}).encode()
        return await nats_bus.request(verb("add"), body, Upstream, timeout=20)

    with pytest.raises(BackendUnreachable, match="--key-file"):
        await add()
    with pytest.raises(InvalidRequest, match="`key`") as caught:
        await add(url=url.replace("//", f"//:{key}@"))
    assert key not in caught.value.message
    assert (await add(key=key)).agent_id == "acacia"
    agent = await leader.registered("acacia")

    async def works(agent: AgentRegistration) -> None:
        what = offer()
        assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
        assert (await leader.outcome(what)).status is OutcomeStatus.COMPLETED

    await works(agent)
    assert (await add(slots="2")).slots == 2  # the key stays
    listed = await nats_bus.request(verb("list"), NoReply(), UpstreamList)
    stored = await nats_bus.get(subjects.KV_UPSTREAMS, "acacia") or b""
    assert b"acacia" in stored
    for shown in (listed.model_dump_json(), stored.decode(), (tmp_path / "sidecar.log").read_text()):
        assert key not in shown

    process.send_signal(signal.SIGTERM)
    assert await gone(process) == 0
    await nats_bus.put(subjects.KV_UPSTREAMS, "old", b'{"url":"http://:sk-old@127.0.0.1:9","agent_id":"old"}')
    start_sidecar(nats_server, **environment)
    again = await until(
        lambda: next((r for r in leader.registrations if r.instance != agent.instance and r.agent_id == "acacia"), None)
    )
    await nats_bus.request(verb("remove"), AgentRef(agent_id="old"), NoReply)
    assert "sk-old" not in (tmp_path / "sidecar.log").read_text()
    await leader.heartbeat("acacia", lambda h: h.status is AgentStatus.ONLINE and h.instance == again.instance)
    await works(again)
    kept = tmp_path / "sidecar" / "keys" / "acacia.json"
    assert key in kept.read_text()
    await nats_bus.request(verb("remove"), AgentRef(agent_id="acacia"), NoReply)
    await until(lambda: not kept.exists())


async def test_a_benchmark_finds_the_slots_and_remembers_them(
    nats_server: NatsServer, leader: Leader, start_sidecar: StartSidecar, tmp_path: Path
) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    process = start_sidecar(nats_server, HIVE_BACKENDS="acacia=builtin")
    agent = await leader.registered("acacia")
    assert agent.slots == 2
    await leader.control("acacia", ControlAction.BENCHMARK, model=MODEL)
    kept = tmp_path / "sidecar" / "acacia.json"
    await until(kept.exists)
    found = json.loads(kept.read_text())
    speed = found["models"][MODEL]
    assert speed["prompt_tokens_per_second"] > 0
    assert speed["generation_tokens_per_second"] > 0
    assert speed["time_to_first_token_seconds"] > 0
    assert found["slots"] == speed["slots"] >= 1
    assert set(speed["parallel_tokens_per_second"]) >= {"1", "2"}
    await leader.heartbeat("acacia", lambda h: h.slots == found["slots"])
    process.send_signal(signal.SIGTERM)
    assert await gone(process) == 0
    start_sidecar(nats_server, HIVE_BACKENDS="acacia=builtin")
    again = await until(lambda: next((r for r in leader.registrations if r.instance != agent.instance), None))
    assert again.slots == found["slots"]


async def test_a_log_on_a_full_disk_costs_no_task(nats_server: NatsServer, leader: Leader, start_sidecar: StartSidecar) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    process = start_sidecar(nats_server, Path("/dev/full"), HIVE_BACKENDS="acacia=builtin", HIVE_LOG_LEVEL="debug")
    agent = await leader.registered("acacia")
    what = offer(options={"num_predict": 2})
    assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
    assert (await leader.outcome(what)).status is OutcomeStatus.COMPLETED
    process.send_signal(signal.SIGTERM)
    await gone(process)


async def test_it_stays_small(nats_server: NatsServer, leader: Leader, start_sidecar: StartSidecar, ollama: Ollama) -> None:
    """The promise is 60 MB after 1,000 attempts; what grows with attempts is bounded, and these already use everything."""
    process = start_sidecar(nats_server, HIVE_BACKENDS=f"acacia={ollama.url}")
    agent = await leader.registered("acacia")
    for _ in range(20):
        what = offer(model=MODEL, options={"num_predict": 2})
        assert (await leader.offer(agent, what)).verdict is OfferVerdict.ACCEPTED
        await leader.outcome(what)
    assert psutil.Process(process.pid).memory_info().rss < 60e6


async def test_metrics_tell_the_attempts_and_the_hosts_load(
    nats_server: NatsServer, leader: Leader, start_sidecar: StartSidecar
) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    start_sidecar(nats_server, HIVE_BACKENDS="acacia=builtin", HIVE_METRICS_SECONDS="0.5")
    agent = await leader.registered("acacia")
    what = offer()
    await leader.offer(agent, what)
    await leader.outcome(what)
    told = await until(lambda: next((m for m in leader.metrics if m.success_rate and m.network_io), None))
    assert (told.success_rate, told.error_rate, told.active_tasks) == (1, 0, 0)
    assert (told.tokens_per_second or 0) > 0
    assert (told.response_time or 0) > 0
    assert 0 < (told.memory_usage or 0) < 100
    assert told.cpu_usage is not None
    assert told.disk_usage is not None


async def test_a_wrong_setting_is_named(nats_server: NatsServer, start_sidecar: StartSidecar, tmp_path: Path) -> None:
    process = start_sidecar(nats_server, HIVE_BACKENDS="http://gpu-host:11434?slits=2")
    assert await gone(process) == 1
    said = (tmp_path / "sidecar.log").read_text()
    assert "slits is not a setting" in said
    assert "Traceback" not in said


async def test_it_waits_for_a_bus_that_comes_late(
    own_nats_server: NatsServer, leader_on: LeaderOn, start_sidecar: StartSidecar
) -> None:
    own_nats_server.kill()
    start_sidecar(own_nats_server, HIVE_BACKENDS=f"walnut=http://127.0.0.1:{free_port()}")
    own_nats_server.start()
    leader = await leader_on(own_nats_server)
    await leader.registered("walnut")
