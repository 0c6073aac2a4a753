"""What an active workflow listens to: its webhooks, schedules and events, written down in the transaction that makes it active."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from bus.database import NamedStatements
from bus.errors import WebhookTaken
from workflow.core.graph import plan
from workflow.doors.webhooks import require_checkable, routes_of
from workflow.n8n.check import check_startable
from workflow.n8n.document import Workflow
from workflow.n8n.parse import parse
from workflow.nodes.registry import Registry
from workflow.running import due
from workflow.running.hearing import listening_nodes


async def listen(
    statements: NamedStatements, workflow_id: UUID, document: Mapping[str, Any], registry: Registry, time_zone: str
) -> None:
    """In place of all that it listened to. InvalidWorkflow for one that must not start; WebhookTaken."""
    workflow = parse(document)
    check_startable(plan(workflow), registry)
    await silence(statements, workflow_id)
    await _add_webhooks(statements, workflow_id, workflow)
    await statements.run("add_event_triggers", workflow_id, [node.name for node in listening_nodes(workflow)])
    now = datetime.now(UTC)
    nodes = due.schedule_nodes(workflow)
    times = [(node.name, at) for node in nodes if (at := due.next_due(workflow, node, now, time_zone)) is not None]
    await statements.run("add_schedules", workflow_id, [name for name, _ in times], [at for _, at in times])


async def silence(statements: NamedStatements, workflow_id: UUID) -> None:
    for drop in ("drop_webhooks", "drop_schedules", "drop_event_triggers"):
        await statements.run(drop, workflow_id)


async def _add_webhooks(statements: NamedStatements, workflow_id: UUID, workflow: Workflow) -> None:
    routes = list(dict.fromkeys(routes_of(workflow_id, workflow)))
    for route in routes:
        require_checkable(workflow.by_name[route.node])
    methods, paths, nodes = ([getattr(route, name) for route in routes] for name in ("method", "path", "node"))
    try:
        await statements.run("add_webhooks", workflow_id, methods, paths, nodes)
    except asyncpg.UniqueViolationError:
        taken = ", ".join(sorted({f"{route.method} {route.path}" for route in routes}))
        raise WebhookTaken(
            f"Another active workflow, or another node, listens on one of {taken}. Change the path, or the node's webhookId where it has none."
        ) from None
