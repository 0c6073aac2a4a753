"""What a sidecar can be told. Times are in seconds."""

from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import NoDecode

from agent_sidecar.addresses import ollama_url, parse_address, parse_upstream, parse_upstreams, slug
from bus.errors import InvalidRequest
from bus.mdns import MDNS_INTERFACES, Addresses
from bus.messages import BackendKey, Upstream
from bus.messages.base import Slug
from bus.messages.orders import LabelName, LabelValue
from bus.settings import HiveSettings


def _upstreams(value: Any) -> Any:
    if isinstance(value, str):
        return parse_upstreams(value)
    if isinstance(value, list | tuple):
        return tuple(parse_upstream(item) if isinstance(item, str) else item for item in value)
    return value


def _words(value: Any) -> Any:
    return tuple(word.strip() for word in value.split(",") if word.strip()) if isinstance(value, str) else value


def _keys(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [entry.strip().partition("=") for entry in value.split(",") if entry.strip()]
    if not all(separator and key for _, separator, key in pairs):
        raise ValueError("write it like walnut=KEY, several by comma")
    return {slug(name): key.strip() for name, _, key in pairs}


def _labels(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    pairs = [entry.strip().partition("=") for entry in value.split(",") if entry.strip()]
    if not all(separator for _, separator, _ in pairs):
        raise ValueError("write it like site=basement, several by comma")
    return {name.strip(): said.strip() for name, _, said in pairs}


class SidecarSettings(HiveSettings):
    backends: Annotated[tuple[Upstream, ...], NoDecode, BeforeValidator(_upstreams)] = Field(
        default=(), description="URLs by comma, each `name=URL?slots=N`, or a YAML list; none: what OLLAMA_HOST names"
    )
    backend_keys: Annotated[dict[Slug, BackendKey], NoDecode, BeforeValidator(_keys)] = Field(
        default_factory=dict, description="of backends that ask for one, by the names in `backends`: `walnut=KEY,acacia=KEY`"
    )
    sidecar_name: Slug | None = Field(
        default=None, description="what the agents of this host are called; left out: what it joined as, else its host name"
    )
    sidecar_labels: Annotated[dict[LabelName, LabelValue], NoDecode, BeforeValidator(_labels)] = Field(
        default_factory=dict, description="of this host's agents: `site=basement,room=7`; left out: what it joined with"
    )
    sidecar_metrics_port: int | None = Field(
        default=None, ge=0, le=65535, description="of its own `/metrics`, 0 takes a free one; left out: there is none"
    )
    mdns_interfaces: Addresses = Field(default=(), description=MDNS_INTERFACES)
    ollama_host: str = Field(
        default="http://127.0.0.1:11434",
        validation_alias=AliasChoices("OLLAMA_HOST", "ollama_host"),
        description="the default of `backends`, in any form that Ollama itself takes",
    )
    builtin_model: Literal["auto", "always", "never"] = Field(
        default="auto", description="serve the small built-in model; auto: when no backend is named and no Ollama answers"
    )
    builtin_slots: int = Field(default=2, ge=1, le=64, description="tasks that the built-in model runs at once")
    pulls_at_once: int = Field(
        default=1, ge=1, le=16, description="models that one agent downloads at the same time; more wait"
    )
    insecure_registries: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = Field(
        default=(), description="`host:port` by comma, of registries that speak http: models named so are pulled without TLS"
    )
    sidecar_adopt: bool = Field(default=False, description="serve `hive agents add` and speak for what was added")
    first_token_seconds: float = Field(default=60, gt=0, description="for a warm model; loading and a long prompt add to it")
    stall_seconds: float = Field(default=30, gt=0, description="without progress between two tokens")
    load_bytes_per_second: float = Field(default=100e6, gt=0, description="slowest expected load of a model never measured")
    output_bytes: int = Field(default=4 * 1024 * 1024, ge=1024, le=4 * 1024 * 1024, description="of one answer, as JSON")
    drain_seconds: float = Field(default=10, ge=0, description="that running attempts get to end when the sidecar is stopped")
    heartbeat_seconds: float = Field(default=0.5, gt=0, description="between two heartbeats")
    metrics_seconds: float = Field(default=5, gt=0, description="between two reports of load and rates")
    models_seconds: float = Field(default=5, gt=0, description="between two looks at the backend while all is well")
    probe_seconds: float = Field(default=1, gt=0, description="between two looks at a backend that failed")

    @field_validator("ollama_host")
    @classmethod
    def _address(cls, value: str) -> str:
        try:
            parse_address(ollama_url(value))
        except InvalidRequest as error:
            raise ValueError(error.message) from None
        return value

    @model_validator(mode="after")
    def _keys_have_an_owner(self) -> Self:
        if strangers := sorted(self.backend_keys.keys() - {upstream.agent_id for upstream in self.backends}):
            raise ValueError(
                f"HIVE_BACKEND_KEYS names {', '.join(strangers)}, and HIVE_BACKENDS does not. Give the backend that name there: "
                f"{strangers[0]}=http://…"
            )
        return self
