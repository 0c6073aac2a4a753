"""Webhooks against what was recorded from n8n 2.41.1: what their items are, and what those who call are answered."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient, Response

from bus.nats_bus import NatsBus
from tests.integration.workflow.doors import doors, saved
from tests.integration.workflow.parts import DATA
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

RECORDED = json.loads((DATA / "webhooks.json").read_text())
OURS = ("accept", "accept-encoding", "connection", "host", "content-length", "transfer-encoding")
"""Headers of a call that are its client's."""


async def test_webhooks_answer_as_n8ns_do(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    wrong: list[str] = []
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        for number, case in enumerate(RECORDED["cases"]):
            await saved(client, document(number, case))
        async with AsyncClient(base_url=client.base_url, headers={"user-agent": "t"}) as stranger:
            for case in RECORDED["cases"]:
                for call in case["calls"]:
                    wanted = as_compared(call["status"], call["answer_headers"], call["answer"])
                    found = answered(await asked(stranger, call))
                    if found != wanted:
                        wrong.append(f"{case['name']} | {call['method']} {call['path']}\n  n8n  {wanted}\n  hive {found}")
    assert not wrong, "\n".join(wrong)


def document(number: int, case: dict[str, Any]) -> dict[str, Any]:
    nodes = [{**node, "id": f"{number}-{place}", "position": [place, 0]} for place, node in enumerate(case["nodes"])]
    return {"name": case["name"], "nodes": nodes, "connections": case["connections"], "settings": {"executionOrder": "v1"}}


async def asked(client: AsyncClient, call: dict[str, Any]) -> Response:
    body = call.get("body", "")
    content = base64.b64decode(body["b64"]) if isinstance(body, dict) else body.encode()
    return await client.request(call["method"], f"/webhook/{call['path']}", headers=call.get("headers"), content=content)


def answered(response: Response) -> Any:
    is_json = response.headers.get("content-type", "").startswith("application/json") and response.content
    return as_compared(response.status_code, dict(response.headers), response.json() if is_json else response.text)


def as_compared(status: int, headers: dict[str, str], body: Any) -> Any:
    """An empty answer has no type here. Not compared: the client's own headers, this server's address, and names that are random."""
    kept = {name: headers[name] for name in ("location", "x-a", "x-h", "x-n", "content-disposition") if name in headers}
    if body != "" and "content-type" in headers:
        kept["content-type"] = headers["content-type"].partition(";")[0]
    return status, kept, plain(body)


def plain(value: Any) -> Any:
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {name: plain(each) for name, each in value.items()}
    if isinstance(found.get("headers"), dict):
        found["headers"] = {name: each for name, each in found["headers"].items() if name not in OURS}
    if "webhookUrl" in found:
        found["webhookUrl"] = found["webhookUrl"].partition("/webhook/")[2]
    if "mimeType" in found and "." not in str(found.get("fileName", "")):
        found.pop("fileName", None)
    return found
