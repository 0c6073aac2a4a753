"""The data of one call of V8, or of a process of Python: the items, and of everything else only what is mentioned. Pure."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workflow.core.execution import Execution, NodeRun, Source
from workflow.core.items import Items
from workflow.core.pairing import Tracer
from workflow.expressions.needs import Needs, needs_of
from workflow.nodes.contract import NodeCall


def payload(call: NodeCall, needs: Needs, indices: Sequence[int]) -> dict[str, Any]:
    """As `runtime.js` reads it."""
    items, at = call.items, list(indices)
    if len(at) == 1 and at[0] == 0 and len(items) > 1 and not needs.whole_input:
        items = items[:1]
    data: dict[str, Any] = {"items": items, "at": at, "zone": call.time_zone}
    if len(call.inputs) > 1 and needs.whole_input:
        data["more"] = call.inputs[1:]
    if call.run:
        data["run"] = call.run
    if needs.nodes or needs.every_node:
        data["nodes"] = _nodes(call, needs, len(items))
        data["name"] = call.node.name
    for word in needs.words:
        part = _PARTS.get(word)
        if part is not None:
            name, read = part
            data[name] = read(call)
    return data


_IN_PYTHON: Final = re.compile(r"(?<![\w.])_(?=[(A-Za-z])")


def python_call(call: NodeCall, source: str, style: str, query: Any = None) -> dict[str, Any]:
    """As `workflow/python/program.py` reads it. Its names begin with `_` where those of JavaScript begin with `$`."""
    data = payload(call, needs_of((_IN_PYTHON.sub("$", source), "$input")), (0,))
    data |= {"continues": call.continues, "static": call.static_data, "customData": call.custom_data}
    data["node"] = {"name": call.node.name, "id": call.node.id, "version": call.node.version}
    data["offset_seconds"] = _offset_seconds(call.time_zone)
    attributes = call.node.parameters.get("language") != "pythonNative"
    return {"source": source, "style": style, "query": query, "attributes": attributes, "data": data}


def _offset_seconds(zone: str) -> float:
    try:
        return (datetime.now(ZoneInfo(zone)).utcoffset() or timedelta()).total_seconds()
    except (ZoneInfoNotFoundError, ValueError):
        return 0


def _nodes(call: NodeCall, needs: Needs, count: int) -> dict[str, Any]:
    workflow = call.graph.workflow
    names = workflow.by_name.keys() if needs.every_node else needs.nodes & workflow.by_name.keys()
    before = call.graph.ancestors(_standing(call))
    return {name: _node(call, name, needs, count, apart=name not in before) for name in names}


def _standing(call: NodeCall) -> str:
    """The node under way: what is attached to it sees what it sees."""
    current = call.execution.current
    return call.node.name if current is None else current.visit.node


def _node(call: NodeCall, name: str, needs: Needs, count: int, *, apart: bool) -> dict[str, Any]:
    """`apart`: no connection leads from it to here."""
    execution = call.execution
    runs = execution.runs.get(name, ())
    found: dict[str, Any] = {"runs": len(runs), "params": call.graph.workflow.by_name[name].parameters}
    if name in execution.contexts or name == call.node.name:
        found["context"] = call.context if name == call.node.name else execution.contexts[name]
    if apart:
        found["apart"] = True
    if not runs:
        return found
    wanted = set(range(len(runs))) if needs.every_run else {len(runs) - 1}
    if needs.paired:
        pairs = _pairs(call, name, count)
        found["pairs"] = pairs
        wanted |= {pair[1] for pair in pairs if isinstance(pair, tuple) and len(pair) > 1}
    found["data"] = {run: _outputs(runs[run]) for run in wanted}
    output = _output_towards(call, name)
    if output:
        found["output"] = output
    return found


def _pairs(call: NodeCall, name: str, count: int) -> list[Any]:
    tracer = Tracer(call.execution, name)
    source = _first_source(call.execution)
    return [tracer.trace(source, index) for index in range(count)]


def _first_source(execution: Execution) -> Source | None:
    current = execution.current
    return current.visit.sources[0] if current is not None and current.visit.sources else None


def _outputs(run: NodeRun) -> Sequence[Items | None]:
    return run.outputs or ()


def _output_towards(call: NodeCall, name: str) -> int:
    """The output of `name` that leads here, by the shortest way, as `.first()` without a branch means it."""
    level, seen = [_standing(call)], {_standing(call)}
    while level:
        parents = [connection for each in level for connection in call.graph.parents.get(each, ())]
        for connection in parents:
            if connection.source == name:
                return connection.output
        level = list(dict.fromkeys(parent.source for parent in parents if parent.source not in seen))
        seen.update(level)
    return 0


def _previous(call: NodeCall) -> dict[str, Any]:
    current = call.execution.current
    source = next((each for each in current.visit.sources if each is not None), None) if current is not None else None
    return {} if source is None else {"name": source.node, "outputIndex": source.output, "runIndex": source.run}


def _previous_parameters(call: NodeCall) -> Mapping[str, Any]:
    name = _previous(call).get("name")
    return call.graph.workflow.by_name[name].parameters if name is not None else {}


def _workflow(call: NodeCall) -> dict[str, Any]:
    workflow = call.graph.workflow
    return {"active": workflow.active, "id": workflow.id, "name": workflow.name}


def _execution(call: NodeCall) -> dict[str, Any]:
    execution, environment = call.execution, call.environment
    mode = "test" if execution.mode == "manual" else "production"
    resume = environment.get("resume_url", "")
    return {"id": execution.id, "mode": mode, "resumeUrl": resume, "resumeFormUrl": environment.get("resume_form_url", resume)}


def _node_facts(call: NodeCall) -> dict[str, Any]:
    node = call.node
    return {"name": node.name, "id": node.id, "version": node.version, "webhookId": node.webhook_id}


def _environment(name: str) -> Any:
    return lambda call: call.environment.get(name)


_PARTS: Mapping[str, tuple[str, Any]] = {
    "$workflow": ("workflow", _workflow),
    "$execution": ("execution", _execution),
    "$executionId": ("execution", _execution),
    "$mode": ("mode", lambda call: str(call.execution.mode)),
    "$resumeWebhookUrl": ("execution", _execution),
    "$prevNode": ("previous", _previous),
    "$parameter": ("params", lambda call: call.node.parameters),
    "$rawParameter": ("params", lambda call: call.node.parameters),
    "$self": ("params", lambda call: call.node.parameters),
    "$nodeId": ("node", _node_facts),
    "$nodeVersion": ("node", _node_facts),
    "$webhookId": ("node", _node_facts),
    "$vars": ("vars", _environment("vars")),
    "$env": ("env", _environment("env")),
    "$secrets": ("secrets", _environment("secrets")),
    "$input": ("previousParams", _previous_parameters),
    "$fromAI": ("fromAI", _environment("from_ai")),
    "$fromAi": ("fromAI", _environment("from_ai")),
    "$fromai": ("fromAI", _environment("from_ai")),
    "$request": ("request", _environment("request")),
    "$response": ("response", _environment("response")),
    "$pageCount": ("pageCount", _environment("page_count")),
}
