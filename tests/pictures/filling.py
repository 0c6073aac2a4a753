"""Gives a new hive something to show: tasks of every kind, a workflow that ran, an MCP server, users, a key and a token."""

from dataclasses import dataclass

import httpx

from gui.workflows.listing import example_workflow
from tests.parts.hive import Hive, wait_until
from tests.parts.ollama import MODEL

PROMPTS = (
    "Say hello in one short sentence.",
    "Name three bees.",
    "What is honey made of?",
    "Write a haiku about a quiet server room.",
)
SECONDS = 120.0


@dataclass(frozen=True)
class Shown:
    """What pages of their own show, by id."""

    task: str
    workflow: str
    execution: str


def fill(hive: Hive, key: str) -> Shown:
    api = httpx.Client(
        base_url=hive.json("status")["api"], headers={"Authorization": f"Bearer {key}"}, timeout=60, follow_redirects=True
    )
    with api:
        tasks = [_task(api, prompt=prompt, options={"num_predict": 24}) for prompt in PROMPTS]
        _task(api, prompt="Sum up the minutes of the meeting.", require={"vram_gb": 500}, priority=1, title="Minutes")
        _task(api, prompt="Translate the manual.", require={"vram_gb": 500}, priority=5, title="Manual")
        cancelled = _task(api, prompt="Count the stars.", require={"vram_gb": 500}, title="Stars")
        api.delete(f"/api/tasks/{cancelled}").raise_for_status()
        workflow, execution = _workflow(api)
        _sundries(api)
        wait_until(lambda: all(_ended(api, f"/api/tasks/{task}") for task in tasks), SECONDS)
        wait_until(lambda: _ended(api, f"/api/executions/{execution}"), SECONDS)
    return Shown(tasks[-1], workflow, execution)


def _task(api: httpx.Client, **body: object) -> str:
    return str(api.post("/api/tasks", json={"model": MODEL, **body}).raise_for_status().json()["id"])


def _workflow(api: httpx.Client) -> tuple[str, str]:
    workflow = api.post("/api/workflows", json={"n8n_data": example_workflow()}).raise_for_status().json()["id"]
    execution = api.post(f"/api/workflows/{workflow}/execute", json={}).raise_for_status().json()["id"]
    return str(workflow), str(execution)


def _sundries(api: httpx.Client) -> None:
    server = {"name": "time", "transport": "stdio", "command": "mcp-server-time", "args": ["--local-timezone", "Europe/Berlin"]}
    api.post("/api/mcp-servers", json=server).raise_for_status()
    api.post("/api/keys", json={"owner": "dora", "role": "developer", "name": "laptop"}).raise_for_status()
    for name, role in (("anna", "developer"), ("bo", "viewer")):
        user = {"name": name, "roles": [role], "password": "maple-harbour-tin-42"}
        api.post("/api/users", json=user).raise_for_status()
    api.post("/api/join-tokens", json={"name": "basement rack", "uses": 4}).raise_for_status()


def _ended(api: httpx.Client, path: str) -> bool:
    status = api.get(path).raise_for_status().json()["status"]
    return status not in ("pending", "queued", "assigned", "running", "new", "waiting")
