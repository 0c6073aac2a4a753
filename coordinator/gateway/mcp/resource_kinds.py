"""The kinds of resources: tasks and their output, executions, agents, workflows."""

import json
from collections.abc import Iterable, Sequence
from typing import Final
from uuid import UUID

from bus import subjects
from bus.auth import Permission
from bus.client import Received
from bus.errors import InvalidId
from bus.messages import Claims, EventType, ListTasks, TaskList, TaskRecord, TaskRef
from bus.messages.workflows import (
    ExecutionList,
    ExecutionRecord,
    ExecutionRef,
    ListExecutions,
    ListWorkflows,
    WorkflowList,
    WorkflowNotice,
    WorkflowRecord,
    WorkflowRef,
)
from coordinator.gateway import verbs
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.mcp.execution_view import ExecutionState
from coordinator.gateway.mcp.resource import Kind
from coordinator.gateway.mcp.task_tools import TaskState

JSON: Final = "application/json"
_TASK_ENDS: Final = (EventType.TASK_COMPLETED, EventType.TASK_FAILED, EventType.TASK_CANCELLED)
_LOOKED_AT: Final = 250
"""So many of the newest are completed; older ones have ids as well, which nobody types."""


def _uuid(text: str) -> UUID:
    """InvalidId."""
    try:
        return UUID(text)
    except ValueError:
        raise InvalidId(f"{text!r} is no id; an id is such as 6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e.") from None


def _beginning(ids: Iterable[object], start: str) -> Sequence[str]:
    return [found for found in map(str, ids) if found.startswith(start)]


async def _record(gateway: Gateway, claims: Claims, task_id: str) -> TaskRecord:
    body = TaskRef(id=_uuid(task_id))
    return await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, "get", body, TaskRecord, claims)


async def _task(gateway: Gateway, claims: Claims, task_id: str) -> str:
    return TaskState.of(await _record(gateway, claims, task_id)).model_dump_json(exclude_none=True)


async def _output(gateway: Gateway, claims: Claims, task_id: str) -> str:
    """Empty until the task has completed."""
    output = (await _record(gateway, claims, task_id)).output
    return "" if output is None else output.text


async def _tasks(gateway: Gateway, claims: Claims, start: str) -> Sequence[str]:
    body = ListTasks(limit=_LOOKED_AT)
    found = await verbs.ask(gateway.bus, subjects.SERVICE_TASKS, "list", body, TaskList, claims)
    return _beginning((task.id for task in found.tasks), start)


def _of_task(claims: Claims, task_id: str) -> str:
    return subjects.events("task.*", tenant=claims.tenant, entity_id=_uuid(task_id))


async def _execution(gateway: Gateway, claims: Claims, execution_id: str) -> str:
    body = ExecutionRef(id=_uuid(execution_id))
    record = await verbs.ask(gateway.bus, subjects.SERVICE_EXECUTIONS, "get", body, ExecutionRecord, claims)
    return ExecutionState.of(record).model_dump_json(exclude_none=True)


async def _executions(gateway: Gateway, claims: Claims, start: str) -> Sequence[str]:
    body = ListExecutions(limit=_LOOKED_AT)
    found = await verbs.ask(gateway.bus, subjects.SERVICE_EXECUTIONS, "list", body, ExecutionList, claims)
    return _beginning((execution.id for execution in found.executions), start)


async def _agent(gateway: Gateway, _: Claims, agent_id: str) -> str:
    return (await gateway.overview.agent(agent_id)).model_dump_json(exclude_none=True)


async def _agents(gateway: Gateway, _: Claims, start: str) -> Sequence[str]:
    return _beginning(sorted(gateway.overview.agents.items), start)


async def _workflow(gateway: Gateway, claims: Claims, workflow_id: str) -> str:
    body = WorkflowRef(id=_uuid(workflow_id))
    record = await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "get", body, WorkflowRecord, claims)
    return json.dumps(record.n8n_data, ensure_ascii=False)


async def _workflows(gateway: Gateway, claims: Claims, start: str) -> Sequence[str]:
    body = ListWorkflows(limit=_LOOKED_AT)
    found = await verbs.ask(gateway.bus, subjects.SERVICE_WORKFLOWS, "list", body, WorkflowList, claims)
    return _beginning((workflow.id for workflow in found.workflows), start)


def _always(_: Received, __: str) -> bool:
    return True


def _ended(received: Received, _: str) -> bool:
    return subjects.event_type(received.subject) in _TASK_ENDS


def _saved(received: Received, workflow_id: str) -> bool:
    return received.decode(WorkflowNotice).workflow_id == _uuid(workflow_id)


KINDS: Final[tuple[Kind, ...]] = (
    Kind(
        name="task",
        title="A task",
        description="How it stands, and its output once it has ended.",
        template="hive://tasks/{id}",
        variable="id",
        mime_type=JSON,
        permission=None,
        read=_task,
        ids=_tasks,
        subject=_of_task,
        concerns=_always,
    ),
    Kind(
        name="task_output",
        title="The output of a task",
        description="What the model wrote; empty until the task has completed.",
        template="hive://tasks/{id}/output",
        variable="id",
        mime_type="text/plain",
        permission=None,
        read=_output,
        ids=_tasks,
        subject=_of_task,
        concerns=_ended,
    ),
    Kind(
        name="execution",
        title="An execution of a workflow",
        description="How it stands, which nodes ran, and the first items of the last one.",
        template="hive://executions/{id}",
        variable="id",
        mime_type=JSON,
        permission=Permission.EXECUTIONS_VIEW,
        read=_execution,
        ids=_executions,
        subject=lambda claims, found: subjects.events("workflow.*", tenant=claims.tenant, entity_id=_uuid(found)),
        concerns=_always,
    ),
    Kind(
        name="agent",
        title="A GPU host",
        description="Its status, hardware, slots and models.",
        template="hive://agents/{agent_id}",
        variable="agent_id",
        mime_type=JSON,
        permission=Permission.AGENTS_VIEW,
        read=_agent,
        ids=_agents,
        subject=lambda _, found: subjects.events("agent.*", entity_id=found),
        concerns=_always,
    ),
    Kind(
        name="workflow",
        title="A workflow",
        description="Its document, in n8n's JSON.",
        template="hive://workflows/{id}",
        variable="id",
        mime_type=JSON,
        permission=Permission.WORKFLOWS_VIEW,
        read=_workflow,
        ids=_workflows,
        subject=lambda _, __: subjects.WORKFLOW_NOTICES,
        concerns=_saved,
    ),
)
