"""An agent introduces itself to the leader: at its start, when the bus came back, when what it says changed, when it is asked to."""

import asyncio
from collections.abc import Callable

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import Conflict, HiveError
from bus.messages import AgentRegistration, BackendKind, Hardware, ModelInfo, NoReply, Upstream
from bus.version import code_version

logger = telemetry.log(__name__)

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0


def registration_of(
    upstream: Upstream,
    *,
    agent_id: str,
    instance: str,
    endpoint: str,
    kind: BackendKind,
    slots: int,
    models: tuple[ModelInfo, ...],
    hardware: Hardware,
) -> AgentRegistration:
    """What was said about the upstream, and what was found out. The only model that there is stands in for one not named."""
    return AgentRegistration(
        agent_id=agent_id,
        name=upstream.name or agent_id,
        endpoint=endpoint,
        model=upstream.model or (models[0].name if len(models) == 1 else None),
        capabilities=upstream.capabilities,
        hardware=hardware,
        performance_targets=upstream.performance_targets,
        specialization=upstream.specialization,
        labels=dict(upstream.labels),
        backend=kind,
        instance=instance,
        slots=slots,
        models=models,
        version=code_version(),
    )


class Registration:
    """`describe` says how the agent is now."""

    def __init__(self, bus: Bus, describe: Callable[[], AgentRegistration]) -> None:
        self._bus, self._describe = bus, describe
        self._refused = False
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
        while True:
            registration = self._describe()
            verb = subjects.agents_verb(subjects.SERVICE_AGENTS, "register", registration.agent_id)
            try:
                await self._bus.request(verb, registration, NoReply)
                logger.info("agent_registered", agent_id=registration.agent_id, endpoint=registration.endpoint)
                self._refused = False
                return
            except HiveError as error:
                self._tell(registration.agent_id, error)
            await asyncio.sleep(pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    def _tell(self, agent_id: str, error: HiveError) -> None:
        """That nobody leads passes by itself; a refusal needs a person, who is told once."""
        told = logger.debug if self._refused or not isinstance(error, Conflict) else logger.error
        self._refused = self._refused or isinstance(error, Conflict)
        told("agent_not_registered", agent_id=agent_id, reason=error.message, code=error.code)
