"""What any coordinator tells about models and passes on to sidecars, on a bus in memory."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bus import subjects
from bus.client import Received
from bus.errors import (
    AgentNotFound,
    AgentUnable,
    AlreadyEnded,
    Conflict,
    HiveError,
    JobNotFound,
    ModelNotFound,
    PermissionDenied,
)
from bus.messages import AgentRecord, AgentStatus, Claims, Control, ModelInfo, NoReply, Role
from bus.messages.models import (
    JobList,
    JobRef,
    JobReply,
    JobStatus,
    ListJobs,
    ModelAction,
    ModelJob,
    ModelList,
    ModelOrder,
    ModelRecord,
    ModelRef,
    ModelWish,
    OrderedJobs,
    Wish,
)
from bus.overview import Overview
from bus.testing import InMemoryBus
from coordinator.models.models import Models, as_seen

VIEWER = Claims(sub="vera", roles=(Role.VIEWER,))
PHI = ModelInfo(name="phi:latest", size_bytes=1000)
NOON = datetime(2025, 7, 6, 12, tzinfo=UTC)


def record(agent_id: str, **more: object) -> AgentRecord:
    known = {"name": agent_id, "endpoint": "http://x", "status": AgentStatus.ONLINE, "instance": "i1", "models": (PHI,)}
    return AgentRecord.model_validate({"agent_id": agent_id, **known, **more})


def job(agent_id: str, **more: object) -> ModelJob:
    known = {"id": uuid4(), "instance": "i1", "action": ModelAction.PULL, "model": "phi", "status": JobStatus.RUNNING}
    return ModelJob.model_validate({"agent_id": agent_id, "created_at": NOON, "updated_at": NOON, **known, **more})


class Sidecar:
    """Answers every order with a job, or with why not."""

    def __init__(self, bus: InMemoryBus, agent_id: str) -> None:
        self.bus, self.agent_id = bus, agent_id
        self.orders: list[Control] = []
        self.refuses: str | None = None

    async def start(self, **more: object) -> "Sidecar":
        await self.bus.answer(subjects.control(self.agent_id), self._answer)
        await self.bus.put(subjects.KV_AGENTS, self.agent_id, record(self.agent_id, **more))
        return self

    async def _answer(self, received: Received) -> JobReply:
        order = received.decode(Control)
        self.orders.append(order)
        if self.refuses:
            return JobReply(ok=False, message=self.refuses)
        if order.job_id is not None:
            return JobReply(ok=True, job=job(self.agent_id, id=order.job_id, status=JobStatus.CANCELLED))
        return JobReply(ok=True, job=job(self.agent_id, action=order.action.value, model=order.model, asked_by=order.asked_by))


@pytest.fixture
async def bus() -> AsyncIterator[InMemoryBus]:
    bus = InMemoryBus()
    overview = Overview(bus)
    models = Models(bus, overview)
    await overview.start()
    await models.start()
    await bus.serve(models.service())
    yield bus
    await bus.close()


def verb(name: str) -> str:
    return subjects.service_verb(subjects.SERVICE_MODELS, name)


async def order(bus: InMemoryBus, name: str, **fields: object) -> OrderedJobs:
    return await bus.request(verb(name), ModelOrder.model_validate(fields), OrderedJobs)


async def test_models_are_told_from_the_last_words_of_their_agents(bus: InMemoryBus) -> None:
    await bus.put(subjects.KV_AGENTS, "acacia", record("acacia"))
    await bus.put(subjects.KV_AGENTS, "walnut", record("walnut", models=()))
    found = await bus.request(verb("list"), NoReply(), ModelList, claims=VIEWER)
    assert [(model.name, model.could_pull) for model in found.models] == [("phi:latest", ("walnut",))]
    one = await bus.request(verb("get"), ModelRef(name="phi"), ModelRecord, claims=VIEWER)
    assert one.elsewhere is not None


async def test_a_name_that_no_agent_has_is_not_found_and_similar_ones_are_named(bus: InMemoryBus) -> None:
    await bus.put(subjects.KV_AGENTS, "acacia", record("acacia"))
    with pytest.raises(ModelNotFound, match="Did you mean phi:latest"):
        await bus.request(verb("get"), ModelRef(name="phy:latest"), ModelRecord)


async def test_a_key_for_some_models_sees_only_these(bus: InMemoryBus) -> None:
    await bus.put(subjects.KV_AGENTS, "acacia", record("acacia", models=(PHI, ModelInfo(name="secret:1b"))))
    claims = VIEWER.model_copy(update={"models": ("phi",)})
    found = await bus.request(verb("list"), NoReply(), ModelList, claims=claims)
    assert [model.name for model in found.models] == ["phi:latest"]
    with pytest.raises(ModelNotFound):
        await bus.request(verb("get"), ModelRef(name="secret:1b"), ModelRecord, claims=claims)


async def test_an_order_goes_to_the_agents_named_and_to_those_with_all_of_the_labels(bus: InMemoryBus) -> None:
    acacia = await Sidecar(bus, "acacia").start()
    both = await Sidecar(bus, "oak").start(labels={"site": "attic", "gpu": "amd"})
    one = await Sidecar(bus, "pine").start(labels={"site": "attic"})
    ordered = await order(bus, "pull", model="phi", agents=["acacia"], labels={"site": "attic", "gpu": "amd"})
    assert [job.agent_id for job in ordered.jobs] == ["acacia", "oak"]
    assert (len(acacia.orders), len(both.orders), len(one.orders)) == (1, 1, 0)
    assert (acacia.orders[0].model, acacia.orders[0].asked_by) == ("phi", "bus")


async def test_an_order_needs_the_right_to_manage_models_and_agents_that_exist(bus: InMemoryBus) -> None:
    await Sidecar(bus, "acacia").start()
    with pytest.raises(HiveError) as refused:
        await bus.request(verb("pull"), ModelOrder(model="phi", agents=("acacia",)), OrderedJobs, claims=VIEWER)
    assert refused.value.code == "permission_denied"
    with pytest.raises(AgentNotFound, match="no agent elm"):
        await order(bus, "pull", model="phi", agents=["acacia", "elm"])
    with pytest.raises(AgentNotFound, match="labels site=attic"):
        await order(bus, "pull", model="phi", labels={"site": "attic"})


async def test_an_agent_that_refuses_is_told_beside_those_that_do_not(bus: InMemoryBus) -> None:
    await Sidecar(bus, "acacia").start()
    refusing = await Sidecar(bus, "oak").start()
    refusing.refuses = "2 attempts run with phi"
    await bus.put(subjects.KV_AGENTS, "elm", record("elm", status=AgentStatus.OFFLINE))
    ordered = await order(bus, "unload", model="phi", agents=["acacia", "oak", "elm"])
    assert [job.agent_id for job in ordered.jobs] == ["acacia"]
    assert [(refusal.agent_id, refusal.code) for refusal in ordered.refused] == [
        ("elm", "agent_unable"),
        ("oak", "agent_unable"),
    ]
    with pytest.raises(AgentUnable, match="oak: 2 attempts run with phi"):
        await order(bus, "unload", model="phi", agents=["oak"])


async def test_what_is_wished_cannot_be_deleted(bus: InMemoryBus) -> None:
    await Sidecar(bus, "acacia").start()
    await bus.put(
        subjects.KV_PLACEMENT, subjects.WISH_KEY, Wish(models=(ModelWish(model="phi"), ModelWish(model="old", replicas=0)))
    )
    with pytest.raises(Conflict, match=r"models\.yaml wishes phi"):
        await order(bus, "delete", model="phi:latest", agents=["acacia"])
    assert (await order(bus, "delete", model="old", agents=["acacia"])).jobs


async def test_jobs_are_found_by_what_they_are_about(bus: InMemoryBus) -> None:
    await bus.put(subjects.KV_AGENTS, "acacia", record("acacia"))
    running, ended = job("acacia"), job("acacia", model="qwen", status=JobStatus.COMPLETED, created_at=datetime.now(UTC))
    for each in (running, ended):
        await bus.put(subjects.KV_JOBS, subjects.job_key("acacia", each.id), each)

    async def ids(**asked: object) -> list[object]:
        return [found.id for found in (await bus.request(verb("jobs"), ListJobs.model_validate(asked), JobList)).jobs]

    assert await ids() == [ended.id, running.id]
    assert await ids(active=True) == [running.id]
    assert await ids(model="qwen:latest") == [ended.id]
    assert await ids(agent_id="oak") == []
    with pytest.raises(JobNotFound):
        await bus.request(verb("job"), JobRef(id=uuid4()), ModelJob)


async def test_a_job_is_cancelled_by_its_sidecar_unless_it_has_ended_or_is_wished(bus: InMemoryBus) -> None:
    sidecar = await Sidecar(bus, "acacia").start()
    running, ended = job("acacia", asked_by="anna"), job("acacia", status=JobStatus.COMPLETED)
    wished = job("acacia", asked_by="models.yaml, version 3")
    for each in (running, ended, wished):
        await bus.put(subjects.KV_JOBS, subjects.job_key("acacia", each.id), each)

    async def cancel(found: ModelJob, claims: Claims | None = None) -> ModelJob:
        return await bus.request(verb("cancel"), JobRef(id=found.id), ModelJob, claims=claims)

    assert (await cancel(running)).id == running.id
    assert [(order.action, order.job_id, order.asked_by) for order in sidecar.orders] == [("cancel_job", running.id, "bus")]
    with pytest.raises(AlreadyEnded, match="completed"):
        await cancel(ended)
    with pytest.raises(Conflict, match=r"models\.yaml wishes phi"):
        await cancel(wished)
    with pytest.raises(PermissionDenied):
        await cancel(running, VIEWER)
    sidecar.refuses = "A load that has begun cannot be cancelled."
    with pytest.raises(Conflict, match="has begun"):
        await cancel(running)


@pytest.mark.parametrize(
    "agent", [None, record("acacia", instance="i2"), record("acacia", instance=None, status=AgentStatus.OFFLINE)]
)
def test_a_job_whose_sidecar_has_gone_has_failed(agent: AgentRecord | None) -> None:
    seen = as_seen(job("acacia"), agent)
    assert seen.error is not None
    assert (seen.status, seen.error.code) == (JobStatus.FAILED, "agent_lost")


def test_a_job_that_has_ended_or_whose_sidecar_lives_is_as_it_says() -> None:
    ended = job("acacia", status=JobStatus.COMPLETED)
    assert as_seen(ended, None) == ended
    assert as_seen(job("acacia"), record("acacia")).status is JobStatus.RUNNING
