"""Models as the fleet has them: where each is, what is being done about it, and where it is wished for (docs/adr/0013)."""

import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from bus.messages.agents import AgentStatus, ControlReply
from bus.messages.base import Command, JsonObject, Message, Record, Slug, Text, Words
from bus.messages.definitions import ModelDefinition
from bus.messages.output import FailureInfo
from bus.model_names import tagged

ModelName = Annotated[Text, StringConstraints(min_length=1, max_length=255, pattern=r"^[!-~]+$")]
"""As Ollama has it: `llama3.2:3b`, `registry.example/team/model:tag`. Printable, without spaces."""
WISH_FILE: Final = "models.yaml"
"""How whatever it has done is signed."""


class ModelOnAgent(Message):
    """One model on one agent. `vram_bytes` and `context_length` are of the loaded one, where the backend tells."""

    agent_id: Slug
    status: AgentStatus
    loaded: bool = False
    size_bytes: int | None = None
    vram_bytes: int | None = None
    memory_bytes: int | None = Field(default=None, description="that it takes there, on the cards and beside them together")
    context_length: int | None = Field(default=None, description="tokens that it is loaded with")
    context_reason: str | None = Field(default=None, description="why so many")
    digest: str | None = None
    running: int = Field(default=0, description="attempts that run with it there")


class ModelElsewhere(Message):
    """An agent that does not have the model."""

    agent_id: Slug
    could_pull: bool
    reason: str


class ModelRecord(Record):
    """A model of the fleet: the union of what its agents tell of it. Agents that are offline are told as they were last heard."""

    name: str
    family: str | None = None
    parameter_size: str | None = None
    quantization: str | None = None
    size_bytes: int | None = None
    context_limit: int | None = Field(default=None, description="tokens that the model was made for")
    agents: tuple[ModelOnAgent, ...] = ()
    loaded_on: tuple[Slug, ...] = Field(default=(), description="agents that have it in memory now")
    could_pull: tuple[Slug, ...] = Field(default=(), description="agents that do not have it, whose backend pulls and has room")
    elsewhere: tuple[ModelElsewhere, ...] | None = Field(default=None, description="told of one model, not in the list")
    vram_bytes: int = Field(default=0, description="that it takes on all agents together")
    running: int = Field(default=0, description="attempts that run with it")


class ModelList(Record):
    models: tuple[ModelRecord, ...]


class ModelRef(Command):
    name: ModelName


class ModelAction(StrEnum):
    PULL = "pull"
    LOAD = "load"
    UNLOAD = "unload"
    DELETE = "delete"
    COPY = "copy"
    CREATE = "create"


class ModelOrder(Command):
    """Something to be done with a model on the agents that are named, and on those that have all of the labels."""

    model: ModelName
    agents: tuple[Slug, ...] = ()
    labels: dict[Text, Text] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if not self.agents and not self.labels:
            raise ValueError("name the agents, by `agents` or by `labels`")
        return self


class MakeModel(ModelOrder):
    """`model` is the new one's name, and whatever had it before is replaced there."""

    definition: ModelDefinition


