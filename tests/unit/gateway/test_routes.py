"""Every other route: what it asks of which room, for whom, and what comes back."""

from time import monotonic
from types import SimpleNamespace
from uuid import uuid4

import pytest
from fastapi import APIRouter, Request
from httpx import AsyncClient

from bus.auth import Permission
from bus.messages import TaskStatus
from coordinator.gateway import app
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.routes.declared import needs
from tests.unit.gateway.rooms import KEY_ID, Rooms


async def submitted(client: AsyncClient) -> str:
    found: str = (await client.post("/api/tasks", json={"prompt": "hi"})).json()["id"]
    return found


async def test_a_task_is_shown_with_what_is_null(anna: AsyncClient) -> None:
    task = (await anna.get(f"/api/tasks/{await submitted(anna)}")).json()
    wanted = (
        "id status priority position created_at started_at completed_at assigned_agent_id attempts output usage timings"
        " error metadata"
    )
    assert set(wanted.split()) <= set(task)
    assert task["position"] is None


async def test_a_task_is_its_owners(anna: AsyncClient, viewer: AsyncClient, admin: AsyncClient) -> None:
    task_id = await submitted(anna)
    assert (await admin.get(f"/api/tasks/{task_id}")).status_code == 200
    refused = await viewer.get(f"/api/tasks/{task_id}")
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")


async def test_what_does_not_exist_is_not_found(anna: AsyncClient, admin: AsyncClient) -> None:
    gone = await anna.get(f"/api/tasks/{uuid4()}")
    assert (gone.status_code, gone.json()["code"]) == (404, "task_not_found")
    agent = await admin.get("/api/agents/walnut")
    assert (agent.status_code, agent.json()["code"]) == (404, "agent_not_found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/tasks/seven"),
        ("DELETE", "/api/tasks/seven"),
        ("GET", "/api/tasks/seven/output"),
        ("GET", "/api/agents/Not%20A%20Slug"),
        ("DELETE", "/api/keys/1"),
    ],
)
async def test_a_bad_id_is_told_apart_from_an_unknown_one(admin: AsyncClient, method: str, path: str) -> None:
    response = await admin.request(method, path)
    assert (response.status_code, response.json()["code"]) == (400, "invalid_id")


async def test_cancel_answers_with_the_task_and_once(anna: AsyncClient, rooms: Rooms) -> None:
    task_id = await submitted(anna)
    assert (await anna.delete(f"/api/tasks/{task_id}")).json()["status"] == TaskStatus.CANCELLED
    again = await anna.delete(f"/api/tasks/{task_id}")
    assert (again.status_code, again.json()["code"]) == (409, "already_ended")


async def test_filters_and_cursor_reach_the_room(anna: AsyncClient, rooms: Rooms) -> None:
    response = await anna.get(
        "/api/tasks?status=queued&status=failed&agent_id=acacia&model=m&owner=anna&dead_letters=true&before=2026-11-27T00:00:00Z&limit=7&cursor=c"
    )
    assert response.json()["next_cursor"] == "more"
    call = rooms.asked[-1]
    assert call.body.model_dump(mode="json") == {
        "status": ["queued", "failed"],
        "agent_id": "acacia",
        "model": "m",
        "owner": "anna",
        "dead_letters": True,
        "since": None,
        "before": "2026-11-27T00:00:00Z",
        "limit": 7,
        "cursor": "c",
    }
    assert call.claims.sub == "anna"


@pytest.mark.parametrize("query", ["limit=0", "limit=501", "status=done", "colour=red"])
async def test_a_filter_that_is_none_is_refused(anna: AsyncClient, query: str) -> None:
    response = await anna.get(f"/api/tasks?{query}")
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_an_operator_assigns_and_requeues(anna: AsyncClient, admin: AsyncClient) -> None:
    task_id = await submitted(anna)
    assigned = await admin.put(f"/api/tasks/{task_id}/assign", json={"agent_id": "acacia"})
    assert assigned.json()["assigned_agent_id"] == "acacia"
    assert (await admin.post(f"/api/tasks/{task_id}/requeue")).status_code == 200
    assert (await anna.post(f"/api/tasks/{task_id}/requeue")).status_code == 403
    assert (await anna.put(f"/api/tasks/{task_id}/assign", json={"agent_id": "acacia"})).status_code == 403
    assert (await admin.put(f"/api/tasks/{task_id}/assign", json={"agent": "acacia"})).status_code == 422


