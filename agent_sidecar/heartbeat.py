"""Presence: twice a second an agent says that it lives, how it is and what it works on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from uuid import UUID

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import AgentStatus, Heartbeat, ModelInfo

logger = telemetry.log(__name__)

MODELS_SECONDS = 5.0


@dataclass(frozen=True, kw_only=True)
class Pulse:
    """How the agent is at this moment."""

    status: AgentStatus
    reason: str | None
    slots: int
    running: tuple[UUID, ...]
    measuring: bool
    models: tuple[ModelInfo, ...] | None


class Beat:
    """Numbers the heartbeats and adds the models when they changed, and every few seconds. Pure."""

    def __init__(self, agent_id: str, instance: str) -> None:
        self._agent_id, self._instance = agent_id, instance
        self._sequence = 0
        self._told: tuple[ModelInfo, ...] | None = None
        self._told_at = 0.0

    def next(self, pulse: Pulse, now: float) -> Heartbeat:
        self._sequence += 1
        lasting = None if pulse.models is None else tuple(map(_lasting, pulse.models))
        tell = lasting is not None and (lasting != self._told or now - self._told_at >= MODELS_SECONDS)
        if tell:
            self._told, self._told_at = lasting, now
        return Heartbeat(
            agent_id=self._agent_id,
            instance=self._instance,
            sequence=self._sequence,
            status=pulse.status,
            reason=pulse.reason,
            slots=pulse.slots,
            running=pulse.running,
            measuring=pulse.measuring,
            models=pulse.models if tell else None,
        )


def _lasting(model: ModelInfo) -> ModelInfo:
    """Without what every request moves."""
    return model if model.expires_at is None else model.model_copy(update={"expires_at": None})


class Heartbeats:
    """While the bus is away there is nobody to hear it, and nothing is left to pile up in the buffer."""

    def __init__(
        self, bus: Bus, agent_id: str, instance: str, *, pulse: Callable[[], Pulse], reconnected: Callable[[], None]
    ) -> None:
        self._bus, self._agent_id, self._pulse, self._reconnected = bus, agent_id, pulse, reconnected
        self._beats, self._connected = Beat(agent_id, instance), True

    async def run(self, seconds: float) -> None:
        """For ever."""
        while True:
            await self.send()
            await asyncio.sleep(seconds)

    async def send(self) -> None:
        """One at once, for what is not to wait."""
        if self._bus.connected:
            if not self._connected:
                self._reconnected()
            try:
                await self._bus.publish(subjects.heartbeat(self._agent_id), self._beats.next(self._pulse(), monotonic()))
            except HiveError as error:
                logger.debug("heartbeat_not_sent", agent_id=self._agent_id, reason=error.message)
        self._connected = self._bus.connected