class JobStatus(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self not in (JobStatus.WAITING, JobStatus.RUNNING)


class ModelJob(Record):
    """Work with one model on one agent, told by its sidecar. Bytes are those of a pull, as far as its layers are known."""

    id: UUID
    agent_id: Slug
    instance: str
    action: ModelAction
    model: str
    status: JobStatus = JobStatus.WAITING
    step: Words | None = Field(default=None, description="what the backend says it does")
    bytes_done: int | None = None
    bytes_total: int | None = None
    asked_by: str | None = None
    error: FailureInfo | None = None
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None

    @property
    def wished(self) -> bool:
        """Ordered by models.yaml, and by nobody in person."""
        return (self.asked_by or "").startswith(WISH_FILE)


class JobRef(Command):
    id: UUID


class ListJobs(Command):
    """Newest first. Ended ones are kept for a day."""

    model: ModelName | None = None
    agent_id: Slug | None = None
    active: bool = Field(default=False, description="only those that have not ended")


class JobList(Record):
    jobs: tuple[ModelJob, ...]


class Refusal(Message):
    """An agent that did not take an order, and why."""

    agent_id: Slug
    code: str
    message: str


class JobReply(ControlReply):
    """A sidecar's answer to an order about a model. `job` is None where it was refused, and `message` says why."""

    job: ModelJob | None = None


class ShowReply(ControlReply):
    """A sidecar's answer to `show`. None: its backend tells nothing of the model beside what the list has."""

    shown: JsonObject | None = None


class ShownModel(Record):
    """What an agent's backend tells of a model: Ollama's own answer to /api/show, where one of those that have it is an Ollama."""

    shown: JsonObject | None = None


class OrderedJobs(Record):
    """What became of an order: a job an agent, or its refusal. One that was under way already is told as it is."""

    jobs: tuple[ModelJob, ...]
    refused: tuple[Refusal, ...] = ()


# Where models are wished for

FOREVER: Final = -1.0
"""Seconds, as Ollama has it: until something else needs the memory."""
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def duration_seconds(value: Any) -> Any:
    """Ollama's durations: `30m`, `1h30m`, a number of seconds, anything negative for ever. ValueError for what is none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("write a duration such as 30m, a number of seconds, or -1 for ever")
    if not isinstance(value, str):
        return FOREVER if value < 0 else float(value)
    text = value.strip()
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        return duration_seconds(float(text))
    negative, text = text.startswith("-"), text.removeprefix("-")
    parts = re.findall(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{value!r} is no duration; write it such as 30m, 1h30m, or -1 for ever")
    return FOREVER if negative else sum(float(number) * _UNITS[unit] for number, unit in parts)


Duration = Annotated[float, BeforeValidator(duration_seconds)]


class Pins(Command):
    """The only agents where a model may be wished: those named, where any are, that have all of the labels."""

    agents: tuple[Slug, ...] = ()
    labels: dict[Text, Text] = Field(default_factory=dict)


class ModelWish(Command):
    """How one model is to stand in the fleet. Earlier wishes of a list come first where there is not room for all."""

    model: ModelName
    replicas: Annotated[int, Field(ge=0, le=1000)] | Literal["all"] = Field(
        default=1, description="agents that have it in memory; `all`: every one that it may be on; 0: none"
    )
    pins: Pins = Pins()
    never_evict: bool = Field(default=False, description="is not unloaded for another, whatever comes")
    prefer: tuple[Slug, ...] = Field(default=(), description="agents to be taken first, best first")
    num_ctx: int | None = Field(default=None, ge=1, le=2**24, description="tokens of context, whatever requests ask for")
    keep_alive: Duration | None = Field(
        default=None,
        description="in memory after its last use, whatever requests ask for; left out: for ever where it is wished",
    )


class WishedModels(Command):
    """The whole wish: what it does not name is nobody's wish, and stays where it is."""

    models: tuple[ModelWish, ...] = Field(default=(), max_length=500)

    @model_validator(mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        """`models` may be a mapping of names to wishes: shorter to write, and what most files are."""
        named = value.get("models") if isinstance(value, dict) else None
        if not isinstance(named, dict):
            return value
        return {
            **value,
            "models": [
                {"model": name, **(wish or {})} if isinstance(wish, dict | None) else wish for name, wish in named.items()
            ],
        }

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        seen: set[str] = set()
        for wish in self.models:
            if tagged(wish.model) in seen:
                raise ValueError(f"{wish.model} is named twice; a model has one wish")
            seen.add(tagged(wish.model))
        return self


class ApplyPlacement(WishedModels):
    dry_run: bool = Field(default=False, description="only tell what would be done")


class Wish(Record):
    """The wish that holds, who made it and when."""

    models: tuple[ModelWish, ...] = ()
    version: int = 0
    applied_by: str | None = None
    applied_at: datetime | None = None


class PlannedAction(Message):
    """What Hive does next about a model on an agent, and why."""

    action: ModelAction
    model: str
    agent_id: Slug
    reason: str


class ReplicaState(StrEnum):
    READY = "ready"
    PULLING = "pulling"
    LOADING = "loading"
    WAITING = "waiting"


class Replica(Message):
    """An agent that was chosen for a model. `reason` says what it waits for."""

    agent_id: Slug
    state: ReplicaState
    reason: str = ""


class ModelState(Message):
    """A wish and what there is of it. `lacking`: agents that it cannot be on, and what each lacks."""

    model: str
    wanted: int
    ready: int
    replicas: tuple[Replica, ...] = ()
    lacking: dict[str, str] = Field(default_factory=dict)
    problem: str | None = Field(default=None, description="why fewer are chosen than wished")


class PlacementState(Record):
    """As the leader saw it last."""

    version: int = 0
    models: tuple[ModelState, ...] = ()
    actions: tuple[PlannedAction, ...] = ()
    updated_at: datetime | None = None


class Placement(Record):
    """The answer of `GET /api/placement`; of a dry run: what would be."""

    wish: Wish = Wish()
    state: PlacementState = PlacementState()
