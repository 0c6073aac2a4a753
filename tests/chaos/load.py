"""Clients of every kind at work on one hive, and what was seen of it: put on, taken off, settled and judged."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from tests.chaos.backend import read_log
from tests.chaos.clients import BusPublisher, Client, Follower, Submitter, Waiter
from tests.chaos.doors import Doors
from tests.chaos.history import Entry, Log
from tests.chaos.report import in_hand
from tests.chaos.settling import settle
from tests.chaos.topology import Topology

BUSY_SECONDS = 20
COMPLETE_SECONDS = 30
"""For clients to end what they are at when the load is taken off."""


class Load:
    """`log` is the history so far; `history()` adds what the backend saw."""

    def __init__(self, hive: Topology, random: Random) -> None:
        self._hive, self._random = hive, random
        self.path = hive.folder / "history.jsonl"
        self.log = Log(self.path)
        self.stopped = asyncio.Event()

    def clients(self, doors: Doors, pooled: Doors) -> list[Client]:
        """About twelve tasks a second."""
        log, random = self.log, self._random
        found: list[Client] = [BusPublisher(f"bus{n}", log, random, self._hive.bus, pause_seconds=0.7) for n in range(2)]
        for number, through in enumerate((doors, pooled)):
            found += [Submitter(f"post{number}{n}", log, random, through, pause_seconds=0.5) for n in range(2)]
            found += [Waiter(f"wait{number}{n}", log, random, through, pause_seconds=0.2) for n in range(2)]
            found += [Follower(f"follow{number}{n}", log, random, through, pause_seconds=0.2) for n in range(2)]
        return found

    @asynccontextmanager
    async def on(self) -> AsyncIterator[None]:
        """While inside, clients work; at the end they finish what they are at."""
        doors, pooled = self._hive.doors(), self._hive.doors(fresh=False)
        self.stopped.clear()
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(client.run(self.stopped)) for client in self.clients(doors, pooled)]
                try:
                    yield
                finally:
                    self.stopped.set()
                    await asyncio.wait(running, timeout=COMPLETE_SECONDS)
                    for client in running:
                        client.cancel()
        finally:
            await doors.close()
            await pooled.close()

    async def settle(self) -> list[Entry]:
        """The whole history, once all has ended."""
        doors = self._hive.doors()
        try:
            await settle(doors, self._hive.bus, self.log)
        finally:
            await doors.close()
        return self.history()

    async def busiest(self, count: int = 2) -> str:
        """The agent with the most generations in hand, once that is so many.

        Which one that is, only the scheduler knows: work goes where it is predicted to be done first, and what was measured of one of
        three equal hosts can speak against it for as long as the others have room.
        """
        names = self._hive.names("sidecar")
        async with asyncio.timeout(BUSY_SECONDS):
            while True:
                seen = read_log(self._hive.generations)
                held = {name: len(in_hand(seen, name)) for name in names}
                name = max(names, key=lambda name: held[name])
                if held[name] >= count:
                    return name
                await asyncio.sleep(0.05)

    async def flows(self) -> None:
        """Until work is in hand."""
        await self.busiest()

    def history(self) -> list[Entry]:
        return [*Log.read(self.path), *read_log(self._hive.generations)]
