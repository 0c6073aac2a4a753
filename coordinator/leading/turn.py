"""One turn of the leader: a batch of inputs, one commit, and what follows from it (docs/adr/0002, docs/adr/0011).

The order within a turn is fixed: what ended frees slots, what arrived takes its place in the queue, and only then are the slots
given out. Nothing is offered or announced before the commit; if it fails, the leader drops its memory and begins anew.
"""

from datetime import datetime

from bus.client import Bus
from coordinator.leading.arrivals import Arrivals
from coordinator.leading.endings import Endings
from coordinator.leading.inputs import AgentDied, Input, OfferAccepted, OfferRefused, OutcomeRead, SubmitRead, TimeIsUp
from coordinator.leading.ledger import Followup, Ledger
from coordinator.leading.placing import Placing
from coordinator.leading.quoting import Quoting
from coordinator.leading.requests import Requests
from coordinator.leading.state import OUTCOMES, State
from coordinator.store.record import Record


class Turn:
    """Made for one batch and used once, inside its record."""

    def __init__(self, state: State, record: Record, bus: Bus, now: datetime, clock: float, *, may_place: bool = True) -> None:
        self._ledger = Ledger(state=state, record=record, bus=bus, now=now, clock=clock)
        self._may_place = may_place
        quoting = Quoting(self._ledger)
        self._endings, self._arrivals = Endings(self._ledger), Arrivals(self._ledger, quoting)
        self._requests = Requests(self._ledger, self._arrivals, quoting)
        self._placing = Placing(self._ledger, quoting)

    async def run(self, inputs: list[Input]) -> Followup:
        """Deposed when the epoch is no longer ours; whatever asyncpg raises when the commit cannot be."""
        self._read(inputs)
        self._endings.take([i for i in inputs if isinstance(i, OutcomeRead)])
        for taken in inputs:
            match taken:
                case OfferRefused():
                    self._endings.refused(taken)
                case AgentDied(lost, written):
                    self._endings.died(lost, written)
                case TimeIsUp(task_id):
                    self._endings.time_is_up(task_id)
        await self._arrivals.take([i for i in inputs if isinstance(i, SubmitRead)])
        await self._requests.answer(inputs)
        await self._placing.expire_pending([i.task_id for i in inputs if isinstance(i, TimeIsUp)])
        await self._placing.settle_dependents()
        self._placing.place(may_place=self._may_place)
        await self._placing.settle_dependents()
        self._placing.accepted([i.attempt_id for i in inputs if isinstance(i, OfferAccepted)])
        followup = await self._ledger.close()
        self._placing.offer()
        return followup

    def _read(self, inputs: list[Input]) -> None:
        """The positions that this turn commits."""
        state = self._ledger.state
        for taken in inputs:
            if isinstance(taken, SubmitRead):
                state.positions[taken.task_class.value] = max(state.position(taken.task_class), taken.received.sequence)
            elif isinstance(taken, OutcomeRead):
                state.positions[OUTCOMES] = max(state.position(OUTCOMES), taken.received.sequence)
