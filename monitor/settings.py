"""What a monitor can be told."""

from pydantic import Field

from bus.settings import HiveSettings


class MonitorSettings(HiveSettings):
    metrics_fresh_seconds: float = Field(
        default=30, gt=0, description="metrics of an agent that are older than this are left out: it is gone, or mute"
    )
    monitor_remembered_ends: int = Field(
        default=50_000, ge=1_000, description="ends of tasks that are remembered, so that one told twice is counted once"
    )
