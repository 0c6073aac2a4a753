"""A running hive: a real Prometheus scrapes it, and a receiver of OpenTelemetry gets what it did as one trace."""

import json
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus import subjects
from deploy.grafana.writing import FOLDER
from deploy.local.ports import free_port
from deploy.local.postgres import Postgres
from deploy.local.valkey import Valkey
from tests.conftest import folder_for_others
from tests.integration.workflow.parts import chain, node
from tests.parts.hive import Hive, wait_until
from tests.parts.otlp import Received, Receiver, receiving
from tests.parts.prometheus import Prometheus, check_metrics, postgres_exporter, prometheus, redis_exporter

pytestmark = pytest.mark.slow

KEY = "sk-hive-observed-by-operators-of-all-kinds"
SECRET = "the colour of the sea at dawn"
CALLER = f"00-{'5eed' * 8}-{'ca11' * 4}-01"
DOOR = "POST /api/workflows/{workflow_id}/execute"
SPANS = {
    DOOR,
    "workflow",
    "node Ask",
    "node Time",
    "submit_task",
    "submit",
    "queue",
    "attempt",
    "chat",
    "outcome",
    "tools/call",
}
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
"""But `hive_execution_success_rate`, which has no value before an execution has ended: it has a test of its own."""
NO_CARD = "no card of this machine tells it"
EMPTY = {
    "hive_agent_gpu": NO_CARD,
    "hive_agent_held_models) > 0": "no model is held back",
    **dict.fromkeys(
        ("gnatsd_", "jetstream_"), "prometheus-nats-exporter is not to be had as a program: see the test of what it reads"
    ),
    **({} if shutil.which("prometheus-postgres-exporter") else {"pg_": "prometheus-postgres-exporter is not installed"}),
}
"""What of the dashboards has nothing to show here, by what stands in its expression, and why."""


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def hive(receiver: Receiver) -> Iterator[Hive]:
    ports = {f"HIVE_{service.upper()}_METRICS_PORT": str(free_port()) for service in SERVICES}
    ports["HIVE_NATS_MONITOR_PORT"] = str(free_port())
    with folder_for_others("observed") as folder:
        hive = Hive(folder / "data", HIVE_ADMIN_KEY=KEY, HIVE_OTLP_ENDPOINT=receiver.url, **ports)
        hive.start()
        yield hive
        hive.stop()


@pytest.fixture(scope="module")
def door(hive: Hive) -> Iterator[httpx.Client]:
    bearer = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=hive.json("status")["api"], headers=bearer, trust_env=False, timeout=90) as client:
        yield client


