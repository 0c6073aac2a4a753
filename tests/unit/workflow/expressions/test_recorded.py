"""Expressions whose values were recorded from n8n 2.41.1: each in a Set node of its own, whose field takes any value as it is.

Left out is where the two differ on purpose: Hive's code reaches no host (`process`, `require`), and more of the language is open to
expressions (`Buffer`, `URL`, braces within the braces). Left out too is what the time zone of the process decides.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.interpreter import Interpreter
from workflow.expressions.pool import Pool
from workflow.expressions.scripts import V8Scripts
from workflow.nodes.catalogue import registry

RECORDED = json.loads((Path(__file__).parents[3] / "data" / "n8n" / "expressions.json").read_text())
CASES: list[tuple[str, Any]] = RECORDED["recorded"]


@pytest.fixture(scope="module")
def found(pool: Pool) -> list[Any]:
    """What each gives: all of them in one execution."""
    driver = Driver(interpreter=Interpreter(registry=registry(), scripts=V8Scripts(pool), clock_ms=lambda: 0))
    options = {"ignoreConversionErrors": True}
    names = [f"E{number}" for number in range(len(CASES))]
    nodes = [
        node(
            name,
            "set",
            {"assignments": {"assignments": [{"name": "r", "value": f"={source}", "type": "object"}]}, "options": options},
            version=3.4,
            onError="continueRegularOutput",
        )
        for name, (source, _) in zip(names, CASES, strict=True)
    ]
    flow = workflow(
        node("Start", "manualTrigger"),
        node("Items", "noOp"),
        *nodes,
        links=["Start → Items", *(f"Items → {name}" for name in names)],
        pinData={"Items": [{"json": RECORDED["item"]}]},
        settings={"timezone": RECORDED["timezone"]},
    )
    execution = driver.run(flow)
    return [execution.runs[name][0].outputs[0][0]["json"] for name in names]


def test_there_are_many() -> None:
    assert len(CASES) >= 2600


@pytest.mark.parametrize("number", range(len(CASES)), ids=lambda number: CASES[number][0][:60])
def test_it_gives_what_n8n_gave(found: list[Any], number: int) -> None:
    source, expected = CASES[number]
    assert json.dumps(found[number]) == json.dumps(expected), source
