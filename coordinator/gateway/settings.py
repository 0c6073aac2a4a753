"""What the gateway can be told, beside what every process can."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode, SettingsConfigDict

from bus.hosts import is_loopback
from bus.limits.rates import RATE_LIMITS, RateLimits
from bus.mdns import MDNS_INTERFACES, Addresses
from bus.settings import HiveSettings
from coordinator.gateway.address_keys import AddressKeys


def _names(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return tuple(name.strip().lower() for name in value.split(",") if name.strip())


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_names)]


class GatewaySettings(HiveSettings):
    """`HIVE_HOST`, `HIVE_API_PORT` and what follows."""

    model_config = SettingsConfigDict(env_ignore_empty=True)
    """A variable that a container is given always, and empty where nobody has said anything, is none."""

    host: str = Field(default="127.0.0.1", description="address to listen on")
    api_port: int = Field(default=8420, ge=0, le=65535, description="0 takes a free one")
    max_body_bytes: int = Field(default=4 * 1024 * 1024, gt=0, description="half of what a message on the bus may be")
    max_webhook_bytes: int = Field(
        default=64 * 1024 * 1024,
        ge=1024,
        description="of webhook calls under way in one gateway, together; more are refused (503 `too_many_executions`)",
    )
    max_waiting: int = Field(
        default=1_000_000,
        ge=1,
        description="tasks; with more a submit is refused (503 `queue_full`); the last tenth is for urgent ones",
    )
    address_keys: AddressKeys = Field(
        default=(),
        description="for clients of language models that cannot send a key, and only at their doors: `192.168.1.0/24=FILE`, several by "
        "comma. Who comes from there without a key has the key in the file, or the one whose hash is written as `sha256:…`",
    )
    redis_url: SecretStr | None = Field(default=None, description="Redis or Valkey: a cache; without it nothing stops")
    rate_limits: RateLimits = RATE_LIMITS
    mcp_sessions: int = Field(default=1000, ge=1, description="of MCP clients, open at once; more are refused (503)")
    mcp_session_seconds: float = Field(
        default=1800, gt=0, description="without a request or an open stream, after which an MCP session ends"
    )
    mcp_hosts: Names = Field(
        default=(),
        description="names by comma, beside its own, by which MCP clients and pages reach the API, such as a proxy's; others are refused (403)",
    )
    ws_silence_seconds: float = Field(
        default=60, gt=0, description="without a message from a client, after which its connection at /ws is closed"
    )
    stop_seconds: int = Field(
        default=5,
        ge=1,
        description="for requests that run when the gateway is told to stop; what runs it must wait four seconds longer before it kills it",
    )

    join_nats_url: SecretStr | None = Field(
        default=None,
        description="what a host that joins is given as NATS_URL; left out: NATS_URL without its password, with the name by which it "
        "reached the API in place of a loopback address; needed where coordinators have no HIVE_NATS_ADMISSION_SEED",
    )
    mdns: Literal["auto", "always", "never"] = Field(
        default="auto", description="tell the LAN where the API is (`_hive._tcp`); auto: when HIVE_HOST is beyond loopback"
    )
    mdns_interfaces: Addresses = Field(default=(), description=MDNS_INTERFACES)

    @property
    def graceful_seconds(self) -> float:
        """From when it is told to stop until what it has not left is cut off."""
        return self.stop_seconds + 2.0

    @property
    def end_seconds(self) -> float:
        """Until the process is over."""
        return self.stop_seconds + 4.0

    @property
    def on_loopback(self) -> bool:
        """Whether only this machine can reach the doors."""
        return is_loopback(self.host)