@pytest.fixture(scope="module")
def scraping(hive: Hive, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is not installed; Debian has it")
    ports = {service: hive.env[f"HIVE_{service.upper()}_METRICS_PORT"] for service in SERVICES}
    services = [{"targets": [f"127.0.0.1:{port}"], "labels": {"service": service}} for service, port in ports.items()]
    gateway = hive.json("status")["api"].removeprefix("http://")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    with (
        postgres_exporter(Postgres(hive.folder / "postgres").url()) as postgres,
        redis_exporter(Valkey(folder=hive.folder / "valkey").url) as redis,
    ):
        exporters = {job: [{"targets": [address]}] for job, address in (("postgres", postgres), ("redis", redis)) if address}
        with prometheus(folder, {"hive": [{"targets": [gateway]}], "hive-services": services, **exporters}) as found:
            yield found


def test_every_process_is_scraped(scraping: Prometheus) -> None:
    wait_until(lambda: scraping.value('sum(up{job=~"hive.*"})') == 1 + len(SERVICES), 30)
    told = {each["metric"]["service"] for each in scraping.query("hive_bus_connected == 1")}
    assert told == set(SERVICES)
    assert scraping.value("hive_coordinator_leading") == 1
    assert (scraping.value("hive_sidecar_slots") or 0) > 0


def test_a_query_gives_the_figures_of_the_hive(hive: Hive, door: httpx.Client, scraping: Prometheus) -> None:
    hive.json("task", "submit", "Say hello in one short sentence.", "-o", "num_predict=8")
    not_found = 'sum(hive_api_errors_total{status="404"})'
    before = scraping.value(not_found) or 0
    assert door.get("/no-such-page").status_code == 404
    wait_until(lambda: (scraping.value("hive_average_task_completion_time") or 0) > 0, 30)
    wait_until(lambda: "hive_api_errors_total" in scraping.names(), 30)
    assert sorted(SEEDS - scraping.names()) == []
    assert scraping.value("hive_active_agents_total") == 1
    assert scraping.value("sum(hive_task_queue_length)") == 0
    wait_until(lambda: scraping.value(not_found) == before + 1, 30)
    agent_id = hive.json("agents", "list")["agents"][0]["agent_id"]
    assert scraping.value(f'hive_agent_health_status{{agent_id="{agent_id}"}}') == 1


def test_it_has_hive_s_rules(scraping: Prometheus) -> None:
    assert {"HighErrorRate", "AgentDown", "NobodyLeads"} <= set(scraping.alerts())
    assert all(re.fullmatch(r"[A-Z]\w+", name) for name in scraping.alerts())


def document(model_name: str) -> dict[str, Any]:
    """A pure node, a question to a model, and a tool of an MCP server."""
    asked = {"promptType": "define", "text": f"Say a word about {SECRET}"}
    model = {"model": model_name, "options": {"numPredict": 4}}
    found = chain(
        node("Start", "manualTrigger"),
        node("Ask", "@n8n/n8n-nodes-langchain.chainLlm", asked, 1.4),
        {**node("Time", "", {"timezone": "Europe/Berlin"}), "type": "hive.mcp.time.get_current_time"},
    )
    found["nodes"].append(node("Model", "@n8n/n8n-nodes-langchain.lmChatOllama", model, 1))
    found["connections"]["Model"] = {"ai_languageModel": [[{"node": "Ask", "type": "ai_languageModel", "index": 0}]]}
    return found


@pytest.fixture(scope="module")
def trace(door: httpx.Client, receiver: Receiver) -> list[Received]:
    """The spans of a workflow that ran."""
    wish = {"name": "time", "transport": "stdio", "command": sys.executable, "args": ["-m", "mcp_server_time"]}
    assert door.post("/api/mcp-servers", json=wish).status_code == 201
    wait_until(lambda: door.get("/api/mcp-servers/time").json()["status"] == "connected", 60)
    model = door.get("/v1/models").json()["data"][0]["id"]
    made = door.post("/api/workflows", json={"name": "observed", "n8n_data": document(model)})
    assert made.status_code == 201, made.text
    path, headers = f"/api/workflows/{made.json()['id']}/execute", {"traceparent": CALLER}
    answer = door.post(path, params={"wait": 60}, json={}, headers=headers)
    assert answer.json()["status"] == "success", answer.text
    wait_until(lambda: {named(span) for span in receiver.trace(CALLER[3:35])} >= SPANS, 30)
    return receiver.trace(CALLER[3:35])


def test_a_workflow_with_a_model_and_a_tool_is_one_connected_trace(trace: list[Received]) -> None:
    spans = {named(span): span for span in trace}
    assert path(spans["chat"], trace) == [DOOR, "workflow", "node Ask", "submit_task", "submit", "attempt", "chat"]
    assert path(spans["queue"], trace)[-2:] == ["submit", "queue"]
    assert path(spans["outcome"], trace)[-2:] == ["attempt", "outcome"]
    assert path(spans["tools/call"], trace)[-3:] == ["workflow", "node Time", "tools/call"]
    assert {span.service for span in trace} == {"hive-gateway", "hive-coordinator", "hive-workflow", "hive-sidecar"}
    assert {span.parent for span in trace} - {span.span_id for span in trace} == {CALLER[36:52]}
    assert spans["chat"].attributes["gen_ai.operation.name"] == "chat"
    assert 1 <= spans["chat"].attributes["gen_ai.usage.output_tokens"] <= 4
    assert spans["tools/call"].attributes["gen_ai.tool.name"] == "get_current_time"
    assert not any(span.failed for span in trace)


def named(span: Received) -> str:
    """Without what differs from hive to hive."""
    return span.name if span.name.startswith(("node ", "POST ")) else span.name.partition(" ")[0]


def path(span: Received, spans: list[Received]) -> list[str]:
    """The names from the first span to this one."""
    by_id, found = {each.span_id: each for each in spans}, [span]
    while (around := by_id.get(found[0].parent)) is not None:
        found.insert(0, around)
    return [named(each) for each in found]


def test_what_is_exported_holds_no_prompt_and_no_key(trace: list[Received], receiver: Receiver) -> None:
    everything = b"".join(receiver.raw)
    assert CALLER[36:52] in {span.parent for span in trace}
    assert SECRET.encode() not in everything
    assert KEY.encode() not in everything


def test_exemplars_lead_from_a_histogram_to_a_trace(scraping: Prometheus, trace: list[Received]) -> None:
    def found() -> set[str]:
        return {each["labels"]["trace_id"] for each in scraping.exemplars("hive_api_request_duration_seconds_bucket")}

    wait_until(lambda: trace[0].trace_id in found(), 30)


def test_it_tells_how_many_executions_succeeded(scraping: Prometheus, trace: list[Received]) -> None:
    wait_until(lambda: scraping.value("hive_execution_success_rate") == 1, 30)


def test_promtool_finds_nothing_wrong_with_what_the_gateway_and_each_process_tell(
    hive: Hive, door: httpx.Client, scraping: Prometheus, trace: list[Received]
) -> None:
    pages = {"gateway": door.get("/metrics").text}
    for service in SERVICES:
        pages[service] = httpx.get(
            f"http://127.0.0.1:{hive.env[f'HIVE_{service.upper()}_METRICS_PORT']}/metrics", trust_env=False
        ).text
    for service, page in pages.items():
        assert page.count("# TYPE hive_") > 2, (service, page)
        check_metrics(page)


def test_the_exporter_of_redis_reaches_its_valkey(scraping: Prometheus) -> None:
    if shutil.which("prometheus-redis-exporter") is None:
        pytest.skip("prometheus-redis-exporter is not installed; Debian has it")
    wait_until(lambda: scraping.value("redis_up") == 1, 30)
    assert (scraping.value("redis_memory_used_bytes") or 0) > 0


def test_what_the_exporter_of_nats_reads_has_what_its_panels_show(hive: Hive) -> None:
    """It makes `gnatsd_varz_NAME` of each number of /varz, and of /jsz what stands here."""
    base = f"http://127.0.0.1:{hive.env['HIVE_NATS_MONITOR_PORT']}"
    varz, jsz = (httpx.get(f"{base}/{path}", trust_env=False).json() for path in ("varz", "jsz?consumers=true&config=true"))
    shown = set(re.findall(r"\b(?:gnatsd|jetstream)_\w+", " ".join(text for _, text in panels())))
    told = {f"gnatsd_varz_{name}" for name, value in varz.items() if isinstance(value, int | float)}
    streams = [stream for account in jsz["account_details"] for stream in account["stream_detail"]]
    assert {stream["name"] for stream in streams} >= {subjects.TASKS, subjects.EVENTS, subjects.METRICS}
    told |= {"jetstream_stream_total_bytes"} if all("bytes" in stream["state"] for stream in streams) else set()
    consumers = [consumer for stream in streams for consumer in stream.get("consumer_detail", ())]
    assert subjects.OTLP_SINK in {consumer["name"] for consumer in consumers}
    told |= {"jetstream_consumer_num_pending"} if all("num_pending" in consumer for consumer in consumers) else set()
    assert len(shown) > 5
    assert sorted(shown - told) == []


def panels() -> list[tuple[str, str]]:
    """Where it stands and its PromQL, as Grafana fills it in."""
    boards = [json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))]
    asked = [
        (board["uid"], panel["title"], each["expr"])
        for board in boards
        for panel in board["panels"]
        for each in panel["targets"]
    ]
    filled = ((f"{uid}: {title}", text.replace("$__rate_interval", "1m")) for uid, title, text in asked)
    return [(where, re.sub(r"\$\w+", ".*", text)) for where, text in filled]


def test_every_panel_of_the_dashboards_has_data_or_a_reason(
    hive: Hive, door: httpx.Client, scraping: Prometheus, trace: list[Received]
) -> None:
    hive.json("task", "submit", "Say hello once more.", "-o", "num_predict=8")
    assert door.get("/api/no-such-page").status_code == 404
    shown = [(where, text) for where, text in panels() if not any(part in text for part in EMPTY)]
    assert len(shown) > 40
    assert {part for part in EMPTY if not any(part in text for _, text in panels())} == set()

    def empty() -> list[tuple[str, str]]:
        return [(where, text) for where, text in shown if not scraping.query(text)]

    try:
        wait_until(lambda: not empty(), 30)
    except AssertionError:
        assert empty() == []
