"""The spans of an execution: itself, the runs of its nodes, and what nodes ask of others.

An execution goes on in another engine, or waits for days, so its spans are written when they have ended, with ids that follow from the
execution's own: whatever is sent meanwhile can name them as its parents.
"""

from typing import Final
from urllib.parse import urlsplit

from bus import telemetry, tracing
from bus.tracing import Open, Value
from workflow.core.effects import CallHttp, CallMcp, Effect
from workflow.core.execution import Execution, NodeRun, Status
from workflow.running.held import Held

_MILLISECOND: Final = 1_000_000


def begun_by() -> str | None:
    """The context for an execution that is made now; one that nobody asked for begins a trace of its own."""
    around = telemetry.current_traceparent()
    return tracing.new_trace() if around is None and tracing.on() else around


def context(execution: Execution) -> str | None:
    """Within the execution."""
    if execution.traceparent is None or not tracing.on():
        return execution.traceparent
    return tracing.named(execution.traceparent, _execution_span(execution))


def node_context(execution: Execution) -> str | None:
    """Within the run of a node that is under way."""
    within = context(execution)
    if within is None or execution.current is None or not tracing.on():
        return within
    return tracing.named(within, _run_span(execution, execution.current.index))


def _execution_span(execution: Execution) -> str:
    return tracing.span_id(execution.id, "execution")


def _run_span(execution: Execution, index: int) -> str:
    return tracing.span_id(execution.id, index)


def run_ended(held: Held, run: NodeRun) -> None:
    if not tracing.on():
        return
    execution, node = held.execution, held.graph.workflow.by_name.get(run.node)
    found: dict[str, Value | None] = {
        "hive.execution.id": execution.id,
        "hive.node.name": run.node,
        "hive.node.type": None if node is None else node.type,
        "hive.node.index": run.index,
    }
    times = (run.started_ms * _MILLISECOND, (run.started_ms + run.took_ms) * _MILLISECOND)
    error = None if run.failure is None else run.failure.code or run.failure.name
    tracing.record(
        f"node {run.node}", context(execution), _run_span(execution, run.index), times, attributes=found, error=error
    )


def execution_ended(held: Held) -> None:
    if not tracing.on():
        return
    execution = held.execution
    began = execution.started_ms or execution.created_ms
    found: dict[str, Value | None] = {
        "hive.execution.id": execution.id,
        "hive.workflow.id": execution.workflow_id,
        "hive.execution.mode": execution.mode.value,
        "hive.execution.status": execution.status.value,
    }
    times = (began * _MILLISECOND, (execution.ended_ms or began) * _MILLISECOND)
    error = None if execution.status is Status.SUCCESS else execution.status.value
    name = f"workflow {held.graph.workflow.name}".strip()
    tracing.record(name, execution.traceparent, _execution_span(execution), times, attributes=found, error=error)


def effect_span(effect: Effect) -> Open:
    """Of what a node asks for. Of a request the host alone: its path and its query may be secrets."""
    if not tracing.on():
        return tracing.NOTHING
    if isinstance(effect, CallMcp):
        method = "tools/call" if effect.operation == "call" else "tools/list"
        named = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": effect.tool} if effect.operation == "call" else {}
        found: dict[str, Value | None] = {"mcp.method.name": method, "hive.mcp.server": effect.server or None, **named}
        return tracing.span(f"{method} {effect.tool}".strip(), "client", found)
    if isinstance(effect, CallHttp):
        host = urlsplit(effect.url).hostname
        return tracing.span(effect.method, "client", {"http.request.method": effect.method, "server.address": host})
    return tracing.span(effect.kind, "internal", {"hive.effect.key": effect.key})