async def test_the_priority_of_a_waiting_task_is_changed_by_its_owner_or_an_operator(
    anna: AsyncClient, admin: AsyncClient, viewer: AsyncClient
) -> None:
    task_id = await submitted(anna)
    raised = await anna.put(f"/api/tasks/{task_id}/priority", json={"priority": "high"})
    assert (raised.status_code, raised.json()["priority"]) == (200, 1)
    assert (await admin.put(f"/api/tasks/{task_id}/priority", json={"priority": 4})).json()["priority"] == 4
    assert (await viewer.put(f"/api/tasks/{task_id}/priority", json={"priority": 1})).status_code == 403
    assert (await admin.put(f"/api/tasks/{task_id}/priority", json={"priority": 6})).json()["code"] == "invalid_request"


async def test_explain_gives_the_table_for_a_task_and_for_a_thought(anna: AsyncClient, viewer: AsyncClient) -> None:
    task_id = await submitted(anna)
    for response in (
        await anna.get(f"/api/tasks/{task_id}/explain"),
        await anna.post("/api/tasks/explain", json={"prompt": "x"}),
    ):
        assert response.status_code == 200
        assert response.json()["agents"][0]["agent_id"] == "acacia"
    unknown = await anna.post("/api/tasks/explain", json={"prompt": "x", "model": "nobody-has-this"})
    assert unknown.json()["code"] == "unknown_model"
    assert (await viewer.post("/api/tasks/explain", json={"prompt": "x"})).status_code == 403


async def test_everybody_with_a_role_sees_the_hive(viewer: AsyncClient) -> None:
    assert (await viewer.get("/api/status/cluster")).json()["leader"] == "coordinator-1"
    for path in ("/api/status/agents", "/api/agents"):
        assert [agent["agent_id"] for agent in (await viewer.get(path)).json()["agents"]] == ["acacia"]
    assert (await viewer.get("/api/agents/acacia")).json()["name"] == "ACACIA"
    assert (await viewer.get("/api/metrics/performance")).json()["completed"] == 1


async def test_hosts_are_added_and_removed_by_who_manages_agents(admin: AsyncClient, anna: AsyncClient) -> None:
    host = {"url": "http://gpu-host:11434"}
    added = await admin.post("/api/agents", json=host)
    assert (added.status_code, added.json()["url"]) == (201, "http://gpu-host:11434")
    assert (await admin.delete("/api/agents/acacia")).status_code == 204
    assert (await anna.post("/api/agents", json=host)).status_code == 403
    assert (await anna.delete("/api/agents/acacia")).status_code == 403


async def test_keys_are_managed_by_who_may(admin: AsyncClient, anna: AsyncClient) -> None:
    made = await admin.post("/api/keys", json={"owner": "anna"})
    assert made.status_code == 201
    assert made.json()["key"].startswith("sk-hive-")
    assert made.headers["cache-control"] == "no-store"
    assert (await admin.get("/api/keys")).json()["keys"][0]["owner"] == "anna"
    assert (await admin.delete(f"/api/keys/{KEY_ID}")).json()["id"] == str(KEY_ID)
    for response in (await anna.get("/api/keys"), await anna.post("/api/keys", json={"owner": "anna", "role": "admin"})):
        assert response.status_code == 403


@pytest.mark.slow
async def test_a_room_that_is_away_is_named(anna: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("coordinator.gateway.verbs.READ_TRY_SECONDS", 0.05)
    monkeypatch.setattr("coordinator.gateway.routes.status.verbs.READ_SECONDS", 0.05)
    response = await anna.get("/asyncapi")
    assert (response.status_code, response.json()["code"]) == (503, "no_leader")
    assert response.headers["retry-after"] == "1"


async def test_while_nobody_leads_the_last_word_is_told_with_its_age(
    viewer: AsyncClient, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoken_at = monotonic()
    monkeypatch.setattr(gateway.overview, "_now", lambda: spoken_at + 60)
    cluster = (await viewer.get("/api/status/cluster")).json()
    assert (cluster["leader"], cluster["queue"]["medium"]) == (None, 3)
    assert 59 < cluster["age_seconds"] < 62
    for path in ("/api/status/agents", "/api/agents"):
        listed = (await viewer.get(path)).json()
        assert [agent["agent_id"] for agent in listed["agents"]] == ["acacia"]
        assert 59 < listed["age_seconds"] < 62


def test_a_door_that_asks_for_a_permission_has_no_short_way_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    router = APIRouter()

    @router.post("/free")
    async def free(request: Request) -> None: ...

    @router.post("/guarded", **needs(Permission.AGENTS_MANAGE))
    async def guarded(request: Request) -> None: ...

    monkeypatch.setattr(app, "LLM_DOORS", (SimpleNamespace(router=router),))
    assert [route.path for route in app._short_ways()] == ["/free"]
