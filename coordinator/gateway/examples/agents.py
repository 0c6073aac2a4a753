"""Examples of agents, their upkeep and their benchmarks, for the API's own documentation."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages import AgentList, AgentRecord, AgentStatus, Capability, Hardware, ModelInfo, Upstream
from bus.messages.benchmarks import AgentBenchmark, BenchmarkList, BenchmarkStatus, BenchmarkTrigger
from bus.messages.health import AgentHealth, AgentHealthCheck
from bus.messages.maintenance import MaintenanceList, MaintenancePhase, MaintenanceWindow
from coordinator.gateway.examples.time import NOON

UPSTREAMS: Final[dict[str, Example]] = {
    "ollama": {"summary": "An Ollama host", "value": {"url": "http://gpu-host:11434", "agent_id": "acacia", "slots": 2}},
    "openai": {
        "summary": "An OpenAI-compatible server",
        "value": {"url": "http://gpu-host:8000", "kind": "openai", "labels": {"site": "basement"}},
    },
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
AGENT: Final = AgentRecord(
    agent_id="acacia",
    name="ACACIA Infrastructure Specialist",
    endpoint="http://192.168.1.72:11434",
    status=AgentStatus.ONLINE,
    capabilities=(Capability(name="devops", proficiency=0.95),),
    hardware=Hardware(gpu_type="AMD Radeon RX 7900 XTX", vram_gb=24, cpu_cores=16, ram_gb=64),
    slots=2,
    running=1,
    models=(ModelInfo(name="llama3.2:3b", loaded=True),),
    last_seen=NOON,
)
_CHECK: Final = AgentHealthCheck(
    agent_id="acacia",
    timestamp=NOON,
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
    starts_at=NOON,
    ends_at=NOON + timedelta(hours=2),
    reason="new cards",
    by="anna",
    created_at=NOON - timedelta(hours=1),
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
    started_at=NOON,
    load_seconds=2.4,
    prompt_tokens_per_second=1850,
    generation_tokens_per_second=92,
    time_to_first_token_seconds=0.05,
    parallel_tokens_per_second={1: 92},
    slots=1,
)
ANSWERS: Final[tuple[BaseModel, ...]] = (
    AGENT,
    _WINDOW,
    MaintenanceList(windows=(_WINDOW,)),
    _BENCHMARK,
    BenchmarkList(benchmarks=(_BENCHMARK,)),
    AgentHealth(agent_id="acacia", last=_CHECK, history=(_CHECK,)),
    AgentList(agents=(AGENT,)),
    Upstream(url="http://gpu-host:11434", agent_id="acacia", kind="ollama", slots=2),
)
