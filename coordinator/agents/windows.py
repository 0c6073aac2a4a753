"""Keeps the windows of maintenance: plans and cancels them, has agents rest while one holds, and tells of each of its phases.

Nothing is remembered of what a window did to an agent: whether one holds follows from its times, for every leader alike.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import asyncpg

from bus import telemetry
from bus.errors import Conflict, HiveError, InvalidRequest, NoLeader, NotFound
from bus.messages.maintenance import (
    LONGEST,
    MOST_WINDOWS,
    MaintenancePhase,
    MaintenanceRef,
    MaintenanceWindow,
    PlanMaintenance,
)
from coordinator.agents.agent import Agent
from coordinator.agents.maintenance import OVER, phase_of, rest
from coordinator.agents.orders import Orders
from coordinator.agents.presence import Presence
from coordinator.agents.registry import Registry
from coordinator.leading.facts import Fact, maintenance_fact
from coordinator.store.database import AWAY, Statements, available

logger = telemetry.log(__name__)

LOOK_SECONDS: Final = 1.0
FURTHEST: Final = timedelta(days=366)
Tell = Callable[[int | None, list[Fact]], None]


class Windows:
    """`run` for the term. `tell` takes facts with the id of their row in the outbox."""

    def __init__(self, registry: Registry, statements: Statements, presence: Presence, tell: Tell, epoch: int) -> None:
        self._registry, self._sql, self._presence, self._tell, self._epoch = registry, statements, presence, tell, epoch
        self._open: dict[UUID, MaintenanceWindow] = {}
        """As they were last told; those that are over leave."""

    async def load(self) -> None:
        """Before anything is placed: an agent that rests is given nothing by the next leader either."""
        for row in await self._sql.all("open_windows"):
            window = MaintenanceWindow.model_validate_json(row["record"])
            self._open[window.id] = window
        self._hold(datetime.now(UTC))

    async def run(self) -> None:
        while True:
            try:
                await self._look(datetime.now(UTC))
            except HiveError as error:
                logger.warning("maintenance_waits", reason=error.message)
            except (asyncpg.PostgresError, *AWAY) as error:
                logger.warning("maintenance_waits", reason=type(error).__name__)
            await asyncio.sleep(LOOK_SECONDS)

    async def plan(self, asked: PlanMaintenance, by: str) -> MaintenanceWindow:
        """The verb `maintenance.plan`. InvalidRequest for a time that is no use, Conflict when too many are open."""
        now = datetime.now(UTC)
        starts_at = max(asked.starts_at or now, now)
        if not now < asked.ends_at <= starts_at + LONGEST or starts_at > now + FURTHEST:
            raise InvalidRequest(
                f"The window must end in the future, last {LONGEST.days} days at most, and begin within a year."
            )
        if len(self._open) >= MOST_WINDOWS:
            raise Conflict(
                f"{MOST_WINDOWS} windows are planned or under way, which is the most. Cancel one that is not needed."
            )
        unknown = [agent_id for agent_id in asked.agents if agent_id not in self._registry.agents]
        if unknown:
            raise InvalidRequest(f"There is no agent {', '.join(unknown)}. `hive agents` lists them.")
        window = MaintenanceWindow(
            **asked.model_dump(exclude={"starts_at"}),
            id=uuid4(),
            starts_at=starts_at,
            by=by,
            created_at=now,
            phase=MaintenancePhase.PLANNED,
        )
        return await self._enter(window, now)

    async def cancel(self, asked: MaintenanceRef) -> MaintenanceWindow:
        """The verb `maintenance.cancel`. NotFound, or Conflict for one that is over."""
        window = self._open.get(asked.id)
        if window is None:
            with available():
                known = await self._sql.one("window", asked.id)
            if known is None:
                raise NotFound(f"There is no window {asked.id}. `hive maintenance` lists them.")
            raise Conflict(f"The window {asked.id} is over already.")
        now = datetime.now(UTC)
        return await self._enter(window.model_copy(update={"cancelled_at": now}), now)

    async def _look(self, now: datetime) -> None:
        for window in list(self._open.values()):
            if phase_of(window, now) is not window.phase:
                await self._enter(window, now)
        self._hold(now)

    async def _enter(self, window: MaintenanceWindow, now: datetime) -> MaintenanceWindow:
        """Its phase of now, written down with the event that tells it, then in force. NoLeader for a leader that was deposed."""
        window = window.model_copy(update={"phase": phase_of(window, now)})
        fact = maintenance_fact(window, now)
        with available():
            row = await self._sql.one(
                "save_window",
                *(window.id, window.starts_at, window.ends_at, window.model_dump_json(exclude_none=True)),
                *(window.phase.value, window.cancelled_at, [fact.to_row()], self._epoch),
            )
        if row is None:
            raise NoLeader("Another coordinator leads by now. Try again.", retry_after_seconds=1)
        self._tell(row["id"], [fact])
        if window.phase in OVER:
            self._open.pop(window.id, None)
        else:
            self._open[window.id] = window
        logger.info("maintenance", window_id=str(window.id), phase=window.phase)
        self._hold(now)
        return window

    def _hold(self, now: datetime) -> None:
        for agent in list(self._registry):
            orders = self._orders(agent, now)
            if orders != agent.orders:
                self._presence.order(agent, orders)

    def _orders(self, agent: Agent, now: datetime) -> Orders:
        return replace(agent.orders, maintenance=rest(self._open.values(), agent, now))

    def registered(self, agent: Agent) -> None:
        """One that has just registered, before anybody is told of it."""
        now = datetime.now(UTC)
        agent.order(self._orders(agent, now), now)
