"""Tasks, agents and messages as the coordinator's pure modules take them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from bus import subjects
from bus.client import Received
from bus.messages import AgentRegistration, AgentStatus, Capability, Hardware, Heartbeat, ModelInfo
from coordinator.agents.agent import Agent, OpenAttempt
from coordinator.tasks import Task

NOON = datetime(2025, 7, 6, 12, tzinfo=UTC)
WARM = ModelInfo(name="smollm2:135m", loaded=True)
COLD = ModelInfo(name="smollm2:135m")


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def task(**more: object) -> Task:
    known: dict[str, object] = {
        "id": uuid4(),
        "tenant": "default",
        "owner": "ada",
        "priority": 3,
        "sequence": 1,
        "created_at": NOON,
    }
    return Task(**(known | more))  # type: ignore[arg-type]


def registration(agent_id: str = "acacia", *, instance: str = "one", **more: object) -> AgentRegistration:
    known: dict[str, object] = {"name": agent_id, "endpoint": "http://127.0.0.1:11434", "slots": 1, "models": (WARM,)}
    return AgentRegistration.model_validate({"agent_id": agent_id, "instance": instance, **known, **more})


def agent(
    agent_id: str = "acacia",
    *,
    slots: int = 1,
    busy: int = 0,
    models: tuple[ModelInfo, ...] = (WARM,),
    status: AgentStatus = AgentStatus.ONLINE,
    capabilities: dict[str, float] | None = None,
    labels: dict[str, str] | None = None,
    vram_gb: float | None = None,
) -> Agent:
    """`busy` attempts take a slot each."""
    offered = tuple(Capability(name=name, proficiency=value) for name, value in (capabilities or {}).items())
    known = registration(agent_id, labels=labels or {}, capabilities=offered, hardware=Hardware(vram_gb=vram_gb))
    made = Agent(registration=known, status=status, slots=slots, models=models)
    for _ in range(busy):
        taken = attempt(agent_id)
        made.attempts[taken.id] = taken
    return made


def attempt(agent_id: str = "acacia", *, instance: str = "one", accepted: bool = True, at: float = 0.0) -> OpenAttempt:
    return OpenAttempt(
        id=uuid4(),
        task_id=uuid4(),
        agent_id=agent_id,
        instance=instance,
        number=1,
        model=WARM.name,
        opened_at=at,
        seen_at=at,
        accepted=accepted,
    )


def heartbeat(agent_id: str = "acacia", *, instance: str = "one", running: tuple[UUID, ...] = (), **more: object) -> Heartbeat:
    known: dict[str, object] = {"sequence": 1, "status": AgentStatus.ONLINE, "slots": 1}
    return Heartbeat.model_validate({"agent_id": agent_id, "instance": instance, "running": running, **known, **more})


def submit(
    body: bytes = b'{"prompt":"hi"}',
    *,
    task_id: UUID | str | None = None,
    task_class: str = "medium",
    tenant: str = "default",
    headers: dict[str, str] | None = None,
) -> Received:
    """A message as HIVE_TASKS gives it."""
    return Received(subjects.submit(tenant, task_class, task_id or uuid4()), body, headers or {}, 7, NOON)
