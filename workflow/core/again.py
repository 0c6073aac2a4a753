"""An execution that is tried again: what it keeps of the one before, and where it begins. Pure."""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any

from bus.errors import Conflict
from workflow.core.execution import Execution, Mode, NodeRun, Source, Visit


def again_from_failure(execution: Execution, execution_id: str, now_ms: int) -> Execution:
    """It has all that ran before the failing run, begins with that, and goes on with what was still to come. Conflict where none ran."""
    last = max(_main_runs(execution), key=lambda run: run.index, default=None)
    if last is None:
        raise Conflict("No node of it ran. Execute the workflow from its start.")
    return _again(
        execution,
        execution_id,
        now_ms,
        runs=_before(execution, last.index),
        next_index=last.index,
        stack=(Visit(last.node, last.sources), *execution.stack),
        waiting=execution.waiting,
    )


def again_from(execution: Execution, execution_id: str, now_ms: int, node: str) -> Execution:
    """It begins with the last run of `node`, and does again what ran after that. Conflict where that did not run, or is amid a loop."""
    ran = [run for run in execution.runs.get(node, ()) if not run.helper]
    if not ran:
        raise Conflict(f"The node {node!r} did not run in it. Name one that did.")
    cut = ran[-1].index
    runs = _before(execution, cut)
    dropped = sorted((run for run in _main_runs(execution) if run.index >= cut), key=lambda run: run.index)
    _require_no_loop(execution, runs, dropped)
    visits = [*(Visit(run.node, run.sources) for run in dropped), *execution.stack, *chain(*execution.waiting.values())]
    visits = [Visit(visit.node, tuple(_kept(source, runs) for source in visit.sources)) for visit in visits]
    waiting: dict[str, tuple[Visit, ...]] = {}
    for visit in visits:
        if None in visit.sources and any(visit.sources):
            waiting[visit.node] = (*waiting.get(visit.node, ()), visit)
    again = _again(execution, execution_id, now_ms, runs=runs, next_index=cut, waiting=waiting)
    return again.evolve(
        stack=tuple(visit for visit in visits if None not in visit.sources),
        contexts={name: found for name, found in execution.contexts.items() if name in runs},
    )


def _kept(source: Source | None, runs: Mapping[str, tuple[NodeRun, ...]]) -> Source | None:
    """None for an input that is still to come."""
    return source if source is not None and source.run < len(runs.get(source.node, ())) else None


def _require_no_loop(execution: Execution, runs: Mapping[str, tuple[NodeRun, ...]], dropped: Iterable[NodeRun]) -> None:
    """What a node remembered at that time is not known any more."""
    amid = next((run.node for run in dropped if run.node in execution.contexts and run.node in runs), None)
    if amid is not None:
        raise Conflict(f"{amid!r} was amid its rounds then. Begin with a node before it, or after its last round.")


def _main_runs(execution: Execution) -> Iterable[NodeRun]:
    return (run for runs in execution.runs.values() for run in runs if not run.helper)


def _before(execution: Execution, index: int) -> dict[str, tuple[NodeRun, ...]]:
    found = {name: tuple(run for run in runs if run.index < index) for name, runs in execution.runs.items()}
    return {name: runs for name, runs in found.items() if runs}


def _again(execution: Execution, execution_id: str, now_ms: int, **changes: Any) -> Execution:
    return Execution(
        id=execution_id,
        workflow_id=execution.workflow_id,
        mode=Mode.RETRY,
        created_ms=now_ms,
        start_items=execution.start_items,
        destination=execution.destination,
        contexts=execution.contexts,
        static_data=execution.static_data,
        custom_data=execution.custom_data,
        depth=execution.depth,
        chain=execution.chain,
        retry_of=execution.id,
    ).evolve(**changes)
