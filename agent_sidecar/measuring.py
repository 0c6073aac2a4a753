"""One benchmark of an agent, from the order to its last report. It begins only while nothing runs, and gives way to any attempt."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import uuid4

from agent_sidecar.backends.backend import Backend
from agent_sidecar.benchmark import Benchmark
from agent_sidecar.condition import Condition
from agent_sidecar.measured import Measured
from agent_sidecar.runner import Runner
from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import Control, ControlReply, NoReply
from bus.messages.benchmarks import AgentBenchmark, BenchmarkFigures, BenchmarkOrder, BenchmarkStatus, BenchmarkTrigger
from bus.together import end, let_go

logger = telemetry.log(__name__)

MOST_SECONDS: Final = 300.0
"""For all of it: a model that is so slow is measured by the tasks that it gets."""
AGAIN_SECONDS: Final = 1.0
"""Until a last report that no leader took is told again."""
STEP_SECONDS: Final = 2.0
"""That a step may take to be told: the next one says it too."""


@dataclass(slots=True)
class _Running:
    record: AgentBenchmark
    work: "asyncio.Task[BenchmarkFigures] | None" = None


class Measuring:
    """Of one agent. `fixed_slots` were set by a person and stay; `look` has the backend looked at soon."""

    def __init__(
        self,
        bus: Bus,
        agent_id: str,
        backend: Backend,
        runner: Runner,
        condition: Condition,
        measured: Measured,
        *,
        fixed_slots: int | None,
        look: Callable[[], None],
    ) -> None:
        self._bus, self._agent_id, self._backend, self._runner = bus, agent_id, backend, runner
        self._condition, self._measured, self._fixed_slots, self._look = condition, measured, fixed_slots, look
        self._running: _Running | None = None
        self._following: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> bool:
        """Whether the backend works for a benchmark."""
        return self._running is not None

    def begin(self, order: Control) -> ControlReply:
        """Returns at once; what becomes of it is reported to the leader."""
        if order.model is None:
            return ControlReply(ok=False, message="benchmark needs a `model`.")
        if refusal := self._refusal():
            return ControlReply(ok=False, message=refusal)
        wanted = order.benchmark or BenchmarkOrder(id=uuid4(), trigger=BenchmarkTrigger.REQUEST)
        record = AgentBenchmark(
            id=wanted.id,
            agent_id=self._agent_id,
            model=order.model,
            trigger=wanted.trigger,
            status=BenchmarkStatus.RUNNING,
            started_at=datetime.now(UTC),
        )
        self._running = running = _Running(record)
        told = partial(self._step, running)
        benchmark = Benchmark(self._backend, order.model, told, reload=wanted.reload, most_slots=self._fixed_slots)
        running.work = asyncio.create_task(benchmark.run())
        self._follow(self._finish(running, running.work))
        return ControlReply(ok=True, running=True, message=f"{order.model} is measured on {self._agent_id}: {wanted.id}.")

    def _refusal(self) -> str | None:
        if self._running is not None:
            return f"{self._agent_id} is measured already. Wait until that has ended."
        if self._runner.busy:
            return f"{self._agent_id} works on {self._runner.busy} attempts. Drain it first: they would be measured too."
        if self._condition.fault is not None:
            return f"{self._agent_id} is degraded: {self._condition.fault.reason}"
        return None

    def give_way(self) -> bool:
        """Whether there was something to stop. The backend is free within a moment."""
        running, self._running = self._running, None
        if running is None or running.work is None:
            return False
        let_go([running.work])
        return True

    async def close(self) -> None:
        """The leader sees by itself that the agent has gone."""
        self.give_way()
        await end(list(self._following))

    def _follow(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._following.add(task)
        task.add_done_callback(self._following.discard)

    async def _finish(self, running: _Running, work: "asyncio.Task[BenchmarkFigures]") -> None:
        try:
            ended = await self._end_of(running.record, work)
        finally:
            await end([work])
        if self._running is running:
            self._running = None
        self._look()
        record = running.record.model_copy(update={**ended, "ended_at": datetime.now(UTC), "step": ""})
        logger.info("benchmark_ended", agent_id=self._agent_id, model=record.model, status=record.status)
        await self._report(record)

    async def _end_of(self, record: AgentBenchmark, work: "asyncio.Task[BenchmarkFigures]") -> dict[str, object]:
        """What changes about the record when the work has ended, well or not."""
        done, _ = await asyncio.wait([work], timeout=MOST_SECONDS)
        if not done:
            return _failed(f"It did not end within {MOST_SECONDS:g} s.")
        if work.cancelled():
            return {"status": BenchmarkStatus.INTERRUPTED, "error": "It gave way to a task."}
        error = work.exception()
        if error is None:
            self._keep(record, work.result())
            return {"status": BenchmarkStatus.COMPLETED, "progress": 1.0, **work.result().model_dump()}
        if not isinstance(error, HiveError):
            logger.error("benchmark_failed_inside", agent_id=self._agent_id, exc_info=error)
            return _failed("The sidecar failed while it measured; its log has the reason.")
        return _failed(error.message)

    def _keep(self, record: AgentBenchmark, found: BenchmarkFigures) -> None:
        """How many attempts run at once is changed for a person who asked, and not behind one's back."""
        load_seconds = found.load_seconds or self._measured.model(record.model).load_seconds
        slots = found.slots if record.trigger is BenchmarkTrigger.REQUEST and self._fixed_slots is None else None
        self._measured.keep(record.model, found.model_copy(update={"load_seconds": load_seconds, "slots": slots}))
        if slots is not None:
            self._runner.slots = slots

    def _step(self, running: _Running, step: str, progress: float, found: BenchmarkFigures) -> None:
        """Told beside the work, so that telling is not measured."""
        running.record = running.record.model_copy(update={**found.model_dump(), "step": step, "progress": progress})
        self._follow(self._tell(running.record))

    async def _tell(self, record: AgentBenchmark) -> None:
        with suppress(HiveError):
            await self._bus.request(_verb(self._agent_id), record, NoReply, timeout=STEP_SECONDS, patient=False)

    async def _report(self, record: AgentBenchmark) -> None:
        """Until a leader has taken it."""
        while True:
            try:
                await self._bus.request(_verb(self._agent_id), record, NoReply)
                return
            except HiveError as error:
                logger.info("benchmark_not_taken", agent_id=self._agent_id, reason=error.message)
            await asyncio.sleep(AGAIN_SECONDS)


def _verb(agent_id: str) -> str:
    return subjects.agents_verb(subjects.SERVICE_AGENTS, "benchmarked", agent_id)


def _failed(why: str) -> dict[str, object]:
    return {"status": BenchmarkStatus.FAILED, "error": why}
