"""Which events start a workflow, and what item one becomes. Pure.

The node `hive.eventTrigger` names a type of event (`task.completed`, `task.*`, `*`), for `workflow.message` also the message's name, and
may name the thing that it is about: an id as it ends the subject.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final
from uuid import UUID, uuid5

from bus.errors import InvalidWorkflow
from bus.messages import EventType
from workflow.n8n.document import Node, Workflow

TRIGGER: Final = "hive.eventTrigger"


def listening_nodes(workflow: Workflow) -> Sequence[Node]:
    """InvalidWorkflow for one that no event could start."""
    nodes = [node for node in workflow.nodes if node.type == TRIGGER and not node.disabled]
    for node in nodes:
        if not any(fnmatchcase(kind, pattern_of(node)) for kind in EventType):
            raise InvalidWorkflow(
                f"There is no event {pattern_of(node)!r}, which {node.name!r} waits for. They are: {', '.join(EventType)}; `*` stands for any."
            )
    return nodes


def pattern_of(node: Node) -> str:
    return str(node.parameters.get("event") or EventType.WORKFLOW_MESSAGE)


def starts(node: Node, workflow_id: UUID, tenant: str, subject: str, event: Mapping[str, Any]) -> bool:
    """Whether the event of a subject starts this node. What a workflow's own executions do never starts it: it would for ever."""
    _, _, whose, entity, kind, about = subject.split(".", 5)
    if whose != tenant or not fnmatchcase(f"{entity}.{kind}", pattern_of(node)):
        return False
    wanted = node.parameters.get("entityId")
    if wanted and str(wanted) != about:
        return False
    data = event.get("data")
    found = data if isinstance(data, dict) else {}
    if found.get("workflow_id") == str(workflow_id):
        return False
    name = node.parameters.get("name")
    return not name or fnmatchcase(str(found.get("name", "")), str(name))


def item_of(subject: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as it was on the bus, and its subject."""
    return {"json": {"subject": subject, **event}}


def execution_id_of(workflow_id: UUID, node: str, subject: str, event: Mapping[str, Any]) -> UUID:
    """The same event starts the same execution, whoever reads it and however often."""
    return uuid5(workflow_id, f"{node}@{subject}@{event.get('id')}")
