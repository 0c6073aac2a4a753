"""Evaluates a table of expressions in one call of V8, at a node that stands behind others that have run."""

from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

from tests.unit.workflow.build import code, node, workflow
from tests.unit.workflow.expressions.table import ITEMS, Fails, Row
from workflow.core.advance import advance
from workflow.core.driver import new_execution
from workflow.core.events import Begin, Event
from workflow.core.failure import ExpressionError
from workflow.core.graph import plan
from workflow.core.interpreter import Interpreter
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import V8Scripts
from workflow.nodes.catalogue import registry

ENVIRONMENT = {"vars": {"region": "eu", "limit": 5}, "env": {"HOME_PAGE": "https://hive.example"}, "from_ai": {"city": "Bonn"}}
Look = Callable[[str, int], Any]


def evaluated(pool: Pool, expressions: tuple[str, ...]) -> list[list[Any]]:
    """For each of the three items that reach the node, the value of each expression, or `Fails` with its message."""
    parameters = {f"c{n}": f"={text}" if "{{" in text else f"={{{{ {text} }}}}" for n, text in enumerate(expressions)}
    condition = {"value1": "={{ $json.twice }}", "operation": "smaller", "value2": 150}
    extra = {"resource": "={{ $json.name + '!' }}", "list": ["={{ $itemIndex }}", "b"], "loop": "={{ $parameter.loop }}"}
    flow = workflow(
        node("Start", "manualTrigger"),
        node("Customers", "set", {"mode": "raw", "jsonOutput": "={{ $json }}"}, version=3.4),
        code("Doubled", "return {json: {twice: $json.amount * 2}}", each=True),
        node("Pick", "filter", {"conditions": {"number": [condition]}}),
        node("Here", "noOp", {**extra, **parameters}),
        node("Never", "noOp"),
        links=["Start → Customers → Doubled → Pick → Here", "Start:1 → Never"],
        settings={"timezone": "Europe/Berlin"},
        name="Orders",
        active=True,
    )
    interpreter = Interpreter(
        registry=registry(), scripts=V8Scripts(pool), clock_ms=lambda: 1_700_000_000_000, environment=lambda _: ENVIRONMENT
    )
    graph = plan(flow)
    execution = new_execution(graph, interpreter, "42", start="Start", items=[{"json": each} for each in ITEMS])
    event: Event = Begin(now_ms=1_700_000_000_000)
    while execution.current is None or execution.current.visit.node != "Here":
        execution, _ = advance(graph, interpreter.registry, execution, event)
        if execution.current is not None and execution.current.visit.node != "Here":
            event = interpreter.run(graph, execution)
    call = interpreter.call(graph, execution, flow.by_name["Here"])
    rows = call.scripts.parameters(call, range(len(call.items)))
    return [[_value(row, f"c{n}") for n in range(len(expressions))] for row in rows]


def _value(row: Any, name: str) -> Any:
    try:
        return row[name]
    except ExpressionError as error:
        return Fails(error.message)


@pytest.fixture(scope="session")
def look(pool: Pool) -> Callable[[tuple[Row, ...]], dict[tuple[str, int], Any]]:
    """All values of a table, by expression and item; a table is evaluated once."""

    @cache
    def read(rows: tuple[Row, ...]) -> dict[tuple[str, int], Any]:
        expressions = tuple(row.expression for row in rows)
        values = evaluated(pool, expressions)
        return {(row.expression, row.item): values[row.item][n] for n, row in enumerate(rows)}

    return read
