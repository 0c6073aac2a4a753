"""What each ended task used, into days: read from the stream of ends by position, and stored with it.

The stream holds three days. A monitor or a PostgreSQL that is away for less loses nothing, and nothing is counted twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus, Received, StreamState
from bus.database import NamedStatements, available
from bus.messages import TaskEvent, Timings, Usage
from bus.model_names import tagged
from monitor.ends import TASK_ENDS
from monitor.position import decoded, take_in
from monitor.sql import queries
from monitor.tally import MICROSECONDS, generation_microseconds

logger = telemetry.log(__name__)

POSITION: Final = f"{subjects.EVENTS} usage"
BATCH: Final = 1000
GATHER_SECONDS: Final = 1.0
"""Between two commits: a quota is decided by what was counted until then."""
MEASURED_SECONDS: Final = 60.0
"""So long, at most, ends wait after a start for what agents measured until then. An hour of 200 agents is stored in a quarter of it."""
MEASURED_AGAIN_SECONDS: Final = 0.1

Measured = Callable[[datetime], bool]
"""Whether all that agents measured until then is stored."""


def always(at: datetime) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Used:
    """By one ended task, in the order of `store_usage`."""

    event_id: str
    at: datetime
    tenant: str
    owner: str
    key_id: UUID | None
    model: str | None
    workflow_id: UUID | None
    agent_id: str | None
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    generation_seconds: float


def used(event: TaskEvent, at: datetime, tenant: str) -> Used:
    """What failed before a model had it used nothing, and is a task all the same. Pure."""
    change = event.data
    usage, timings = change.usage or Usage(), change.timings or Timings()
    return Used(
        event_id=event.id,
        at=at,
        tenant=tenant,
        owner=change.owner,
        key_id=change.key_id,
        model=None if change.model is None else tagged(change.model),
        workflow_id=change.workflow_id,
        agent_id=change.agent_id,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        seconds=timings.total_seconds or 0.0,
        generation_seconds=generation_microseconds(usage, timings) / MICROSECONDS,
    )


def read(batch: Sequence[Received]) -> list[Used]:
    """Each end once, though it was told twice."""
    found: dict[str, Used] = {}
    for received, event in decoded(batch, TaskEvent):
        if event.data.status.terminal:
            tenant = subjects.tenant_of_event(received.subject)
            found[event.id] = used(event, received.stored_at or event.timestamp, tenant)
    return list(found.values())


class Counting:
    """`counted` is called after each commit. An end is given its energy once, so after an outage it waits until that is `measured`."""

    def __init__(
        self, bus: Bus, pool: asyncpg.Pool, counted: Callable[[], Awaitable[None]], measured: Measured = always
    ) -> None:
        self._bus, self._sql, self._counted, self._measured = bus, NamedStatements(pool, queries()), counted, measured

    async def run(self) -> None:
        """For ever. DatabaseUnavailable, BusUnavailable: begin again later, where the last commit ended."""
        patient_until = asyncio.get_running_loop().time() + MEASURED_SECONDS

        async def count(batch: list[Received], state: StreamState) -> None:
            await self._until_measured(batch[-1].stored_at, patient_until)
            await self._store(batch, state)
            await self._counted()

        await take_in(
            *(self._bus, subjects.EVENTS, TASK_ENDS, self._sql, POSITION, count), most=BATCH, gather_seconds=GATHER_SECONDS
        )

    async def _until_measured(self, at: datetime | None, patient_until: float) -> None:
        """Once the patience is over, ends are counted as they come: quotas need them more than their energy."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(patient_until):
                while at is not None and not self._measured(at):
                    await asyncio.sleep(MEASURED_AGAIN_SECONDS)

    async def _store(self, batch: list[Received], state: StreamState) -> None:
        found, last = read(batch), batch[-1]
        columns = ([getattr(row, name) for row in found] for name in Used.__slots__)
        with available():
            await self._sql.run("store_usage", *columns, POSITION, state.created_at, last.sequence, last.stored_at)
