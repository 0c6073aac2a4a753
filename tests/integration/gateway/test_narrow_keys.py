"""Keys bound to a part of what they could before, and keys of before, at every route about models and alerts: door and room must agree."""

import asyncio
import json
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from bus.auth import INCLUDED_IN, Permission
from tests.integration.gateway import tenants
from tests.integration.gateway.conftest import Hive
from tests.integration.gateway.tenants import Operation
from tests.integration.monitor.parts import MonitorProcess
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

ABSENT: Final = "10000000-0000-4000-8000-000000000001"
OURS: Final = {*INCLUDED_IN, Permission.ALERTS_VIEW}
QUERIES: Final[dict[str, dict[str, Any]]] = {"/api/placement": {"dry_run": True}, "/api/models/{name}": {"agent_id": "nobody"}}
BEFORE: Final = ("agents.view", "agents.manage", "alerts.view")


async def key_of(admin: httpx.AsyncClient, role: str, *scopes: str) -> str:
    made = await admin.post("/api/keys", json={"owner": "ada", "role": role, "scopes": scopes})
    assert made.status_code == 201, made.text
    key: str = made.json()["key"]
    return key


async def status(client: httpx.AsyncClient, each: Operation, key: str) -> int:
    """Of hosts that are not there, and of a wish that is only tried."""
    body: Any = json.loads(json.dumps(each.body).replace('"acacia"', '"nobody"'))
    headers = {"Authorization": f"Bearer {key}"}
    answer = await client.request(each.method, each.at(ABSENT), json=body, params=QUERIES.get(each.path, {}), headers=headers)
    assert answer.status_code < 422, f"{each.name} was not understood: {answer.text}"
    return answer.status_code


async def test_a_key_for_a_part_and_a_key_of_before_are_let_in_by_doors_and_rooms_and_a_lesser_role_is_not(
    hive: Hive, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    with MonitorProcess(nats_server, tmp_path, HIVE_DATABASE_URL=database_url):
        async with hive.gateway.client() as admin, asyncio.timeout(150):
            while (await admin.get("/api/alerts")).status_code != 200:
                await asyncio.sleep(0.1)
            narrow = {str(each): await key_of(admin, "admin", each) for each in OURS}
            before, developer = await key_of(admin, "admin", *BEFORE), await key_of(admin, "developer")
            found, tried = list[str](), set[str]()
            for each in tenants.operations((await admin.get("/openapi.json")).json()):
                if each.permission not in OURS:
                    continue
                tried.add(each.permission)
                for key in (narrow[each.permission], before):
                    if await status(admin, each, key) == 403:
                        found.append(f"{each.name} refuses {each.permission}")
                if (await status(admin, each, developer) == 403) != each.permission.endswith(".manage"):
                    found.append(f"{each.name} of a developer")
    assert found == []
    assert tried == OURS
