"""How an execution ends, and what its error workflow is told. Pure."""

from typing import Any

from workflow.effects import StartErrorWorkflow
from workflow.execution import Execution, Mode, Status
from workflow.n8n.document import Workflow

ERROR_TRIGGER = "n8n-nodes-base.errorTrigger"


def finished(execution: Execution, status: Status, now_ms: int) -> Execution:
    """One that failed keeps what was still to come: whoever tries it again wants that too."""
    ended = execution.evolve(status=status, ended_ms=now_ms, current=None)
    return ended if status is Status.ERROR else ended.evolve(stack=(), waiting={})


def error_workflow(workflow: Workflow, execution: Execution) -> StartErrorWorkflow | None:
    """For a production execution that failed: the workflow of its settings, else itself where it has an error trigger.

    An error workflow that fails starts none, or it would start itself for ever.
    """
    if execution.status is not Status.ERROR or execution.mode in (Mode.MANUAL, Mode.ERROR):
        return None
    target = workflow.settings.get("errorWorkflow")
    if not isinstance(target, str) or target in ("", "DEFAULT"):
        has_own = any(node.type == ERROR_TRIGGER and not node.disabled for node in workflow.nodes)
        target = workflow.id if has_own else ""
    if not target:
        return None
    return StartErrorWorkflow(key=f"{execution.id}.error", workflow_id=target, item=_error_item(workflow, execution))


def _error_item(workflow: Workflow, execution: Execution) -> dict[str, Any]:
    """What an error trigger gives, as n8n documents it."""
    failure = execution.last_failure
    error = {"message": failure.message, "name": failure.name, "description": failure.description} if failure else {}
    told = {"id": execution.id, "error": error, "lastNodeExecuted": execution.last_node, "mode": execution.mode.value}
    return {"json": {"execution": told, "workflow": {"id": workflow.id, "name": workflow.name}}}
