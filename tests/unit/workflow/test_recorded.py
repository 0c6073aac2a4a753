"""Workflows whose results were recorded from n8n 2.41.1: status, error, order of the nodes, and every item with its pairing."""

import json
from pathlib import Path
from typing import Any

import pytest

from workflow.core.driver import Driver
from workflow.core.execution import Execution, Mode
from workflow.doors.webhook_reply import reply, webhook_item
from workflow.n8n.document import Workflow
from workflow.n8n.parse import parse

DATA = Path(__file__).parents[2] / "data" / "n8n"
CASES = sorted(path.stem for path in (DATA / "cases").glob("*.json"))
SUBS = sorted(path.stem for path in (DATA / "subs").glob("*.json"))
"""What cases call and are none themselves."""
BENCHES = sorted(path.stem for path in (DATA / "bench").glob("*.json"))


def load(*parts: str) -> Any:
    return json.loads(DATA.joinpath(*parts).read_text())


def recorded(name: str) -> Workflow:
    """As it was when it was recorded: each was imported as `sem:<name>`."""
    document = load("cases", f"{name}.json")
    return parse({**document, "name": f"sem:{document['name']}"})


def order(execution: Execution) -> list[str]:
    runs = sorted((run for runs in execution.runs.values() for run in runs), key=lambda run: run.index)
    return [run.node for run in runs]


def node_data(execution: Execution) -> dict[str, Any]:
    """The expectations leave outputs at the end out where they hold nothing and the recorded run left them out."""
    return {
        name: [None if run.outputs is None else [list(items or []) for items in run.outputs] for run in runs]
        for name, runs in execution.runs.items()
    }


def shown(data: dict[str, Any]) -> dict[str, Any]:
    """Only what was recorded of an item."""

    def item(each: dict[str, Any]) -> dict[str, Any]:
        return {key: each[key] for key in ("json", "pairedItem") if key in each}

    return {
        name: [run if run is None else [[item(each) for each in items] for items in run] for run in runs]
        for name, runs in data.items()
    }


def test_there_are_cases() -> None:
    assert len(CASES) >= 16
    assert len(BENCHES) >= 13


@pytest.mark.parametrize("name", CASES)
def test_a_case_gives_what_n8n_gave(name: str, driver: Driver) -> None:
    expected = load("expected", f"{name}.json")
    called = [*map(recorded, CASES), *(parse(load("subs", f"{sub}.json")) for sub in SUBS)]
    driver.workflows = {workflow.id: workflow for workflow in called}
    execution = driver.run(recorded(name), mode=Mode.CLI)
    assert execution.status == expected["status"]
    assert (execution.failure.message if execution.failure else None) == expected["error"]
    assert order(execution) == expected["order"]
    assert shown(node_data(execution)) == expected["nodeData"]


@pytest.mark.parametrize("name", BENCHES)
def test_a_bench_workflow_answers_as_n8n_did(name: str, driver: Driver) -> None:
    workflow = parse(load("bench", f"{name}.json"))
    for call in load("bench-expected", f"{name}.json")["calls"]:
        driver.responses.clear()
        execution = driver.run(workflow, mode=Mode.WEBHOOK, items=[webhook_item(call["post"])])
        answer = reply(workflow.by_name["Webhook"], execution, driver.responses)
        assert (answer.status, answer.body) == (call["status"], call["reply"])
