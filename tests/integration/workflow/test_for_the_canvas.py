"""What a canvas and a list of workflows ask of the engine."""

from typing import Any

import pytest

from bus import subjects
from bus.errors import WorkflowNotFound
from bus.messages import Claims, NoReply, Role
from bus.messages.node_types import NodeGroup, NodeTypeList
from bus.messages.workflows import (
    ChangeWorkflow,
    ListWorkflows,
    WorkflowList,
    WorkflowRecord,
    WorkflowVersionRecord,
    WorkflowVersionRef,
)
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows

VIEWER = Claims(sub="vic", roles=(Role.VIEWER,))


def _workflow(name: str, **more: Any) -> dict[str, Any]:
    trigger = {"name": "Go", "type": "n8n-nodes-base.manualTrigger", "typeVersion": 1, "position": [0, 0], "parameters": {}}
    return {"name": name, "nodes": [trigger], "connections": {}, **more}


async def _list(bus: NatsBus, **query: Any) -> WorkflowList:
    return await bus.request(
        subjects.service_verb(subjects.SERVICE_WORKFLOWS, "list"), ListWorkflows(**query), WorkflowList, claims=VIEWER
    )


async def test_a_list_finds_by_name_and_tag_and_tells_the_last_execution(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows
) -> None:
    tags = [{"id": "1", "name": "Nightly"}, "billing", {"id": "2"}]
    digest = await workflows.create(_workflow("Weekly digest", tags=tags))
    other = await workflows.create(_workflow("100% another"))
    first = await workflows.execute(digest.id, wait=10)
    second = await workflows.execute(digest.id, wait=10)
    assert first.id != second.id
    (found,) = (await _list(nats_bus, search="DIGEST")).workflows
    assert (found.id, found.tags) == (digest.id, ("Nightly", "billing"))
    assert found.last_execution is not None
    assert (found.last_execution.id, found.last_execution.status) == (second.id, "success")
    assert [each.id for each in (await _list(nats_bus, search="nightly")).workflows] == [digest.id]
    (untried,) = (await _list(nats_bus, search="%")).workflows
    assert (untried.id, untried.last_execution) == (other.id, None)
    assert (await _list(nats_bus, search="absent")).workflows == ()


async def test_a_version_keeps_its_document(engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows) -> None:
    made = await workflows.create(_workflow("First"))
    change = ChangeWorkflow(id=made.id, version=1, n8n_data=_workflow("First", settings={"executionOrder": "v1"}))
    await nats_bus.request(subjects.service_verb(subjects.SERVICE_WORKFLOWS, "update"), change, WorkflowRecord)
    verb = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "version")
    old = await nats_bus.request(verb, WorkflowVersionRef(id=made.id, version=1), WorkflowVersionRecord, claims=VIEWER)
    assert (old.version, old.n8n_data) == (1, _workflow("First"))
    with pytest.raises(WorkflowNotFound, match="no version 9"):
        await nats_bus.request(verb, WorkflowVersionRef(id=made.id, version=9), WorkflowVersionRecord)


async def test_the_engine_lists_the_types_that_it_runs(engine: EngineProcess, nats_bus: NatsBus) -> None:
    verb = subjects.service_verb(subjects.SERVICE_WORKFLOWS, "node-types")
    types = {each.name: each for each in (await nats_bus.request(verb, NoReply(), NodeTypeList, claims=VIEWER)).types}
    assert (types["n8n-nodes-base.if"].outputs, types["n8n-nodes-base.if"].group) == (2, NodeGroup.FLOW)
    assert types["n8n-nodes-base.switch"].outputs is None
    assert types["n8n-nodes-base.webhook"].group is NodeGroup.TRIGGER
    model = types["@n8n/n8n-nodes-langchain.lmChatOllama"]
    assert (model.helper, model.group) == ("ai_languageModel", NodeGroup.HELPER)
    assert types["n8n-nodes-base.set"].versions[-1] >= 3.4
