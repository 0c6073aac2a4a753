"""Webhooks through a real gateway: n8n's response modes, and who may call."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from httpx import AsyncClient

from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess, GatewayProcess
from tests.integration.workflow.parts import EngineProcess, chain, node, recorded
from tests.parts.nats import NatsServer


@pytest.fixture
async def client(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    with (
        EngineProcess(nats_server, tmp_path, database_url) as engine,
        CoordinatorProcess(nats_server, tmp_path, database_url),
        GatewayProcess(nats_server, tmp_path) as gateway,
    ):
        await engine.ready(nats_bus)
        await gateway.answers("/healthz", 90)
        async with gateway.client() as client:
            async with asyncio.timeout(90):
                while (await client.get("/api/workflows")).status_code != 200:  # until the coordinator has made the key known
                    await asyncio.sleep(0.05)
            yield client


async def test_the_life_of_a_workflow_by_rest(client: AsyncClient) -> None:
    document = recorded("bench/bench-pipeline")
    made = (await client.post("/api/workflows", json={"n8n_data": document})).json()
    assert made["n8n_data"] == document
    assert made["active"] is False
    call = {"amount": 60, "name": "ann lee"}
    refused = await client.post("/webhook/bench-pipeline", json=call)
    assert refused.status_code == 404
    assert refused.json()["code"] == "webhook_not_found"
    await client.post(f"/api/workflows/{made['id']}/activate")
    async with AsyncClient(base_url=client.base_url) as stranger:
        answer = await stranger.post("/webhook/bench-pipeline", json=call)
        assert (answer.status_code, answer.json()) == (200, {"big": True, "sum": 120, "label": "Ann Lee"})
        small = await stranger.post("/webhook/bench-pipeline", json={"amount": 1, "name": "bo"})
        assert small.json() == {"amount": 2, "label": "Bo", "big": False}
        assert (await stranger.post("/webhook-test/bench-pipeline", json=call)).status_code == 401
    assert (await client.post("/webhook-test/bench-pipeline", json=call)).json()["sum"] == 120
    listed = (await client.get("/api/executions", params={"workflow_id": made["id"]})).json()["executions"]
    assert [each["status"] for each in listed] == ["success"] * 3
    shown = (await client.get(f"/api/executions/{listed[-1]['id']}")).json()
    run = shown["data"]["resultData"]["runData"]["Code"][0]
    assert run["executionStatus"] == "success"
    assert run["data"]["main"][0][0]["json"] == {"big": True, "sum": 120, "label": "Ann Lee"}
    changed = await client.put(f"/api/workflows/{made['id']}", json={"name": "renamed", "version": 1})
    assert changed.json()["version"] == 2
    stale = await client.put(f"/api/workflows/{made['id']}", json={"name": "again", "version": 1})
    assert stale.json()["code"] == "conflict"
    versions = (await client.get(f"/api/workflows/{made['id']}/versions")).json()["versions"]
    assert [each["version"] for each in versions] == [2, 1]
    by_hand = await client.post(f"/api/workflows/{made['id']}/execute?wait=20", json={"items": [{"json": {"body": call}}]})
    assert by_hand.json()["status"] == "success"
    await client.post(f"/api/workflows/{made['id']}/deactivate")
    assert (await client.post("/webhook/bench-pipeline", json=call)).status_code == 404
    assert (await client.delete(f"/api/workflows/{made['id']}")).status_code == 204
    assert (await client.get(f"/api/workflows/{made['id']}")).json()["code"] == "workflow_not_found"


async def test_response_modes_and_a_resume_url(client: AsyncClient) -> None:
    async def activated(document: dict[str, object]) -> None:
        made = (await client.post("/api/workflows", json={"n8n_data": document})).json()
        assert (await client.post(f"/api/workflows/{made['id']}/activate")).status_code == 200

    hook = {"path": "at-once", "httpMethod": "POST"}
    wait = node("Wait", "wait", {"resume": "webhook", "httpMethod": "POST"}, 1.1)
    url = node("Url", "set", {"mode": "raw", "jsonOutput": '={{ {"url": $execution.resumeUrl} }}'}, 3.4)
    await activated(chain(node("Hook", "webhook", hook, 2), url, wait, node("End", "noOp")))
    last = node("Hook", "webhook", {"path": "last", "responseMode": "lastNode"}, 2)
    await activated(chain(last, node("Set", "set", {"mode": "raw", "jsonOutput": '={{ {"q": $json.query.q} }}'}, 3.4)))
    assert (await client.get("/webhook/last", params={"q": "7"})).json() == {"q": "7"}
    assert (await client.post("/webhook/at-once", json={})).json() == {"message": "Workflow was started"}
    execution = await _with_status(client, "waiting")
    shown = (await client.get(f"/api/executions/{execution}")).json()
    resume = shown["data"]["resultData"]["runData"]["Url"][0]["data"]["main"][0][0]["json"]["url"]
    path = resume.partition("/webhook-waiting")[1] + resume.partition("/webhook-waiting")[2]
    assert path == f"/webhook-waiting/{execution}"
    wrong = await client.get(path)
    assert wrong.json()["code"] == "execution_not_waiting"
    assert (await client.post(path, json={"yes": 1})).status_code == 200
    await _with_status(client, "success", execution)
    assert (await client.post(path, json={"yes": 1})).json()["code"] == "execution_not_waiting"


async def _with_status(client: AsyncClient, status: str, execution: str | None = None, seconds: float = 30) -> str:
    async with asyncio.timeout(seconds):
        while True:
            found = (await client.get("/api/executions", params={"status": status})).json()["executions"]
            for each in found:
                if execution in (None, each["id"]):
                    return str(each["id"])
            await asyncio.sleep(0.05)
