"""One turn of the leader: a batch of inputs, one transaction, and what follows from it (docs/adr/0002).

The order within a turn is fixed: what ended frees slots, what arrived takes its place in the queue, and only then are the slots
given out. Nothing is offered or announced before the commit; if it fails, the leader drops its memory and begins anew.
"""

import json
from datetime import datetime

from bus.client import Bus
from coordinator.arrivals import Arrivals
from coordinator.database import Statements
from coordinator.endings import Endings
from coordinator.facts import to_outbox
from coordinator.inputs import AgentDied, Input, OfferAccepted, OfferRefused, OutcomeRead, SubmitRead, TimeIsUp
from coordinator.ledger import Followup, Ledger
from coordinator.placing import Placing
from coordinator.requests import Requests
from coordinator.state import OUTCOMES, State


class Deposed(Exception):
    """Another coordinator has taken a higher epoch: this one must stop writing."""


class Turn:
    """Made for one batch and used once, inside its transaction."""

    def __init__(
        self, state: State, statements: Statements, bus: Bus, now: datetime, clock: float, *, may_place: bool = True
    ) -> None:
        self._ledger = Ledger(state=state, sql=statements, bus=bus, now=now, clock=clock)
        self._may_place = may_place
        self._endings, self._arrivals = Endings(self._ledger), Arrivals(self._ledger)
        self._requests = Requests(self._ledger, self._arrivals)
        self._placing = Placing(self._ledger, self._arrivals)

    async def run(self, inputs: list[Input]) -> Followup:
        """Deposed when the epoch is no longer ours; whatever asyncpg raises when the commit cannot be."""
        self._read(inputs)
        self._endings.take([i for i in inputs if isinstance(i, OutcomeRead)])
        for taken in inputs:
            match taken:
                case OfferRefused():
                    self._endings.refused(taken)
                case AgentDied(lost):
                    self._endings.died(lost)
                case TimeIsUp(task_id):
                    self._endings.time_is_up(task_id)
        await self._endings.write()
        await self._arrivals.take([i for i in inputs if isinstance(i, SubmitRead)])
        await self._requests.answer(inputs)
        await self._placing.settle_dependents()
        await self._placing.place(may_place=self._may_place)
        await self._placing.settle_dependents()
        await self._placing.accepted([i.attempt_id for i in inputs if isinstance(i, OfferAccepted)])
        await self._endings.close_attempts()
        await self._seal()
        return self._ledger.followup

    def _read(self, inputs: list[Input]) -> None:
        """The positions that this turn commits."""
        state = self._ledger.state
        for taken in inputs:
            if isinstance(taken, SubmitRead):
                state.positions[taken.task_class.value] = max(state.position(taken.task_class), taken.received.sequence)
            elif isinstance(taken, OutcomeRead):
                state.positions[OUTCOMES] = max(state.position(OUTCOMES), taken.received.sequence)

    async def _seal(self) -> None:
        """Epoch, positions and events in one statement, the last before the commit."""
        state, followup = self._ledger.state, self._ledger.followup
        facts = to_outbox(followup.facts) if followup.facts else None
        row = await self._ledger.sql.one("seal", state.epoch, json.dumps(state.positions), state.sent, facts)
        if row is None:
            raise Deposed
        followup.outbox_id = row["outbox_id"]
