"""Examples for the API's own documentation: of bodies, which a test sends through their models, and of answers."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages import (
    AgentList,
    AgentPerformance,
    AgentRecord,
    AgentRow,
    AgentStatus,
    AttemptRecord,
    AttemptStatus,
    Capability,
    CatchUp,
    ClusterPerformance,
    ClusterStatus,
    Explanation,
    Hardware,
    IssuedKey,
    KeyList,
    KeyRecord,
    ModelInfo,
    NextTimes,
    Output,
    Overlap,
    Role,
    ScheduleList,
    ScheduleRecord,
    TaskList,
    TaskRecord,
    TaskRequest,
    TaskStatus,
    Timings,
    Upstream,
    Usage,
)
from bus.messages.aliases import AliasList, ModelAlias
from bus.messages.benchmarks import AgentBenchmark, BenchmarkList, BenchmarkStatus, BenchmarkTrigger
from bus.messages.cluster import ModelQuality, UserQuality
from bus.messages.health import AgentHealth, AgentHealthCheck
from bus.messages.joining import IssuedJoinToken, JoinGrant, JoinTokenList, JoinTokenRecord, JoinTokenState
from bus.messages.maintenance import MaintenanceList, MaintenancePhase, MaintenanceWindow
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
from bus.messages.places import Delay, QueuePlace, Rise
from coordinator.gateway import (
    alert_examples,
    credential_examples,
    mcp_server_examples,
    metrics_examples,
    workflow_examples,
)
from coordinator.gateway.metrics import Metrics
from coordinator.gateway.places import HEADERS
from coordinator.gateway.readiness import judge

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
TASK_REQUESTS: Final[dict[str, Example]] = {
    "prompt": {
        "summary": "A prompt, for whatever model is warm",
        "value": {"prompt": "Say hello in one short sentence.", "options": {"num_predict": 64}},
    },
    "chat": {
        "summary": "A conversation with a model by name, urgent",
        "value": {
            "messages": [
                {"role": "system", "content": "You answer in one sentence."},
                {"role": "user", "content": "Why is the sky blue?"},
            ],
            "model": "llama3.2:3b",
            "priority": "high",
            "timeout_seconds": 120,
        },
    },
    "placed": {
        "summary": "Only where the host can do it, after another task",
        "value": {
            "prompt": "Review this deployment plan: …",
            "require": {"capabilities": {"devops": 0.8}, "labels": {"site": "basement"}, "vram_gb": 12},
            "depends_on": ["6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e"],
            "metadata": {"ticket": "OPS-12"},
        },
    },
}
UPSTREAMS: Final[dict[str, Example]] = {
    "ollama": {"summary": "An Ollama host", "value": {"url": "http://gpu-host:11434", "agent_id": "acacia", "slots": 2}},
    "openai": {
        "summary": "An OpenAI-compatible server",
        "value": {"url": "http://gpu-host:8000", "kind": "openai", "labels": {"site": "basement"}},
    },
}
ASSIGNMENTS: Final[dict[str, Example]] = {
    "agent": {"summary": "To one agent and no other", "value": {"agent_id": "acacia"}},
}
PRIORITIES: Final[dict[str, Example]] = {
    "number": {"summary": "By its number: 1 is first, 5 is last", "value": {"priority": 1}},
    "word": {"summary": "By a word: high, medium or low", "value": {"priority": "low"}},
}
BENCHMARKS: Final[dict[str, Example]] = {
    "model": {"summary": "With one model, its load among what is measured", "value": {"model": "llama3.2:3b"}},
    "warm": {"summary": "With what is in memory, which stays there", "value": {"reload": False}},
}
DRAINS: Final[dict[str, Example]] = {
    "reason": {"summary": "With a reason, which everybody sees", "value": {"reason": "the fan is replaced"}},
    "none": {"summary": "Without one", "value": {}},
}
LABEL_SETS: Final[dict[str, Example]] = {
    "all": {"summary": "These and no others", "value": {"labels": {"site": "basement", "quiet": "yes"}}},
}
LABEL_CHANGES: Final[dict[str, Example]] = {
    "some": {"summary": "Give one, take one back", "value": {"labels": {"site": "attic", "quiet": None}}},
}
MAINTENANCE: Final[dict[str, Example]] = {
    "agents": {
        "summary": "Two hosts, this evening",
        "value": {
            "agents": ["acacia", "walnut"],
            "starts_at": "2026-11-23T20:00:00Z",
            "ends_at": "2026-11-23T22:00:00Z",
            "reason": "new cards",
        },
    },
    "labels": {
        "summary": "A room, from now on",
        "value": {"labels": {"site": "basement"}, "ends_at": "2026-11-23T22:00:00Z", "reason": "new cables"},
    },
    "everything": {
        "summary": "The whole hive",
        "value": {"everything": True, "ends_at": "2026-11-23T22:00:00Z", "reason": "a power cut"},
    },
}
JOIN_TOKENS: Final[dict[str, Example]] = {
    "one host": {"summary": "For one host, within a day", "value": {"name": "walnut"}},
    "a room": {
        "summary": "For ten hosts of a room",
        "value": {"uses": 10, "expires_seconds": 3600, "labels": {"site": "basement"}},
    },
}
JOINS: Final[dict[str, Example]] = {
    "walnut": {
        "summary": "As `hive join` asks",
        "value": {
            "token": "hive-join-…",
            "name": "walnut",
            "key": "UBEFVI6HCMG5J4PJUNIGU7VPF45RWKDGZO73TKBDJ42DSSW2F5FZWQBM",
            "signature": "bm90IGEgc2lnbmF0dXJlIGJ1dCBpbiBpdHMgZm9ybQ==",
        },
    }
}
KEYS: Final[dict[str, Example]] = {
    "developer": {"summary": "May submit, and see its own tasks", "value": {"owner": "anna", "name": "notebook"}},
    "one model": {
        "summary": "May use one model only",
        "value": {"owner": "ci", "role": "developer", "models": ["llama3.2:3b"]},
    },
}

_DAILY: Final = {"cron": "30 7 * * 1-5", "time_zone": "Europe/Berlin"}
SCHEDULES: Final[dict[str, Example]] = {
    "morning": {
        "summary": "On every working day at half past seven",
        "value": {"name": "morning news", **_DAILY, "task": {"prompt": "Sum up the news.", "model": "llama3.2:3b"}},
    },
    "hourly": {
        "summary": "Every hour for a week, one after the other",
        "value": {
            "name": "watch the log",
            "cron": "@hourly",
            "task": {"prompt": "What is odd about this log? …", "priority": "low"},
            "overlap": "skip",
            "catch_up": "none",
            "ends_at": "2100-01-01T00:00:00Z",
        },
    },
}
TIMINGS: Final[dict[str, Example]] = {"morning": {"summary": "Half past seven on working days", "value": _DAILY}}
SCHEDULE_CHANGES: Final[dict[str, Example]] = {
    "pause": {"summary": "Pause it", "value": {"enabled": False}},
    "later": {"summary": "An hour later, without an end", "value": {"cron": "30 8 * * 1-5", "ends_at": None}},
}

_NOON: Final = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
_TASK: Final = TaskRecord(
    id=UUID("6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e"),
    owner="anna",
    status=TaskStatus.COMPLETED,
    priority=3,
    prompt="Say hello in one short sentence.",
    model="llama3.2:3b",
    created_at=_NOON,
    started_at=_NOON + timedelta(seconds=0.1),
    completed_at=_NOON + timedelta(seconds=1),
    assigned_agent_id="acacia",
    attempts=(
        AttemptRecord(
            id=UUID("c0a8012e-5d0b-4a4f-8a52-1f0d2f9b6f10"),
            number=1,
            agent_id="acacia",
            model="llama3.2:3b",
            status=AttemptStatus.COMPLETED,
            offered_at=_NOON,
            started_at=_NOON + timedelta(seconds=0.1),
            ended_at=_NOON + timedelta(seconds=1),
        ),
    ),
    output=Output(text="Hello, it is good to meet you.", finish_reason="stop"),
    usage=Usage(prompt_tokens=31, completion_tokens=9),
    timings=Timings(queue_seconds=0.01, time_to_first_token_seconds=0.2, generation_tokens_per_second=52.4),
)
_AGENT: Final = AgentRecord(
    agent_id="acacia",
    name="ACACIA Infrastructure Specialist",
    endpoint="http://192.168.1.72:11434",
    status=AgentStatus.ONLINE,
    capabilities=(Capability(name="devops", proficiency=0.95),),
    hardware=Hardware(gpu_type="AMD Radeon RX 7900 XTX", vram_gb=24, cpu_cores=16, ram_gb=64),
    slots=2,
    running=1,
    models=(ModelInfo(name="llama3.2:3b", loaded=True),),
    last_seen=_NOON,
)
_CHECK: Final = AgentHealthCheck(
    agent_id="acacia",
    timestamp=_NOON,
    response_time=0.004,
    tokens_per_second=52.4,
    cpu_usage=11,
    memory_usage=38,
    gpu_usage=87,
    available=True,
)
_WINDOW: Final = MaintenanceWindow(
    id=UUID("3c1f6f0a-52c5-4a64-8f0e-0d4b8c7f4a11"),
    agents=("acacia", "walnut"),
    starts_at=_NOON,
    ends_at=_NOON + timedelta(hours=2),
    reason="new cards",
    by="anna",
    created_at=_NOON - timedelta(hours=1),
    phase=MaintenancePhase.UNDER_WAY,
)
_BENCHMARK: Final = AgentBenchmark(
    id=UUID("7d0a4f2e-1c5b-4f7e-9a55-3b1f0c9d2e10"),
    agent_id="acacia",
    model="llama3.2:3b",
    trigger=BenchmarkTrigger.REQUEST,
    status=BenchmarkStatus.RUNNING,
    step="writing 2 answers at once",
    progress=0.6,
    hardware="AMD Radeon RX 7900 XTX, 24 GB of VRAM, 16 cores, 64 GB",
    started_at=_NOON,
    load_seconds=2.4,
    prompt_tokens_per_second=1850,
    generation_tokens_per_second=92,
    time_to_first_token_seconds=0.05,
    parallel_tokens_per_second={1: 92},
    slots=1,
)
_HIVE_ID: Final = UUID("c0ffee00-6d2e-4c59-9a3b-2f1d5f7c0a11")
_KEY: Final = KeyRecord(
    id=UUID("0b5a8d1e-7c55-4f0c-8c3c-9d4d3f1f6a01"),
    owner="anna",
    role=Role.DEVELOPER,
    name="notebook",
    prefix="sk-hive-3f9a",
    created_at=_NOON,
)
_JOIN_TOKEN: Final = JoinTokenRecord(
    id=UUID("7a1f0c35-52a1-4a43-8b6e-91f0a6c3d204"),
    name="cellar",
    labels={"site": "basement"},
    uses_allowed=10,
    uses=1,
    hosts=("walnut",),
    created_by="anna",
    created_at=_NOON,
    expires_at=_NOON + timedelta(days=1),
    state=JoinTokenState.ACTIVE,
)

_SCHEDULE: Final = ScheduleRecord(
    id=UUID("3d1f7a52-6a0b-4f5e-9d53-0c7c6a1f2b11"),
    owner="anna",
    name="morning news",
    cron="30 7 * * 1-5",
    time_zone="Europe/Berlin",
    task=TaskRequest(prompt="Sum up the news.", model="llama3.2:3b"),
    enabled=True,
    catch_up=CatchUp.LAST,
    overlap=Overlap.ALLOW,
    next_due=_NOON + timedelta(hours=18, minutes=30),
    last_due=_NOON - timedelta(hours=5, minutes=30),
    last_task_id=_TASK.id,
    created_at=_NOON - timedelta(days=1),
    updated_at=_NOON - timedelta(days=1),
)

_CLUSTER: Final = ClusterStatus(
    version="0.1.0",
    leader="coordinator-1",
    agents={"online": 1},
    queue={"high": 0, "medium": 3, "low": 0, "pending": 1},
    tasks={"assigned": 0, "running": 1},
    slots=2,
    slots_free=1,
    updated_at=_NOON,
)

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
    created_at=_NOON,
    updated_at=_NOON,
)
_ALIAS: Final = ModelAlias(alias="gpt-4o-mini", models=("llama3.2:3b",))
_ANSWERS: Final[tuple[BaseModel, ...]] = (
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
            applied_at=_NOON,
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
            updated_at=_NOON,
        ),
    ),
    _TASK,
    TaskList(tasks=(_TASK.model_copy(update={"prompt": None, "output": None}),), next_cursor=None),
    Explanation(
        agents=(
            AgentRow(agent_id="acacia", able=True, reason="has the model warm", warm=True, free_slots=1, predicted_seconds=0.9),
            AgentRow(agent_id="walnut", able=False, reason="does not have the model"),
        ),
        choice="acacia",
        reason="lowest predicted finish",
    ),
    _AGENT,
    _WINDOW,
    MaintenanceList(windows=(_WINDOW,)),
    _BENCHMARK,
    BenchmarkList(benchmarks=(_BENCHMARK,)),
    AgentHealth(agent_id="acacia", last=_CHECK, history=(_CHECK,)),
    AgentList(agents=(_AGENT,)),
    Upstream(url="http://gpu-host:11434", agent_id="acacia", kind="ollama", slots=2),
    _SCHEDULE,
    ScheduleList(schedules=(_SCHEDULE.model_copy(update={"task": None}),)),
    NextTimes(times=tuple(datetime(2026, 11, day, 7, 30, tzinfo=ZoneInfo("Europe/Berlin")) for day in range(23, 28))),
    IssuedKey(key="sk-hive-…", record=_KEY),
    _KEY,
    KeyList(keys=(_KEY,)),
    IssuedJoinToken(token="hive-join-…", record=_JOIN_TOKEN),  # noqa: S106
    _JOIN_TOKEN,
    JoinTokenList(tokens=(_JOIN_TOKEN,)),
    JoinGrant(
        hive_id=_HIVE_ID,
        name="walnut",
        labels={"site": "basement"},
        nats_url="nats://hive:…@192.168.1.5:4222",
    ),
    _CLUSTER,
    metrics_examples.HISTORY,
    ClusterPerformance(
        agents=(
            AgentPerformance(
                agent_id="acacia", **metrics_examples.WELL, generation_tokens_per_second=52.4, mean_task_seconds=1.2
            ),
        ),
        models=(ModelQuality(model="llama3.2:3b", **metrics_examples.WELL),),
        users=(UserQuality(user="anna", **metrics_examples.WELL),),
        workflows=(),
        **metrics_examples.WELL,
        completion_tokens=1840,
        mean_task_seconds=1.2,
        since=_NOON,
    ),
)
LIFE: Final[dict[str, Any]] = {"status": "ok", "version": "0.1.0"}
READY: Final = judge(True, _CLUSTER, agents=1).model_dump(mode="json")
NOT_READY: Final = judge(True, None, agents=1).model_dump(mode="json")
METRICS_PAGE: Final = Metrics().page(_CLUSTER, [_AGENT], metrics_examples.READINGS).decode()
ASYNCAPI: Final[dict[str, Any]] = {
    "asyncapi": "3.0.0",
    "info": {"title": "Hive", "version": "0.1.0"},
    "channels": {"submit": {"address": "hive.tasks.submit.{tenant}.{class}.{task_id}"}},
}
"""Its first lines, so to say: the whole has a channel for every subject."""


def shown(example: Any, media_type: str = "application/json", status: int = 200) -> dict[int | str, dict[str, Any]]:
    """For `also` of a route's decorator: what an answer looks like whose model is not among ANSWERS."""
    return {status: {"content": {media_type: {"example": example}}}}


_PLACE: Final = QueuePlace(
    position=4,
    eta_seconds=8.5,
    rise=Rise(reason=Delay.PRIORITY, before=3, position=4, at=_NOON),
)
OUTPUT_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The events, until the task has ended",
        "headers": HEADERS,
        "content": {
            "text/event-stream": {
                "schema": {"type": "string"},
                "example": f"event: queue\ndata: {_PLACE.model_dump_json()}\n\n"
                'id: 1:5\nevent: delta\ndata: {"number":1,"offset":0,"text":"Hello"}\n\n'
                f"event: done\ndata: {_TASK.model_dump_json()}\n\n",
            }
        },
    }
}
_BESIDE: Final = (
    *alert_examples.ANSWERS,
    *workflow_examples.ANSWERS,
    *credential_examples.ANSWERS,
    *mcp_server_examples.ANSWERS,
)
ANSWERS: Final[dict[str, BaseModel]] = {type(shown).__name__: shown for shown in (*_ANSWERS, *_BESIDE)}
"""By the name of the model, which is the name of its schema."""
