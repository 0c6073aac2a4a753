"""A real model calls tools of a registered MCP server, in a loop with limits on steps, time and tokens, through every real part."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from httpx import AsyncClient

from agent_sidecar.backends.builtin import installed
from bus.nats_bus import NatsBus
from tests.integration.llm.conftest import SidecarProcess
from tests.integration.workflow.doors import doors, saved
from tests.integration.workflow.parts import node
from tests.parts.nats import NatsServer

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not installed(), reason="the built-in model is not installed (extra `embedded`)"),
]

SERVER = Path(__file__).with_name("stdio_server.py")
LANG = "@n8n/n8n-nodes-langchain."
SECONDS = 90


def agent(prompt: str, tools: list[str], **options: Any) -> dict[str, Any]:
    """With a model of the hive, and these tools of the server."""
    given = {"promptType": "define", "text": prompt, "options": {"returnIntermediateSteps": True, **options}}
    few = {"options": {"numPredict": 60, "temperature": 0}}
    nodes = [
        node("Start", "manualTrigger"),
        node("Agent", f"{LANG}agent", given, 2),
        node("Model", f"{LANG}lmChatOpenAi", few, 1.2),
        node("Tools", f"{LANG}mcpClientTool", {"server": "hands", "include": "selected", "includeTools": tools}, 1.2),
    ]
    links = (("Start", "main"), ("Model", "ai_languageModel"), ("Tools", "ai_tool"))
    connections = {name: {kind: [[{"node": "Agent", "type": kind, "index": 0}]]} for name, kind in links}
    return {"name": "an agent", "nodes": nodes, "connections": connections, "settings": {"executionOrder": "v1"}}


async def ended(client: AsyncClient, document: dict[str, Any]) -> Any:
    """What the agent left, or its error."""
    made = await saved(client, document, active=False)
    answer = await client.post(f"/api/workflows/{made}/execute", params={"wait": 25}, json={})
    async with asyncio.timeout(SECONDS):
        while (found := (await client.get(f"/api/executions/{answer.json()['id']}")).json())["status"] in (
            "running",
            "waiting",
        ):
            await asyncio.sleep(0.1)
    if found["status"] != "success":
        return found["data"]["resultData"]["error"]
    return found["data"]["resultData"]["runData"]["Agent"][0]["data"]["main"][0][0]["json"]


async def test_a_model_calls_tools_of_a_registered_server_within_limits(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        with SidecarProcess(nats_server, tmp_path, "oak=builtin", HIVE_BENCHMARK_NEW="false"):
            wish = {"name": "hands", "transport": "stdio", "command": sys.executable, "args": [str(SERVER)]}
            assert (await client.post("/api/mcp-servers", json=wish)).status_code == 201
            async with asyncio.timeout(SECONDS):
                while not (await client.get("/v1/models")).json().get("data"):
                    await asyncio.sleep(0.1)
                while (await client.get("/api/mcp-servers/hands")).json()["status"] != "connected":
                    await asyncio.sleep(0.1)
            asked = 'Use the tool echo with the words "acacia".'

            used = await ended(client, agent(asked, ["echo"], maxIterations=3))
            print(json.dumps(used))
            assert used["intermediateSteps"], used
            for step in used["intermediateSteps"]:
                assert step["action"]["tool"] == "echo"
                assert step["observation"] == step["action"]["toolInput"]["words"]
            assert len(used["intermediateSteps"]) <= 2
            assert isinstance(used["output"], str)

            one = await ended(client, agent(asked, ["echo"], maxIterations=1))
            assert one["intermediateSteps"] == []

            dear = await ended(client, agent(asked, ["echo"], maxTokens=100))
            assert "option maxTokens" in dear["message"], dear

            late = await ended(client, agent('Use the tool works until "/nowhere/now".', ["works"], maxSeconds=6))
            assert "option maxSeconds" in late["message"], late
