"""What rooms might tell of metrics, for the API's own documentation."""

from datetime import UTC, date, datetime
from typing import Any, Final

from bus.messages import PerformanceMetrics
from bus.messages.cluster import ModelQuality
from bus.messages.history import MetricsHistory, MetricsPoint, Resolution, Spread
from bus.messages.readings import MonitorReadings, ServiceVitals, StoreReadings, WorkflowsCreated
from coordinator.gateway.scraping import Readings

WELL: Final[dict[str, Any]] = {
    "completed": 12,
    "failed": 0,
    "cancelled": 1,
    "retries": 1,
    "success_rate": 1.0,
    "error_rate": 0.0,
}
"""Of class Quality."""
READINGS: Final = Readings(
    monitor=MonitorReadings(
        executions={"success": 41, "error": 1, "canceled": 0},
        execution_success_rate=0.975,
        mean_task_seconds=3.2,
        agents=(
            PerformanceMetrics(
                agent_id="acacia",
                timestamp=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
                cpu_usage=31,
                memory_usage=42,
                disk_usage=57,
                gpu_power_watts=212,
                gpu_usage=88,
                gpu_memory=71.5,
                gpu_temperature=66,
                tokens_per_second=52.4,
            ),
        ),
        models=(ModelQuality(model="llama3.2:3b", **WELL),),
        services=(
            ServiceVitals(
                service="gui", instance="5f0c1d2e3a4b", cpu_percent=2.5, memory_bytes=98_304_000, websocket_connections=3
            ),
        ),
    ),
    stores=StoreReadings(database_connections={"active": 1, "idle": 9}, redis_memory_bytes=1_048_576),
    workflows=WorkflowsCreated(day=date(2026, 11, 23), created=2),
)
HISTORY: Final = MetricsHistory(
    agent_id="acacia",
    resolution=Resolution.MINUTE,
    points=(
        MetricsPoint(
            timestamp=datetime(2026, 11, 23, 12, 0, tzinfo=UTC),
            values={
                "gpu_usage": Spread(min=12.0, mean=71.5, max=98.0, n=12),
                "tokens_per_second": Spread(min=41.2, mean=50.3, max=55.8, n=9),
            },
        ),
    ),
)
