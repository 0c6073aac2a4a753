"""Keys that there are not, and credentials of webhooks that are wrong, are slowed down by address; a key that holds is never kept out."""

from functools import partial

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from bus import subjects
from bus.guarding.guard import Guard
from bus.guarding.pace import PACE
from bus.messages.credentials import ConnectResult, ConnectReturn
from bus.messages.workflows import WebhookCall, WebhookReply
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from tests.unit.gateway.conftest import ANNA


@pytest.fixture(autouse=True)
def _all_in_one_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a machine with other work takes from one attempt to the next."""
    monkeypatch.setattr("coordinator.gateway.gateway.Guard", partial(Guard, now=lambda: 1.0))


async def test_keys_that_there_are_not_are_slowed_down_and_those_that_hold_are_not(nobody: AsyncClient) -> None:
    for number in range(PACE.free):
        refused = await nobody.get("/api/tasks", headers={"x-api-key": f"sk-hive-{number}"})
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    with capture_logs() as logs:
        refused = await nobody.get("/api/tasks", headers={"x-api-key": "sk-hive-guess"})
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, "too_many_attempts", "1")
    assert [log["event"] for log in logs] == ["attempt_refused", "refused"]
    assert "sk-hive-guess" not in str(logs)
    assert (await nobody.get("/api/tasks", headers={"x-api-key": ANNA})).status_code == 200
    said = await nobody.post("/v1/messages", headers={"x-api-key": "sk-hive-guess"}, json={})
    assert (said.status_code, said.json()["error"]["type"]) == (429, "rate_limit_error")


async def test_nobody_is_slowed_down_for_showing_no_key(nobody: AsyncClient) -> None:
    for _ in range(2 * PACE.free):
        assert (await nobody.get("/api/tasks")).status_code == 401


@pytest.fixture
async def asked(memory_bus: InMemoryBus) -> list[WebhookCall]:
    """An engine that has a webhook with a password."""
    calls: list[WebhookCall] = []

    async def call(call: Call[WebhookCall]) -> WebhookReply:
        calls.append(call.body)
        if call.body.headers.get("x-password") == "right":
            return WebhookReply(body="done")
        return WebhookReply(status=403, body="Authorization data is wrong!", refused=True)

    verb = Endpoint(verb="call", body=WebhookCall, handler=call, permission=None)
    await memory_bus.serve(Service(name=subjects.SERVICE_WEBHOOKS, version="0", description="", endpoints=(verb,)))
    return calls


async def test_credentials_of_webhooks_are_slowed_down(nobody: AsyncClient, asked: list[WebhookCall]) -> None:
    for _ in range(2 * PACE.free):
        assert (await nobody.post("/webhook/orders", headers={"x-password": "right"})).status_code == 200
    for number in range(PACE.free):
        assert (await nobody.post("/webhook/orders", headers={"x-password": str(number)})).status_code == 403
    looked_at = len(asked)
    for password in ("guess", "right"):
        refused = await nobody.post("/webhook/orders", headers={"x-password": password})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_attempts")
    assert len(asked) == looked_at


async def test_states_of_providers_are_slowed_down(nobody: AsyncClient, memory_bus: InMemoryBus) -> None:
    looked_at: list[str] = []

    async def connected(call: Call[ConnectReturn]) -> ConnectResult:
        looked_at.append(call.body.state)
        return ConnectResult(ok=call.body.state == "right" * 8, message="")

    verb = Endpoint(verb="connected", body=ConnectReturn, handler=connected, permission=None)
    await memory_bus.serve(Service(name=subjects.SERVICE_CREDENTIALS, version="0", description="", endpoints=(verb,)))
    for _ in range(2 * PACE.free):
        assert (await nobody.get("/oauth2/callback", params={"state": "right" * 8, "code": "c"})).status_code == 200
    for _ in range(PACE.free):
        assert (await nobody.get("/oauth2/callback", params={"state": "guess" * 8, "code": "c"})).status_code == 400
    assert (await nobody.get("/oauth2/callback", params={"state": "guess" * 8, "code": "c"})).status_code == 429
    assert len(looked_at) == 3 * PACE.free
