"""Answers the leader's question how an agent is: the backend is asked anew, and what this host shows is read."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from time import monotonic
from typing import Final

from agent_sidecar.backends.backend import Backend
from agent_sidecar.condition import Condition
from agent_sidecar.tally import Recent
from agent_sidecar.telemetry.host import Host, HostReading
from bus.errors import HiveError
from bus.messages.health import AgentHealthCheck

BACKEND_SECONDS: Final = 3.0
"""For a list of models; a backend that takes longer is in trouble, and the leader waits for the answer."""


class Checkup:
    """`host` None: the backend is elsewhere, and this machine's load would be a lie."""

    def __init__(
        self, agent_id: str, backend: Backend, condition: Condition, host: Host | None, recent: Callable[[], Recent]
    ) -> None:
        self._agent_id, self._backend, self._condition = agent_id, backend, condition
        self._host, self._recent = host, recent

    async def check(self) -> AgentHealthCheck:
        """Never raises: what is wrong is what the check says."""
        (seconds, problem), reading = await asyncio.gather(self._ask(), self._read())
        fault = self._condition.fault
        problem = problem or (fault.reason if fault else None)
        return AgentHealthCheck(
            agent_id=self._agent_id,
            timestamp=datetime.now(UTC),
            response_time=seconds,
            tokens_per_second=self._recent().tokens_per_second,
            cpu_usage=reading.cpu_usage,
            memory_usage=reading.memory_usage,
            gpu_usage=reading.gpu.usage,
            available=problem is None,
            error_message=problem,
        )

    async def _ask(self) -> tuple[float | None, str | None]:
        """Seconds until the backend answered, or what is wrong with it."""
        began = monotonic()
        try:
            async with asyncio.timeout(BACKEND_SECONDS):
                await self._backend.models()
        except TimeoutError:
            return None, f"{self._backend.endpoint} did not answer within {BACKEND_SECONDS:g} s."
        except HiveError as error:
            return None, error.message
        return monotonic() - began, None

    async def _read(self) -> HostReading:
        return HostReading() if self._host is None else await self._host.read()
