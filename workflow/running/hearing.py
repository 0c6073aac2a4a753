"""Which events start a workflow, and what item one becomes. Pure.

The node `hive.eventTrigger` names a type of event (`task.completed`, `task.*`, `*`), for `workflow.message` also the message's name, and
may name the thing that it is about: an id as it ends the subject.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final
from uuid import UUID, uuid5

from bus import auth
from bus.auth import Permission
from bus.errors import EventsTooDeep, InvalidWorkflow
from bus.messages import Claims, EventType
from workflow.n8n.document import Node, Workflow

TRIGGER: Final = "hive.eventTrigger"
_MODELS: Final = "@n8n/n8n-nodes-langchain."
_CALLS: Final = "n8n-nodes-base.executeWorkflow"


def listening_nodes(workflow: Workflow) -> Sequence[Node]:
    """InvalidWorkflow for one that no event could start."""
    nodes = [node for node in workflow.nodes if node.type == TRIGGER and not node.disabled]
    for node in nodes:
        if not any(fnmatchcase(kind, pattern_of(node)) for kind in EventType):
            raise InvalidWorkflow(
                f"There is no event {pattern_of(node)!r}, which {node.name!r} waits for. They are: {', '.join(EventType)}; `*` stands for any."
            )
        _require_no_circle(workflow, node)
    return nodes


def _require_no_circle(workflow: Workflow, trigger: Node) -> None:
    """An event of a task does not say which workflow submitted it, so one that hears of all tasks submits none."""
    about, name = trigger.parameters.get("entityId"), trigger.parameters.get("name")
    tasks = (kind for kind in EventType if kind.startswith("task."))
    if about or (name and not fnmatchcase("", str(name))) or not any(fnmatchcase(kind, pattern_of(trigger)) for kind in tasks):
        return
    for node in workflow.nodes:
        if not node.disabled and (node.type == _CALLS or (node.type.startswith(_MODELS) and not node.type.endswith("Trigger"))):
            raise InvalidWorkflow(
                f"{trigger.name!r} waits for {pattern_of(trigger)!r}, which are events of all tasks, and {node.name!r} may submit a task, whose "
                f"events would start the workflow again, without end. Let it wait for another event, or publish a message with "
                f"hive.publishEvent that starts a workflow with {node.name!r} in it."
            )


def pattern_of(node: Node) -> str:
    return str(node.parameters.get("event") or EventType.WORKFLOW_MESSAGE)


def starts(node: Node, workflow_id: UUID, saver: Claims, subject: str, event: Mapping[str, Any]) -> bool:
    """Whether the event of a subject starts this node. What a workflow's own executions do, and what these call, never starts it: it would
    for ever. Of tasks its saver hears what its saver may see."""
    _, _, whose, entity, kind, about = subject.split(".", 5)
    if whose != saver.tenant or not fnmatchcase(f"{entity}.{kind}", pattern_of(node)):
        return False
    wanted = node.parameters.get("entityId")
    if wanted and str(wanted) != about:
        return False
    data = event.get("data")
    found = data if isinstance(data, dict) else {}
    if str(workflow_id) in (found.get("workflow_id"), found.get("root_workflow_id")):
        return False
    if entity == "task" and not auth.allows(saver, Permission.TASKS_VIEW, owner=str(found.get("owner"))):
        return False
    name = node.parameters.get("name")
    return not name or fnmatchcase(str(found.get("name", "")), str(name))


def chain_after(event: Mapping[str, Any], most: int) -> int:
    """Of an execution that the event starts: one more than that of the execution that told it, 0 for an event of anything else.
    EventsTooDeep for more than `most`: workflows that start each other would for ever."""
    data = event.get("data")
    found = data.get("chain") if isinstance(data, dict) and "execution_id" in data else None
    chain = 0 if found is None else int(found) + 1
    require_chain(chain, most)
    return chain


def require_chain(chain: int, most: int) -> None:
    if chain > most:
        raise EventsTooDeep(
            f"{most} executions were started one after the other, each by an event of the one before, and this would be one more "
            "(HIVE_WORKFLOW_EVENT_CHAIN). Do workflows start each other without end?"
        )


def item_of(subject: str, event: Mapping[str, Any]) -> dict[str, Any]:
    """The event as it was on the bus, and its subject."""
    return {"json": {"subject": subject, **event}}


def execution_id_of(workflow_id: UUID, node: str, subject: str, event: Mapping[str, Any]) -> UUID:
    """The same event starts the same execution, whoever reads it and however often."""
    return uuid5(workflow_id, f"{node}@{subject}@{event.get('id')}")
