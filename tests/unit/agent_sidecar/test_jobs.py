"""Jobs of a sidecar: joined, bounded, told step by step, and ended with a reason."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from agent_sidecar.backends.backend import PullStep
from agent_sidecar.jobs import Jobs, Told
from bus import subjects
from bus.client import Received
from bus.errors import AlreadyEnded, BackendError, Conflict
from bus.messages import EventType
from bus.messages.events import ModelEvent
from bus.messages.models import JobStatus, ModelAction, ModelJob
from bus.testing import InMemoryBus

PULL = ModelAction.PULL


class Hall:
    """Jobs whose work ends when the test says so; `events` are what was announced."""

    def __init__(self, bus: InMemoryBus, pulls_at_once: int = 1) -> None:
        self.bus, self.jobs = bus, Jobs(bus, "acacia", "i1", pulls_at_once)
        self.events: asyncio.Queue[ModelEvent] = asyncio.Queue()
        self.begun: asyncio.Queue[str] = asyncio.Queue()
        self.ends: dict[str, asyncio.Future[str]] = {}

    async def hear(self, received: Received) -> None:
        await self.events.put(received.decode(ModelEvent))

    def start(self, model: str, action: ModelAction = PULL) -> ModelJob:
        end = self.ends.setdefault(model, asyncio.get_running_loop().create_future())

        async def work(told: Told) -> str:
            self.begun.put_nowait(model)
            told(PullStep(said="pulling", bytes_done=1, bytes_total=2))
            return await asyncio.shield(end)

        return self.jobs.start(action, model, "anna", work)

    async def event(self, event_type: EventType) -> ModelJob:
        async with asyncio.timeout(10):
            while (event := await self.events.get()).type is not event_type:
                pass
        return event.data

    async def stored(self, job: ModelJob) -> ModelJob:
        value = await self.bus.get(subjects.KV_JOBS, subjects.job_key("acacia", job.id))
        assert value is not None
        return ModelJob.model_validate_json(value)


@pytest.fixture
async def hall() -> AsyncIterator[Hall]:
    bus = InMemoryBus()
    hall = Hall(bus)
    await bus.subscribe(subjects.events("model.*"), hall.hear)
    yield hall
    await hall.jobs.close()
    await bus.close()


async def test_a_job_is_told_step_by_step_and_kept(hall: Hall) -> None:
    job = hall.start("m")
    assert (job.status, job.asked_by, job.action) == (JobStatus.WAITING, "anna", PULL)
    step = await hall.event(EventType.MODEL_PROGRESS)
    assert (step.id, step.status, step.bytes_done, step.bytes_total) == (job.id, JobStatus.RUNNING, 1, 2)
    hall.ends["m"].set_result("m is there.")
    ended = await hall.event(EventType.MODEL_COMPLETED)
    assert (ended.status, ended.step, ended.bytes_total) == (JobStatus.COMPLETED, "m is there.", 2)
    assert await hall.stored(job) == ended


async def test_the_same_order_twice_is_one_job_also_by_its_other_name(hall: Hall) -> None:
    first = hall.start("m")
    assert hall.start("m:latest").id == first.id
    hall.ends["m"].set_result("there")
    await hall.event(EventType.MODEL_COMPLETED)
    async with asyncio.timeout(10):
        while hall.jobs.find(PULL, "m"):
            await asyncio.sleep(0)
    assert hall.start("m").id != first.id


async def test_only_so_many_pulls_run_at_once_and_the_rest_waits(hall: Hall) -> None:
    hall.start("a")
    waiting = hall.start("b")
    assert await hall.begun.get() == "a"
    hall.start("c", ModelAction.LOAD)
    assert await asyncio.wait_for(hall.begun.get(), 10) == "c", "what is no pull does not wait for one"
    assert hall.begun.empty()
    assert (await hall.stored(waiting)).status is JobStatus.WAITING
    hall.ends["a"].set_result("there")
    assert await asyncio.wait_for(hall.begun.get(), 10) == "b"


async def test_two_works_on_one_model_go_one_after_the_other(hall: Hall) -> None:
    hall.start("m")
    assert await hall.begun.get() == "m"
    hall.start("m", ModelAction.UNLOAD)
    hall.start("other", ModelAction.LOAD)
    assert await asyncio.wait_for(hall.begun.get(), 10) == "other"
    assert hall.begun.empty()


@pytest.mark.parametrize(
    ("error", "code"), [(BackendError("no space left on device"), "backend_error"), (ValueError("secret"), "internal_error")]
)
async def test_a_job_that_fails_says_why_and_hides_what_is_inside(hall: Hall, error: Exception, code: str) -> None:
    job = hall.start("m")
    hall.ends["m"].set_exception(error)
    failed = await hall.event(EventType.MODEL_FAILED)
    assert failed.error is not None
    assert (failed.status, failed.error.code) == (JobStatus.FAILED, code)
    assert "secret" not in failed.error.message
    assert await hall.stored(job) == failed


async def test_an_end_that_the_bus_did_not_take_is_told_again(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    from bus.errors import BusUnavailable

    real, refused = hall.bus.publish_durable, asyncio.Event()

    async def publish(*args: Any, **more: Any) -> Any:
        if not refused.is_set():
            refused.set()
            raise BusUnavailable
        return await real(*args, **more)

    monkeypatch.setattr(hall.bus, "publish_durable", publish)
    hall.start("m")
    hall.ends["m"].set_result("there")
    assert (await hall.event(EventType.MODEL_COMPLETED)).step == "there"
    assert refused.is_set()


async def test_a_pull_is_cancelled_and_another_one_begins_when_its_work_has_ended(hall: Hall) -> None:
    job = hall.start("m")
    assert await hall.begun.get() == "m"
    cancelled = hall.jobs.cancel(job.id, "anna")
    assert (cancelled.status, cancelled.step, cancelled.error) == (JobStatus.CANCELLED, "anna cancelled it.", None)
    again = hall.start("m")
    assert again.id != job.id
    assert await hall.event(EventType.MODEL_CANCELLED) == cancelled
    assert await hall.stored(job) == cancelled
    assert await asyncio.wait_for(hall.begun.get(), 10) == "m"
    with pytest.raises(AlreadyEnded):
        hall.jobs.cancel(job.id, "anna")


async def test_what_waits_is_cancelled_whatever_it_is_and_never_begins(hall: Hall) -> None:
    hall.start("m")
    assert await hall.begun.get() == "m"
    waiting = hall.start("m", ModelAction.DELETE)
    at_once = hall.start("other", ModelAction.UNLOAD)
    assert hall.jobs.cancel(at_once.id, None).step == "Somebody cancelled it."
    assert (await hall.event(EventType.MODEL_CANCELLED)).id == at_once.id
    hall.jobs.cancel(waiting.id, "anna")
    hall.ends["m"].set_result("there")
    assert (await hall.event(EventType.MODEL_CANCELLED)).id == waiting.id
    assert hall.begun.empty()


async def test_what_has_begun_and_is_no_pull_cannot_be_cancelled(hall: Hall) -> None:
    job = hall.start("m", ModelAction.LOAD)
    assert await hall.begun.get() == "m"
    with pytest.raises(Conflict, match="Wait for its end"):
        hall.jobs.cancel(job.id, "anna")
