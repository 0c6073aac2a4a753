"""What one tenant tries on another, made from the description of the doors themselves; and a hive with two of them.

Whoever adds a route, a query or a field that names somebody's thing says in here what it names: else the attack's tests fail.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

METHODS: Final = ("get", "post", "put", "patch", "delete")
PERMISSION: Final = "x-hive-permission"

OWNED: Final = {
    "task_id": "task",
    "schedule_id": "schedule",
    "workflow_id": "workflow",
    "execution_id": "execution",
    "credential_id": "credential",
    "key_id": "key",
    "/api/mcp-servers/{name}": "mcp_server",
}
"""Parameters of paths, or paths, and the kind of thing of a tenant that they name."""
SHARED: Final = {
    "agent_id": "acacia",
    "alias": "another-name",
    **dict.fromkeys(("/v1/models/{name}", "/api/models/{name}"), "instant"),
    **dict.fromkeys(("/api/alerts/targets/{name}", "/api/alerts/targets/{name}/test"), "phones"),
    **dict.fromkeys(
        (
            *("/api/users/{name}", "/api/users/{name}/disable", "/api/users/{name}/enable"),
            *("/api/users/{name}/roles", "/api/users/{name}/password"),
        ),
        "somebody",
    ),
    **dict.fromkeys(("token_id", "window_id", "alert_id", "silence_id", "job_id"), "6f9fd1b2-98a5-4f3a-9a0e-2f6f4f0c2f4e"),
}
"""Parameters of paths, or paths, that name what is everybody's, with a value."""
REFERRING: Final = re.compile(
    r"(^|_)(id|ids|owner|user|tenant|depends_on|task|workflow|execution|credential|key|session|n8n_data|conversation)($|_)"
)
"""Names of queries and fields that may name something of somebody's."""
FIELDS: Final = {
    "GET /api/tasks owner": "person",
    "POST /api/tasks depends_on": "task",
    "POST /api/tasks/explain depends_on": "task",
    "POST /api/schedules task": "task",
    "PATCH /api/schedules/{schedule_id} task": "task",
    "GET /api/schedules owner": "person",
    "GET /api/workflows owner": "person",
    "POST /api/workflows n8n_data": "document",
    "PUT /api/workflows/{workflow_id} n8n_data": "document",
    "GET /api/executions workflow_id": "workflow",
    "GET /api/executions owner": "person",
    "POST /api/credentials n8n_id": "n8n_id",
    "POST /api/credentials owner": "person",
    "GET /api/usage user": "person",
    "POST /v1/responses previous_response_id": "task",
    "POST /v1/responses conversation": "task",
}
"""What queries and fields of bodies name."""
OF_NOBODY: Final = {
    "GET /api/tasks agent_id": "a host",
    "PUT /api/tasks/{task_id}/assign agent_id": "a host",
    "POST /api/tasks session": "a word of the caller's own, kept apart by tenant and owner",
    "POST /api/tasks/explain session": "as above",
    "POST /api/agents agent_id": "a host",
    "POST /api/agents key": "a backend's",
    "GET /api/models/jobs agent_id": "a host",
    "DELETE /api/models/{name} agent_id": "a host",
    "POST /api/keys owner": "tried by hand: names are one in the whole hive",
    "POST /api/keys tenant": "tried by hand",
    "POST /api/users tenant": "is for those who run the hive",
    "GET /api/audit object_id": "is for those who run the hive",
    "GET /api/audit/export object_id": "is for those who run the hive",
    "PUT /api/usage/quotas tenant": "is for those who run the hive",
    "DELETE /api/usage/quotas tenant": "is for those who run the hive",
    "POST /api/join key": "a host's own",
}
"""Those that look as if they did, and name nothing of a tenant's; and why."""

