"""Questions to models: each is a task of the hive, and stays the same one when its engine is killed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bus import quotas, subjects
from bus.client import Received
from bus.messages import TaskEvent
from bus.messages.tasks import ListTasks, TaskList, TaskRecord, TaskStatus
from bus.messages.usage import Quota, QuotaKind, QuotaPeriod, QuotaUnit
from bus.nats_bus import NatsBus
from tests.integration.gateway.parts import CoordinatorProcess, InstantSidecar
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.parts.nats import NatsServer


@pytest.fixture
async def sidecar(
    nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path
) -> AsyncIterator[InstantSidecar]:
    sidecar = InstantSidecar(nats_bus, text="Four.")
    with CoordinatorProcess(nats_server, tmp_path, database_url):
        await sidecar.start()
        yield sidecar
        await sidecar.close()


def question() -> dict[str, Any]:
    """As n8n's canvas has it: a chat model attached to a chain."""
    asked = {"promptType": "define", "text": "={{ $json.question }}"}
    given = {"mode": "raw", "jsonOutput": '{"question": "What is two and two?"}'}
    document = chain(
        node("Start", "manualTrigger"),
        node("Question", "set", given, 3.4),
        node("Ask", "@n8n/n8n-nodes-langchain.chainLlm", asked, 1.4),
    )
    model = {"model": "gpt-4o-mini", "options": {"temperature": 0}}
    document["nodes"].append(node("Model", "@n8n/n8n-nodes-langchain.lmChatOpenAi", model, 1))
    document["connections"]["Model"] = {"ai_languageModel": [[{"node": "Ask", "type": "ai_languageModel", "index": 0}]]}
    return document


async def tasks(bus: NatsBus) -> tuple[TaskRecord, ...]:
    verb = subjects.service_verb(subjects.SERVICE_TASKS, "list")
    return (await bus.request(verb, ListTasks(), TaskList, timeout=10)).tasks


async def test_a_question_of_a_workflow_is_a_task_and_its_answer_the_node_s_output(
    sidecar: InstantSidecar, engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows
) -> None:
    made = await workflows.create(question())
    record = await workflows.execute(made.id, wait=60)
    assert record.status == "success", record.error_message
    assert record.data is not None
    run = record.data["resultData"]["runData"]["Ask"][0]
    assert run["data"]["main"][0][0]["json"] == {"text": "Four."}
    (task,) = await tasks(nats_bus)
    assert task.status is TaskStatus.COMPLETED
    assert task.metadata == {"workflow_id": str(made.id), "execution_id": str(record.id), "node": "Ask"}


async def test_a_question_is_charged_to_its_workflow_and_refused_where_its_own_quota_or_its_owner_s_is_used_up(
    sidecar: InstantSidecar, engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows
) -> None:
    ends: asyncio.Queue[TaskEvent] = asyncio.Queue()

    async def hear(received: Received) -> None:
        await ends.put(received.decode(TaskEvent))

    await nats_bus.subscribe(subjects.events("task.completed"), hear)
    made = await workflows.create(question())
    assert (await workflows.execute(made.id, wait=60)).status == "success"
    async with asyncio.timeout(10):
        end = (await ends.get()).data
    assert end.workflow_id == made.id
    place = (QuotaKind.WORKFLOW, str(made.id), QuotaUnit.TOKENS, QuotaPeriod.DAY)
    begin = quotas.begins(QuotaPeriod.DAY, datetime.now(UTC))
    quota = Quota(kind=place[0], name=place[1], unit=place[2], period=place[3], most=0, used=0, since=begin, set_by="admin")
    await nats_bus.put(subjects.KV_QUOTAS, quotas.bucket_key(*place), quota)
    record = await workflows.execute(made.id, wait=60)
    assert record.status == "error"
    assert f"quota of workflow {made.id}" in str(record.error_message)
    await nats_bus.delete(subjects.KV_QUOTAS, quotas.bucket_key(*place))
    place = (QuotaKind.USER, end.owner, QuotaUnit.SECONDS, QuotaPeriod.MONTH)
    begin = quotas.begins(QuotaPeriod.MONTH, datetime.now(UTC))
    quota = Quota(kind=place[0], name=place[1], unit=place[2], period=place[3], most=0, used=0, since=begin, set_by="admin")
    await nats_bus.put(subjects.KV_QUOTAS, quotas.bucket_key(*place), quota)
    record = await workflows.execute(made.id, wait=60)
    assert record.status == "error"
    assert f"quota of user {end.owner}" in str(record.error_message)
    assert len(await tasks(nats_bus)) == 1


async def test_a_model_that_a_workflow_names_is_one_of_the_hive_and_its_provider_is_not_asked(
    sidecar: InstantSidecar, nats_bus: NatsBus, nats_server: NatsServer, database_url: str, tmp_path: Path, workflows: Workflows
) -> None:
    """Neither the address nor the credential of the node is used: the hive has no such credential, and the answer comes all the same."""
    document = question()
    model = document["nodes"][-1]
    model["parameters"]["options"]["baseURL"] = "http://127.0.0.1:1/v1"
    model["credentials"] = {"openAiApi": {"id": "unknown", "name": "somebody's"}}
    mapped = {"HIVE_WORKFLOW_MODELS": '{"gpt-4o-mini": "instant:1b", "*": "another"}'}
    with EngineProcess(nats_server, tmp_path, database_url, **mapped) as engine:
        await engine.ready(nats_bus)
        record = await workflows.execute((await workflows.create(document)).id, wait=60)
    assert record.status == "success", record.error_message
    (task,) = await tasks(nats_bus)
    assert task.model == "instant:1b"


@pytest.mark.slow
async def test_a_question_under_way_is_the_same_task_for_the_engine_that_comes_after_a_killed_one(
    sidecar: InstantSidecar,
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    tmp_path: Path,
    workflows: Workflows,
) -> None:
    sidecar.may_end.clear()
    with EngineProcess(nats_server, tmp_path, database_url, "first") as first:
        await first.ready(nats_bus)
        begun = await workflows.execute((await workflows.create(question())).id)
        before = await until_running(nats_bus)
        first.kill()
    with EngineProcess(nats_server, tmp_path, database_url, "second") as second:
        await second.ready(nats_bus)
        await second.logged("execution_taken_up")
        sidecar.may_end.set()
        record = await workflows.ended(begun.id)
    assert record.status == "success", record.error_message
    assert record.data is not None
    assert record.data["resultData"]["runData"]["Ask"][0]["data"]["main"][0][0]["json"] == {"text": "Four."}
    assert [task.id for task in await tasks(nats_bus)] == [before.id]


async def until_running(bus: NatsBus, seconds: float = 60) -> TaskRecord:
    async with asyncio.timeout(seconds):
        while True:
            for task in await tasks(bus):
                if task.status is TaskStatus.RUNNING:
                    return task
            await asyncio.sleep(0.05)
