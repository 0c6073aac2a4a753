"""What the pure core of the workflow engine costs, in memory: `python -m tests.bench.workflow_core`.

Times are CPU of the process and wall, the best of several rounds: the goals of the engine count the store too, so the core must stay well below them.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workflow.core.driver import new_execution, step
from workflow.core.effects import Effect
from workflow.core.events import Begin, EffectEnded
from workflow.core.execution import Execution, Mode, Reply
from workflow.core.graph import Graph, plan
from workflow.core.interpreter import Interpreter
from workflow.doors.webhook_reply import webhook_item
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import V8Scripts
from workflow.n8n.parse import parse
from workflow.nodes.catalogue import registry

DATA = Path(__file__).parents[1] / "data" / "n8n" / "bench"


def load(name: str) -> Graph:
    return plan(parse(json.loads((DATA / f"{name}.json").read_text())))


def execute(interpreter: Interpreter, graph: Graph, body: Any) -> Execution:
    execution = new_execution(graph, interpreter, "1", mode=Mode.WEBHOOK, items=[webhook_item(body)])
    execution, effects = step(graph, interpreter, execution, Begin(now_ms=0))
    while effects:
        execution, effects = _answer(interpreter, graph, execution, effects)
    if execution.failure is not None:
        raise RuntimeError(execution.failure.message)
    return execution


def _answer(
    interpreter: Interpreter, graph: Graph, execution: Execution, effects: tuple[Effect, ...]
) -> tuple[Execution, tuple[Effect, ...]]:
    return step(graph, interpreter, execution, EffectEnded(key=effects[0].key, reply=Reply(), now_ms=0))


def best(run: Callable[[], object], rounds: int) -> tuple[float, float]:
    """Milliseconds of CPU and of wall."""
    found = []
    for _ in range(rounds):
        cpu, wall = time.process_time(), time.perf_counter()
        run()
        found.append((time.process_time() - cpu, time.perf_counter() - wall))
    return min(cpu for cpu, _ in found) * 1000, min(wall for _, wall in found) * 1000


def main() -> None:
    pool = Pool()
    interpreter = Interpreter(registry=registry(), scripts=V8Scripts(pool), clock_ms=lambda: 0)
    chain, chain_noop, full, each = map(
        load, ("bench-chain100-set", "bench-chain100-noop", "bench-items-full", "bench-items-gen-each")
    )
    pipeline = load("bench-pipeline-nosave")
    cases: list[tuple[str, Callable[[], object], int, float]] = [
        ("chain of 100 sets, ms a node", lambda: execute(interpreter, chain, {}), 20, 101),
        ("chain of 100 no-ops, ms a node", lambda: execute(interpreter, chain_noop, {}), 20, 101),
        ("1,000 items through four nodes, ms", lambda: execute(interpreter, full, {"n": 1000}), 10, 1),
        ("10,000 items through four nodes, ms", lambda: execute(interpreter, full, {"n": 10_000}), 3, 1),
        ("10,000 items, code for each, ms", lambda: execute(interpreter, each, {"n": 10_000}), 5, 1),
        ("pipeline, ms an execution", lambda: execute(interpreter, pipeline, {"amount": 60, "name": "ann lee"}), 200, 1),
    ]
    print(f"{'measure':<40}{'CPU':>10}{'wall':>10}")
    for name, run, rounds, divisor in cases:
        cpu, wall = best(run, rounds)
        print(f"{name:<40}{cpu / divisor:>10.3f}{wall / divisor:>10.3f}")
    pool.close()


if __name__ == "__main__":
    main()
