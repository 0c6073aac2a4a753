"""A workflow as the most used public templates are, through every real part: a chat, an agent with a tool and a memory, structured answers.

Its model node says OpenAI; what answers is the built-in model, or a real Ollama. So small a model is judged by what it does and by the form of
what it says, and not by whether that is wise.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from httpx import AsyncClient

from agent_sidecar.backends.builtin import installed
from bus.nats_bus import NatsBus
from tests.integration.llm.conftest import SidecarProcess
from tests.integration.workflow.doors import doors
from tests.parts.nats import NatsServer
from tests.parts.ollama import Ollama, ollama

__all__ = ["ollama"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

TEMPLATE: Final = Path(__file__).parents[2] / "data" / "templates" / "shop-assistant.json"
HOOK: Final = "5b2f7a5e-8f0f-4c2f-9a56-0d6a6a1c7e11"
ANSWER_SECONDS: Final = 280
"""Of three questions to a model, sixty tokens each, where others use the machine too."""


@pytest.fixture
async def client(nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path) -> AsyncIterator[AsyncClient]:
    async with doors(nats_bus, nats_server, database_url, tmp_path) as client:
        yield client


@contextmanager
def host(server: NatsServer, folder: Path, backend: str) -> Iterator[None]:
    """A sidecar of the hive, whose benchmark does not take the model from those who wait for it."""
    with SidecarProcess(server, folder, f"oak={backend}", HIVE_BENCHMARK_NEW="false"):
        yield


async def test_it_runs_on_the_built_in_model(client: AsyncClient, nats_server: NatsServer, tmp_path: Path) -> None:
    if not installed():
        pytest.skip("the built-in model is not installed (extra `embedded`)")
    with host(nats_server, tmp_path, "builtin"):
        await runs(client)


async def test_it_runs_on_an_ollama(client: AsyncClient, nats_server: NatsServer, tmp_path: Path, ollama: Ollama) -> None:
    with host(nats_server, tmp_path, f"{ollama.url}?slots=2"):
        await runs(client)


async def runs(client: AsyncClient) -> None:
    """Imported as it was shared, activated, and spoken to twice in one session by somebody without a key."""
    made = (await client.post("/api/workflows", json={"n8n_data": json.loads(TEMPLATE.read_text())})).json()
    assert (await client.post(f"/api/workflows/{made['id']}/activate")).status_code == 200
    async with AsyncClient(base_url=client.base_url, timeout=ANSWER_SECONDS) as stranger:
        first = await said(stranger, "How many hammers are in stock?")
        second = await said(stranger, "And how many nails?")
        for answer in (first, second):
            require_fit(answer["output"])
            require_used(answer["intermediateSteps"])
        remembered = (
            await stranger.post(f"/webhook/{HOOK}/chat", json={"action": "loadPreviousSession", "sessionId": "s1"})
        ).json()
    spoken = [each["kwargs"]["content"] for each in remembered["data"]]
    assert spoken[::2] == ["How many hammers are in stock?", "And how many nails?"]
    assert [json.loads(each) for each in spoken[1::2]] == [first["output"], second["output"]]
    await require_shown(client, made["id"], spoken)


async def said(client: AsyncClient, text: str) -> dict[str, Any]:
    answer = await client.post(f"/webhook/{HOOK}/chat", json={"action": "sendMessage", "sessionId": "s1", "chatInput": text})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def require_fit(output: Any) -> None:
    """Valid by the schema of the template's parser."""
    assert set(output) == {"article", "left", "available"}, output
    assert isinstance(output["article"], str), output
    assert isinstance(output["left"], int), output
    assert isinstance(output["available"], bool), output


def require_used(steps: list[dict[str, Any]]) -> None:
    """What the tool's code computes of its input no model could have made up."""
    assert steps, "the agent never used its tool"
    for step in steps:
        asked = step["action"]["toolInput"]["article"]
        assert step["action"]["tool"] == "stock", step
        assert step["observation"] == f"On the shelf: {1000 + 7 * len(asked)} of {asked}", step


async def require_shown(client: AsyncClient, workflow_id: str, spoken: list[str]) -> None:
    """The model was shown the first exchange when it was asked the second time, and what the tool gave; a hive's model did the work."""
    executions = (await client.get("/api/executions", params={"workflow_id": workflow_id})).json()["executions"]
    assert [each["status"] for each in executions] == ["success", "success"]
    of_second = await asked_of_models(client, executions[0]["id"])
    for task in of_second:
        assert (task["status"], task["assigned_agent_id"]) == ("completed", "oak"), task
        assert [each["content"] for each in task["messages"][1:4]] == [*spoken[:2], spoken[2]]
    told = [message["content"] for task in of_second for message in task["messages"]]
    assert any(text.startswith("The tool stock gave:\nOn the shelf: ") for text in told)


async def asked_of_models(client: AsyncClient, execution_id: str) -> list[dict[str, Any]]:
    listed = (await client.get("/api/tasks", params={"limit": 100})).json()["tasks"]
    found = [(await client.get(f"/api/tasks/{each['id']}")).json() for each in listed]
    return [each for each in found if each["metadata"].get("execution_id") == execution_id]
