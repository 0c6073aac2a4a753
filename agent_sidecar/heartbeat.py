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


async def beat(
    bus: Bus, agent_id: str, instance: str, *, seconds: float, pulse: Callable[[], Pulse], reconnected: Callable[[], None]
) -> None:
    """For ever. While the bus is away there is nobody to hear it, and nothing is left to pile up in the buffer."""
    beats, connected = Beat(agent_id, instance), True
    while True:
        if bus.connected:
            if not connected:
                reconnected()
            try:
                await bus.publish(subjects.heartbeat(agent_id), beats.next(pulse(), monotonic()))
            except HiveError as error:
                logger.debug("heartbeat_not_sent", agent_id=agent_id, reason=error.message)
        connected = bus.connected
        await asyncio.sleep(seconds)
