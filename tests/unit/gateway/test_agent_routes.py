"""The doors to what is known of an agent and to what a person orders about it."""

from httpx import AsyncClient


async def test_the_health_of_an_agent_is_read_page_by_page(viewer: AsyncClient) -> None:
    first = (await viewer.get("/api/agents/acacia/health", params={"limit": 2})).json()
    assert (len(first["history"]), first["last"]) == (2, first["history"][0])
    second = (await viewer.get("/api/agents/acacia/health", params={"before": first["next_before"]})).json()
    assert (len(second["history"]), second["last"]["timestamp"]) == (100, first["next_before"])


async def test_a_page_has_a_bound_and_a_time_its_zone(viewer: AsyncClient) -> None:
    for wrong in ({"limit": 1001}, {"limit": 0}, {"before": "2026-11-23T12:00:00"}, {"since": "1"}):
        refused = await viewer.get("/api/agents/acacia/health", params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), wrong


async def test_metrics_of_an_agent_are_read_page_by_page_in_the_resolution_that_is_asked_for(viewer: AsyncClient) -> None:
    path = "/api/agents/acacia/metrics"
    first = (await viewer.get(path, params={"limit": 2, "resolution": "hour"})).json()
    assert (first["resolution"], len(first["points"])) == ("hour", 2)
    second = (await viewer.get(path, params={"before": first["next_before"]})).json()
    assert (second["resolution"], len(second["points"])) == ("minute", 500)
    assert second["points"][0]["timestamp"] == first["next_before"]
    for wrong in ({"limit": 2001}, {"resolution": "day"}, {"since": "2026-11-23T12:00:00"}, {"agent_id": "walnut"}):
        refused = await viewer.get(path, params=wrong)
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_request"), wrong


async def test_an_agent_that_was_removed_has_its_metrics_and_one_that_never_was_is_not_found(viewer: AsyncClient) -> None:
    assert len((await viewer.get("/api/agents/cedar/metrics")).json()["points"]) == 1
    gone = await viewer.get("/api/agents/walnut/metrics")
    assert (gone.status_code, gone.json()["code"]) == (404, "agent_not_found")


async def test_a_benchmark_is_asked_for_by_who_may_manage_agents_and_begins(admin: AsyncClient, viewer: AsyncClient) -> None:
    begun = await admin.post("/api/agents/acacia/benchmark", json={"model": "qwen3:8b"})
    assert (begun.status_code, begun.json()["model"], begun.json()["step"]) == (202, "qwen3:8b", "reload")
    warm = (await admin.post("/api/agents/acacia/benchmark", json={"reload": False})).json()
    assert (warm["model"], warm["step"]) == ("llama3.2:3b", "")
    assert (await viewer.post("/api/agents/acacia/benchmark", json={})).status_code == 403
    gone = await admin.post("/api/agents/walnut/benchmark", json={})
    assert (gone.status_code, gone.json()["code"]) == (404, "agent_not_found")
    wrong = await admin.post("/api/agents/acacia/benchmark", json={"modell": "x"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid_request")


async def test_benchmarks_are_listed_up_to_a_bound(viewer: AsyncClient) -> None:
    assert len((await viewer.get("/api/agents/acacia/benchmarks")).json()["benchmarks"]) == 20
    assert (await viewer.get("/api/agents/acacia/benchmarks", params={"limit": 201})).status_code == 422


async def test_an_agent_is_drained_with_a_reason_and_resumed(admin: AsyncClient, viewer: AsyncClient) -> None:
    drained = (await admin.post("/api/agents/acacia/drain", json={"reason": "the fan is replaced"})).json()
    assert (drained["status"], drained["drain"]["by"], drained["drain"]["reason"]) == (
        "draining",
        "admin",
        "the fan is replaced",
    )
    assert (await admin.post("/api/agents/acacia/resume")).json()["status"] == "online"
    assert (await viewer.post("/api/agents/acacia/drain", json={})).status_code == 403
    gone = await admin.post("/api/agents/walnut/resume")
    assert (gone.status_code, gone.json()["code"]) == (404, "agent_not_found")


async def test_labels_are_set_all_together_or_changed_one_by_one(admin: AsyncClient) -> None:
    path = "/api/agents/acacia/labels"
    assert (await admin.put(path, json={"labels": {"rack": "3"}})).json()["given_labels"] == {"rack": "3"}
    changed = await admin.patch(path, json={"labels": {"rack": "3", "site": None}})
    assert changed.json()["given_labels"] == {"rack": "3"}
    assert (await admin.patch(path, json={"labels": {"rack": "4"}})).json()["given_labels"] == {"site": "basement", "rack": "4"}
    for wrong in ({"labels": {"rack": None}}, {"labels": {"": "x"}}, {"labels": {f"n{n}": "x" for n in range(65)}}):
        assert (await admin.put(path, json=wrong)).status_code == 422


async def test_a_window_of_maintenance_is_planned_listed_and_cancelled(admin: AsyncClient, viewer: AsyncClient) -> None:
    wish = {"agents": ["acacia"], "ends_at": "2026-11-23T22:00:00Z", "reason": "new cards"}
    planned = await admin.post("/api/maintenance", json=wish)
    assert (planned.status_code, planned.json()["by"], planned.json()["phase"]) == (201, "admin", "planned")
    assert (await viewer.post("/api/maintenance", json=wish)).status_code == 403
    assert (await admin.post("/api/maintenance", json={**wish, "everything": True})).status_code == 422
    assert len((await viewer.get("/api/maintenance", params={"limit": 3})).json()["windows"]) == 3
    assert (await viewer.get("/api/maintenance", params={"limit": 201})).status_code == 422
    window_id = planned.json()["id"]
    assert (await admin.delete(f"/api/maintenance/{window_id}")).json()["phase"] == "cancelled"
    assert (await admin.delete("/api/maintenance/11111111-1111-4111-8111-111111111111")).status_code == 404
    assert (await admin.delete("/api/maintenance/seven")).json()["code"] == "invalid_id"
