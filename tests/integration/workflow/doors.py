"""A gateway, a coordinator and an engine, as callers from outside meet them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from httpx import AsyncClient

from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess, GatewayProcess
from tests.integration.workflow.parts import EngineProcess
from tests.parts.nats import NatsServer

UNLIMITED = '{"api.workflows.create": {"admin": null}, "api.executions.start": {"admin": null}}'
"""A test does in a minute what an administrator does in hours."""


@asynccontextmanager
async def doors(bus: NatsBus, server: NatsServer, database_url: str, folder: Path, **env: str) -> AsyncIterator[AsyncClient]:
    """The client has an administrator's key."""
    with (
        EngineProcess(server, folder, database_url, **env) as engine,
        CoordinatorProcess(server, folder, database_url),
        GatewayProcess(server, folder, HIVE_RATE_LIMITS=UNLIMITED) as gateway,
    ):
        await engine.ready(bus)
        await gateway.answers("/healthz", 90)
        async with gateway.client() as client:
            async with asyncio.timeout(90):
                while (await client.get("/api/workflows")).status_code != 200:  # until the coordinator has made the key known
                    await asyncio.sleep(0.05)
            yield client


async def saved(client: AsyncClient, document: dict[str, Any], *, active: bool = True) -> str:
    made = (await client.post("/api/workflows", json={"n8n_data": document})).json()
    if active:
        answer = await client.post(f"/api/workflows/{made['id']}/activate")
        assert answer.status_code == 200, answer.text
    return str(made["id"])


async def given(client: AsyncClient, workflow_id: str, node: str) -> list[dict[str, Any]]:
    """What the node gave first in the newest execution."""
    newest = (await client.get("/api/executions", params={"workflow_id": workflow_id})).json()["executions"][0]
    shown = (await client.get(f"/api/executions/{newest['id']}")).json()
    found: list[dict[str, Any]] = shown["data"]["resultData"]["runData"][node][0]["data"]["main"][0]
    return found
