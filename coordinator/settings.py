"""What a coordinator can be told."""

from typing import Annotated

from pydantic import Field, SecretStr, field_validator

from bus.auth import MIN_KEY_LENGTH
from bus.settings import HiveSettings
from coordinator.scheduling.policy import Policy


class CoordinatorSettings(HiveSettings):
    database_url: SecretStr = Field(default=SecretStr("postgresql:///hive"), description="PostgreSQL: the truth")
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey: a cache; without it nothing stops")
    nats_admission_seed: SecretStr | None = Field(
        default=None,
        description="lets hosts that have joined in on the bus, each by its own key (nats.conf); without it they are given HIVE_JOIN_NATS_URL",
    )
    admin_key: SecretStr | None = Field(default=None, description="made the key of user `admin`, unless it is known already")
    credentials_key: SecretStr | None = Field(
        default=None,
        description="seals the keys that sign access tokens, the same for all coordinators; left out: `credentials.key` in the data folder",
    )
    session_hours: float = Field(
        default=168, gt=0, le=8760, description="how long a login of a user lasts, however often its token is refreshed"
    )
    signing_key_days: float = Field(default=30, gt=0, description="after which access tokens are signed with a new key")
    database_connections: int = Field(default=8, ge=2, le=100, description="for reading; the leader has two of its own")
    coordinator_metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="of its own `/metrics`, 0 takes a free one; left out: there is none"
    )
    retain_days: float = Field(default=30, ge=0, description="how long ended tasks stay, with prompt and output; 0: for ever")
    retain_text_hours: float | None = Field(
        default=None, ge=0, description="how long prompt and output of an ended task stay; left out: as long as the task"
    )
    benchmark_new: bool = Field(
        default=True,
        description="measure an agent, a model or hardware that is new, as soon as it has been idle for long enough",
    )
    benchmark_idle_seconds: float = Field(default=30, ge=1, description="long enough for that")
    retain_health_hours: float = Field(default=24, gt=0, description="how long agents' health checks stay, one every 10 s")
    placement_patience_seconds: float = Field(
        default=30, ge=0, description="that an agent may be away before its models are wished elsewhere"
    )

    schedules_per_owner: int = Field(default=100, ge=1, description="cron schedules that one user may have")
    ageing_seconds: float = Field(default=60, gt=0, description="a task that waited so long counts as one priority higher")
    grouping_seconds: float = Field(
        default=5, ge=0, le=60, description="how long tasks whose model is warm may go before one that needs another there"
    )
    patience_seconds: float = Field(
        default=30, ge=0, description="how long a task is kept for a busy agent that would finish it sooner than a free one"
    )
    affinity_seconds: float = Field(
        default=5, ge=0, description="how long, at most, a conversation's next part is kept for the host of the last one"
    )
    breaker_failures: int = Field(
        default=3, ge=1, description="tasks in a row that fail with one model on one agent, until it is held back there"
    )
    breaker_seconds: float = Field(
        default=10, gt=0, le=300, description="for how long, at first: twice as long each time it fails again, up to 300"
    )
    shares: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default_factory=dict,
        description='weights of owners within a priority, as JSON: `{"ada": 2, "acme/bo": 2}`, those of other tenants with its name; the others have 1',
    )

    @property
    def policy(self) -> Policy:
        return Policy(
            ageing_seconds=self.ageing_seconds,
            grouping_seconds=self.grouping_seconds,
            patience_seconds=self.patience_seconds,
            affinity_seconds=self.affinity_seconds,
            breaker_failures=self.breaker_failures,
            breaker_seconds=self.breaker_seconds,
            weights=self.shares,
        )

    @field_validator("admin_key")
    @classmethod
    def _strong(cls, key: SecretStr | None) -> SecretStr | None:
        """Refused before anything starts: a coordinator that notices while it leads can only begin again, for ever."""
        if not key:
            return None
        if len(key) < MIN_KEY_LENGTH:
            raise ValueError(f"it is shorter than {MIN_KEY_LENGTH} characters; choose a longer one, or leave it out")
        return key
