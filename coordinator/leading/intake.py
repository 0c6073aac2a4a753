"""What comes in and waits for the leader's next turn: the streams' messages, in order, and everything that is asked or happens.

Outcomes come twice over: told by sidecars that wait for the commit, and from the stream, where those are kept that no leader answered
(docs/adr/0018).
"""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final

from bus import subjects, telemetry
from bus.client import Bus, Closing, Received
from bus.errors import HiveError
from bus.messages import TaskClass
from coordinator.leading.acceptances import Acceptances
from coordinator.leading.inputs import Input, OfferAccepted, OutcomeRead, SubmitRead
from coordinator.leading.state import OUTCOMES, State

logger = telemetry.log(__name__)

MAX_TURN: Final = 400
"""Inputs of one commit. More would let the first of them wait for the last."""
CLOSE_SECONDS: Final = 1.0
MAX_REPORTED_BYTES: Final = 32 * 1024 * 1024
"""Of reports that wait for a turn. What comes beyond gets no answer, and so takes the way by the stream."""


class Intake:
    """`wake` is set when there is something to take."""

    def __init__(self, bus: Bus, state: State) -> None:
        self._bus, self._state = bus, state
        self.wake = asyncio.Event()
        self._acceptances = Acceptances(self.wake.set, state.registry.open.__contains__)
        self._controls: list[Input] = []
        self._reported: list[OutcomeRead] = []
        self._reported_bytes = 0
        self._read: dict[str, list[Input]] = {name: [] for name in (OUTCOMES, *TaskClass)}
        self._taken: dict[str, asyncio.Event] = {name: asyncio.Event() for name in self._read}
        self._hearing: Closing | None = None
        self._connections = bus.connections
        self._committed: dict[str, int] = {}
        self._purged: dict[str, int] = {}

    def put(self, taken: Input) -> None:
        if isinstance(taken, OfferAccepted):
            self._acceptances.put(taken)
        else:
            self._controls.append(taken)
            self.wake.set()

    def take(self, most: int = MAX_TURN) -> list[Input]:
        """What was asked and reported first, then submits, urgent first; the rest stays for the next turn."""
        self._controls.extend(self._acceptances.take())
        inputs, self._controls = self._controls[:most], self._controls[most:]
        inputs += self._take_reported(most - len(inputs))
        for name, read in self._read.items():
            room = most - len(inputs)
            inputs, self._read[name] = inputs + read[:room], read[room:]
            if not self._read[name]:
                self._taken[name].set()
        if self._controls or self._reported or any(self._read.values()):
            self.wake.set()
        return inputs

    def _take_reported(self, most: int) -> list[Input]:
        taken, self._reported = self._reported[:most], self._reported[most:]
        self._reported_bytes -= sum(len(each.received.data) for each in taken)
        return list(taken)

    def _reports(self, received: Received) -> None:
        if self._reported_bytes < MAX_REPORTED_BYTES:
            self._reported.append(OutcomeRead(received))
            self._reported_bytes += len(received.data)
            self.wake.set()

    async def hear_reports(self) -> None:
        """From now on sidecars tell this leader how their attempts ended."""
        self._hearing = await self._bus.collect(subjects.ALL_REPORTS, self._reports)

    def pumps(self) -> list[Coroutine[Any, Any, None]]:
        """One for each stream and class, for as long as the term lasts."""
        return [self._pump(name) for name in self._read]

    async def _pump(self, name: str) -> None:
        """In order, from behind the committed position; a batch at a time, so that nothing piles up here."""
        reader = await self._bus.read(_stream(name), _filter(name), self._state.position(name) + 1)
        try:
            while True:
                self._read[name] = [_as_input(name, received) for received in await reader.batch(MAX_TURN)]
                self._taken[name].clear()
                self.wake.set()
                await self._taken[name].wait()
        finally:
            await reader.close()

    @property
    def doubtful(self) -> bool:
        """Whether the bus was away since its store was last looked at."""
        return self._bus.connections != self._connections

    async def begin_anew_what_was_lost(self) -> None:
        """At the start of a term: what was read of a store that is no more says nothing about the one that there is now."""
        for name, created in (await self.lost()).items():
            self._state.positions[name], self._state.stores[name] = 0, created
        self.committed()

    async def lost(self) -> dict[str, str]:
        """Of whose messages the store was lost, with when the new one was made.

        It counts from one again, and by the old position everything new would be passed over.
        """
        connections, lost = self._bus.connections, {}
        for name in self._read:
            stream, position = _stream(name), self._state.position(name)
            found = await self._bus.stream_state(stream)
            created = found.created_at.isoformat()
            if position > found.last_sequence or self._state.stores.get(name, created) != created:
                logger.error("stream_began_anew", stream=stream, position=position, last_sequence=found.last_sequence)
                lost[name] = created
            else:
                self._state.stores[name] = created
        if not lost:
            self._connections = connections
        return lost

    def committed(self) -> None:
        """The positions are in PostgreSQL."""
        self._committed = dict(self._state.positions)

    async def purge(self) -> None:
        """The streams keep nothing that PostgreSQL has. BusUnavailable."""
        for name, position in self._committed.items():
            if position > self._purged.get(name, 0) and not self.doubtful:
                await self._bus.purge(_stream(name), _filter(name), position)
                self._purged[name] = position

    async def close(self) -> None:
        """Whoever reads while nobody leads takes what is on the streams for what PostgreSQL does not have."""
        self._acceptances.close()
        if self._hearing is not None:
            await self._hearing.close()
        with suppress(HiveError, TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):  # who steps down because the bus is silent has no more to wait for
                await self.purge()


def _stream(name: str) -> str:
    return subjects.OUTCOMES if name == OUTCOMES else subjects.TASKS


def _filter(name: str) -> str:
    return subjects.ALL_OUTCOMES if name == OUTCOMES else subjects.submits_of(TaskClass(name))


def _as_input(name: str, received: Received) -> Input:
    return OutcomeRead(received) if name == OUTCOMES else SubmitRead(TaskClass(name), received)