TOOLS: Final[dict[str, dict[str, str]]] = {
    "get_task": {"id": "task"},
    "cancel_task": {"id": "waiting_task"},
    "explain_task": {"id": "task"},
    "list_tasks": {"owner": "person"},
    "submit_task": {"depends_on": "task"},
    "explain_placement": {"depends_on": "task"},
    "run_dev_task": {"id": "dev_task"},
    "get_dev_task": {"id": "dev_task"},
    "cancel_dev_task": {"id": "dev_task"},
    "list_workflows": {"owner": "person"},
    "get_workflow": {"id": "workflow"},
    "create_workflow": {"n8n_data": "document"},
    "update_workflow": {"id": "workflow"},
    "activate_workflow": {"id": "workflow"},
    "run_workflow": {"id": "workflow"},
    "list_executions": {"workflow_id": "workflow", "owner": "person"},
    "get_execution": {"id": "execution"},
    "get_node_output": {"id": "execution"},
    "cancel_execution": {"id": "execution"},
}
"""Of each of Hive's own tools for assistants the arguments that name something, and what."""
TOOLS_OF_NOBODY: Final = {
    "list_tasks agent_id",
    "get_agent agent_id",
    "submit_task session",
    "explain_placement session",
    "submit_task idempotency_key",
    "update_workflow n8n_data",
    "acknowledge_alert id",
}
MORE_ARGUMENTS: Final[dict[str, dict[str, Any]]] = {
    "submit_task": {"prompt": "hi", "model": "instant"},
    "explain_placement": {"prompt": "hi", "model": "instant"},
    "create_workflow": {"name": "one"},
    "update_workflow": {"name": "other"},
    "activate_workflow": {"active": False},
    "get_node_output": {"node": "Start"},
}


@dataclass(frozen=True, kw_only=True)
class Operation:
    """A route and method as OpenAPI has them. `body` is the first example of one; None where it takes none."""

    method: str
    path: str
    permission: str
    parameters: tuple[str, ...]
    queries: tuple[str, ...]
    fields: tuple[str, ...]
    body: Any
    required: Mapping[str, Any] = field(default_factory=dict)
    """Queries that it cannot do without."""

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"

    @property
    def kind(self) -> str | None:
        """Of the thing of a tenant that its path names."""
        found = [OWNED.get(self.path) or OWNED.get(each) for each in self.parameters]
        return next((kind for kind in found if kind), None)

    @property
    def shared(self) -> Mapping[str, str]:
        """Values of its parameters that name what is everybody's."""
        found = {name: SHARED.get(self.path) or SHARED.get(name) for name in self.parameters}
        return {name: value for name, value in found.items() if value is not None}

    def at(self, named: str = "") -> str:
        """Its path, with `named` where it names a thing of a tenant's."""
        return self.path.format(**{**dict.fromkeys(self.parameters, named), **self.shared})

    def fresh(self) -> Any:
        """The body, under a name that nobody has."""
        named = isinstance(self.body, dict) and "name" in self.body and self.method == "post"
        return {**self.body, "name": uuid4().hex} if named else self.body


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if (said := item.get(method)) is not None:
                yield _operation(document, path, method, said)


def _operation(document: Mapping[str, Any], path: str, method: str, said: Mapping[str, Any]) -> Operation:
    parameters = said.get("parameters", ())
    content = said.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = content.get("examples", {})
    return Operation(
        method=method,
        path=path,
        permission=said[PERMISSION].partition(",")[0],
        parameters=tuple(each["name"] for each in parameters if each["in"] == "path"),
        queries=tuple(each["name"] for each in parameters if each["in"] == "query"),
        fields=_fields(document, content.get("schema", {})),
        body=next((example["value"] for example in examples.values()), None),
        required={"kind": "user", "name": "bo", "unit": "tokens", "period": "day"} if path.endswith("/quotas") else {},
    )


def _fields(document: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, ...]:
    named = schema.get("$ref", "").rpartition("/")[2]
    known = document["components"]["schemas"][named] if named else schema
    return tuple(known.get("properties", {}))


def not_thought_of(document: Mapping[str, Any]) -> list[str]:
    """Parameters, queries and fields that may name something of a tenant's, and of which nobody has said what."""
    found = []
    for each in operations(document):
        found += [f"{each.name} {{{name}}}" for name in each.parameters if not each.kind and name not in each.shared]
        for name in (*each.queries, *each.fields):
            said = f"{each.name} {name}"
            if REFERRING.search(name) and said not in FIELDS and said not in OF_NOBODY:
                found.append(said)
    return found


def tools_not_thought_of(tools: Mapping[str, Any]) -> list[str]:
    """The same of tools, by name with their JSON Schema."""
    return [
        f"{name} {argument}"
        for name, schema in tools.items()
        for argument in schema.get("properties", {})
        if REFERRING.search(argument) and argument not in TOOLS.get(name, {}) and f"{name} {argument}" not in TOOLS_OF_NOBODY
    ]
