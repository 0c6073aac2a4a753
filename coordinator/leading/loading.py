"""What a new leader reads before it leads, and of what waits the most urgent first: the record becomes its memory."""

import json
from typing import Final
from uuid import UUID

from bus.client import Bus
from bus.messages import AgentRegistration, AgentStatus, Continuation, TaskRequest
from coordinator.agents.agent import OpenAttempt
from coordinator.agents.ordering import load_orders
from coordinator.agents.registry import SILENCE_SECONDS
from coordinator.agents.tracks import load_tracks
from coordinator.leading.facts import Fact
from coordinator.leading.publisher import REMEMBERED_SECONDS, untold
from coordinator.leading.state import State
from coordinator.store.database import Statements
from coordinator.store.rows import continuation_from, task_from

PIECE: Final = 2000
"""Waiting tasks read at once: some 30 ms."""
NEVER_HEARD: Final = -SILENCE_SECONDS / 2
"""An agent with open attempts counts as heard a while ago: it has half the usual time to say a word to the new leader."""


async def load(state: State, statements: Statements) -> None:
    """Fills the empty memory of a term that begins at second 0 of its clock."""
    row = await statements.one("positions")
    read = json.loads(row["positions"]) if row else {}
    state.stores.update(read.pop("stores", {}))
    state.positions.update(read)
    state.hive_id = row["hive_id"] if row else None
    for row in await statements.all("agents"):
        registration = AgentRegistration.model_validate_json(row["registration"])
        state.registry.remember(registration, row["created_at"], row["last_seen"])
    await load_tracks(state.registry, statements)
    await load_orders(state.registry, statements)
    state.models.update(row["name"] for row in await statements.all("models"))
    state.registry.learn_models(state.models)
    state.depended_on.update(row["depends_on_task_id"] for row in await statements.all("depended_on"))
    await _load_open(state, statements)


class Backlog:
    """The tasks that wait, read piece by piece in the order of the queue, so that a new leader can lead however many there are.

    Pieces are read between turns, by the connection that writes: what a turn changes is in the next piece, or was in the last.
    """

    def __init__(self, state: State, statements: Statements, piece: int = PIECE) -> None:
        self._state, self._statements, self._piece = state, statements, piece
        self._behind: tuple[int, int, UUID] = (0, 0, UUID(int=0))
        self.done = False

    async def more(self) -> None:
        rows = await self._statements.all("waiting_tasks", *self._behind, self._piece)
        tasks = [task_from(row) for row in rows]
        self._state.queue.extend(tasks, self._state.now())
        if tasks:
            self._behind = (tasks[-1].priority, tasks[-1].sequence, tasks[-1].id)
        self.done = len(tasks) < self._piece


async def _load_open(state: State, statements: Statements) -> None:
    rows = await statements.all("open_attempts")
    for row in rows:
        attempt = OpenAttempt(
            id=row["id"],
            task_id=row["task_id"],
            agent_id=row["agent_id"],
            instance=row["instance"],
            number=row["number"],
            model=row["model"],
            opened_at=0.0,
            seen_at=0.0,
            accepted=row["accepted"],
        )
        agent = state.registry.agents[attempt.agent_id]
        agent.tell(AgentStatus.ONLINE, None)
        agent.heard_at = NEVER_HEARD
        state.registry.take(attempt)
    attempts = {row["task_id"]: row["id"] for row in rows}
    for row in await statements.all("live_tasks", list(attempts)):
        state.enter(task_from(row), attempts[row["id"]])


async def load_outbox(statements: Statements, bus: Bus) -> list[tuple[int, list[Fact]]]:
    """Events of commits whose announcement the last leader did not note. BusUnavailable.

    What the bus may have forgotten, and would store twice, is looked for there.
    """
    found = []
    for row in await statements.all("read_outbox", REMEMBERED_SECONDS):
        facts = [Fact(*fact) for fact in row["facts"]]
        found.append((row["id"], await untold(bus, facts) if row["is_old"] else facts))
    return found


async def load_requests(statements: Statements, task_ids: list[UUID]) -> dict[UUID, tuple[TaskRequest, Continuation | None]]:
    """With what earlier attempts wrote."""
    return {
        row["id"]: (TaskRequest.model_validate_json(row["request"]), continuation_from(row["output"], row["usage"]))
        for row in await statements.all("task_requests", task_ids)
        if row["request"]
    }
