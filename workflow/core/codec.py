"""An execution to JSON and back, in the two parts that a store writes: runs, which are only added, and the frame, which is replaced.

`frame(execution)` holds all but the runs and stays small; `run_to_json` is one run. `in_n8n_shape` is what n8n's API shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import is_, itemgetter, methodcaller
from typing import Any, Final

from workflow.core.effects import effect_from_json
from workflow.core.execution import Current, Execution, Mode, NodeRun, Reply, Source, Status, Visit
from workflow.core.failure import Failure
from workflow.core.items import Item, Items

FORMAT: Final = 2
"""Of the frame; a reader refuses a newer one. 2: `start_items` may be null."""


def frame(execution: Execution) -> dict[str, Any]:
    """All of an execution but its runs."""
    current, failure = execution.current, execution.last_failure
    return {
        "format": FORMAT,
        "id": execution.id,
        "workflow_id": execution.workflow_id,
        "mode": execution.mode.value,
        "status": execution.status.value,
        "times": [execution.created_ms, execution.started_ms, execution.ended_ms, execution.deadline_ms],
        "start_items": _start_items(execution),
        "stack": [_visit(visit) for visit in execution.stack],
        "waiting": {name: [_visit(visit) for visit in visits] for name, visits in execution.waiting.items()},
        "current": None if current is None else _current(current),
        "next_index": execution.next_index,
        "contexts": dict(execution.contexts),
        "static_data": dict(execution.static_data),
        "custom_data": dict(execution.custom_data),
        "last_node": execution.last_node,
        "last_failure": None if failure is None else failure.to_json(),
        "destination": execution.destination,
        "depth": execution.depth,
        "root": execution.root,
        "awaited": execution.awaited,
        "retry_of": execution.retry_of,
        "chain": execution.chain,
        "traceparent": execution.traceparent,
    }


def _start_items(execution: Execution) -> list[Item] | None:
    """None for those that the first run passed on, since runs are written once: a trigger passes on what a call brought, megabytes at times."""
    start = execution.start_items
    first = _first_run(execution.runs)
    if first is None:  # it has run nothing yet, or its runs were not read
        return list(start) if start or not execution.next_index else None
    passed = _passed(first)
    same = len(passed) == len(start) and all(
        all(map(is_, map(part, passed), map(part, start))) for part in (itemgetter("json"), methodcaller("get", "binary"))
    )
    return None if same else list(start)


def _first_run(runs: Mapping[str, Sequence[NodeRun]]) -> NodeRun | None:
    return next((run for found in runs.values() for run in found[:1] if run.index == 0), None)


def _passed(first: NodeRun | None) -> Items:
    return (first.outputs[0] if first is not None and first.outputs else None) or ()


def from_frame(given: Mapping[str, Any], runs: Iterable[NodeRun]) -> Execution:
    """Raises ValueError for a frame of a newer version."""
    if given["format"] > FORMAT:
        raise ValueError(f"The execution was written in format {given['format']}; this version reads {FORMAT}")
    by_node: dict[str, list[NodeRun]] = {}
    for run in sorted(runs, key=lambda run: run.index):
        by_node.setdefault(run.node, []).append(run)
    start = given["start_items"]
    if start is None:
        start = [{key: part for key, part in item.items() if key != "pairedItem"} for item in _passed(_first_run(by_node))]
    created, started, ended, deadline = given["times"]
    return Execution(
        id=given["id"],
        workflow_id=given["workflow_id"],
        mode=Mode(given["mode"]),
        status=Status(given["status"]),
        created_ms=created,
        started_ms=started,
        ended_ms=ended,
        deadline_ms=deadline,
        start_items=tuple(start),
        stack=tuple(map(_to_visit, given["stack"])),
        waiting={name: tuple(map(_to_visit, visits)) for name, visits in given["waiting"].items()},
        runs={name: tuple(found) for name, found in by_node.items()},
        current=None if given["current"] is None else _to_current(given["current"]),
        next_index=given["next_index"],
        contexts=given["contexts"],
        static_data=given["static_data"],
        custom_data=given["custom_data"],
        last_node=given["last_node"],
        last_failure=_to_failure(given["last_failure"]),
        destination=given["destination"],
        depth=given.get("depth", 0),
        root=given.get("root"),
        awaited=given.get("awaited", True),
        retry_of=given.get("retry_of"),
        chain=given.get("chain", 0),
        traceparent=given.get("traceparent"),
    )


def run_to_json(run: NodeRun) -> dict[str, Any]:
    return {
        "node": run.node,
        "index": run.index,
        "started_ms": run.started_ms,
        "took_ms": run.took_ms,
        "sources": [_source(source) for source in run.sources],
        "outputs": None if run.outputs is None else list(run.outputs),
        "failure": None if run.failure is None else run.failure.to_json(),
        "hints": list(run.hints),
        "logs": list(run.logs),
        "helper": run.helper,
    }


def run_from_json(given: Mapping[str, Any]) -> NodeRun:
    return NodeRun(
        node=given["node"],
        index=given["index"],
        started_ms=given["started_ms"],
        took_ms=given["took_ms"],
        sources=tuple(map(_to_source, given["sources"])),
        outputs=given["outputs"],
        failure=_to_failure(given["failure"]),
        hints=tuple(given["hints"]),
        logs=tuple(given["logs"]),
        helper=given["helper"],
    )


def new_runs(execution: Execution, since: int) -> list[NodeRun]:
    """The runs with an index from `since` on: what a store that has those before still lacks. In order."""
    found = (run for runs in execution.runs.values() for run in reversed(runs) if run.index >= since)
    return sorted(found, key=lambda run: run.index)


def in_n8n_shape(execution: Execution, pins: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """`data` of n8n's API: `resultData.runData[node][run]`, each with `data.main[output]`."""
    result: dict[str, Any] = {
        "runData": {name: [_n8n_run(run) for run in runs] for name, runs in execution.runs.items()},
        "lastNodeExecuted": execution.last_node,
    }
    if execution.failure is not None:
        result["error"] = execution.failure.to_json()
    if pins:
        result["pinData"] = dict(pins)
    if execution.custom_data:
        result["metadata"] = dict(execution.custom_data)
    return {"startData": {}, "resultData": result}


