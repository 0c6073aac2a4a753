"""Anthropic's door: what is the protocol's own whatever is sent, and a task behind it."""

import asyncio
import json
from typing import Any

import pytest
from httpx import AsyncClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.gateway.rooms import Rooms
from tests.unit.gateway.test_clients_doors import said, until_cancelled

ASK: dict[str, Any] = {"model": "llama3.2:3b", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
PATHS = ("/v1/messages", "/v1/messages/count_tokens")
NAMES = ["model", "max_tokens", "messages", "system", "tools", "tool_choice", "content", "role", "type", "text", "source"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5) | st.sampled_from(["user", "text", "image"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5),
    max_leaves=8,
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_whatever_is_sent_is_answered_in_the_protocols_form(anna: AsyncClient, body: bytes) -> None:
    for path in PATHS:
        check(await anna.post(path, content=body))


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(more=st.dictionaries(st.sampled_from(NAMES), JSON, max_size=3))
async def test_whatever_stands_in_a_field_is_answered_in_the_protocols_form(anna: AsyncClient, more: dict[str, Any]) -> None:
    check(await anna.post("/v1/messages", content=json.dumps({**ASK, **more, "max_tokens": 0}).encode()))
    counted = await anna.post("/v1/messages/count_tokens", content=json.dumps({**ASK, **more}).encode())
    assert counted.status_code == 200 or check(counted)


def check(response: Any) -> bool:
    found = response.json()
    assert 400 <= response.status_code < 500
    assert (set(found), found["type"]) == ({"type", "error", "request_id"}, "error")
    assert set(found["error"]) == {"type", "message"}
    assert found["request_id"] == response.headers["request-id"] == response.headers["x-request-id"]
    return True


async def test_the_router_and_the_key_speak_the_protocol_too(anna: AsyncClient, nobody: AsyncClient) -> None:
    for response, status, kind in (
        (await nobody.post("/v1/messages", json=ASK), 401, "authentication_error"),
        (await anna.get("/v1/messages"), 405, "invalid_request_error"),
        (await anna.post("/v1/messages/batches", json={}), 404, "not_found_error"),
        (await anna.post("/v1/messages", content=b"x" * 20_000), 413, "request_too_large"),
        (await anna.post("/v1/messages", json={**ASK, "model": "nope"}), 404, "not_found_error"),
        (await anna.post("/v1/messages/count_tokens", json={**ASK, "model": "nope"}), 404, "not_found_error"),
    ):
        assert check(response)
        assert (response.status_code, response.json()["error"]["type"]) == (status, kind)


async def test_tokens_are_counted_without_a_task(anna: AsyncClient, viewer: AsyncClient, rooms: Rooms) -> None:
    response = await anna.post("/v1/messages/count_tokens?beta=true", json={**ASK, "system": "x" * 398})
    assert (response.status_code, response.json()) == (200, {"input_tokens": 100})
    assert not rooms.tasks
    assert (await viewer.post("/v1/messages/count_tokens", json=ASK)).json()["error"]["type"] == "permission_error"


async def test_a_name_counts_as_the_model_that_a_message_would_ask(anna: AsyncClient, admin: AsyncClient) -> None:
    for alias, models in (("near", ["never-seen:1b", "llama3.2:3b"]), ("far", ["never-seen:1b"])):
        (await admin.put(f"/api/aliases/{alias}", json={"models": models})).raise_for_status()
    statuses = {
        name: (await anna.post("/v1/messages/count_tokens", json={**ASK, "model": name})).status_code
        for name in ("near", "far")
    }
    assert statuses == {"near": 200, "far": 404}
    assert (await anna.post("/v1/messages", json={**ASK, "model": "far"})).status_code == 404


async def test_a_message_is_a_task(anna: AsyncClient, rooms: Rooms) -> None:
    asking = asyncio.create_task(anna.post("/v1/messages?beta=true", json=ASK, headers={"anthropic-version": "2023-06-01"}))
    host = await said(rooms, asking)
    await host.text("Hello.")
    await host.end(6)
    response = await asking
    assert response.json()["content"] == [{"type": "text", "text": "Hello."}]
    assert response.json()["stop_reason"] == "end_turn"
    assert response.headers["x-hive-task"] == str(host.task_id)
    assert response.headers["request-id"] == response.headers["x-request-id"]
    assert rooms.tasks[host.task_id].metadata == {"door": "anthropic"}


async def test_a_stream_that_breaks_off_ends_in_an_error_event(anna: AsyncClient, rooms: Rooms) -> None:
    asking = asyncio.create_task(anna.post("/v1/messages", json={**ASK, "stream": True}))
    host = await said(rooms, asking)
    await host.text("Hel")
    await host.text("Good day.", number=2)
    response = await asking
    name, payload = response.text.strip().split("\n\n")[-1].split("\n")
    assert (response.status_code, name) == (200, "event: error")
    assert json.loads(payload.removeprefix("data: "))["error"]["type"] == "api_error"
    assert "message_stop" not in response.text
    await until_cancelled(rooms, host.task_id)


@pytest.mark.parametrize(("code", "status"), [("unsupported_by_backend", 400), ("backend_error", 502), ("task_timeout", 504)])
async def test_a_task_that_fails_before_a_word_is_an_error_with_its_status(
    anna: AsyncClient, rooms: Rooms, monkeypatch: pytest.MonkeyPatch, code: str, status: int
) -> None:
    monkeypatch.setattr("coordinator.gateway.llm.running.QUIET_SECONDS", 0.01)
    asking = asyncio.create_task(anna.post("/v1/messages", json={**ASK, "stream": True}))
    host = await said(rooms, asking)
    await host.fail(code)
    response = await asking
    assert (response.status_code, response.json()["type"]) == (status, "error")
