"""An agent introduces itself to the leader: at its start, when the bus came back, when what it says changed, when it is asked to."""

import asyncio
from collections.abc import Callable

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import AgentRegistration, NoReply

logger = telemetry.log(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


class Registration:
    """`describe` says how the agent is now."""

    def __init__(self, bus: Bus, describe: Callable[[], AgentRegistration]) -> None:
        self._bus, self._describe = bus, describe
        self._due = asyncio.Event()
        self._due.set()

    def again(self) -> None:
        self._due.set()

    async def run(self) -> None:
        """For ever; patient while nobody leads."""
        while True:
            await self._due.wait()
            self._due.clear()
            await self._register()

    async def _register(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        verb = subjects.service_verb(subjects.SERVICE_AGENTS, "register")
        while True:
            registration = self._describe()
            try:
                await self._bus.request(verb, registration, NoReply)
                logger.info("agent_registered", agent_id=registration.agent_id, endpoint=registration.endpoint)
                return
            except HiveError as error:
                logger.debug("agent_not_registered", agent_id=registration.agent_id, reason=error.message, code=error.code)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