def _n8n_run(run: NodeRun) -> dict[str, Any]:
    found: dict[str, Any] = {
        "startTime": run.started_ms,
        "executionTime": run.took_ms,
        "executionIndex": run.index,
        "executionStatus": "error" if run.failure is not None else "success",
        "source": [None if source is None else _n8n_source(source) for source in run.sources],
        "hints": [{"message": hint} for hint in run.hints],
    }
    if run.failure is not None:
        found["error"] = run.failure.to_json()
    if run.outputs is not None:
        found["data"] = {run.helper or "main": list(run.outputs)}
    return found


def _n8n_source(source: Source) -> dict[str, Any]:
    return {"previousNode": source.node, "previousNodeOutput": source.output, "previousNodeRun": source.run}


def _source(source: Source | None) -> list[Any] | None:
    return None if source is None else [source.node, source.output, source.run]


def _to_source(given: Any) -> Source | None:
    return None if given is None else Source(*given)


def _visit(visit: Visit) -> dict[str, Any]:
    return {"node": visit.node, "sources": [_source(source) for source in visit.sources]}


def _to_visit(given: Mapping[str, Any]) -> Visit:
    return Visit(given["node"], tuple(map(_to_source, given["sources"])))


def _current(current: Current) -> dict[str, Any]:
    return {
        "visit": _visit(current.visit),
        "run": current.run,
        "index": current.index,
        "started_ms": current.started_ms,
        "attempt": current.attempt,
        "rounds": [[_reply(reply) for reply in replies] for replies in current.rounds],
        "asked": [effect.to_json() for effect in current.asked],
        "replies": {key: _reply(reply) for key, reply in current.replies.items()},
        "retrying": current.retrying,
        "retry_failure": None if current.retry_failure is None else current.retry_failure.to_json(),
    }


def _to_current(given: Mapping[str, Any]) -> Current:
    return Current(
        visit=_to_visit(given["visit"]),
        run=given["run"],
        index=given["index"],
        started_ms=given["started_ms"],
        attempt=given["attempt"],
        rounds=tuple(tuple(map(_to_reply, replies)) for replies in given["rounds"]),
        asked=tuple(map(effect_from_json, given["asked"])),
        replies={key: _to_reply(reply) for key, reply in given["replies"].items()},
        retrying=given["retrying"],
        retry_failure=_to_failure(given["retry_failure"]),
    )


def _reply(reply: Reply) -> dict[str, Any]:
    return {"value": reply.value, "failure": None if reply.failure is None else reply.failure.to_json()}


def _to_reply(given: Mapping[str, Any]) -> Reply:
    return Reply(value=given["value"], failure=_to_failure(given["failure"]))


def _to_failure(given: Mapping[str, Any] | None) -> Failure | None:
    return None if given is None else Failure.from_json(given)
