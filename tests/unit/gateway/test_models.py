"""The routes of models: names with `/` and `:` in the path, orders that become jobs, and who may give them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from httpx import AsyncClient

from bus import subjects
from bus.client import Received
from bus.messages import AgentRecord, AgentStatus, Control, ModelInfo
from bus.messages.models import JobReply, JobStatus, ModelAction, ModelJob
from bus.overview import Overview
from bus.testing import InMemoryBus
from coordinator.gateway.gateway import Gateway
from coordinator.models.models import Models

NAME = "registry.example:5000/team/llama:3b-q4"
NOON = datetime(2025, 7, 6, 12, tzinfo=UTC)


@pytest.fixture
async def orders(memory_bus: InMemoryBus, gateway: Gateway) -> AsyncIterator[list[Control]]:
    """What the sidecar of oak was ordered; the coordinator's own service of models stands between."""
    taken: list[Control] = []

    async def answer(received: Received) -> JobReply:
        order = received.decode(Control)
        taken.append(order)
        if order.job_id is not None:
            key = subjects.job_key("oak", order.job_id)
            begun = ModelJob.model_validate_json(await memory_bus.get(subjects.KV_JOBS, key) or b"")
            ended = begun.model_copy(update={"status": JobStatus.CANCELLED})
            await memory_bus.put(subjects.KV_JOBS, key, ended)
            return JobReply(ok=True, job=ended)
        job = ModelJob(
            id=uuid4(),
            agent_id="oak",
            instance="i1",
            action=ModelAction(order.action.value),
            model=order.model or "",
            status=JobStatus.RUNNING,
            asked_by=order.asked_by,
            created_at=NOON,
            updated_at=NOON,
        )
        await memory_bus.put(subjects.KV_JOBS, subjects.job_key("oak", job.id), job)
        return JobReply(ok=True, job=job)

    oak = AgentRecord(
        agent_id="oak",
        name="OAK",
        endpoint="http://oak:11434",
        status=AgentStatus.ONLINE,
        instance="i1",
        models=(ModelInfo(name=NAME), ModelInfo(name="jobs:latest")),
    )
    await memory_bus.put(subjects.KV_AGENTS, "oak", oak)
    await memory_bus.answer(subjects.control("oak"), answer)
    overview = Overview(memory_bus)
    models = Models(memory_bus, overview)
    await overview.start()
    await models.start()
    await memory_bus.serve(models.service())
    yield taken
    await models.close()
    await overview.close()


async def test_a_models_name_stands_in_the_path_as_it_is(viewer: AsyncClient, orders: list[Control]) -> None:
    listed = (await viewer.get("/api/models")).json()["models"]
    assert {model["name"] for model in listed} >= {NAME, "jobs:latest"}
    found = await viewer.get(f"/api/models/{NAME}")
    assert (found.status_code, found.json()["name"], found.json()["agents"][0]["agent_id"]) == (200, NAME, "oak")
    assert (await viewer.get("/api/models/jobs:latest")).json()["name"] == "jobs:latest"
    missing = await viewer.get("/api/models/registry.example/nothing")
    assert (missing.status_code, missing.json()["code"]) == (404, "model_not_found")
    bad = await viewer.get("/api/models/a%20b")
    assert (bad.status_code, bad.json()["code"]) == (400, "invalid_id")


async def test_a_pull_is_a_job_that_can_be_looked_at(admin: AsyncClient, viewer: AsyncClient, orders: list[Control]) -> None:
    ordered = await admin.post("/api/models/pull", json={"model": NAME, "agents": ["oak"]})
    assert ordered.status_code == 202
    [job] = ordered.json()["jobs"]
    assert (job["agent_id"], job["action"], job["asked_by"]) == ("oak", "pull", "admin")
    assert (await viewer.get(f"/api/models/jobs/{job['id']}")).json() == job
    assert (await viewer.get("/api/models/jobs", params={"model": NAME, "active": "true"})).json()["jobs"] == [job]
    assert (await viewer.get("/api/models/jobs?agent_id=acacia")).json()["jobs"] == []
    gone = await viewer.get(f"/api/models/jobs/{uuid4()}")
    assert (gone.status_code, gone.json()["code"]) == (404, "job_not_found")


async def test_a_job_is_cancelled_by_who_manages_agents(admin: AsyncClient, anna: AsyncClient, orders: list[Control]) -> None:
    [job] = (await admin.post("/api/models/pull", json={"model": NAME, "agents": ["oak"]})).json()["jobs"]
    refused = await anna.delete(f"/api/models/jobs/{job['id']}")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    cancelled = await admin.delete(f"/api/models/jobs/{job['id']}")
    assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
    assert [(order.action, str(order.job_id)) for order in orders[1:]] == [("cancel_job", job["id"])]
    again = await admin.delete(f"/api/models/jobs/{job['id']}")
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")


async def test_every_order_reaches_the_sidecar(admin: AsyncClient, orders: list[Control]) -> None:
    for verb in ("load", "unload"):
        assert (await admin.post(f"/api/models/{verb}", json={"model": NAME, "agents": ["oak"]})).status_code == 202
    assert (await admin.delete(f"/api/models/{NAME}?agent_id=oak")).status_code == 202
    assert [(order.action, order.model) for order in orders] == [("load", NAME), ("unload", NAME), ("delete", NAME)]


@pytest.mark.parametrize("path", ["pull", "load", "unload"])
async def test_orders_are_for_those_who_manage_models(anna: AsyncClient, orders: list[Control], path: str) -> None:
    refused = await anna.post(f"/api/models/{path}", json={"model": NAME, "agents": ["oak"]})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert (await anna.delete(f"/api/models/{NAME}?agent_id=oak")).status_code == 403
    assert orders == []


async def test_an_order_without_a_place_is_refused_in_words(admin: AsyncClient, orders: list[Control]) -> None:
    refused = await admin.post("/api/models/pull", json={"model": NAME})
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request")
    assert "name the agents" in refused.json()["detail"]
    assert (await admin.delete(f"/api/models/{NAME}")).status_code == 422
