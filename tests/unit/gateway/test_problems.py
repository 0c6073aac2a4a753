"""Whatever goes wrong: one shape, a code, an id to look for, and nothing of the inside."""

from uuid import uuid4

import pytest
from httpx import AsyncClient
from structlog.testing import capture_logs

from bus import telemetry
from bus.testing import InMemoryBus
from bus.version import hive_version
from coordinator.gateway.envelope import request_id_of


async def test_a_problem_says_what_rfc_9457_wants(anna: AsyncClient) -> None:
    response = await anna.get("/api/nothing")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "urn:hive:error:not_found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "There is no GET /api/nothing. /docs lists what there is.",
        "instance": "/api/nothing",
        "code": "not_found",
        "request_id": response.headers["x-request-id"],
    }


async def test_a_method_that_a_path_does_not_take_is_told_which_it_does(anna: AsyncClient) -> None:
    response = await anna.patch("/api/tasks")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, POST"
    response = await anna.post(f"/api/tasks/{uuid4()}", json={})
    assert response.headers["allow"] == "DELETE, GET"


async def test_every_answer_carries_id_and_version(anna: AsyncClient, nobody: AsyncClient) -> None:
    for response in (
        await anna.get("/api/tasks"),
        await anna.get("/api/nothing"),
        await anna.post("/api/tasks", json={}),
        await nobody.get("/api/tasks"),
        await nobody.get("/healthz"),
    ):
        assert len(response.headers["x-request-id"]) == 32
        assert response.headers["x-hive-version"] == hive_version()


async def test_a_sane_id_of_the_client_is_kept_and_a_trace_is_carried(anna: AsyncClient) -> None:
    assert (await anna.get("/healthz", headers={"X-Request-ID": "job-7"})).headers["x-request-id"] == "job-7"
    trace = telemetry.new_traceparent()
    assert (await anna.get("/healthz", headers={"traceparent": trace})).headers["x-request-id"] == trace[3:35]


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\nb", "é", None])
def test_an_id_that_would_spoil_a_log_is_replaced(given: str | None) -> None:
    assert request_id_of(given, "00-" + "1" * 32 + "-2222222222222222-01") == "1" * 32


async def test_what_nobody_thought_of_shows_nothing_of_the_inside(
    anna: AsyncClient, memory_bus: InMemoryBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(memory_bus, "publish_durable", broken)
    with capture_logs() as logs:
        response = await anna.post("/api/tasks", json={"prompt": "hi"}, headers={"X-Request-ID": "job-8"})
    assert (response.status_code, response.json()["code"]) == (500, "internal_error")
    assert "secret" not in response.text
    assert "job-8" in response.json()["detail"]
    assert [entry["event"] for entry in logs] == ["request_failed"]
