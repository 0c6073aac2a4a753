"""Bodies that nest deeper or are larger than may be, at each door that takes workflows, items or calls: told, and nothing else stops."""

import json
from typing import Any

import pytest
from httpx import AsyncClient, Response

from tests.integration.workflow.parts import chain, node
from tests.integration.workflow.test_webhooks import client  # noqa: F401

pytestmark = pytest.mark.slow

MANY = 100_000
LARGE = "x" * 5_000_000


async def post(client: AsyncClient, path: str, body: str) -> Response:  # noqa: F811
    return await client.post(path, content=body, headers={"Content-Type": "application/json"})


async def test_they_are_refused_and_the_next_is_taken(client: AsyncClient) -> None:  # noqa: F811
    hook = node("Hook", "webhook", {"path": "bodies", "httpMethod": "POST", "responseMode": "lastNode"}, 2)
    document = chain(hook, node("End", "set", {"mode": "raw", "jsonOutput": "={{ {got: $json.body} }}"}, 3.4))
    made = (await client.post("/api/workflows", json={"n8n_data": document})).json()
    await client.post(f"/api/workflows/{made['id']}/activate")
    doors = {
        "/api/workflows": '{"n8n_data": {"nodes": [], "x": %s}}',
        f"/api/workflows/{made['id']}/execute": '{"items": [{"json": {"x": %s}}]}',
        "/webhook/bodies": '{"x": %s}',
    }
    for path, wrapped in doors.items():
        deep = await post(client, path, wrapped % ("[" * MANY + "]" * MANY))
        assert (deep.status_code, deep.json()["code"]) == (400, "invalid_json"), path
        large = await post(client, path, wrapped % json.dumps(LARGE))
        assert (large.status_code, large.json()["code"]) == (413, "payload_too_large"), path
        cut: Any = await post(client, path, wrapped % "[")
        assert (cut.status_code, cut.json()["code"]) == (400, "invalid_json"), path
    nested = await post(client, "/api/workflows", doors["/api/workflows"] % ("[" * 120 + "]" * 120))
    assert (nested.status_code, nested.json()["code"]) == (413, "workflow_too_large")
    assert (await client.post("/webhook/bodies", json={"x": 1})).json() == {"got": {"x": 1}}
