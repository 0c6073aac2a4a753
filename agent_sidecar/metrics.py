"""`PerformanceMetrics` of one agent, every few seconds: its attempts always, its host's load only where it is this host."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from agent_sidecar.tally import Recent
from agent_sidecar.telemetry.host import Host, HostReading
from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import PerformanceMetrics

logger = telemetry.log(__name__)


def compose(agent_id: str, at: datetime, active: int, recent: Recent, host: HostReading) -> PerformanceMetrics:
    return PerformanceMetrics(
        agent_id=agent_id,
        timestamp=at,
        cpu_usage=host.cpu_usage,
        memory_usage=host.memory_usage,
        disk_usage=host.disk_usage,
        network_io=host.network_io,
        tokens_per_second=recent.tokens_per_second,
        response_time=recent.response_time,
        active_tasks=active,
        gpu_usage=host.gpu.usage,
        gpu_memory=host.gpu.memory,
        gpu_temperature=host.gpu.temperature,
        gpu_power_watts=host.gpu.power_watts,
        success_rate=recent.success_rate,
        error_rate=recent.error_rate,
    )


async def publish_metrics(
    bus: Bus, agent_id: str, host: Host | None, *, seconds: float, active: Callable[[], int], recent: Callable[[], Recent]
) -> None:
    """For ever. `host` None: the backend is elsewhere, and this machine's load would be a lie."""
    while True:
        await asyncio.sleep(seconds)
        reading = HostReading() if host is None else await host.read()
        if not bus.connected:
            continue
        try:
            metrics = compose(agent_id, datetime.now(UTC), active(), recent(), reading)
            await bus.publish(subjects.metrics(agent_id), metrics)
        except HiveError as error:
            logger.debug("metrics_not_sent", agent_id=agent_id, reason=error.message)
