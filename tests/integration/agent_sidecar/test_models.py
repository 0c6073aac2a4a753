"""Models of a real Ollama: pulled from a registry, loaded once whatever requests ask for, unloaded, deleted."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent_sidecar.addresses import Address, parse_address
from agent_sidecar.agent import Agent
from agent_sidecar.backends.backend import Ask, Result
from agent_sidecar.backends.ollama import OllamaBackend
from agent_sidecar.backends.openai import OpenAIBackend
from bus import subjects
from bus.client import Received
from bus.messages import ChatMessage, Control, ControlAction
from bus.messages.events import ModelEvent
from bus.messages.models import JobReply, JobStatus, ModelJob, ModelWish
from bus.nats_bus import NatsBus
from tests.integration.agent_sidecar.conftest import StartAgent
from tests.integration.agent_sidecar.leader import Leader, offer, until
from tests.parts.ollama import MODEL, Ollama
from tests.parts.registry import Registry


@pytest.fixture(scope="module")
def registry(ollama: Ollama) -> Iterator[Registry]:
    """With the model of the session's Ollama in it."""
    found = Registry(ollama.store)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def empty_ollama(ollama: Ollama, tmp_path: Path) -> Iterator[Ollama]:
    binary = shutil.which("ollama")
    assert binary is not None
    found = Ollama(binary, tmp_path / "empty")
    found.start()
    yield found
    found.stop()


class Orderer:
    """Orders at one sidecar, and hears what becomes of them."""

    def __init__(self, bus: NatsBus, agent: Agent) -> None:
        self.bus, self.agent = bus, agent
        self.events: list[ModelEvent] = []

    async def start(self) -> "Orderer":
        await self.bus.subscribe(subjects.events("model.*"), self._heard)
        await self.bus.flush()
        return self

    async def _heard(self, received: Received) -> None:
        self.events.append(received.decode(ModelEvent))

    async def order(self, action: ControlAction, model: str, **more: object) -> JobReply:
        order = Control.model_validate({"action": action, "model": model, **more})
        return await self.bus.request(subjects.control(self.agent.agent_id), order, JobReply)

    async def job(self, action: ControlAction, model: str, **more: object) -> ModelJob:
        reply = await self.order(action, model, **more)
        assert reply.job is not None, reply.message
        return reply.job

    async def ended(self, job: ModelJob) -> ModelJob:
        return await until(lambda: next((e.data for e in self.events if e.data.id == job.id and e.data.status.terminal), None))

    async def done(self, action: ControlAction, model: str, **more: object) -> ModelJob:
        ended = await self.ended(await self.job(action, model, **more))
        assert ended.status is JobStatus.COMPLETED, ended.error
        return ended


@pytest.fixture
async def pulling(
    leader: Leader, start_agent: StartAgent, empty_ollama: Ollama, registry: Registry, nats_bus: NatsBus
) -> Orderer:
    backend = OllamaBackend(parse_address(empty_ollama.url), frozenset({registry.address}))
    return await Orderer(nats_bus, await start_agent(backend, heartbeat_seconds=0.1)).start()


@pytest.mark.slow
async def test_a_model_is_pulled_with_progress_told_loaded_unloaded_and_deleted(
    pulling: Orderer, registry: Registry, leader: Leader
) -> None:
    name = registry.name(MODEL)
    with registry.held():
        job = await pulling.job(ControlAction.PULL, name, asked_by="anna")
        step = await until(lambda: next((e.data for e in pulling.events if e.data.bytes_done), None))
        assert step.bytes_total is not None
        assert 0 < (step.bytes_done or 0) < step.bytes_total
        assert (await pulling.job(ControlAction.PULL, name)).id == job.id, "the same pull twice is one"
    ended = await pulling.ended(job)
    assert (ended.status, ended.asked_by) == (JobStatus.COMPLETED, "anna")
    assert ended.bytes_done == ended.bytes_total
    assert (ended.bytes_total or 0) > 90_000_000
    heard = await leader.heartbeat("acacia", lambda h: bool(h.models))
    assert heard.models is not None
    assert [(model.name, model.context_limit) for model in heard.models] == [(name, 8192)]
    await pulling.done(ControlAction.LOAD, name, num_ctx=3000, keep_alive=-1)
    heard = await leader.heartbeat("acacia", lambda h: bool(h.models and h.models[0].loaded))
    assert heard.models is not None
    assert heard.models[0].context_length == 3000
    await pulling.done(ControlAction.UNLOAD, name)
    await leader.heartbeat("acacia", lambda h: bool(h.models and not h.models[0].loaded))
    await pulling.done(ControlAction.DELETE, name)
    await leader.heartbeat("acacia", lambda h: h.models == ())


