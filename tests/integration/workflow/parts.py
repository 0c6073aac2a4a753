"""Engines as the supervisor starts them, documents, and a witness that counts idempotency keys."""

import asyncio
import json
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from bus import subjects
from bus.client import Bus
from bus.errors import DeadlineExceeded, NoLeader
from bus.messages import Claims
from bus.messages.workflows import (
    ActivateWorkflow,
    CreateWorkflow,
    ExecuteWorkflow,
    ExecutionList,
    ExecutionRecord,
    ExecutionRef,
    ListExecutions,
    ListWorkflows,
    WorkflowList,
    WorkflowRecord,
)
from bus.permissions import WORKFLOW
from tests.integration.gateway.parts import Process
from tests.parts.nats import NatsServer

DATA = Path(__file__).parents[2] / "data" / "n8n"


def recorded(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text())
    return document


class EngineProcess(Process):
    """`kill()` is kill -9."""

    def __init__(self, server: NatsServer, folder: Path, database_url: str, name: str = "engine", **env: str) -> None:
        own = folder / name
        own.mkdir()
        more = {
            "NATS_URL": server.url_of(WORKFLOW),
            "HIVE_DATABASE_URL": database_url,
            "HIVE_WORKFLOW_LEASE_SECONDS": "1",
            **env,
        }
        super().__init__("workflow.main", own, more)

    async def ready(self, bus: Bus, seconds: float = 90) -> None:
        subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "list")
        async with asyncio.timeout(seconds):
            while True:
                assert self.process.poll() is None, self.log.read_text()[-2000:]
                try:
                    await bus.request(subject, ListWorkflows(), WorkflowList, timeout=1)
                    if "engine_ready" in self.log.read_text():
                        return
                except (NoLeader, DeadlineExceeded):
                    pass
                await asyncio.sleep(0.02)

    async def logged(self, event: str, seconds: float = 60) -> None:
        """Until its log names `event`."""
        async with asyncio.timeout(seconds):
            while event not in self.log.read_text():
                await asyncio.sleep(0.02)


class Workflows:
    """The verbs, as an operator calls them, or whoever `claims` says."""

    def __init__(self, bus: Bus, claims: Claims | None = None) -> None:
        self._bus, self._claims = bus, claims

    async def create(self, document: dict[str, Any], *, active: bool = False) -> WorkflowRecord:
        subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "create")
        made = await self._bus.request(subject, CreateWorkflow(n8n_data=document), WorkflowRecord, claims=self._claims)
        return await self.activate(made.id) if active else made

    async def activate(self, workflow_id: UUID, active: bool = True) -> WorkflowRecord:
        subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "activate")
        return await self._bus.request(
            subject, ActivateWorkflow(id=workflow_id, active=active), WorkflowRecord, claims=self._claims
        )

    async def execute(self, workflow_id: UUID, *items: dict[str, Any], wait: float = 0) -> ExecutionRecord:
        subject = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "execute")
        wish = ExecuteWorkflow(id=workflow_id, execution_id=uuid4(), items=items, wait_seconds=wait)
        return await self._bus.request(subject, wish, ExecutionRecord, timeout=wait + 10, claims=self._claims)

    async def get(self, execution_id: UUID, timeout: float = 5.0) -> ExecutionRecord:
        subject = subjects.service_verb(subjects.SERVICE_EXECUTIONS, "get")
        ref = ExecutionRef(id=execution_id)
        return await self._bus.request(subject, ref, ExecutionRecord, claims=self._claims, timeout=timeout)

    async def seen(self, execution_id: UUID) -> ExecutionRecord | None:
        """None when nobody says: an engine that is killed takes the question with it that had just come to it, or was the last."""
        with suppress(DeadlineExceeded, NoLeader):
            return await self.get(execution_id, timeout=2)
        return None

    async def list(self, workflow_id: UUID) -> ExecutionList:
        subject = subjects.service_verb(subjects.SERVICE_EXECUTIONS, "list")
        return await self._bus.request(
            subject, ListExecutions(workflow_id=workflow_id, limit=250), ExecutionList, claims=self._claims
        )

    async def with_status(self, execution_id: UUID, status: str, seconds: float = 60) -> ExecutionRecord:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.seen(execution_id)
                if found and found.status == status:
                    return found
                await asyncio.sleep(0.02)

    async def ended(self, execution_id: UUID, seconds: float = 60) -> ExecutionRecord:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.seen(execution_id)
                if found and found.status.ended:
                    return found
                await asyncio.sleep(0.05)


def node(name: str, kind: str, parameters: dict[str, Any] | None = None, version: float = 1, **more: Any) -> dict[str, Any]:
    return {
        "id": name,
        "name": name,
        "type": kind if kind.startswith("@") else f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": [0, 0],
        "parameters": parameters or {},
        **more,
    }


def chain(*nodes: dict[str, Any], settings: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Nodes, one after the other."""
    names = [each["name"] for each in nodes]
    connections = {name: {"main": [[{"node": after, "type": "main", "index": 0}]]} for name, after in pairwise(names)}
    return {
        "name": "a chain",
        "nodes": list(nodes),
        "connections": connections,
        "settings": {"executionOrder": "v1", **(settings or {})},
        **more,
    }
