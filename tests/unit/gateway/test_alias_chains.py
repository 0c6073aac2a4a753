"""An alias whose first model fails, or is nowhere any more, goes on with its next one, as long as nothing was sent."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx import AsyncClient, Response

from bus import subjects
from bus.errors import BackendError, UnknownModel
from bus.messages import AgentRecord, AgentStatus, AttemptRecord, AttemptStatus, FailureInfo, ModelInfo, TaskRecord, TaskStatus
from bus.messages.merits import AgentMerits, HeldModel
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.chain import Chain, answering, is_model_bound, may_go_on
from coordinator.gateway.llm.names import present
from tests.unit.gateway.rooms import ACACIA, Rooms
from tests.unit.gateway.test_clients_doors import ASK, Client, Said, text_of

FIRST, SECOND = "llama3.2:3b", "qwen3:8b"
BIRCH = ACACIA.model_copy(update={"agent_id": "birch", "models": (ModelInfo(name=SECOND),)})


def test_each_model_of_a_chain_that_is_there_is_asked_once_the_best_first() -> None:
    chain = Chain(("a:1b", "b:1b", "c"), {"b:1b", "c:latest"})
    assert chain.model == "b:1b"
    assert chain.next({"a:1b", "b:1b", "c:latest"}) == "a:1b"
    chain.ask("a:1b")
    assert chain.next({"a:1b", "b:1b"}) is None
    assert chain.next({"c:latest"}) == "c"
    assert Chain(("a:1b", "b:1b"), ()).model == "a:1b"


def test_a_model_that_is_held_back_everywhere_is_not_there() -> None:
    held = HeldModel(reason="backend_error: x", failed=3, trips=1, until=datetime.now(UTC))
    agent = ACACIA.model_copy(update={"models": (ModelInfo(name="a"), ModelInfo(name="b"))})
    assert present([agent]) == {"a:latest", "b:latest"}
    assert present([agent.model_copy(update={"merits": AgentMerits(held={"a": held})})]) == {"b:latest"}


def record_of(code: str, *attempts: str, status: TaskStatus = TaskStatus.FAILED) -> TaskRecord:
    """`attempts`: the code of each; `agent_lost` is that of a lost one, and nothing that of one that was refused."""
    statuses = {"agent_lost": AttemptStatus.LOST, "": AttemptStatus.REFUSED}
    now = datetime.now(UTC)
    tried = tuple(
        AttemptRecord(
            id=uuid4(),
            number=number,
            agent_id="acacia",
            model=FIRST,
            status=statuses.get(each, AttemptStatus.FAILED),
            offered_at=now,
            error=FailureInfo(code=each, message="") if each else None,
        )
        for number, each in enumerate(attempts, 1)
    )
    error = FailureInfo(code=code, message="It is so.")
    return TaskRecord(
        id=uuid4(), owner="anna", status=status, priority=3, prompt="Hi", created_at=now, error=error, attempts=tried
    )


@pytest.mark.parametrize(
    ("record", "bound"),
    [
        (record_of("backend_error"), True),
        (record_of("unsupported_by_backend"), True),
        (record_of("attempts_exhausted", "backend_error", "", "backend_stalled"), True),
        (record_of("attempts_exhausted", "backend_error", "agent_lost"), False),
        (record_of("attempts_exhausted", "backend_unreachable"), False),
        (record_of("attempts_exhausted"), False),
        (record_of("backend_refused", "backend_refused"), False),
        (record_of("task_timeout", "backend_error"), False),
        (record_of("backend_error", status=TaskStatus.CANCELLED), False),
    ],
    ids=lambda value: "" if isinstance(value, TaskRecord) else str(value),
)
def test_what_another_model_may_not_end_in(record: TaskRecord, *, bound: bool) -> None:
    assert is_model_bound(record) is bound


def test_without_a_task_only_a_model_that_nobody_has_is_passed_over() -> None:
    assert may_go_on(UnknownModel(), None)
    assert not may_go_on(BackendError(), None)


@pytest.fixture(autouse=True)
async def alias(admin: AsyncClient, rooms: Rooms, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.gateway.llm.running.QUIET_SECONDS", 0.01)
    await rooms.bus.put(subjects.KV_AGENTS, BIRCH.agent_id, BIRCH)
    (await admin.put("/api/aliases/chat", json={"models": [FIRST, SECOND]})).raise_for_status()
    async with asyncio.timeout(10):
        while len(gateway.overview.agents.items) < 2:
            await asyncio.sleep(0.001)


def ask(
    client: AsyncClient, *, path: str = "/v1/chat/completions", key: str | None = None, **more: Any
) -> "asyncio.Task[Response]":
    headers = {"Idempotency-Key": key} if key else {}
    return asyncio.create_task(client.post(path, json={**ASK, "model": "chat", **more}, headers=headers))


async def task_of(rooms: Rooms, model: str, asking: "asyncio.Task[Any]") -> UUID:
    """Once it is there."""
    async with asyncio.timeout(10):
        while not (found := [task.id for task in rooms.tasks.values() if task.model == model]):
            assert not asking.done(), asking.result()
            await asyncio.sleep(0.001)
    return found[0]


def fail(rooms: Rooms, task_id: UUID, code: str = "attempts_exhausted", *attempts: str) -> None:
    ended = record_of(code, *(attempts or ("backend_error",) * 3))
    changes = {"status": ended.status, "error": ended.error, "attempts": ended.attempts}
    rooms.tasks[task_id] = rooms.tasks[task_id].model_copy(update=changes)


@pytest.mark.parametrize("stream", [False, True])
async def test_the_next_model_answers_and_is_named(anna: AsyncClient, rooms: Rooms, *, stream: bool) -> None:
    asking = ask(anna, stream=stream)
    fail(rooms, await task_of(rooms, FIRST, asking))
    second = await task_of(rooms, SECOND, asking)
    await rooms.finish(second, "Hello.")
    response = await asking
    assert response.status_code == 200
    assert (response.headers["x-hive-model"], response.headers["x-hive-task"]) == (SECOND, str(second))
    text = text_of(response.text) if stream else response.json()["choices"][0]["message"]["content"]
    assert text == "Hello."


async def test_a_stream_begins_once_whoever_answers(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna, path="/v1/responses", input="Hi", messages=None, stream=True)
    fail(rooms, await task_of(rooms, FIRST, asking))
    await rooms.finish(await task_of(rooms, SECOND, asking), "Hello.")
    events = [json.loads(line[6:]) for line in (await asking).text.splitlines() if line.startswith("data: ")]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))


@pytest.mark.parametrize(
    ("code", "status"), [("backend_refused", 400), ("task_timeout", 504)], ids=["refused everywhere", "took too long"]
)
async def test_what_says_nothing_about_the_model_is_the_answer(anna: AsyncClient, rooms: Rooms, code: str, status: int) -> None:
    asking = ask(anna)
    fail(rooms, await task_of(rooms, FIRST, asking), code)
    assert (await asking).status_code == status
    assert len(rooms.tasks) == 1


async def test_once_something_was_sent_the_failure_is_told(gateway: Gateway, rooms: Rooms) -> None:
    client = Client(gateway, {**ASK, "model": "chat", "stream": True})
    client.may_read.set()
    first = await task_of(rooms, FIRST, client.asking)
    await Said(rooms, first).text("Hel")
    async with asyncio.timeout(10):
        while "Hel" not in client.text:
            await asyncio.sleep(0.001)
    fail(rooms, first)
    await client.asking
    assert json.loads(client.text.split("data: ")[-1])["error"]["code"] == "attempts_exhausted"
    assert len(rooms.tasks) == 1


async def test_white_space_is_nothing_that_was_sent(gateway: Gateway, rooms: Rooms) -> None:
    client = Client(gateway, {**ASK, "model": "chat", "stream": True})
    client.may_read.set()
    first = await task_of(rooms, FIRST, client.asking)
    await Said(rooms, first).text("\n")
    fail(rooms, first)
    await rooms.finish(await task_of(rooms, SECOND, client.asking), "Hello.")
    await client.asking
    assert text_of(client.text) == "Hello."


async def test_the_last_model_s_failure_is_the_answer(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna)
    fail(rooms, await task_of(rooms, FIRST, asking))
    second = await task_of(rooms, SECOND, asking)
    fail(rooms, second, "backend_error")
    response = await asking
    assert (response.status_code, response.headers["x-hive-task"]) == (502, str(second))
    assert len(rooms.tasks) == 2


@pytest.mark.parametrize(
    ("statuses", "model"),
    [
        ((None, None), None),
        ((TaskStatus.QUEUED, None), "a"),
        ((TaskStatus.CANCELLED, TaskStatus.RUNNING), "b"),
        ((TaskStatus.COMPLETED, TaskStatus.CANCELLED), "a"),
        ((TaskStatus.COMPLETED, TaskStatus.RUNNING), "a"),
        ((TaskStatus.QUEUED, TaskStatus.RUNNING), "b"),
        ((TaskStatus.CANCELLED, None), None),
        ((TaskStatus.FAILED, TaskStatus.CANCELLED), "a"),
    ],
)
def test_which_of_the_tasks_of_one_key_answers(statuses: tuple[TaskStatus | None, ...], model: str | None) -> None:
    tasks = {name: status and record_of("task_timeout", status=status) for name, status in zip("ab", statuses, strict=True)}
    assert answering(tasks) == model


@pytest.mark.parametrize("key", [None, "once"])
@pytest.mark.parametrize("stream", [False, True])
async def test_who_waits_for_a_model_that_has_gone_is_given_the_next(
    anna: AsyncClient, rooms: Rooms, key: str | None, *, stream: bool
) -> None:
    asking = ask(anna, key=key, stream=stream)
    first = await task_of(rooms, FIRST, asking)
    gone: AgentRecord = ACACIA.model_copy(update={"status": AgentStatus.OFFLINE})
    await rooms.bus.put(subjects.KV_AGENTS, ACACIA.agent_id, gone)
    await rooms.finish(await task_of(rooms, SECOND, asking), "Hello.")
    assert (await asking).headers["x-hive-model"] == SECOND
    async with asyncio.timeout(10):
        while rooms.tasks[first].status is not TaskStatus.CANCELLED:
            await asyncio.sleep(0.001)


async def test_the_next_model_is_asked_though_it_goes_at_that_moment(
    anna: AsyncClient, rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([{SECOND}])
    monkeypatch.setattr("coordinator.gateway.llm.serving.Serving._there", lambda _: next(looks, set()))
    asking = ask(anna)
    await rooms.finish(await task_of(rooms, SECOND, asking), "Hello.")
    assert (await asking).headers["x-hive-model"] == SECOND


async def test_the_same_key_comes_to_the_same_answer(anna: AsyncClient, rooms: Rooms) -> None:
    asking = ask(anna, key="once")
    fail(rooms, await task_of(rooms, FIRST, asking))
    await rooms.finish(await task_of(rooms, SECOND, asking), "Hello.")
    first = await asking
    gone: AgentRecord = ACACIA.model_copy(update={"status": AgentStatus.OFFLINE})
    for _ in range(2):
        again = await ask(anna, key="once")
        assert again.headers["x-hive-task"] == first.headers["x-hive-task"]
        assert again.json()["choices"][0]["message"]["content"] == "Hello."
        await rooms.bus.put(subjects.KV_AGENTS, ACACIA.agent_id, gone)
    assert len(rooms.tasks) == 2


async def test_a_key_is_asked_nothing_anew_while_nobody_can_tell_what_it_came_to(anna: AsyncClient, rooms: Rooms) -> None:
    rooms.away = True
    assert (await ask(anna, key="once")).status_code == 503
    assert rooms.tasks == {}


async def test_a_key_whose_model_has_gone_comes_to_what_it_answered(anna: AsyncClient, rooms: Rooms, gateway: Gateway) -> None:
    asking = ask(anna, key="once")
    first = await task_of(rooms, FIRST, asking)
    await rooms.finish(first, "Hello.")
    await asking
    gone: AgentRecord = ACACIA.model_copy(update={"status": AgentStatus.OFFLINE})
    await rooms.bus.put(subjects.KV_AGENTS, ACACIA.agent_id, gone)
    async with asyncio.timeout(10):
        while gateway.overview.agents.items[ACACIA.agent_id].status is AgentStatus.ONLINE:
            await asyncio.sleep(0.001)
    again = await ask(anna, key="once")
    assert (again.headers["x-hive-task"], again.headers["x-hive-model"]) == (str(first), FIRST)
    assert len(rooms.tasks) == 1
