"""What whoever starts an execution is shown of it: its end, for as long as was asked, also where nothing is kept or all of it is too much."""

import asyncio
from typing import Any

import pytest

from bus import subjects
from bus.errors import AnswerTooLarge, ExecutionNotFound
from bus.messages.workflows import WebhookCall, WebhookReply
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node

pytestmark = pytest.mark.slow

START = node("Start", "manualTrigger")


def code(name: str, source: str) -> dict[str, Any]:
    return node(name, "code", {"jsCode": source}, 2)


@pytest.mark.parametrize(
    ("last", "status"), [(node("End", "noOp"), "success"), (code("End", "throw new Error('no')"), "error")]
)
async def test_an_end_of_which_nothing_is_kept_is_shown_once(
    last: dict[str, Any], status: str, engine: EngineProcess, workflows: Workflows
) -> None:
    made = await workflows.create(chain(START, last, settings={"saveManualExecutions": False}))
    record = await workflows.execute(made.id, wait=30)
    assert record.status == status
    assert record.data is not None
    assert list(record.data["resultData"]["runData"]) == ["Start", "End"]
    assert record.workflow_name == "a chain"
    assert not (await workflows.list(made.id)).executions
    with pytest.raises(ExecutionNotFound):
        await workflows.get(record.id)


async def test_a_timeout_of_what_waits_is_waited_for(engine: EngineProcess, workflows: Workflows) -> None:
    wait = node("Wait", "wait", {"amount": 30, "unit": "seconds"}, 1.1)
    made = await workflows.create(chain(START, wait, settings={"executionTimeout": 1}))
    record = await workflows.execute(made.id, wait=20)
    assert (record.status, record.wait_till) == ("canceled", None)


async def test_what_an_answer_cannot_hold_is_left_out_and_said(
    engine: EngineProcess, nats_bus: NatsBus, workflows: Workflows
) -> None:
    file = "return [{json: {n: 1}, binary: {data: {data: 'A'.repeat(9e6), mimeType: 'text/plain'}}}]"
    record = await workflows.execute((await workflows.create(chain(START, code("File", file)))).id, wait=60)
    assert record.status == "success"
    assert record.data is not None
    (item,) = record.data["resultData"]["runData"]["File"][0]["data"]["main"][0]
    assert (item["json"], item["binary"]["data"]) == ({"n": 1}, {"mimeType": "text/plain"})
    assert "contents of files" in (record.left_out or "")
    text = "return [{json: {text: 'A'.repeat(9e6)}}]"
    record = await workflows.execute((await workflows.create(chain(START, code("Text", text)))).id, wait=60)
    assert (record.status, record.data) == ("success", None)
    assert "All of it" in (record.left_out or "")
    deep = "let x = 1; for (let i = 0; i < 190; i++) x = [x]; return [{json: {x}}]"
    record = await workflows.execute((await workflows.create(chain(START, code("Deep", deep)))).id, wait=60)
    assert (record.status, record.data) == ("success", None)
    assert "deeper" in (record.left_out or "")
    hook = node("Hook", "webhook", {"path": "large", "httpMethod": "POST", "responseMode": "lastNode"}, 2)
    await workflows.create(chain(hook, code("Text", text)), active=True)
    verb = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
    async with asyncio.timeout(30):
        with pytest.raises(AnswerTooLarge):
            await nats_bus.request(verb, WebhookCall(path="large", method="POST"), WebhookReply, timeout=30)
