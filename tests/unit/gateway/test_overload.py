"""The bound of the queue: who is refused, when, and for how long."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from httpx import AsyncClient, Response

from bus import auth, subjects
from bus.errors import QueueFull
from bus.messages import Claims, ClusterStatus, Role, TaskClass, TaskRecord, TaskRequest
from bus.overview import CLUSTER, Overview
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.overload import Load, Overload, bound_of
from coordinator.gateway.service import submit_service
from coordinator.gateway.settings import GatewaySettings
from tests.unit.gateway.conftest import client_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOW, HIGH = {"prompt": "hi", "priority": 5}, {"prompt": "hi", "priority": 2}


def said(waiting: int, *, slots_free: int = 0, ended: float = 0.0, loading: bool = False, second: int = 0) -> ClusterStatus:
    return ClusterStatus(
        version="0",
        leader="one",
        queue={"low": waiting, "pending": 0},
        slots_free=slots_free,
        throughput={"completed": ended},
        loading=loading,
        updated_at=NOON + timedelta(seconds=second),
    )


@pytest.mark.parametrize(
    ("load", "taken", "seconds", "waiting"),
    [
        (Load(waiting=7), 0, 0.5, 7),
        (Load(waiting=7), 3, 0.5, 10),
        (Load(waiting=0, slots_free=8), 8, 0.0, 0),  # they run
        (Load(waiting=0, slots_free=8), 10, 0.0, 2),
        (Load(waiting=5, ended_per_second=10), 30, 1.0, 25),
        (Load(waiting=5, ended_per_second=10), 30, 1000.0, 5),
        (Load(waiting=5, ended_per_second=10), 100, 1000.0, 75),  # nobody leads: nothing has left the queue for long
    ],
)
def test_what_waits_is_the_leader_s_word_and_what_this_door_took_since(
    load: Load, taken: int, seconds: float, waiting: int
) -> None:
    assert load.expected(taken, seconds) == waiting


@pytest.mark.parametrize(
    ("ended_per_second", "too_many", "seconds"),
    [(10, 1, 1), (10, 35, 4), (10, 600, 60), (10, 1_000_000, 60), (0, 1, 60), (0.1, 1, 10), (0.01, 1, 60)],
)
def test_the_time_to_come_back_is_what_the_queue_needs_and_from_1_to_60_s(
    ended_per_second: float, too_many: int, seconds: int
) -> None:
    assert Load(ended_per_second=ended_per_second).retry_after_seconds(too_many) == seconds


def test_the_last_tenth_is_for_urgent_tasks() -> None:
    assert [bound_of(1000, each) for each in (TaskClass.HIGH, TaskClass.MEDIUM, TaskClass.LOW)] == [1000, 900, 900]
    assert bound_of(1, TaskClass.LOW) == 1


def test_a_new_leader_that_still_reads_what_waits_does_not_open_the_doors() -> None:
    full = Load.of(said(100), Load())
    assert Load.of(said(3, loading=True), full).waiting == 100
    assert Load.of(said(3), full).waiting == 3


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
async def overview(memory_bus: InMemoryBus) -> AsyncIterator[Overview]:
    overview = Overview(memory_bus)
    await overview.start()
    yield overview
    await overview.close()


async def test_urgent_tasks_get_in_while_others_are_refused(memory_bus: InMemoryBus, overview: Overview) -> None:
    await memory_bus.put(subjects.KV_STATUS, CLUSTER, said(90, ended=2))
    overload = Overload(overview, 100, Clock())
    with pytest.raises(QueueFull, match="unless they are urgent") as refused:
        overload.take(TaskClass.MEDIUM)
    assert refused.value.retry_after_seconds == 1
    for _ in range(10):
        overload.take(TaskClass.HIGH)
    with pytest.raises(QueueFull, match="100 tasks wait, and 100 may"):
        overload.take(TaskClass.HIGH)


async def test_a_burst_within_the_second_is_counted(memory_bus: InMemoryBus, overview: Overview) -> None:
    await memory_bus.put(subjects.KV_STATUS, CLUSTER, said(0, slots_free=2))
    clock = Clock()
    overload = Overload(overview, 10, clock)
    for _ in range(2 + 9):  # two of them run
        overload.take(TaskClass.LOW)
    with pytest.raises(QueueFull):
        overload.take(TaskClass.LOW)
    overload.give_back()  # it was no new task
    overload.take(TaskClass.LOW)
    await memory_bus.put(subjects.KV_STATUS, CLUSTER, said(5, second=1))
    for _ in range(4):
        overload.take(TaskClass.LOW)
    with pytest.raises(QueueFull):
        overload.take(TaskClass.LOW)


async def test_while_nobody_has_ever_led_a_door_keeps_the_bound_by_its_own_count(overview: Overview) -> None:
    overload = Overload(overview, 10, Clock())
    for _ in range(9):
        overload.take(TaskClass.LOW)
    with pytest.raises(QueueFull):
        overload.take(TaskClass.LOW)


# At the doors


@pytest.fixture
async def full(memory_bus: InMemoryBus) -> AsyncIterator[Gateway]:
    """A gateway whose queue has room for urgent tasks only."""
    await memory_bus.put(subjects.KV_STATUS, CLUSTER, said(90, ended=0.5))
    async with open_gateway(memory_bus, GatewaySettings(max_waiting=100)) as gateway:
        await memory_bus.serve(submit_service(gateway.submission))
        yield gateway


@pytest.fixture
async def anna(full: Gateway) -> AsyncIterator[AsyncClient]:
    async with client_of(full, "sk-hive-anna") as client:
        yield client


def refusal(response: Response) -> tuple[int, str, str | None]:
    assert response.headers["content-type"] == "application/problem+json"
    return response.status_code, response.json()["code"], response.headers.get("retry-after")


async def test_rest_refuses_with_a_problem_that_says_what_to_do_and_takes_what_is_urgent(
    anna: AsyncClient, memory_bus: InMemoryBus
) -> None:
    response = await anna.post("/api/tasks", json=LOW)
    assert refusal(response) == (503, "queue_full", "2")
    assert "90 tasks wait, and 90 may unless they are urgent" in response.json()["detail"]
    assert "try again in 2 s" in response.json()["detail"]
    assert await memory_bus.last(subjects.TASKS, subjects.submits_of_task("*")) is None
    assert (await anna.post("/api/tasks", json=HIGH)).status_code == 201


async def test_the_verb_refuses_with_the_same_code_and_time(full: Gateway, memory_bus: InMemoryBus) -> None:
    subject = subjects.service_verb(subjects.SERVICE_TASKS, "submit")
    with pytest.raises(QueueFull) as refused:
        await memory_bus.request(subject, TaskRequest(prompt="hi"), TaskRecord)
    assert refused.value.retry_after_seconds == 2


async def test_what_was_taken_before_is_answered_however_full_the_queue_is(anna: AsyncClient, memory_bus: InMemoryBus) -> None:
    """A client that repeats a submit whose answer was lost asks for nothing new."""
    await memory_bus.put(subjects.KV_STATUS, CLUSTER, said(10, second=1))
    first = await anna.post("/api/tasks", json=LOW, headers={"Idempotency-Key": "k"})
    await memory_bus.put(subjects.KV_STATUS, CLUSTER, said(100, second=2))
    again = await anna.post("/api/tasks", json=LOW, headers={"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code, again.json()["id"]) == (201, 200, first.json()["id"])


async def test_a_task_that_the_bus_knew_already_takes_no_room(full: Gateway, memory_bus: InMemoryBus) -> None:
    await memory_bus.put(subjects.KV_STATUS, CLUSTER, said(89, second=1))
    claims, task_id = Claims(sub="anna", roles=(Role.DEVELOPER,)), uuid4()
    for _ in range(3):
        await full.submission.submit(TaskRequest(prompt="hi", priority=1), claims, task_id=task_id)
    await full.submission.submit(TaskRequest(prompt="hi", priority=1), claims, task_id=uuid4())


async def test_a_stream_that_is_full_refuses_with_the_same_code(memory_bus: InMemoryBus) -> None:
    """The server's own bound: discard new."""
    tight = InMemoryBus(stream_bytes=900)
    await tight.put(subjects.KV_KEYS, auth.hash_key("k"), Claims(sub="anna", roles=(Role.DEVELOPER,)))
    await tight.put(subjects.KV_STATUS, CLUSTER, said(0, ended=0.25))
    async with open_gateway(tight, GatewaySettings()) as gateway, client_of(gateway, "k") as client:
        answers = [await client.post("/api/tasks", json={"prompt": "x" * 400}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 503]
    assert refusal(answers[2]) == (503, "queue_full", "4")
    assert "The bus holds as many submits as it may" in answers[2].json()["detail"]
