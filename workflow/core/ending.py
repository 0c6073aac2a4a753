"""How an execution ends, and what its error workflow is told. Pure."""

from typing import Any

from workflow.core.effects import StartErrorWorkflow
from workflow.core.execution import Execution, Mode, NodeRun, Status
from workflow.core.failure import Failure
from workflow.core.graph import ERROR_TRIGGER, enabled_node
from workflow.n8n.document import Node, Workflow


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
    target = _target(workflow)
    if not target:
        return None
    failure, run = execution.last_failure, _last_run(execution)
    if failure is not None and run is not None and run.failure is not None and not run.sources:
        told = _of_trigger(workflow, failure, run.node, execution.mode, execution.ended_ms or 0)
    else:
        told = _of_execution(workflow, execution)
    return StartErrorWorkflow(key=f"{execution.id}.error", workflow_id=target, item=told)


def trigger_failed(workflow: Workflow, node: str, failure: Failure, now_ms: int) -> StartErrorWorkflow | None:
    """For a trigger that could start nothing: there is no execution, so one version's trigger tells it once."""
    target = _target(workflow)
    if not target:
        return None
    told = _of_trigger(workflow, failure, node, Mode.TRIGGER, now_ms)
    return StartErrorWorkflow(key=f"{workflow.id}.{node}.trigger.error", workflow_id=target, item=told)


def with_url(item: dict[str, Any], base_url: str) -> dict[str, Any]:
    """Where the execution that it tells of can be read; one that is not kept can be read nowhere."""
    told = item["json"].get("execution") or {}
    if "id" not in told:
        return item
    execution = {"id": told["id"], "url": f"{base_url}/api/executions/{told['id']}", **told}
    return {**item, "json": {**item["json"], "execution": execution}}


def _target(workflow: Workflow) -> str:
    target = workflow.settings.get("errorWorkflow")
    if isinstance(target, str) and target not in ("", "DEFAULT"):
        return target
    has_own = enabled_node(workflow, ERROR_TRIGGER) is not None
    return workflow.id if has_own else ""


def _last_run(execution: Execution) -> NodeRun | None:
    return max((run for runs in execution.runs.values() for run in runs), key=lambda run: run.index, default=None)


def _of_execution(workflow: Workflow, execution: Execution) -> dict[str, Any]:
    """What an error trigger gives, as n8n documents it: without an id where the failure is not kept."""
    kept = workflow.settings.get("saveDataErrorExecution") != "none"
    told: dict[str, Any] = {"id": execution.id} if kept else {}
    if execution.retry_of is not None:
        told["retryOf"] = execution.retry_of
    failure = execution.last_failure
    told["error"] = {} if failure is None else _error(workflow, failure, failure.node or execution.last_node)
    told |= {"lastNodeExecuted": execution.last_node, "mode": execution.mode.value}
    return {"json": {"execution": told, "workflow": _named(workflow)}}


def _of_trigger(workflow: Workflow, failure: Failure, node: str, mode: Mode, now_ms: int) -> dict[str, Any]:
    """n8n's other form, where the trigger itself failed."""
    found = _error(workflow, failure, node)
    cause = {"message": failure.message, "stack": found["stack"]}
    error = {**found, "context": {}, "name": "WorkflowActivationError", "cause": cause, "timestamp": now_ms}
    return {"json": {"trigger": {"error": error, "mode": mode.value}, "workflow": _named(workflow)}}


def _named(workflow: Workflow) -> dict[str, Any]:
    return {"id": workflow.id, "name": workflow.name}


def _error(workflow: Workflow, failure: Failure, node: str | None) -> dict[str, Any]:
    """n8n's shape, and the node as the document has it but for its credentials. A place stands where n8n has its program's stack."""
    found = workflow.by_name.get(node or "")
    place = f"\n    at {node}" + (f" ({found.type})" if found is not None else "") if node else ""
    item = "" if failure.item is None else f", item {failure.item}"
    told = failure.to_json() | {"stack": f"{failure.name}: {failure.message}{place}{item}"}
    return told if found is None else told | {"node": _shown(found)}


def _shown(node: Node) -> dict[str, Any]:
    return {
        "id": node.id,
        "name": node.name,
        "type": node.type,
        "typeVersion": node.version,
        "position": list(node.position),
        "parameters": dict(node.parameters),
    }
