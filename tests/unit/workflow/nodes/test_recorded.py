"""Single nodes whose results were recorded from n8n 2.41.1: what each gave for the same items, or the error that it stopped with.

`nodes.json` has them of many types, `nodes-*.json` of one or a few in breadth. A node was recorded under the name of its case and runs here as
`Node`, also in the messages that name it.

Left out is where Hive goes on and n8n does not (a number that is hashed, code that uses `URL`), and dates without a zone where the
instance has another than the workflow.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver

DATA = Path(__file__).parents[3] / "data" / "n8n"
RECORDED = [json.loads(path.read_text()) for path in sorted(DATA.glob("nodes*.json"))]
CASES = [(group["items"], case) for recorded in RECORDED for group in recorded["groups"] for case in group["cases"]]
ZONE = "Europe/Berlin"


def test_there_are_many() -> None:
    assert len(CASES) >= 1200
    assert {recorded["timezone"] for recorded in RECORDED} == {ZONE}


@pytest.mark.parametrize(
    ("items", "case"), CASES, ids=[f"{n}-{case['node']['name'][:40]}" for n, (_, case) in enumerate(CASES)]
)
def test_it_gives_what_n8n_gave(items: list[Any], case: dict[str, Any], driver: Driver) -> None:
    given = {name: value for name, value in case["node"].items() if name not in ("name", "type", "typeVersion", "parameters")}
    kind, version, parameters = (case["node"][key] for key in ("type", "typeVersion", "parameters"))
    flow = workflow(
        node("T", "manualTrigger"),
        node("Items", "noOp"),
        node("Node", kind, parameters, version=version, **given),
        links=["T → Items → Node"],
        pinData={"Items": [{"json": each} for each in items]},
        settings={"timezone": ZONE},
    )
    execution = driver.run(flow)
    assert (execution.failure.message if execution.failure else None) == case.get("error")
    runs = execution.runs.get("Node", ())
    found = [None if run.outputs is None else [shown(items or ()) for items in run.outputs] for run in runs]
    assert found == (case["gives"] or [])


def shown(items: Any) -> list[Any]:
    return [{key: item[key] for key in ("json", "pairedItem") if key in item} for item in items]
