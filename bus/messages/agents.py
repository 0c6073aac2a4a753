"""An agent: a backend that runs models, and the sidecar that speaks for it. Field names follow the seed's registration."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AfterValidator, Field, PlainSerializer, SecretStr

from bus.messages.base import Command, Message, Record, Slug, Text, Words
from bus.messages.benchmarks import BenchmarkOrder
from bus.messages.definitions import ModelDefinition
from bus.messages.merits import AgentMerits
from bus.messages.orders import StandingDrain


class AgentStatus(StrEnum):
    ONLINE = "online"
    DEGRADED = "degraded"
    DRAINING = "draining"
    OFFLINE = "offline"


class Capability(Message):
    name: Text
    proficiency: float = Field(ge=0, le=1)


class Hardware(Message):
    gpu_type: str | None = None
    vram_gb: float | None = Field(default=None, description="of all cards together, in GiB")
    cpu_cores: int | None = None
    ram_gb: float | None = Field(default=None, description="in GiB")


class PerformanceTargets(Message):
    min_tps: float | None = None
    max_response_time: float | None = Field(default=None, description="seconds")


class ModelInfo(Message):
    """A model that a backend has. `vram_bytes` is what it takes while loaded, where the backend tells."""

    name: str
    loaded: bool = False
    size_bytes: int | None = None
    vram_bytes: int | None = None
    memory_bytes: int | None = Field(
        default=None, description="that it takes while loaded, on the cards and beside them together"
    )
    context_length: int | None = Field(default=None, description="tokens that it is loaded with")
    context_reason: str | None = Field(default=None, description="why so many, where Hive chose them")
    context_limit: int | None = Field(default=None, description="tokens that it was made for")
    digest: str | None = None
    family: str | None = None
    parameter_size: str | None = None
    quantization: str | None = None
    file_format: str | None = None
    families: tuple[str, ...] = Field(
        default=(), description="the model's own, and those of what is in it beside, such as `clip`"
    )
    modified_at: datetime | None = None
    expires_at: datetime | None = Field(default=None, description="when it leaves memory, unless it is used before")


BackendKind = Literal["ollama", "openai", "builtin"]


class AgentRegistration(Message):
    """The seed's registration message, and what Hive needs beside it."""

    agent_id: Slug
    name: str = Field(max_length=255)
    endpoint: str = Field(max_length=512)
    model: str | None = Field(default=None, max_length=255, description="used when a task names none")
    capabilities: tuple[Capability, ...] = ()
    hardware: Hardware = Hardware()
    performance_targets: PerformanceTargets = PerformanceTargets()
    specialization: str | None = Field(default=None, max_length=100)
    labels: dict[str, str] = Field(default_factory=dict)
    backend: BackendKind = "ollama"
    instance: str = Field(description="of the sidecar process: new at every start")
    slots: int = Field(ge=1, description="attempts that run at once")
    models: tuple[ModelInfo, ...] = ()
    version: str = "0"


class Heartbeat(Message):
    """Presence, every half second. The running attempts are how a new leader learns what goes on."""

    agent_id: Slug
    instance: str
    sequence: int
    status: AgentStatus
    reason: Words | None = None
    slots: int
    running: tuple[UUID, ...] = ()
    measuring: bool = Field(default=False, description="a benchmark has the backend to itself; it gives way to a task")
    models: tuple[ModelInfo, ...] | None = Field(default=None, description="sent when they changed, and every few seconds")


class NetworkCounters(Message):
    bytes_sent_per_second: float
    bytes_received_per_second: float


class PerformanceMetrics(Message):
    """The seed's metrics: usages in percent, temperature in °C, times in seconds. What cannot be read is left out, never zero."""

    agent_id: Slug
    timestamp: datetime
    cpu_usage: float | None = None
    memory_usage: float | None = None
    disk_usage: float | None = None
    network_io: NetworkCounters | None = None
    tokens_per_second: float | None = None
    response_time: float | None = None
    queue_length: int | None = None
    active_tasks: int | None = None
    gpu_usage: float | None = None
    gpu_memory: float | None = None
    gpu_temperature: float | None = None
    gpu_power_watts: float | None = None
    success_rate: float | None = None
    error_rate: float | None = None
    retry_count: int | None = None


