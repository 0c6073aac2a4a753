"""Whose rights a workflow that is called has, who may call it, and who sees what."""

from uuid import uuid4

import pytest

from bus import subjects
from bus.errors import ExecutionNotFound, WorkflowNotFound
from bus.messages import Claims, NoReply, Role
from bus.messages.workflows import (
    ExecutionList,
    ExecutionRecord,
    ExecutionRef,
    ListExecutions,
    ListWorkflows,
    RetryExecution,
    WorkflowList,
    WorkflowRef,
    WorkflowVersions,
)
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node

ANNA, BO = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bo"))
STRANGER = Claims(sub="anna", roles=(Role.ADMIN,), tenant="another")
START = node("Start", "manualTrigger")
CALLED = node("Called", "executeWorkflowTrigger")


def call(workflow_id: object) -> dict[str, object]:
    chosen = {"workflowId": {"__rl": True, "mode": "id", "value": str(workflow_id)}}
    return chain(START, node("Call", "executeWorkflow", chosen, 1.2))


async def test_what_is_called_has_its_saver_s_rights_and_its_saver_says_who_may_call_it(
    engine: EngineProcess, nats_bus: NatsBus
) -> None:
    anna, bo = Workflows(nats_bus, ANNA), Workflows(nats_bus, BO)
    own = await anna.create(chain(CALLED))
    refused = await bo.execute((await bo.create(call(own.id))).id, wait=30)
    assert (refused.status, refused.data and refused.data["resultData"]["error"]["code"]) == ("error", "permission_denied")
    assert not (await anna.list(own.id)).executions

    shared = await anna.create(chain(CALLED, settings={"callerPolicy": "any"}))
    parent = await bo.create(call(shared.id))
    assert (await bo.execute(parent.id, wait=30)).status == "success"
    (called,) = (await anna.list(shared.id)).executions
    assert called.created_by == "anna"
    assert (await bo.list(parent.id)).executions[0].created_by == "bo"

    # who runs Anna's workflow by hand reaches what it reaches
    outer = await anna.create(call(own.id))
    assert (await bo.execute(outer.id, wait=30)).status == "success"


async def test_an_id_of_n8n_that_anybody_can_write_opens_nothing_and_takes_nothing_over(
    engine: EngineProcess, nats_bus: NatsBus
) -> None:
    anna, bo = Workflows(nats_bus, ANNA), Workflows(nats_bus, BO)
    own = await anna.create(chain(CALLED, id="n8nSub"), active=True)
    other = await bo.create(chain(CALLED, settings={"callerPolicy": "any"}, id="n8nSub"), active=True)
    assert (await anna.execute((await anna.create(call("n8nSub"))).id, wait=30)).status == "success"
    assert (len((await anna.list(own.id)).executions), len((await bo.list(other.id)).executions)) == (1, 0)

    list_of = {"callerPolicy": "workflowsFromAList", "callerIds": "n8nCaller"}
    listed = await anna.create(chain(CALLED, settings=list_of, id="n8nListed"), active=True)
    assert (await anna.execute((await anna.create(call("n8nListed") | {"id": "n8nCaller"})).id, wait=30)).status == "success"
    forged = await bo.create(call(listed.id) | {"id": "n8nCaller"}, active=True)
    refused = await bo.execute(forged.id, wait=30)
    assert (refused.status, refused.data and refused.data["resultData"]["error"]["code"]) == ("error", "permission_denied")


async def test_another_tenant_sees_and_touches_nothing(engine: EngineProcess, nats_bus: NatsBus) -> None:
    anna, stranger = Workflows(nats_bus, ANNA), Workflows(nats_bus, STRANGER)
    made = await anna.create(chain(CALLED, settings={"callerPolicy": "any"}))
    ran = await anna.execute(made.id, wait=30)
    with pytest.raises(WorkflowNotFound):
        await stranger.execute(made.id)
    with pytest.raises(WorkflowNotFound):
        await stranger.activate(made.id)
    with pytest.raises(ExecutionNotFound):
        await stranger.get(ran.id)
    assert not (await stranger.list(made.id)).executions
    refused = await stranger.execute((await stranger.create(call(made.id))).id, wait=30)
    assert refused.error_message == f"There is no workflow {made.id}."
    reference, again = WorkflowRef(id=made.id), RetryExecution(id=ran.id, execution_id=uuid4())
    for verb, answer in (("versions", WorkflowVersions), ("delete", NoReply)):
        with pytest.raises(WorkflowNotFound):
            await nats_bus.request(subjects.service_verb(subjects.SERVICE_WORKFLOWS, verb), reference, answer, claims=STRANGER)
    for verb, body in (("retry", again), ("stop", ExecutionRef(id=ran.id))):
        with pytest.raises(ExecutionNotFound):
            await nats_bus.request(
                subjects.service_verb(subjects.SERVICE_EXECUTIONS, verb), body, ExecutionRecord, claims=STRANGER
            )


async def test_lists_are_of_the_tenant_and_can_be_of_one_owner(engine: EngineProcess, nats_bus: NatsBus) -> None:
    for claims in (ANNA, BO, STRANGER):
        workflows = Workflows(nats_bus, claims)
        await workflows.execute((await workflows.create(chain(START))).id, wait=30)
    of_workflows = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "list")
    of_executions = subjects.service_verb(subjects.SERVICE_EXECUTIONS, "list")
    for claims, owner, expected in ((ANNA, None, ["bo", "anna"]), (ANNA, "bo", ["bo"]), (STRANGER, None, ["anna"])):
        found = await nats_bus.request(of_workflows, ListWorkflows(owner=owner), WorkflowList, claims=claims)
        assert [each.created_by for each in found.workflows] == expected
        ran = await nats_bus.request(of_executions, ListExecutions(owner=owner), ExecutionList, claims=claims)
        assert [each.created_by for each in ran.executions] == expected
