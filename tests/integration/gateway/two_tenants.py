"""A hive with two tenants, `acme` and `burns`, and one of each kind of thing that `acme` has."""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import httpx

from bus import streams
from bus.permissions import MONITOR, SIDECAR, WORKFLOW
from coordinator.gateway.llm import examples
from tests.integration.gateway.parts import ADMIN_KEY, CoordinatorProcess, GatewayProcess, Process
from tests.integration.workflow.parts import chain, node
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer

READY_SECONDS: Final = 120
MARK: Final = "acme"
"""Stands in every name and text of that tenant, and in none of the other's."""
SAME_KEY: Final = {"idempotency-key": "the same"}
TASK: Final = {"prompt": "Tell a secret of acme.", "title": "acme's task", "model": "instant"}
LISTS: Final = (
    *("/api/tasks", "/api/schedules", "/api/workflows", "/api/executions", "/api/credentials", "/api/mcp-servers", "/api/keys"),
    *("/api/usage?by=user", "/api/usage?by=key", "/api/usage?by=workflow", "/api/usage?by=day", "/api/usage/quotas"),
    *("/api/metrics/performance", "/api/node-types", "/api/agents", "/api/status/cluster"),
)
_CHANGES_BY_ITSELF: Final = {"position", "eta_seconds", "rise", "updated_at", "checked_at", "reason"}


