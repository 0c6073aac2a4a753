"""Room to run in: a place at the engine's gate, and one of those that a workflow has over all engines."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

from bus.tenancy import person_of
from workflow.core.execution import Mode
from workflow.running.gate import RunningGate
from workflow.running.held import Held
from workflow.running.limits import Limits


class Place(Enum):
    """At the gate: to be waited for, taken already, or none, for a sub-workflow whose caller has one."""

    WANTED = auto()
    TAKEN = auto()
    FREE = auto()


def place_of(held: Held) -> Place:
    """For one that is taken up: what another execution waits for needs no room, since that one may have all the room there is."""
    return Place.FREE if held.execution.mode is Mode.INTEGRATED and held.execution.awaited else Place.WANTED


class Rooms:
    def __init__(self, gate: RunningGate, limits: Limits) -> None:
        self._gate, self._limits = gate, limits

    @asynccontextmanager
    async def room(self, held: Held, place: Place) -> AsyncIterator[None]:
        """A place at the gate, and one of those that its workflow has. Who waits for the latter keeps nobody from the former."""
        owner, most, inside, own = (
            person_of(held.origin.claims),
            held.graph.workflow.max_concurrency,
            place is Place.TAKEN,
            None,
        )
        try:
            if place is Place.WANTED:
                await self._gate.enter(owner)
                inside = True
            workflow_id = held.origin.workflow_id
            if most is not None and workflow_id is not None and place is not Place.FREE:
                own = await self._limits.take_now(workflow_id, most)
                if own is None:
                    self._gate.step_aside(owner)
                    inside = False
                    try:
                        own = await self._limits.take(workflow_id, most, lambda: held.stop_asked)
                    finally:
                        self._gate.step_back(owner)
                    await self._gate.enter(owner)
                    inside = True
            yield
        finally:
            if inside:
                self._gate.leave(owner)
            self._gate.let_go(owner, held.size)
            if own is not None:
                await self._limits.give_back(own)
