"""Cases of nodes: parameters and items in, the JSON of each output out, through a whole execution."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.unit.workflow.build import node, workflow
from workflow.core.driver import Driver
from workflow.core.effects import Effect
from workflow.core.execution import Execution, Reply, Status


@dataclass(frozen=True)
class Fails:
    """The node fails with a message that has this in it."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Case:
    """`items`: JSON of the items of the first input, `second` of the second. `gives`: of each output, trailing empty ones left out."""

    name: str
    kind: str
    version: float = 1
    parameters: dict[str, Any] = field(default_factory=dict)
    items: Sequence[Any] = ({},)
    second: Sequence[Any] | None = None
    gives: Any = ()
    settings: dict[str, Any] = field(default_factory=dict)
    pairs: Any = None
    """`pairedItem` of the first output's items, where the case is about them."""

    def __str__(self) -> str:
        return f"{self.kind} {self.version:g}: {self.name}"


def as_item(given: Any) -> dict[str, Any]:
    """A dict is the item's JSON; one with `json` and `binary` is the item."""
    return given if set(given) == {"json", "binary"} else {"json": given}


def file(text: str | bytes, name: str = "a.txt", mime: str = "text/plain") -> dict[str, Any]:
    content = text.encode() if isinstance(text, str) else text
    return {"data": base64.b64encode(content).decode(), "mimeType": mime, "fileName": name}


def run(driver: Driver, case: Case, carry_out: Callable[[Effect], Reply] | None = None) -> Execution:
    sources = ["A"] if case.second is None else ["A", "B"]
    given = {"A": case.items, "B": case.second or ()}
    driver.carry_out = carry_out
    flow = workflow(
        node("Start", "manualTrigger"),
        *(node(name, "noOp") for name in sources),
        node("Node", case.kind, case.parameters, version=case.version, **case.settings),
        links=[link for n, name in enumerate(sources) for link in (f"Start → {name}", f"{name} → Node:{n}")],
        pinData={name: [as_item(each) for each in given[name]] for name in sources},
        settings={"timezone": "Europe/Berlin"},
    )
    return driver.run(flow)


def outputs(execution: Execution) -> list[list[dict[str, Any]]]:
    """Items of each output of the node's last run."""
    run = execution.runs["Node"][-1]
    found = [list(items or ()) for items in run.outputs or ()]
    while found and not found[-1]:
        found.pop()
    return found


def check(driver: Driver, case: Case, carry_out: Callable[[Effect], Reply] | None = None) -> Execution:
    execution = run(driver, case, carry_out)
    if isinstance(case.gives, Fails):
        assert execution.failure is not None, f"it did not fail: {outputs(execution)}"
        assert case.gives.text in execution.failure.message + " " + (execution.failure.description or "")
        assert execution.failure.node == "Node"
        return execution
    assert execution.status is Status.SUCCESS, execution.failure
    found = outputs(execution)
    assert [[item["json"] for item in items] for items in found] == list(map(list, case.gives))
    if case.pairs is not None:
        assert [item.get("pairedItem") for item in found[0]] == case.pairs
    return execution
