"""Liveness, readiness and metrics."""

from datetime import UTC, datetime

import pytest
from httpx import AsyncClient
from prometheus_client.parser import text_string_to_metric_families

from bus import subjects
from bus.messages import AgentRecord, AgentStatus, ClusterStatus
from bus.testing import InMemoryBus
from coordinator.gateway.metrics import Metrics
from coordinator.gateway.readiness import judge
from coordinator.gateway.scraping import Readings
from tests.unit.gateway.rooms import ACACIA, Rooms

TOLD_BY_ROOMS = {
    "hive_workflow_executions_total",
    "hive_execution_success_rate",
    "hive_average_task_completion_time",
    "hive_websocket_connections_active",
    "hive_container_cpu_usage_percent",
    "hive_container_memory_usage_bytes",
    "hive_database_connections_active",
    "hive_redis_memory_usage_bytes",
    "hive_workflows_created_daily",
}
LEADS = ClusterStatus(version="0", leader="coordinator-1", queue={"medium": 3}, updated_at=datetime.now(UTC))


def valued(page: str) -> set[tuple[str, str, float]]:
    """Every sample: its name, the values of its labels, its value."""
    families = text_string_to_metric_families(page)
    return {
        (each.name, " ".join(value for _, value in sorted(each.labels.items())), each.value)
        for family in families
        for each in family.samples
    }


def page_of(agent: AgentRecord) -> str:
    return Metrics().page(LEADS, [agent], Readings()).decode()


def test_ready_means_bus_and_leader_and_agent() -> None:
    assert judge(True, LEADS, 1).ready
    for readiness in (
        judge(False, None, 1),
        judge(True, None, 1),
        judge(True, LEADS.model_copy(update={"leader": None}), 1),
        judge(True, LEADS, 0),
    ):
        assert not readiness.ready
        assert all("`hive" in check.detail for check in readiness.checks if not check.ok)


async def test_readyz_lists_each_check(nobody: AsyncClient) -> None:
    response = await nobody.get("/readyz")
    assert response.status_code == 200
    assert [check["name"] for check in response.json()["checks"]] == ["bus", "leader", "agents"]


async def test_readyz_is_503_while_something_is_missing(nobody: AsyncClient, memory_bus: InMemoryBus) -> None:
    await memory_bus.delete(subjects.KV_AGENTS, ACACIA.agent_id)
    response = await nobody.get("/readyz")
    assert response.status_code == 503
    assert [check["ok"] for check in response.json()["checks"]] == [True, True, False]


async def test_metrics_carry_the_names_of_the_seed(anna: AsyncClient, nobody: AsyncClient) -> None:
    await anna.get("/api/tasks/6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e")
    response = await nobody.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    durations = families["hive_api_request_duration_seconds"].samples
    assert {"method": "GET", "route": "/api/tasks/{task_id}", "status": "404"} in [
        {name: value for name, value in sample.labels.items() if name != "le"} for sample in durations
    ]
    assert [sample.value for sample in families["hive_active_agents_total"].samples] == [1]
    assert {sample.labels["class"]: sample.value for sample in families["hive_task_queue_length"].samples} == {
        "high": 0,
        "medium": 3,
    }
    assert [sample.labels for sample in families["hive_agent_health_status"].samples] == [{"agent_id": "acacia"}]
    assert families["hive_api_errors"].samples[0].value == 1


async def test_what_other_rooms_know_is_asked_of_them_at_each_scrape(nobody: AsyncClient, rooms: Rooms) -> None:
    """By what each of them answers in rooms.py."""
    assert valued((await nobody.get("/metrics")).text) >= {
        ("hive_workflow_executions_total", "success", 41),
        ("hive_workflow_executions_total", "error", 1),
        ("hive_execution_success_rate", "", 0.975),
        ("hive_average_task_completion_time", "", 3.2),
        ("hive_websocket_connections_active", "5f0c1d2e3a4b gui", 3),
        ("hive_container_cpu_usage_percent", "5f0c1d2e3a4b gui", 2.5),
        ("hive_container_memory_usage_bytes", "5f0c1d2e3a4b gui", 98_304_000),
        ("hive_database_connections_active", "idle", 9),
        ("hive_redis_memory_usage_bytes", "", 1_048_576),
        ("hive_workflows_created_daily", "", 2),
    }


def test_what_no_room_tells_has_its_name_and_no_sample() -> None:
    page = Metrics().page(LEADS, [ACACIA], Readings()).decode()
    for name in TOLD_BY_ROOMS:
        assert f"# HELP {name} " in page
    assert not {name for name, _, _ in valued(page)} & TOLD_BY_ROOMS


@pytest.mark.parametrize(("running", "slots", "percent"), [(0, 4, 0), (3, 4, 75), (3, 2, 100)])
def test_utilization_is_the_share_of_slots_that_are_taken(running: int, slots: int, percent: float) -> None:
    agent = ACACIA.model_copy(update={"running": running, "slots": slots})
    assert ("hive_agent_utilization_percent", "acacia", percent) in valued(page_of(agent))


async def test_a_dead_agent_has_health_0_until_it_is_removed(nobody: AsyncClient, memory_bus: InMemoryBus) -> None:
    dead = ACACIA.model_copy(update={"status": AgentStatus.OFFLINE})
    await memory_bus.put(subjects.KV_AGENTS, dead.agent_id, dead)
    found = valued((await nobody.get("/metrics")).text)
    assert {each for each in found if each[1] == "acacia"} == {("hive_agent_health_status", "acacia", 0)}
    assert ("hive_active_agents_total", "", 0) in found
    await memory_bus.delete(subjects.KV_AGENTS, dead.agent_id)
    assert not {each for each in valued((await nobody.get("/metrics")).text) if each[1] == "acacia"}


async def test_paths_that_do_not_exist_do_not_fill_the_metrics(anna: AsyncClient, nobody: AsyncClient) -> None:
    for number in range(3):
        await anna.get(f"/made-up-{number}")
    text = (await nobody.get("/metrics")).text
    assert "made-up" not in text
    assert 'route="unmatched",status="404"} 3.0' in text


@pytest.mark.parametrize(("status", "health"), [("online", 1), ("draining", 1), ("degraded", 0.5), ("offline", 0)])
def test_the_health_of_an_agent_is_a_number(status: AgentStatus, health: float) -> None:
    page = page_of(ACACIA.model_copy(update={"status": AgentStatus(status)}))
    assert f'hive_agent_health_status{{agent_id="acacia"}} {float(health)}' in page


def test_a_queue_that_nobody_can_see_is_left_out(rooms: Rooms) -> None:
    page = Metrics().page(None, [ACACIA], Readings()).decode()
    assert "hive_task_queue_length" not in page
    assert "# TYPE hive_active_agents_total untyped" in page
    assert not {name for name, _, _ in valued(page) if name.endswith("_created")}
