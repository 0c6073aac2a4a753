"""Examples of workflows and executions for the API's own documentation."""

from typing import Any, Final
from uuid import UUID

from fastapi.openapi.models import Example
from pydantic import BaseModel

from bus.messages.workflows import (
    ExecutionList,
    ExecutionRecord,
    ExecutionStatus,
    WorkflowList,
    WorkflowRecord,
    WorkflowVersion,
    WorkflowVersions,
)
from coordinator.gateway.examples.time import NOON

_DOCUMENT: Final[dict[str, Any]] = {
    "name": "greet",
    "nodes": [
        {
            "id": "1",
            "name": "Webhook",
            "type": "n8n-nodes-base.webhook",
            "typeVersion": 2,
            "position": [0, 0],
            "parameters": {"httpMethod": "POST", "path": "greet", "responseMode": "lastNode"},
        },
        {
            "id": "2",
            "name": "Greeting",
            "type": "n8n-nodes-base.set",
            "typeVersion": 3.4,
            "position": [200, 0],
            "parameters": {
                "assignments": {
                    "assignments": [{"id": "a", "name": "text", "type": "string", "value": "=Hello {{ $json.body.name }}"}]
                }
            },
        },
    ],
    "connections": {"Webhook": {"main": [[{"node": "Greeting", "type": "main", "index": 0}]]}},
    "settings": {"executionOrder": "v1"},
}
_WORKFLOW: Final = WorkflowRecord(
    id=UUID("8f0d6a0e-0d58-4f7c-a3b5-7b0f0a9f7c11"),
    name="greet",
    n8n_data=_DOCUMENT,
    created_by="anna",
    version=1,
    active=True,
    created_at=NOON,
    updated_at=NOON,
)
_RUN: Final[dict[str, Any]] = {
    "startTime": 1795435200000,
    "executionTime": 1,
    "executionIndex": 0,
    "executionStatus": "success",
    "source": [],
    "hints": [],
    "data": {"main": [[{"json": {"text": "Hello Ann"}}]]},
}
_EXECUTION: Final = ExecutionRecord(
    id=UUID("0b1f6a52-6a0b-4f5e-9d53-0c7c6a1f2b99"),
    workflow_id=_WORKFLOW.id,
    workflow_version=1,
    workflow_name="greet",
    status=ExecutionStatus.SUCCESS,
    mode="manual",
    finished=True,
    created_by="anna",
    created_at=NOON,
    started_at=NOON,
    completed_at=NOON,
    data={"startData": {}, "resultData": {"runData": {"Webhook": [_RUN]}, "lastNodeExecuted": "Webhook"}},
)

WORKFLOWS: Final[dict[str, Example]] = {"greet": {"summary": "A webhook that greets", "value": {"n8n_data": _DOCUMENT}}}
WORKFLOW_CHANGES: Final[dict[str, Example]] = {
    "document": {
        "summary": "Another document, unless somebody saved meanwhile",
        "value": {"n8n_data": _DOCUMENT, "version": 1},
    },
    "name": {"summary": "Another name", "value": {"name": "greet them"}},
}
EXECUTIONS: Final[dict[str, Example]] = {
    "items": {"summary": "With what the trigger gives", "value": {"items": [{"json": {"body": {"name": "Ann"}}}]}},
    "part": {"summary": "Up to one node", "value": {"destination": "Greeting"}},
}
ANSWERS: Final[tuple[BaseModel, ...]] = (
    _WORKFLOW,
    WorkflowList(workflows=(_WORKFLOW.model_copy(update={"n8n_data": None}),)),
    WorkflowVersions(versions=(WorkflowVersion(version=1, name="greet", created_by="anna", created_at=NOON),)),
    _EXECUTION,
    ExecutionList(executions=(_EXECUTION.model_copy(update={"data": None}),)),
)
