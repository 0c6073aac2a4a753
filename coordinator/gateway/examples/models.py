"""Examples of models, their aliases, downloads and placement, for the API's own documentation."""

from typing import Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages import AgentStatus
from bus.messages.aliases import AliasList, ModelAlias
from bus.messages.models import (
    JobList,
    JobStatus,
    ModelAction,
    ModelElsewhere,
    ModelJob,
    ModelList,
    ModelOnAgent,
    ModelRecord,
    ModelState,
    ModelWish,
    OrderedJobs,
    Placement,
    PlacementState,
    Replica,
    ReplicaState,
    Wish,
)
from coordinator.gateway.examples.time import NOON

MODEL_ORDERS: Final[dict[str, Example]] = {
    "one": {"summary": "On one agent", "value": {"model": "llama3.2:3b", "agents": ["walnut"]}},
    "labels": {"summary": "On all with a label", "value": {"model": "qwen3:8b", "labels": {"site": "basement"}}},
}
ALIASES: Final[dict[str, Example]] = {
    "other name": {"summary": "Another name for a model", "value": {"models": ["llama3.2:3b"]}},
    "stand-in": {"summary": "With a stand-in", "value": {"models": ["qwen3:8b", "llama3.2:3b"]}},
}
PLACEMENTS: Final[dict[str, Example]] = {
    "two": {
        "summary": "One model on two agents, another wherever the label is",
        "value": {
            "models": {
                "llama3.2:3b": {"replicas": 2, "prefer": ["acacia"], "num_ctx": 8192, "never_evict": True},
                "qwen3:8b": {"replicas": "all", "pins": {"labels": {"site": "basement"}}, "keep_alive": "30m"},
            }
        },
    },
}
_MODEL: Final = ModelRecord(
    name="llama3.2:3b",
    family="llama",
    parameter_size="3.2B",
    quantization="Q4_K_M",
    size_bytes=2_019_393_189,
    context_limit=131_072,
    agents=(
        ModelOnAgent(
            agent_id="acacia",
            status=AgentStatus.ONLINE,
            loaded=True,
            size_bytes=2_019_393_189,
            vram_bytes=3_461_349_376,
            memory_bytes=3_461_349_376,
            context_length=8192,
            context_reason="models.yaml wishes so",
            digest="a80c4f17acd55265feec403c7aef86be0c25983ab279d83f3bcd3abbcb5b8b72",
            running=1,
        ),
    ),
    loaded_on=("acacia",),
    could_pull=("walnut",),
    elsewhere=(ModelElsewhere(agent_id="walnut", could_pull=True, reason="its backend pulls, and it has room"),),
    vram_bytes=3_461_349_376,
    running=1,
)
_JOB: Final = ModelJob(
    id=UUID("8d1f0f4e-2f0b-4a57-9a53-0f4a1a0d5a10"),
    agent_id="walnut",
    instance="7c2e91d04b5f",
    action=ModelAction.PULL,
    model="llama3.2:3b",
    status=JobStatus.RUNNING,
    step="pulling dde5aa3fc5ff",
    bytes_done=734_003_200,
    bytes_total=2_019_393_189,
    asked_by="anna",
    created_at=NOON,
    updated_at=NOON,
)
_ALIAS: Final = ModelAlias(alias="gpt-4o-mini", models=("llama3.2:3b",))
ANSWERS: Final[tuple[BaseModel, ...]] = (
    _MODEL,
    ModelList(models=(_MODEL.model_copy(update={"elsewhere": None}),)),
    _ALIAS,
    AliasList(aliases=(_ALIAS,)),
    _JOB,
    JobList(jobs=(_JOB,)),
    OrderedJobs(jobs=(_JOB,)),
    Placement(
        wish=Wish(
            models=(ModelWish(model="llama3.2:3b", replicas=2, prefer=("acacia",), num_ctx=8192),),
            version=3,
            applied_by="anna",
            applied_at=NOON,
        ),
        state=PlacementState(
            version=3,
            models=(
                ModelState(
                    model="llama3.2:3b",
                    wanted=2,
                    ready=1,
                    replicas=(
                        Replica(agent_id="acacia", state=ReplicaState.READY),
                        Replica(agent_id="walnut", state=ReplicaState.PULLING, reason="it is being downloaded"),
                    ),
                    lacking={"elm": "it is offline"},
                ),
            ),
            updated_at=NOON,
        ),
    ),
)
