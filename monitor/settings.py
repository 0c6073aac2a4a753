"""What a monitor can be told."""

import json
from pathlib import Path
from typing import Any

from pydantic import Field, SecretStr, field_validator

from bus.settings import HiveSettings


class MonitorSettings(HiveSettings):
    database_url: SecretStr = Field(default=SecretStr("postgresql:///hive"), description="PostgreSQL: the truth")
    database_read_url: SecretStr | None = Field(
        default=None, description="a replica of it, of which history is read while its copy is young enough"
    )
    database_read_lag_seconds: float = Field(
        default=30, gt=0, description="young enough; where the replica is older, or away, the primary is read"
    )
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey: a cache; without it nothing stops")
    retain_metrics_days: float = Field(
        default=3, ge=0, description="how long each measurement of an agent stays, one every 5 s; 0: for ever"
    )
    retain_metrics_minutes_days: float = Field(
        default=30, ge=0, description="how long minutes of agents' metrics stay; 0: for ever"
    )
    retain_metrics_hours_days: float = Field(
        default=730, ge=0, description="how long hours of agents' metrics stay; 0: for ever"
    )
    retain_usage_days: float = Field(default=730, ge=0, description="how long days of what was used stay; 0: for ever")
    retain_audit_days: float = Field(default=365, ge=0, description="how long records of the audit log stay; 0: for ever")
    alert_rules: Path | None = Field(
        default=None, description="YAML file with rules of alerts, which hold until others are put; left out: Hive's own three"
    )
    alert_targets: SecretStr | None = Field(
        default=None,
        description='where alerts are sent, as JSON: `{"ops": {"url": "ntfy://topic", "severities": ["critical"]}}`; others are put '
        "while it runs (docs/alerts.md)",
    )
    notifications_per_minute: int = Field(
        default=10,
        ge=1,
        le=600,
        description="messages that one target of alerts is sent in a minute; more wait, and become fewer",
    )
    retain_alerts_days: float = Field(default=30, ge=0, description="how long alerts stay that are resolved; 0: for ever")
    monitor_metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="of its own `/metrics`, 0 takes a free one; left out: there is none"
    )
    influx_url: str | None = Field(
        default=None,
        description="of an InfluxDB, or what takes its line protocol, to which agents' metrics are written, too: `http://127.0.0.1:8086`",
    )
    influx_database: str = Field(
        default="hive", min_length=1, description="there: a database of version 1, a bucket of version 2"
    )
    influx_org: str | None = Field(default=None, description="the organisation there; given, the API of version 2 is used")
    influx_token: SecretStr | None = Field(default=None, description="that it asks for; `user:password` with version 1")
    metrics_fresh_seconds: float = Field(
        default=30, gt=0, description="metrics of an agent that are older than this are left out: it is gone, or mute"
    )
    credentials_key: SecretStr | None = Field(
        default=None,
        description="seals addresses of targets, the same for all engines and monitors; left out: `credentials.key` in the data folder",
    )
    monitor_remembered_ends: int = Field(
        default=50_000, ge=1_000, description="ends of tasks that are remembered, so that one told twice is counted once"
    )

    @field_validator("alert_targets", mode="before")
    @classmethod
    def _written_out(cls, value: Any) -> Any:
        """The file of settings may hold them as they are."""
        return json.dumps(value) if isinstance(value, dict) else value
