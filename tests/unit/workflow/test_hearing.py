"""Which events start a workflow: none that it made itself, and none that its saver may not see."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from bus.errors import EventsTooDeep, InvalidWorkflow
from bus.messages import Claims, Role
from tests.unit.workflow.build import node, workflow
from workflow.n8n.document import Node, Workflow
from workflow.running.hearing import TRIGGER, chain_after, listening_nodes, starts

OWN, OTHER = uuid4(), uuid4()
ANNA = Claims(sub="anna", roles=(Role.DEVELOPER,))
BOSS = Claims(sub="boss", roles=(Role.ADMIN,))


def trigger(**parameters: Any) -> Node:
    (found,) = listening_nodes(flow(parameters))
    return found


def flow(parameters: dict[str, Any], *others: dict[str, Any]) -> Workflow:
    return workflow(node("On event", TRIGGER, parameters), *others, links=[])


def hears(which: Node, saver: Claims, kind: str, tenant: str = "default", **data: Any) -> bool:
    return starts(which, OWN, saver, f"hive.events.{tenant}.{kind}.{uuid4()}", {"id": "1", "data": data})


@pytest.mark.parametrize(("workflow_id", "root", "heard"), [(OWN, OWN, False), (OTHER, OWN, False), (OTHER, OTHER, True)])
def test_what_its_executions_do_and_what_these_call_never_starts_it(workflow_id: UUID, root: UUID, heard: bool) -> None:
    data = {"workflow_id": str(workflow_id), "root_workflow_id": str(root), "name": "paid"}
    assert hears(trigger(event="workflow.*"), ANNA, "workflow.execution_completed", **data) is heard
    assert hears(trigger(event="workflow.message"), ANNA, "workflow.message", **data) is heard


@pytest.mark.parametrize(("saver", "owner", "heard"), [(ANNA, "anna", True), (ANNA, "bo", False), (BOSS, "bo", True)])
def test_of_tasks_are_heard_those_that_the_saver_may_see(saver: Claims, owner: str, heard: bool) -> None:
    assert hears(trigger(event="task.*"), saver, "task.completed", owner=owner) is heard


def test_another_tenant_s_events_start_nothing() -> None:
    assert not hears(trigger(event="task.*"), BOSS, "task.completed", tenant="theirs", owner="boss")


@pytest.mark.parametrize("event", ["task.completed", "task.*", "*"])
@pytest.mark.parametrize("kind", ["@n8n/n8n-nodes-langchain.chainLlm", "@n8n/n8n-nodes-langchain.agent", "executeWorkflow"])
def test_what_hears_of_all_tasks_submits_none(event: str, kind: str) -> None:
    with pytest.raises(InvalidWorkflow, match=r"'Asks' may submit a task"):
        listening_nodes(flow({"event": event}, node("Asks", kind)))


@pytest.mark.parametrize(
    "parameters", [{"event": "workflow.*"}, {"event": "task.*", "entityId": str(uuid4())}, {"event": "*", "name": "order.*"}]
)
def test_what_hears_of_no_task_or_of_one_may_submit_some(parameters: dict[str, Any]) -> None:
    asks = node("Asks", "@n8n/n8n-nodes-langchain.chainLlm")
    assert listening_nodes(flow(parameters, asks))
    assert listening_nodes(
        flow({"event": "task.*"}, node("Next", "noOp"), node("Talk", "@n8n/n8n-nodes-langchain.chatTrigger"))
    )


@pytest.mark.parametrize(
    ("data", "chain"),
    [
        ({"task_id": "1"}, 0),
        ({"task_id": "1", "chain": 9}, 0),
        ({"execution_id": "1"}, 0),
        ({"execution_id": "1", "chain": 0}, 1),
        ({"execution_id": "1", "chain": 2}, 3),
        ("no object", 0),
    ],
)
def test_an_execution_that_an_event_starts_is_one_further_in_the_chain(data: Any, chain: int) -> None:
    assert chain_after({"data": data}, 3) == chain


def test_a_chain_has_an_end() -> None:
    with pytest.raises(EventsTooDeep, match="3 executions were started one after the other"):
        chain_after({"data": {"execution_id": "1", "chain": 3}}, 3)
    with pytest.raises(EventsTooDeep):
        chain_after({"data": {"execution_id": "1", "chain": 0}}, 0)
