"""The gateway as a process on a real nats-server, with no other room there."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from bus import auth, subjects
from bus.errors import InvalidRequest, PermissionDenied
from bus.messages import Claims, Role, TaskRecord, TaskRequest
from bus.nats_bus import NatsBus
from bus.refusals import IN_FULL
from tests.integration.gateway.parts import ADMIN_KEY, GatewayProcess, until
from tests.parts.nats import NatsServer

SUBMIT = subjects.service_verb(subjects.SERVICE_TASKS, "submit")


@pytest.fixture
async def bus_with_key(nats_bus: NatsBus) -> NatsBus:
    await nats_bus.put(subjects.KV_KEYS, auth.hash_key(ADMIN_KEY), Claims(sub="admin", roles=(Role.ADMIN,)))
    return nats_bus


@pytest.fixture
def gateway(bus_with_key: NatsBus, nats_server: NatsServer, tmp_path: Path) -> Iterator[GatewayProcess]:
    with GatewayProcess(nats_server, tmp_path) as process:
        yield process


@pytest.mark.slow
async def test_a_lonely_gateway_lives_takes_tasks_and_says_what_is_missing(gateway: GatewayProcess, nats_bus: NatsBus) -> None:
    await gateway.answers()
    async with gateway.client() as client:
        ready = await client.get("/readyz")
        assert ready.status_code == 503
        assert [(check["name"], check["ok"]) for check in ready.json()["checks"]] == [
            ("bus", True),
            ("leader", False),
            ("agents", False),
        ]
        task = await client.post("/api/tasks", json={"prompt": "hi"}, headers={"Idempotency-Key": "one"})
        assert (task.status_code, task.json()["status"]) == (201, "queued")
        again = await client.post("/api/tasks", json={"prompt": "hi"}, headers={"Idempotency-Key": "one"})
        assert (again.status_code, again.json()["id"]) == (200, task.json()["id"])
        assert await nats_bus.last(subjects.TASKS, subjects.submits_of_task(task.json()["id"]))
        assert "hive_active_agents_total 0.0" in (await client.get("/metrics")).text
    assert gateway.stop() < 5


async def test_a_body_over_the_limit_is_refused_while_it_is_sent_and_who_goes_on_does_not_fill_the_log(
    gateway: GatewayProcess,
) -> None:
    await gateway.answers()
    async with gateway.client() as client:
        body = b'{"prompt": "' + b"x" * 5 * 1024 * 1024 + b'"}'
        response = await client.post("/api/tasks", content=body, headers={"content-type": "application/json"})
        assert (response.status_code, response.json()["code"]) == (413, "payload_too_large")
        big = await client.post("/api/tasks", json={"prompt": "x" * 3 * 1024 * 1024})
        assert big.status_code == 201
        again = [await client.post("/api/tasks", content=b"{") for _ in range(100)]
        assert {response.status_code for response in again} == {415}
    assert gateway.log.read_text().count('"request_refused"') == IN_FULL


async def test_the_bus_is_a_door_with_the_same_rules(gateway: GatewayProcess, nats_bus: NatsBus) -> None:
    await gateway.answers()
    record = await nats_bus.request(SUBMIT, TaskRequest(prompt="hi"), TaskRecord)
    assert (record.owner, record.status) == (auth.BUS_OPERATOR.sub, "queued")
    assert await nats_bus.last(subjects.TASKS, subjects.submits_of_task(record.id))
    with pytest.raises(InvalidRequest, match="`promt`"):
        await nats_bus.request(SUBMIT, b'{"promt": "hi"}', TaskRecord)
    with pytest.raises(PermissionDenied):
        await nats_bus.request(SUBMIT, TaskRequest(prompt="hi"), TaskRecord, claims=Claims(sub="v", roles=(Role.VIEWER,)))


async def test_a_busy_port_is_named_with_its_remedy(nats_server: NatsServer, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with GatewayProcess(nats_server, tmp_path, HIVE_API_PORT=port) as gateway:
            assert await asyncio.to_thread(gateway.process.wait, 60) == 1  # a start takes what the machine leaves it
            assert f"127.0.0.1:{port}" in gateway.log.read_text()
            assert "HIVE_API_PORT" in gateway.log.read_text()


@pytest.mark.slow
async def test_a_gateway_that_waits_for_nats_can_be_stopped(own_nats_server: NatsServer, tmp_path: Path) -> None:
    own_nats_server.kill()
    with GatewayProcess(own_nats_server, tmp_path) as gateway:
        await until(lambda: "gateway_awaits_bus" in gateway.log.read_text())
        assert gateway.stop() < 5


@pytest.mark.slow
async def test_a_submit_outlives_kill_nine_of_the_bus(own_nats_server: NatsServer, tmp_path: Path) -> None:
    bus = await own_nats_server.connect()
    await bus.put(subjects.KV_KEYS, auth.hash_key(ADMIN_KEY), Claims(sub="admin", roles=(Role.ADMIN,)))
    with GatewayProcess(own_nats_server, tmp_path) as gateway:
        await gateway.answers()
        async with gateway.client() as client:
            own_nats_server.kill()
            submitting = [asyncio.create_task(client.post("/api/tasks", json={"prompt": str(n)})) for n in range(10)]
            assert (await client.get("/healthz")).status_code == 200
            assert (await client.get("/readyz")).status_code == 503
            own_nats_server.start()
            answers = await asyncio.gather(*submitting)
        assert [answer.status_code for answer in answers] == [201] * 10
        for answer in answers:
            assert await bus.last(subjects.TASKS, subjects.submits_of_task(answer.json()["id"]))
    await bus.close()
