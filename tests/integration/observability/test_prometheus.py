"""A real Prometheus scrapes a running hive."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.local.ports import free_port
from tests.conftest import folder_for_others
from tests.parts.hive import Hive, wait_until
from tests.parts.prometheus import Prometheus, prometheus

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("prometheus") is None, reason="prometheus is not installed; Debian has it"),
]

SERVICES = ("coordinator", "workflow", "monitor", "gui", "sidecar")
SEEDS = {
    *(
        "hive_active_agents_total",
        "hive_task_queue_length",
        "hive_workflow_executions_total",
        "hive_websocket_connections_active",
    ),
    *("hive_api_request_duration_seconds_bucket", "hive_database_connections_active", "hive_redis_memory_usage_bytes"),
    *("hive_container_cpu_usage_percent", "hive_container_memory_usage_bytes", "hive_workflows_created_daily"),
    *(
        "hive_agent_utilization_percent",
        "hive_average_task_completion_time",
        "hive_agent_health_status",
        "hive_api_errors_total",
    ),
}
"""But `hive_execution_success_rate`, which has no value before an execution has ended."""


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    with folder_for_others("prometheus") as folder:
        hive = Hive(folder / "data", **{f"HIVE_{service.upper()}_METRICS_PORT": str(free_port()) for service in SERVICES})
        hive.start()
        yield hive
        hive.stop()


@pytest.fixture(scope="module")
def scraping(hive: Hive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    ports = {service: hive.env[f"HIVE_{service.upper()}_METRICS_PORT"] for service in SERVICES}
    services = [{"targets": [f"127.0.0.1:{port}"], "labels": {"service": service}} for service, port in ports.items()]
    gateway = hive.json("status")["api"].removeprefix("http://")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with prometheus(folder, {"hive": [{"targets": [gateway]}], "hive-services": services}) as found:
        yield found


def test_every_process_is_scraped(scraping: Prometheus) -> None:
    wait_until(lambda: scraping.value("sum(up)") == 1 + len(SERVICES), 30)
    told = {each["metric"]["service"] for each in scraping.query("hive_bus_connected == 1")}
    assert told == set(SERVICES)
    assert scraping.value("hive_coordinator_leading") == 1
    assert scraping.value("hive_sidecar_slots") > 0


def test_a_query_gives_the_figures_of_the_hive(hive: Hive, scraping: Prometheus) -> None:
    hive.json("task", "submit", "Say hello in one short sentence.", "-o", "num_predict=8")
    assert httpx.get(f"{hive.json('status')['api']}/no-such-page", trust_env=False).status_code == 404
    wait_until(lambda: (scraping.value("hive_average_task_completion_time") or 0) > 0, 30)
    wait_until(lambda: "hive_api_errors_total" in scraping.names(), 30)
    assert sorted(SEEDS - scraping.names()) == []
    assert scraping.value("hive_active_agents_total") == 1
    assert scraping.value("sum(hive_task_queue_length)") == 0
    wait_until(lambda: scraping.value('sum(hive_api_errors_total{status="404"})') == 1, 30)
    agent_id = hive.json("agents", "list")["agents"][0]["id"]
    assert scraping.value(f'hive_agent_health_status{{agent_id="{agent_id}"}}') == 1


def test_it_has_hive_s_rules(scraping: Prometheus) -> None:
    assert {"HighErrorRate", "AgentDown", "NobodyLeads"} <= set(scraping.alerts())
    assert all(re.fullmatch(r"[A-Z]\w+", name) for name in scraping.alerts())
