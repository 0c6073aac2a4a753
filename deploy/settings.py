"""What `hive up` and the `hive` commands can be told."""

from typing import Final, Self

from pydantic import Field, SecretStr, model_validator

from bus.settings import HiveSettings

_EVERYWHERE: Final = {"0.0.0.0", "::", ""}


class DeploySettings(HiveSettings):
    """Ports: 0 takes a free one. A URL that is given means that this part is not started."""

    listen: str | None = Field(
        default=None,
        description="address, or 0.0.0.0, of API, dashboard and bus together, with TLS: how a hive serves a LAN (`hive up --listen`)",
    )
    host: str = Field(default="127.0.0.1", description="address of the API and the dashboard")
    api_port: int = Field(default=8420, ge=0, le=65535, description="of the API; 0 takes a free one")
    gui_port: int = Field(default=8430, ge=0, le=65535, description="of the dashboard; 0 takes a free one")
    nats_host: str = Field(default="127.0.0.1", description="address of the bus; sidecars on other hosts need another one")
    nats_port: int = Field(default=4222, ge=0, le=65535, description="of the bus; 0 takes a free one")
    nats_monitor_port: int = Field(
        default=0, ge=0, le=65535, description="of nats-server's own status pages; on loopback always"
    )
    nats_websocket_port: int = Field(default=0, ge=0, le=65535, description="of the bus for browsers; on loopback always")
    nats_leaf_port: int | None = Field(
        default=None,
        ge=0,
        le=65535,
        description="of the bus for buses of sites behind NAT (`hive leaf`), at its address; left out: none; 0 takes a free one",
    )
    database_url: SecretStr | None = Field(default=None, description="PostgreSQL, the truth; left out: `hive up` starts one")
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey, a cache; left out: `hive up` starts one")
    key: SecretStr | None = Field(default=None, description="that `hive mcp` acts with (`hive keys create NAME`)")
    admin_key: SecretStr | None = Field(default=None, description="the first key; left out: made, and shown once")

    @model_validator(mode="after")
    def _listens(self) -> Self:
        """`listen` stands for both addresses where they are not named."""
        for name in ("host", "nats_host") if self.listen else ():
            if name not in self.model_fields_set:
                object.__setattr__(self, name, self.listen)  # it is frozen from here on
        return self

    @property
    def wants_tls(self) -> bool:
        return self.listen is not None or self.tls_cert is not None

    @property
    def given_nats_url(self) -> str | None:
        """None when nobody named a server: then there is an embedded one."""
        value = self.nats_url.get_secret_value()
        return value if value and "nats_url" in self.model_fields_set else None

    @property
    def given_database_url(self) -> str | None:
        return (self.database_url.get_secret_value() or None) if self.database_url else None

    @property
    def given_redis_url(self) -> str | None:
        return (self.redis_url.get_secret_value() or None) if self.redis_url else None

    @property
    def given_admin_key(self) -> str | None:
        return (self.admin_key.get_secret_value() or None) if self.admin_key else None


def reachable(host: str) -> str:
    """The address to reach, from this machine, what listens on `host`."""
    return "127.0.0.1" if host in _EVERYWHERE else host
