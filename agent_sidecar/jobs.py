"""Work with models that takes its time: each is a job, whose steps stand in a bucket of the bus and are announced as events.

Whoever ordered it may go away: the job goes on, and everybody can see how far it is. The same order twice is one job.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic
from typing import Any, Final
from uuid import UUID, uuid4
from weakref import WeakValueDictionary

from agent_sidecar.backends.backend import PullStep
from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import AlreadyEnded, Conflict, HiveError
from bus.messages import EventType, FailureInfo
from bus.messages.events import ModelEvent
from bus.messages.models import JobStatus, ModelAction, ModelJob
from bus.model_names import tagged
from bus.together import end, let_go

logger = telemetry.log(__name__)

TELL_SECONDS: Final = 0.5
"""Between two steps that are told: a download has thousands."""
AGAIN_SECONDS: Final = 1.0
"""Until an end that the bus did not take is told again."""
SOURCE: Final = "sidecar"
_END_EVENTS: Final = {
    JobStatus.COMPLETED: EventType.MODEL_COMPLETED,
    JobStatus.FAILED: EventType.MODEL_FAILED,
    JobStatus.CANCELLED: EventType.MODEL_CANCELLED,
}

Told = Callable[[PullStep], None]
Work = Callable[[Told], Awaitable[str]]
"""Does it, and says in a sentence what came of it. Raises HiveError."""


@dataclass(slots=True, kw_only=True)
class _Running:
    job: ModelJob
    doing: asyncio.Task[dict[str, Any]] | None = None
    told_at: float = 0.0
    steps: int = 0


class Jobs:
    """Of one agent. At most `pulls_at_once` downloads run; what else is ordered begins at once, one after the other for a model."""

    def __init__(self, bus: Bus, agent_id: str, instance: str, pulls_at_once: int) -> None:
        self._bus, self._agent_id, self._instance = bus, agent_id, instance
        self._pulls = asyncio.Semaphore(pulls_at_once)
        self._running: dict[tuple[ModelAction, str], _Running] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def find(self, action: ModelAction, model: str) -> ModelJob | None:
        """The one that is under way."""
        running = self._running.get((action, tagged(model)))
        return running.job if running else None

    def start(self, action: ModelAction, model: str, asked_by: str | None, work: Work) -> ModelJob:
        """The job that is under way already, else a new one."""
        if under_way := self.find(action, model):
            return under_way
        now = datetime.now(UTC)
        job = ModelJob(
            id=uuid4(),
            agent_id=self._agent_id,
            instance=self._instance,
            action=action,
            model=model,
            asked_by=asked_by,
            created_at=now,
            updated_at=now,
        )
        running = self._running[action, tagged(model)] = _Running(job=job)
        task = asyncio.create_task(self._run(running, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return job

    def cancel(self, job_id: UUID, by: str | None) -> ModelJob:
        """As it is from now on; whatever else is ordered of its model waits until its work has ended.

        AlreadyEnded, also for a job that nobody began here; Conflict for work that would leave the backend nobody knows how.
        """
        running = next((running for running in self._running.values() if running.job.id == job_id), None)
        if running is None or (running.doing and running.doing.done()):
            raise AlreadyEnded(f"No job {job_id} is under way on {self._agent_id}: it has ended.")
        job = running.job
        if job.status is JobStatus.RUNNING and job.action is not ModelAction.PULL:
            raise Conflict(f"A {job.action} that has begun cannot be cancelled. Wait for its end.")
        del self._running[job.action, tagged(job.model)]
        self._change(running, status=JobStatus.CANCELLED, step=f"{by or 'Somebody'} cancelled it.", ended_at=datetime.now(UTC))
        if running.doing is not None:
            let_go([running.doing])
        return running.job

    async def _run(self, running: _Running, work: Work) -> None:
        key = (running.job.action, tagged(running.job.model))
        try:
            await self._tell(running, EventType.MODEL_STARTED)
            if not running.job.status.terminal:
                await self._do(running, work)
        finally:
            if self._running.get(key) is running:
                del self._running[key]
        while not await self._tell(running, _END_EVENTS[running.job.status]):
            await asyncio.sleep(AGAIN_SECONDS)  # somebody waits for its end

    async def _do(self, running: _Running, work: Work) -> None:
        """Until the work has ended, by itself or because the job was cancelled."""
        doing = running.doing = asyncio.create_task(self._in_turn(running, work))
        try:
            await asyncio.wait([doing])
        finally:
            await end([doing])
        if not running.job.status.terminal:
            self._change(running, **doing.result(), ended_at=datetime.now(UTC))

    async def _in_turn(self, running: _Running, work: Work) -> dict[str, Any]:
        async with AsyncExitStack() as stack:
            if running.job.action is ModelAction.PULL:
                await stack.enter_async_context(self._pulls)
            await stack.enter_async_context(self._turns.setdefault(tagged(running.job.model), asyncio.Lock()))
            return await self._work(running, work)

    async def _work(self, running: _Running, work: Work) -> dict[str, Any]:
        """What changes about the job at its end."""
        self._change(running, status=JobStatus.RUNNING)
        steps: asyncio.Queue[PullStep] = asyncio.Queue()
        telling = asyncio.create_task(self._tell_steps(running, steps))
        try:
            ended = await _end_of(running.job, work(steps.put_nowait))
        finally:
            await end([telling])
        while not steps.empty():
            self._step(running, steps.get_nowait())
        return ended

    async def _tell_steps(self, running: _Running, steps: "asyncio.Queue[PullStep]") -> None:
        """The newest, now and then."""
        while True:
            self._step(running, await steps.get())
            while not steps.empty():
                self._step(running, steps.get_nowait())
            await asyncio.sleep(max(0.0, running.told_at + TELL_SECONDS - monotonic()))
            running.told_at = monotonic()
            await self._tell(running, EventType.MODEL_PROGRESS)

    def _step(self, running: _Running, step: PullStep) -> None:
        if running.job.status.terminal:  # cancelled, while it still told this
            return
        self._change(running, step=step.said or None, bytes_done=step.bytes_done, bytes_total=step.bytes_total)

    def _change(self, running: _Running, **changes: object) -> None:
        running.job = running.job.model_copy(update={**changes, "updated_at": datetime.now(UTC)})

    async def _tell(self, running: _Running, event_type: EventType) -> bool:
        """In the bucket, then as an event: who hears of it can look. False: the bus is away, which keeps no work waiting."""
        job, running.steps = running.job, running.steps + 1
        event = ModelEvent(
            id=f"{job.id}.{running.steps}",
            type=event_type,
            source=f"{SOURCE}/{self._agent_id}",
            timestamp=job.updated_at,
            data=job,
            correlation_id=str(job.id),
        )
        subject = subjects.event(subjects.DEFAULT_TENANT, event_type, job.id)
        try:
            await self._bus.put(subjects.KV_JOBS, subjects.job_key(self._agent_id, job.id), job)
            if event_type.terminal:
                await self._bus.publish_durable(subject, event, message_id=f"{subjects.DEFAULT_TENANT}.{event.id}")
            else:
                await self._bus.publish(subject, event)
        except HiveError as error:
            logger.warning("job_not_told", job_id=str(job.id), reason=error.message)
            return False
        return True

    async def close(self) -> None:
        """What runs is given up; whoever reads of it sees that its instance has gone."""
        await end(list(self._tasks))


async def _end_of(job: ModelJob, work: Awaitable[str]) -> dict[str, Any]:
    """What changes about the job when the work has ended, well or not."""
    ids = {"job_id": str(job.id), "action": job.action, "model": job.model}
    try:
        message = await work
    except HiveError as error:
        logger.warning("job_failed", **ids, reason=error.message)
        return {"status": JobStatus.FAILED, "error": FailureInfo(code=error.code, message=error.message)}
    except Exception:
        logger.exception("job_failed_inside", **ids)
        hidden = "The sidecar failed while it did this; its log has the reason."
        return {"status": JobStatus.FAILED, "error": FailureInfo(code=HiveError.code, message=hidden)}
    logger.info("job_done", **ids, result=message)
    return {"status": JobStatus.COMPLETED, "step": message}
