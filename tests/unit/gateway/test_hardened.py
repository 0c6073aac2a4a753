"""What is too large, too deep, or not meant is refused and logged; answers forbid browsers what they need not do."""

import asyncio
from typing import Any

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from bus import subjects
from bus.messages.audit import AuditRecord, AuditResult
from bus.testing import InMemoryBus
from bus.web.pace import MESSAGES
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.live.socket import Client
from tests.unit.gateway.conftest import ADMIN, ANNA


async def test_answers_forbid_browsers_what_they_need_not_do(anna: AsyncClient, nobody: AsyncClient) -> None:
    for response in (await anna.get("/api/tasks"), await nobody.get("/api/tasks"), await nobody.get("/healthz")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["referrer-policy"] == "no-referrer"
        assert response.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "strict-transport-security" not in response.headers
    page = await anna.get("/docs")
    assert page.headers.get_list("content-security-policy") == [
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ]


async def test_behind_tls_a_browser_is_told_to_keep_to_it(gateway: Gateway, anna: AsyncClient) -> None:
    response = await anna.get("https://hive/api/tasks")
    assert response.headers["strict-transport-security"] == "max-age=31536000"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"prompt": "' + b"a" * 20_000 + b'"}', 413, "payload_too_large"),
        (b'{"metadata": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}", 413, "payload_too_large"),
        (b'{"prompt": "x", "metadata": ' + b'{"a":' * 300 + b"1" + b"}" * 300 + b"}", 400, "invalid_json"),
    ],
)
@pytest.mark.parametrize("path", ["/api/tasks", "/api/workflows", "/v1/chat/completions", "/v1/messages", "/api/chat"])
async def test_bodies_that_are_too_large_or_too_deep_are_refused_and_logged(
    anna: AsyncClient, path: str, body: bytes, status: int, code: str
) -> None:
    """At each family of doors."""
    with capture_logs() as logs:
        response = await anna.post(path, content=body, headers={"content-type": "application/json"})
    assert response.status_code == status
    (told,) = [log for log in logs if log["event"] == "request_refused"]
    assert (told["path"], told["code"]) == (f"POST {path}", code)


@pytest.mark.parametrize(
    "path",
    [
        "/..%2f..%2fetc/passwd",
        "/api/tasks/..%2f..%2fetc%2fpasswd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "/docs/..%5c..%5cetc/passwd",
    ],
)
async def test_no_path_leads_out_and_who_tries_is_logged(anna: AsyncClient, path: str) -> None:
    with capture_logs() as logs:
        response = await anna.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
    assert "root:" not in response.text
    [told] = [log for log in logs if log["event"] == "path_refused"]
    assert told["path"].startswith("GET /")
    assert told["code"] == "not_found"


async def test_who_asks_for_a_thing_that_is_not_there_is_logged(anna: AsyncClient, nobody: AsyncClient) -> None:
    """It may be another tenant's: neither the answer nor the log says whose it is."""
    absent = "10000000-0000-4000-8000-000000000001"
    asked = [("GET", f"/api/tasks/{absent}"), ("DELETE", f"/api/tasks/{absent}"), ("GET", "/api/agents/nobody")]
    with capture_logs() as logs:
        for method, path in asked:
            assert (await anna.request(method, path)).status_code == 404
            assert (await nobody.request(method, path)).status_code == 401
        assert (await anna.get("/api/tasks")).status_code == 200
        assert (await anna.get("/api/no-such-route")).status_code == 404
    told = [log for log in logs if log["event"] == "thing_not_found"]
    assert [log["path"] for log in told] == [" ".join(each) for each in asked]
    assert {(log["sub"], log["tenant"]) for log in told} == {("anna", "default")}


async def _records(bus: InMemoryBus) -> list[AuditRecord]:
    reader = await bus.read(subjects.AUDIT, subjects.ALL_AUDIT)
    return [] if reader.caught_up else [received.decode(AuditRecord) for received in await reader.batch(100)]


async def test_what_the_gateway_refuses_is_in_the_audit_log_once(
    viewer: AsyncClient, nobody: AsyncClient, memory_bus: InMemoryBus
) -> None:
    for _ in range(3):
        assert (await viewer.post("/api/tasks", json={"prompt": "hi"})).status_code == 403
    assert (await nobody.get("/api/tasks", headers={"x-api-key": "sk-hive-none"})).status_code == 401
    told = await _records(memory_bus)
    assert [(record.action, record.sub, record.result) for record in told] == [
        ("doors.request", "viewer", AuditResult.REFUSED),
        ("doors.key", "", AuditResult.REFUSED),
    ]
    assert (told[0].via, told[0].code) == ("POST /api/tasks", "permission_denied")
    assert "sk-hive-none" not in "".join(record.model_dump_json() for record in told)


async def test_what_a_room_refuses_is_told_by_that_room_alone(
    anna: AsyncClient, admin: AsyncClient, memory_bus: InMemoryBus
) -> None:
    task = (await admin.post("/api/tasks", json={"prompt": "hi"})).json()["id"]
    assert (await anna.get(f"/api/tasks/{task}")).status_code == 403
    assert [(record.action, record.sub) for record in await _records(memory_bus)] == [("tasks.get", "anna")]


class Flooding:
    """A WebSocket client that pings without end."""

    def __init__(self) -> None:
        self.headers, self.query_params = {"authorization": f"Bearer {ANNA}"}, dict[str, str]()
        self.scope = {"client": ("10.0.0.9", 1)}
        self.pings, self.closed = 0, 0

    async def accept(self) -> None: ...

    async def receive_text(self) -> str:
        self.pings += 1
        await asyncio.sleep(0)
        return '{"type": "pong"}'

    async def send_text(self, text: str) -> None:
        self.last = text

    async def close(self, code: int, reason: str | None) -> None:
        self.closed, self.reason = code, reason


async def test_a_client_that_floods_the_socket_is_closed_and_logged(gateway: Gateway) -> None:
    flooding: Any = Flooding()
    with capture_logs() as logs:
        async with asyncio.timeout(10):
            await Client(flooding, gateway.identity, gateway.hub).serve(asyncio.Event())
    assert (flooding.closed, flooding.reason, flooding.pings) == (1008, "rate_limited", MESSAGES + 1)
    assert [log["address"] for log in logs if log["event"] == "flood_closed"] == ["10.0.0.9"]


async def test_basic_credentials_of_another_sites_request_are_refused_and_told(
    nobody: AsyncClient, memory_bus: InMemoryBus
) -> None:
    headers = {"sec-fetch-site": "cross-site"}
    refused = await nobody.post("/api/tasks", json={"prompt": "hi"}, headers=headers, auth=("ada", ADMIN))
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert [record.action for record in await _records(memory_bus)] == ["doors.request"]
