"""A storm of webhook calls: what is more than may wait or be held is refused with a time to come back, and the rest is unmoved."""

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bus import subjects
from bus.errors import DeadlineExceeded, TooManyExecutions
from bus.messages import Claims, Role
from bus.messages.workflows import Door, WebhookCall, WebhookReply
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.test_takeover import ALLOW, request
from tests.integration.workflow.witness import Witness
from tests.parts.nats import NatsServer
from workflow.doors.chat import CHAT

pytestmark = pytest.mark.slow

ANNA, BO = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("anna", "bo"))
CALL = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
BODY = {"text": "x" * 100_000}
LIMITS = {"HIVE_WORKFLOW_RUNNING": "8", "HIVE_WORKFLOW_WAITING": "1000", "HIVE_WORKFLOW_HELD_BYTES": "2000000"}


HOOK = node("Hook", "webhook", {"path": "storm", "httpMethod": "POST", "responseMode": "lastNode"}, 2)
CHATS = node("Hook", CHAT, {"public": True}, 1.1, webhookId="storm")
FORMS = node(
    "Hook",
    "formTrigger",
    {"path": "storm", "responseMode": "lastNode", "formFields": {"values": [{"fieldLabel": "text"}]}},
    2.2,
)


async def call(bus: NatsBus, path: str = "storm", door: Door = Door.WEBHOOK) -> int:
    """The status of the answer; for one that was refused the seconds after which to come back, negative."""
    asked = WebhookCall(path=path, method="POST", body=BODY, door=door)
    try:
        return (await bus.request(CALL, asked, WebhookReply, timeout=60)).status
    except TooManyExecutions as error:
        return -(error.retry_after_seconds or 0)


@pytest.mark.parametrize(
    ("hook", "path", "door"),
    [(HOOK, "storm", Door.WEBHOOK), (CHATS, "storm/chat", Door.WEBHOOK), (FORMS, "storm", Door.FORM)],
    ids=["webhook", "chat", "form"],
)
async def test_a_storm_of_large_calls_is_bounded_in_bytes_and_others_go_on(
    nats_bus: NatsBus,
    nats_server: NatsServer,
    database_url: str,
    tmp_path: Path,
    hook: dict[str, Any],
    path: str,
    door: Door,
) -> None:
    """Each call holds 100 kB until the witness answers, so of 2 MB Anna's ten fit, and hers fill all places to run in."""
    async with Witness() as witness:
        with EngineProcess(nats_server, tmp_path, database_url, **ALLOW, **LIMITS) as engine:
            await engine.ready(nats_bus)
            witness.hold.clear()
            await Workflows(nats_bus, ANNA).create(chain(hook, request("One", witness.url)), active=True)
            storm = [asyncio.create_task(call(nats_bus, path, door)) for _ in range(200)]
            await witness.heard(8)
            refused = 0
            for done in asyncio.as_completed(storm):
                refused += await done < 0
                if refused == 190:
                    break
            bo = Workflows(nats_bus, BO)
            own = await bo.create(chain(node("Start", "manualTrigger"), node("Next", "noOp")))
            waits = asyncio.create_task(bo.execute(own.id, wait=60))
            async with asyncio.timeout(60):  # the engine still answers, while nothing that runs can end
                while True:
                    with suppress(DeadlineExceeded):
                        assert not (await bo.list(own.id)).next_cursor
                        break
            assert not waits.done()
            witness.hold.set()
            assert (await waits).status == "success"
            answers = await asyncio.gather(*storm)
            assert answers.count(200) == 10
            assert await call(nats_bus, path, door) == 200, "there is room again"
