"""What a coordinator can be told."""

from pydantic import Field, SecretStr

from bus.settings import HiveSettings


class CoordinatorSettings(HiveSettings):
    database_url: SecretStr = Field(default=SecretStr("postgresql:///hive"), description="PostgreSQL: the truth")
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey: a cache; without it nothing stops")
    admin_key: SecretStr | None = Field(default=None, description="made the key of user `admin`, unless it is known already")
    database_connections: int = Field(default=8, ge=2, le=100, description="for reading; the leader has two of its own")
    retain_days: float = Field(default=30, ge=0, description="how long ended tasks stay, with prompt and output; 0: for ever")
    retain_text_hours: float | None = Field(
        default=None, ge=0, description="how long prompt and output of an ended task stay; left out: as long as the task"
    )