class AgentRecord(Record):
    """An agent as every door shows it."""

    agent_id: Slug
    name: str
    endpoint: str
    status: AgentStatus
    status_reason: str | None = None
    backend: BackendKind = "ollama"
    model: str | None = None
    specialization: str | None = None
    capabilities: tuple[Capability, ...] = ()
    hardware: Hardware = Hardware()
    performance_targets: PerformanceTargets = PerformanceTargets()
    merits: AgentMerits = AgentMerits()
    labels: dict[str, str] = Field(
        default_factory=dict, description="of its own settings and, before them, those that people gave"
    )
    given_labels: dict[str, str] = Field(default_factory=dict, description="those that people gave")
    drain: StandingDrain | None = Field(default=None, description="who drained it and why; it stays so until it is resumed")
    drained: bool = Field(default=False, description="it drains, and nothing runs there any more: it may be stopped")
    slots: int = 1
    running: int = 0
    measuring: bool = Field(default=False, description="a benchmark has all its slots, and gives way to a task")
    working: dict[str, int] = Field(default_factory=dict, description="attempts that run there, by model")
    models: tuple[ModelInfo, ...] = ()
    instance: str | None = None
    version: str = "0"
    created_at: datetime | None = None
    last_seen: datetime | None = Field(default=None, description="when it was last heard, to within ten seconds")


class AgentList(Record):
    agents: tuple[AgentRecord, ...]
    age_seconds: float | None = Field(
        default=None,
        description="since a leader last said how things are; null where none ever did. While one leads, a second or less",
    )


class AgentRef(Command):
    agent_id: Slug


class ControlAction(StrEnum):
    CANCEL = "cancel"
    PREEMPT = "preempt"
    PULL = "pull"
    LOAD = "load"
    UNLOAD = "unload"
    DELETE = "delete"
    COPY = "copy"
    CREATE = "create"
    SHOW = "show"
    CANCEL_JOB = "cancel_job"
    BENCHMARK = "benchmark"
    YIELD = "yield"
    DRAIN = "drain"
    RESUME = "resume"
    REGISTER = "register"


class Control(Command):
    """An order to one sidecar: `attempt_id` for cancel and preempt, `model` for what is done with one, `job_id` to have that end.

    `register` asks it to introduce itself again: a new leader has heard a heartbeat of an instance that it does not know.
    `yield` ends a benchmark, since a task waits for the slot.
    """

    action: ControlAction
    attempt_id: UUID | None = None
    job_id: UUID | None = None
    model: Text | None = None
    num_ctx: int | None = Field(default=None, ge=1, description="of a load: tokens of context, whatever requests ask for")
    keep_alive: float | None = Field(default=None, description="of a load: seconds in memory after its last use, -1 for ever")
    definition: ModelDefinition | None = Field(default=None, description="of a copy or a create: what `model` is made of")
    asked_by: Text | None = None
    benchmark: BenchmarkOrder | None = Field(default=None, description="of a benchmark that a leader orders and keeps")
    epoch: int | None = Field(
        default=None,
        description="of the coordinator that orders; a lower one than the sidecar has seen is refused. A person has none",
    )


class ControlReply(Message):
    """`running` answers a cancel, a preempt or a yield: whether there was something, and it is now being stopped."""

    ok: bool
    running: bool = False
    message: str = ""


def bare_url(url: str) -> str:
    """ValueError for an address that holds more than an address: a key there would be shown wherever the address is."""
    authority = re.split(r"[/?#]", url.rpartition("://")[2], maxsplit=1)[0]
    if "@" in authority or "?" in url or "#" in url:
        raise ValueError(
            "an address holds no user, password, key or other settings, and these stand before an `@` or behind a `?` or `#`. "
            "Leave them out; each has a field of its own, a key `key`"
        )
    return url


def _one_word(key: SecretStr) -> SecretStr:
    """It stands in the head of a request, where a line break or a letter beyond ASCII has no place."""
    if not re.fullmatch(r"[!-~]{1,4096}", key.get_secret_value()):
        raise ValueError("a key is one word of printable ASCII letters, digits and signs")
    return key


BackendKey = Annotated[
    SecretStr,
    AfterValidator(_one_word),
    PlainSerializer(SecretStr.get_secret_value, return_type=str, when_used="json-unless-none"),
]
"""What a backend asks for as a bearer token. Masked wherever it is printed; only JSON, which is how it is sent, has it in clear."""


class Upstream(Command):
    """A backend that some sidecar speaks for, as it is stored and shown. `slots` left out: what was measured, else 1."""

    url: Annotated[Text, AfterValidator(bare_url)] = Field(max_length=512)
    agent_id: Slug | None = Field(default=None, description="left out: made from the host name")
    name: Text | None = Field(default=None, max_length=255)
    kind: BackendKind | None = Field(default=None, description="left out: found out by asking")
    slots: int | None = Field(default=None, ge=1, le=256)
    model: Text | None = Field(default=None, max_length=255)
    capabilities: tuple[Capability, ...] = ()
    labels: dict[Text, Text] = Field(default_factory=dict)
    hardware: Hardware | None = None
    performance_targets: PerformanceTargets = PerformanceTargets()
    specialization: Text | None = Field(default=None, max_length=100)


class AddUpstream(Upstream):
    """The order to speak for a backend. The key is taken and never shown again; left out, the one it had stays."""

    key: BackendKey | None = Field(default=None, description="that the backend asks for; kept by the sidecar, never shown")


class UpstreamList(Record):
    upstreams: tuple[Upstream, ...]