@pytest.mark.slow
async def test_a_pull_is_cancelled_and_what_is_half_pulled_is_no_model(
    pulling: Orderer, registry: Registry, empty_ollama: Ollama
) -> None:
    name, before = registry.name(MODEL), registry.left
    with registry.held():
        job = await pulling.job(ControlAction.PULL, name)
        half = await until(lambda: next((e.data for e in pulling.events if e.data.bytes_done), None))
        reply = await pulling.order(ControlAction.CANCEL_JOB, name, job_id=job.id, asked_by="anna")
        assert reply.ok, reply.message
        ended = await pulling.ended(job)
    assert (ended.status, ended.step, ended.error) == (JobStatus.CANCELLED, "anna cancelled it.", None)
    assert half.bytes_total is not None
    assert (half.bytes_done or 0) < half.bytes_total
    assert not (await pulling.order(ControlAction.CANCEL_JOB, name, job_id=job.id)).ok
    backend = OllamaBackend(parse_address(empty_ollama.url))
    assert await backend.models() == ()
    await until(lambda: registry.left > before)
    await pulling.done(ControlAction.PULL, name)
    assert [model.name for model in await backend.models()] == [name]


async def test_a_pull_that_fails_says_why(pulling: Orderer, registry: Registry) -> None:
    ended = await pulling.ended(await pulling.job(ControlAction.PULL, registry.name("nothing:7b")))
    assert ended.error is not None
    assert (ended.status, ended.error.code) == (JobStatus.FAILED, "backend_error")
    assert "could not pull it: pull model manifest: file does not exist" in ended.error.message


async def test_a_model_that_works_is_neither_unloaded_nor_deleted(
    leader: Leader, start_agent: StartAgent, ollama: Ollama, nats_bus: NatsBus
) -> None:
    agent = await start_agent(OllamaBackend(parse_address(ollama.url)))
    orderer, registered = await Orderer(nats_bus, agent).start(), await leader.registered("acacia")
    what = offer("Count from one to a thousand, in words.", model=MODEL, options={"num_predict": 1000})
    await leader.offer(registered, what)
    await leader.first_words(what)
    for action in (ControlAction.UNLOAD, ControlAction.DELETE):
        reply = await orderer.order(action, MODEL)
        assert (reply.ok, reply.job) == (False, None)
        assert "1 attempts run with" in reply.message
    await leader.control("acacia", ControlAction.CANCEL, attempt_id=what.attempt_id)
    await leader.outcome(what)
    await orderer.done(ControlAction.UNLOAD, MODEL)


async def test_a_backend_that_is_no_ollama_refuses_orders_in_words(builtin_agent: Orderer) -> None:
    reply = await builtin_agent.order(ControlAction.PULL, "llama3.2:3b")
    assert not reply.ok
    assert "takes no orders about models" in reply.message


@pytest.fixture
async def builtin_agent(start_agent: StartAgent, builtin_server: Address, nats_bus: NatsBus) -> Orderer:
    return await Orderer(nats_bus, await start_agent(OpenAIBackend(builtin_server))).start()


async def load_seconds(backend: OllamaBackend, **options: object) -> float:
    """What Ollama says it took to load the model for a request with these options."""
    said = (ChatMessage(role="user", content="Hi"),)
    ask = Ask(model=MODEL, messages=said, options={"num_predict": 1, **options})  # type: ignore[dict-item]
    [result] = [item async for item in backend.generate(ask) if isinstance(item, Result)]
    return result.timings.load_seconds or 0.0


def runner_pid(ollama: Ollama) -> int:
    """Of the process that holds the model: another one whenever Ollama loads it anew."""
    [runner] = ollama.processes()[1:]
    return runner.pid


async def test_requests_that_alternate_in_their_options_do_not_reload_the_model(ollama: Ollama) -> None:
    backend = OllamaBackend(parse_address(ollama.url))
    await backend.unload(MODEL)
    await load_seconds(backend, num_ctx=4000)
    before = runner_pid(ollama)
    for options in (
        {"num_ctx": 512},
        {"num_ctx": 2048, "keep_alive": 0},
        {},
        {"num_ctx": 4096, "num_thread": 2},
        {"keep_alive": "1s"},
    ):
        assert await load_seconds(backend, **options) < 0.5
    assert runner_pid(ollama) == before
    await load_seconds(backend, num_ctx=5000)
    raised = runner_pid(ollama)
    assert raised != before, "a request that needs more raises it, once"
    await load_seconds(backend, num_ctx=512)
    assert runner_pid(ollama) == raised
    [model] = await backend.models()
    assert (model.context_length, model.context_reason) == (8192, "a request asked for 5000")


async def test_the_wish_decides_and_no_request_moves_it(ollama: Ollama) -> None:
    backend = OllamaBackend(parse_address(ollama.url))
    backend.prefer([ModelWish(model=MODEL, num_ctx=3000, keep_alive="20m")])
    await backend.load(MODEL, None, None)
    before = runner_pid(ollama)
    for options in ({"num_ctx": 8192}, {}, {"num_ctx": 2048, "keep_alive": 0}):
        await load_seconds(backend, **options)
    assert runner_pid(ollama) == before
    [model] = await backend.models()
    assert model.context_length == 3000
