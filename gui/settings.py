"""Settings of the dashboard's process."""

from pydantic import Field, SecretStr

from bus.settings import HiveSettings


class GuiSettings(HiveSettings):
    """`HIVE_HOST` and `HIVE_GUI_PORT` say where; port 0 takes a free one and logs it."""

    host: str = Field(default="127.0.0.1", description="loopback, unless an administrator says otherwise")
    gui_port: int = Field(default=8430, ge=0, le=65535)
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey: a cache; without it nothing stops")
    gui_metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="of its own `/metrics`, 0 takes a free one; left out: there is none"
    )
    gui_session_hours: float = Field(default=168, gt=0, description="how long a login lasts; a revoked key ends it at once")
