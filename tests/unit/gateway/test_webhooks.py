"""The doors of workflows: what a workflow learns of a call, and what a browser makes of its answer."""

import asyncio
from base64 import b64encode

import pytest
from httpx import AsyncClient
from starlette.datastructures import Headers

from bus import subjects
from bus.errors import InvalidRequest
from bus.messages.workflows import Door, WebhookCall, WebhookReply
from bus.service import Call, Endpoint, Service
from bus.testing import InMemoryBus
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.multipart import MAX_FIELDS, MAX_FILES, parts_of
from tests.unit.gateway.conftest import ANNA


@pytest.fixture
async def heard(memory_bus: InMemoryBus) -> list[WebhookCall]:
    calls: list[WebhookCall] = []

    async def answer(call: Call[WebhookCall]) -> WebhookReply:
        calls.append(call.body)
        return WebhookReply(headers={"Content-Security-Policy": "img-src 'none'"}, body="<script>fetch('/api/keys')</script>")

    endpoint = Endpoint(verb="call", body=WebhookCall, handler=answer, permission=None, description="")
    await memory_bus.serve(Service(name=subjects.SERVICE_WEBHOOKS, version="0", description="", endpoints=(endpoint,)))
    return calls


@pytest.mark.parametrize(
    "shown",
    [
        {"Authorization": f"Bearer {ANNA}"},
        {"X-API-Key": ANNA},
        {"Authorization": "Basic " + b64encode(f"anna:{ANNA}".encode()).decode()},
        {"Authorization": "Bearer of-the-workflow", "X-API-Key": ANNA},
    ],
)
async def test_a_workflow_is_not_told_a_key_of_the_hive(
    nobody: AsyncClient, heard: list[WebhookCall], shown: dict[str, str]
) -> None:
    assert (await nobody.post("/webhook/orders", headers=shown | {"X-Mine": "1"})).status_code == 200
    told = heard[0].headers
    assert told["x-mine"] == "1"
    assert "x-api-key" not in told
    assert told.get("authorization") in (None, "Bearer of-the-workflow")


async def test_nor_the_one_that_let_a_test_call_in(anna: AsyncClient, heard: list[WebhookCall]) -> None:
    assert (await anna.post("/webhook-test/orders")).status_code == 200
    assert not {"authorization", "x-api-key"} & heard[0].headers.keys()


async def test_what_the_workflow_checks_itself_it_is_told(nobody: AsyncClient, heard: list[WebhookCall]) -> None:
    await nobody.post("/webhook/orders", headers={"Authorization": "Token abc", "X-API-Key": "theirs"})
    assert (heard[0].headers["authorization"], heard[0].headers["x-api-key"]) == ("Token abc", "theirs")


async def test_a_page_that_a_workflow_answers_has_an_origin_of_its_own(nobody: AsyncClient, heard: list[WebhookCall]) -> None:
    answer = await nobody.get("/webhook/page")
    assert answer.text.startswith("<script>")
    policies = answer.headers.get_list("content-security-policy")
    assert policies[0] == "img-src 'none'"
    assert policies[1].startswith("sandbox ")
    assert "allow-same-origin" not in policies[1]


async def test_that_no_engine_is_there_is_said_long_before_an_engine_s_time_is_up(
    nobody: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verbs, "ORDER_SECONDS", 0.1)
    async with asyncio.timeout(20):
        answer = await nobody.post("/webhook/orders")
    assert (answer.status_code, answer.json()["code"]) == (503, "no_leader")


@pytest.mark.parametrize("path", ["/webhook/orders", "/webhook/orders/chat", "/form/orders"])
async def test_calls_that_would_hold_too_much_together_are_told_when_to_come_back(
    nobody: AsyncClient, gateway: Gateway, heard: list[WebhookCall], path: str
) -> None:
    with gateway.webhook_bodies.hold() as under_way:
        under_way.add(gateway.settings.max_webhook_bytes - 100)
        refused = await nobody.post(path, json={"text": "x" * 200})
        assert (refused.status_code, refused.json()["code"]) == (503, "too_many_executions")
        assert int(refused.headers["retry-after"]) > 0
        assert (await nobody.post(path, json={})).status_code == 200
    assert gateway.webhook_bodies.held == 0
    assert (await nobody.post(path, json={"text": "x" * 200})).status_code == 200
    assert len(heard) == 2


async def test_a_page_of_hive_s_own_keeps_its_own_policy_alone(nobody: AsyncClient, memory_bus: InMemoryBus) -> None:
    async def answer(call: Call[WebhookCall]) -> WebhookReply:
        return WebhookReply(headers={"content-security-policy": "default-src 'none'"}, body="<p>form</p>", page=True)

    endpoint = Endpoint(verb="call", body=WebhookCall, handler=answer, permission=None, description="")
    await memory_bus.serve(Service(name=subjects.SERVICE_WEBHOOKS, version="0", description="", endpoints=(endpoint,)))
    shown = await nobody.get("/form/orders")
    assert shown.headers.get_list("content-security-policy") == ["default-src 'none'"]


async def test_what_a_form_does_not_take_is_said(nobody: AsyncClient) -> None:
    refused = await nobody.put("/form/orders")
    assert (refused.status_code, refused.headers["allow"]) == (405, "GET, HEAD, POST")
    assert "takes GET, HEAD, POST" in refused.json()["detail"]


PART = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nv\r\n'
FILE = b'--x\r\nContent-Disposition: form-data; name="a"; filename="b"\r\n\r\nv\r\n'


async def test_a_form_s_fields_and_files_are_told_apart(nobody: AsyncClient, heard: list[WebhookCall]) -> None:
    """As browsers send them: a field for a file that was left empty has a name of nothing."""
    body = (
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nAnn\r\n'
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xc3\xbc\r\n'
        b'--x\r\nContent-Disposition: form-data; name="none"; filename=""\r\nContent-Type: application/octet-stream\r\n\r\n\r\n'
        b'--x\r\nContent-Disposition: form-data; name="one"; filename="C:/tmp/a.TXT"\r\nContent-Type: Text/Plain; q=x\r\n\r\nink\r\n'
        b"--x--\r\n"
    )
    kind = {"content-type": "multipart/form-data; boundary=x"}
    assert (await nobody.post("/form/orders", content=body, headers=kind)).status_code == 200
    (call,) = heard
    assert (call.door, call.fields) == (Door.FORM, (("name", "Ann"), ("name", "ü")))
    (file,) = call.files
    assert (file.field, file.name, file.mime_type, file.size, file.data) == ("one", "a.TXT", "text/plain", 3, "aW5r")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", b"--x\r\n"),
        ("multipart/form-data; boundary=y", b"--x\r\nno"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data\r\n\r\nv\r\n--x--\r\n"),
        ("multipart/form-data; boundary=x", FILE * (MAX_FILES + 1) + b"--x--\r\n"),
    ],
)
async def test_a_form_that_cannot_be_read_is_refused(
    nobody: AsyncClient, heard: list[WebhookCall], kind: str, body: bytes
) -> None:
    answer = await nobody.post("/form/orders", content=body, headers={"content-type": kind})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert heard == []


async def test_a_form_has_a_thousand_fields_at_most() -> None:
    headers = Headers({"content-type": "multipart/form-data; boundary=x"})
    assert len((await parts_of(PART * MAX_FIELDS + b"--x--\r\n", headers)).fields) == MAX_FIELDS
    with pytest.raises(InvalidRequest, match="fields"):
        await parts_of(PART * (MAX_FIELDS + 1) + b"--x--\r\n", headers)
