"""`POST /api/agents` on real parts: an Ollama that is named by its address is an agent, works, is looked after, and goes again."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from bus.permissions import SIDECAR
from tests.integration.gateway.conftest import Hive
from tests.integration.gateway.parts import Process
from tests.parts.nats import NatsServer
from tests.parts.ollama import MODEL, Ollama


async def told(client: httpx.AsyncClient, path: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            answer = await client.get(path)
            if answer.status_code == 200 and holds(found := answer.json()):
                result: dict[str, Any] = found
                return result
            await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_an_endpoint_that_is_registered_works_is_checked_and_is_removed(
    hive: Hive, nats_server: NatsServer, tmp_path: Path, ollama: Ollama
) -> None:
    env = {
        "NATS_URL": nats_server.url_of(SIDECAR),
        "HIVE_SIDECAR_ADOPT": "true",
        "HIVE_BUILTIN_MODEL": "never",
        "OLLAMA_HOST": "127.0.0.1:9",
    }
    with Process("agent_sidecar.main", tmp_path, env):
        async with hive.gateway.client() as client:
            wish = {"url": ollama.url, "agent_id": "walnut", "labels": {"site": "attic"}}
            added = await client.post("/api/agents", json=wish)
            assert (added.status_code, added.json()["kind"]) == (201, "ollama"), added.text
            agent = await told(client, "/api/agents/walnut", lambda agent: agent["status"] == "online")
            assert [model["name"] for model in agent["models"]] == [MODEL]
            task = {"prompt": "Say hello.", "options": {"num_predict": 4}, "require": {"labels": {"site": "attic"}}}
            done = (await client.post("/api/tasks?wait=60", json=task, timeout=70)).json()
            assert (done["status"], done["assigned_agent_id"]) == ("completed", "walnut")
            health = await told(client, "/api/agents/walnut/health", lambda health: bool(health["history"]))
            assert health["last"]["available"] is True
            assert health["last"] == health["history"][0]
            assert (await client.delete("/api/agents/walnut", timeout=40)).status_code == 204
            assert (await client.get("/api/agents/walnut")).json()["code"] == "agent_not_found"
