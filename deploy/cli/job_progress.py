"""How far jobs with models are, as bars on a terminal, until all of them have ended."""

import asyncio
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TransferSpeedColumn

from bus import subjects
from bus.client import Bus
from bus.errors import DeadlineExceeded, Unavailable
from bus.messages.models import JobRef, ModelAction, ModelJob

LOOK_SECONDS: Final = 0.3
ASK_SECONDS: Final = 10.0


async def see_through(bus: Bus, jobs: Iterable[ModelJob], *, quiet: bool) -> tuple[ModelJob, ...]:
    """As they ended. A coordinator that is being replaced is waited for: the jobs go on without it."""
    latest = {job.id: job for job in jobs}
    console = Console(stderr=True, highlight=False)
    bars = None if quiet or not console.is_terminal else Bars(console)
    with bars.progress if bars else nullcontext():
        while True:
            for job in latest.values():
                if bars is not None:
                    bars.show(job)
            waiting = [job for job in latest.values() if not job.status.terminal]
            if not waiting:
                return tuple(latest.values())
            await asyncio.sleep(LOOK_SECONDS)
            for job in waiting:
                latest[job.id] = await _look(bus, job)


async def _look(bus: Bus, job: ModelJob) -> ModelJob:
    try:
        verb = subjects.service_verb(subjects.SERVICE_MODELS, "job")
        return await bus.request(verb, JobRef(id=job.id), ModelJob, timeout=ASK_SECONDS)
    except (Unavailable, DeadlineExceeded):
        return job


class Bars:
    """One a job; a job that moves no bytes has words only."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            transient=True,
        )
        self._bars: dict[object, TaskID] = {}

    def show(self, job: ModelJob) -> None:
        if job.action is not ModelAction.PULL:
            return
        if job.id not in self._bars:
            self._bars[job.id] = self.progress.add_task(job.agent_id, total=None)
        words = job.step or job.status
        self.progress.update(
            self._bars[job.id], description=f"{job.agent_id}: {words}", completed=job.bytes_done or 0, total=job.bytes_total
        )