def client(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


@dataclass(frozen=True)
class TwoTenants:
    """`things`: of acme, the id by kind. The keys are those of each tenant's administrator."""

    url: str
    acme_key: str
    burns_key: str
    things: Mapping[str, str]
    log: Path
    """The gateway's."""

    @property
    def marks(self) -> tuple[str, ...]:
        """What must be in no answer to anybody of another tenant."""
        return (MARK, *(each for kind, each in self.things.items() if kind != "nothing"))

    def leaked(self, text: str, *said: str) -> list[str]:
        """Marks in an answer, but for what was said in the question."""
        for each in said:
            text = text.replace(each, "")
        return [mark for mark in self.marks if mark in text.lower()]

    def asked_in_vain(self, since: int) -> list[tuple[str, str]]:
        """By whom, and for what, as the gateway's log has it behind so many bytes."""
        lines = [json.loads(line) for line in self.log.read_bytes()[since:].splitlines()]
        return [(f"{line['tenant']}/{line['sub']}", line["path"]) for line in lines if line["event"] == "thing_not_found"]

    def standing(self) -> dict[str, Any]:
        """All that acme has, as acme sees it."""
        paths = {
            **{kind: f"/api/tasks/{self.things[kind]}" for kind in ("task", "waiting_task")},
            **{kind: f"/api/{kind}s/{self.things[kind]}" for kind in ("schedule", "workflow", "execution", "credential")},
            "mcp_server": f"/api/mcp-servers/{self.things['mcp_server']}",
            "versions": f"/api/workflows/{self.things['workflow']}/versions",
            "keys": "/api/keys",
            "quotas": "/api/usage/quotas",
        }
        with client(self.url, self.acme_key) as acme:
            _until_counted(acme)
            return {kind: _still(acme.get(path).raise_for_status().json()) for kind, path in paths.items()}


def _until_counted(acme: httpx.Client) -> None:
    """What acme's tasks used is told a second after they end."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        tasks = acme.get("/api/tasks", params={"limit": 100}).raise_for_status().json()["tasks"]
        rows = acme.get("/api/usage", params={"by": "user"}).raise_for_status().json()["rows"]
        if sum(row["tasks"] for row in rows) == sum(task["completed_at"] is not None for task in tasks):
            return
        assert time.monotonic() < deadline, f"tasks {tasks}, counted {rows}"
        time.sleep(0.05)


def _still(found: Any) -> Any:
    if isinstance(found, dict):
        return {name: _still(value) for name, value in found.items() if name not in _CHANGES_BY_ITSELF}
    return [_still(each) for each in found] if isinstance(found, list) else found


@contextmanager
def two_tenants(server: NatsServer, postgres: PostgresServer, folder: Path) -> Iterator[TwoTenants]:
    with ExitStack() as stack:
        runner = stack.enter_context(asyncio.Runner())
        runner.run(_emptied(server))
        database = postgres.database()
        url = runner.run(database.__aenter__())
        stack.callback(lambda: runner.run(database.__aexit__(None, None, None)))
        stack.enter_context(CoordinatorProcess(server, folder, url))
        gateway = stack.enter_context(GatewayProcess(server, folder, HIVE_LOG_REFUSALS="100000"))
        for room in (WORKFLOW, MONITOR):
            stack.enter_context(Process(f"{room}.main", folder, {"NATS_URL": server.url_of(room), "HIVE_DATABASE_URL": url}))
        sidecar = {
            "NATS_URL": server.url_of(SIDECAR),
            "HIVE_BACKENDS": "acacia=http://127.0.0.1:1/0",
            "HIVE_SIDECAR_ADOPT": "true",
        }
        stack.enter_context(Process("tests.bench.instant_sidecar", folder, sidecar))
        with client(gateway.url, ADMIN_KEY) as operator:
            for path, word in (
                *(("/readyz", "ready"), ("/v1/models", "instant"), ("/api/workflows", "workflows")),
                *(("/api/metrics/performance", "agents"), ("/api/usage", "rows"), ("/api/agents/acacia/metrics", "points")),
            ):
                until_it_says(operator, path, word)
            yield _with_things(gateway, operator)


async def _emptied(server: NatsServer) -> None:
    bus = await server.connect()
    js = bus.client.jetstream()
    for config in (*streams.STREAMS, *streams.BUCKETS):
        await js.purge_stream(str(config.name))
    await bus.close()


def until_it_says(asking: httpx.Client, path: str, word: str) -> str:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            answer = asking.get(path)
            if answer.status_code == 200 and word in answer.text:
                return answer.text
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, f"{path} did not answer with {word}"
        time.sleep(0.05)


def _with_things(gateway: GatewayProcess, operator: httpx.Client) -> TwoTenants:
    post(operator, f"/api/aliases/{examples.MODEL}", {"models": ["instant"]}, method="PUT")
    issued = {
        tenant: post(operator, "/api/keys", {"owner": owner, "tenant": tenant, "role": "admin"})
        for owner, tenant in (("acme-ann", "acme"), ("bo", "burns"))
    }
    quota = {"tenant": "acme", "kind": "user", "name": "acme-ann", "unit": "tokens", "period": "day", "most": 1e9}
    post(operator, "/api/usage/quotas", quota, method="PUT")
    with client(gateway.url, issued["acme"]["key"]) as acme:
        things = _things(acme)
        until_it_says(acme, "/api/usage", "acme-ann")
        until_it_says(acme, "/api/metrics/performance", "acme-ann")
    things |= {"key": issued["acme"]["record"]["id"], "person": "acme-ann", "n8n_id": "acme0n8n"}
    return TwoTenants(gateway.url, issued["acme"]["key"], issued["burns"]["key"], things, gateway.log)


def _things(acme: httpx.Client) -> dict[str, str]:
    made = {"task": post(acme, "/api/tasks?wait=60", TASK, **SAME_KEY)}
    made["waiting_task"] = post(acme, "/api/tasks", {**TASK, "not_before": "2100-01-01T00:00:00Z"})
    made["schedule"] = post(acme, "/api/schedules", {"name": "acme's morning", "cron": "30 7 * * *", "task": TASK})
    made["workflow"] = post(acme, "/api/workflows", {"n8n_data": document("acme's workflow", id="acme0n8n")})
    post(acme, f"/api/workflows/{made['workflow']['id']}/activate", None)
    made["execution"] = post(acme, f"/api/workflows/{made['workflow']['id']}/execute?wait=60", {"items": []})
    assert (made["task"]["status"], made["execution"]["status"]) == ("completed", "success"), made
    secret = {"name": "acme's weather", "type": "httpHeaderAuth", "data": {"name": "X-Key", "value": "acme's secret"}}
    made["credential"] = post(acme, "/api/credentials", secret)
    server = {"name": "acme-tools", "transport": "streamable_http", "endpoint": "https://acme.invalid/mcp", "active": False}
    post(acme, "/api/mcp-servers", server)
    return {**{kind: str(each["id"]) for kind, each in made.items()}, "mcp_server": "acme-tools"}


def document(name: str, **more: Any) -> dict[str, Any]:
    """Takes calls from other workflows of the tenant, and from outside."""
    nodes = node("Start", "executeWorkflowTrigger"), node("Answer", "code", {"jsCode": "return [{json: {by: 'it'}}]"}, 2)
    hook = node("Hook", "webhook", {"path": f"{name.split()[0].strip(chr(39))}-{uuid4().hex}"}, 2)
    made = {**chain(*nodes, settings={"callerPolicy": "any"}), "name": name, **more}
    return {**made, "nodes": [*made["nodes"], hook]}


def naming(things: Mapping[str, str]) -> dict[str, Any]:
    """A document of burns that names the workflow, the credential and the server of tools of somebody else."""
    return chain(node("Start", "manualTrigger"), *nodes_naming(things).values())


def nodes_naming(things: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """A node by the kind of thing that it names."""
    chosen = {"workflowId": {"__rl": True, "mode": "id", "value": things["workflow"]}}
    lent = {"httpHeaderAuth": {"id": things["credential"], "name": "weather"}}
    asked = {"url": "http://127.0.0.1:9/", "authentication": "genericCredentialType", "genericAuthType": "httpHeaderAuth"}
    tool = {**node("Tool", ""), "type": f"hive.mcp.{things['mcp_server']}.anything"}
    return {
        "workflow": node("Call", "executeWorkflow", chosen, 1.2),
        "credential": node("Ask", "httpRequest", asked, 4.2, credentials=lent),
        "mcp_server": tool,
    }


def post(asking: httpx.Client, path: str, body: Any, *, method: str = "POST", **headers: str) -> dict[str, Any]:
    answer = asking.request(method, path, json=body, headers=headers)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    found: dict[str, Any] = json.loads(answer.text)
    return found
