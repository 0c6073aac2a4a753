"""What was saved at another engine counts here too, though its notice never came."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from bus import subjects
from bus.auth import BUS_OPERATOR
from bus.database import open_pool
from bus.errors import WebhookNotFound
from bus.messages import Claims, Role
from bus.messages.workflows import ChangeWorkflow, WebhookCall, WebhookReply
from bus.nats_bus import NatsBus
from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from workflow.library.library import Library
from workflow.nodes.catalogue import registry


@pytest.fixture
async def silent(engine: EngineProcess, database_url: str) -> AsyncIterator[Library]:
    """Of an engine whose notices are all lost."""

    async def lost(*_: object) -> None:
        pass

    pool = await open_pool(database_url, 2)
    yield Library(pool, registry(), "UTC", lost)
    pool.terminate()


def says(word: str) -> dict[str, Any]:
    hook = node("Hook", "webhook", {"path": "says", "httpMethod": "POST", "responseMode": "lastNode"}, 2)
    return chain(hook, node("Say", "set", {"mode": "raw", "jsonOutput": f'{{"says": "{word}"}}'}, 3.4))


async def asked(bus: NatsBus) -> Any:
    verb = subjects.service_verb(subjects.SERVICE_WEBHOOKS, "call")
    return (await bus.request(verb, WebhookCall(path="says", method="POST"), WebhookReply, timeout=30)).body


async def until_says(bus: NatsBus, word: str, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while await asked(bus) != {"says": word}:
            await asyncio.sleep(0.05)


async def until_gone(bus: NatsBus, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        with suppress(WebhookNotFound):
            while True:
                await asked(bus)


async def test_a_version_that_nobody_told_of_runs_within_seconds(
    silent: Library, nats_bus: NatsBus, workflows: Workflows
) -> None:
    made = await workflows.create(says("old"), active=True)
    assert await asked(nats_bus) == {"says": "old"}
    claims = Claims(sub=made.created_by, roles=(Role.ADMIN,), tenant=made.tenant)
    await silent.change(ChangeWorkflow(id=made.id, n8n_data=says("new")), claims)
    await until_says(nats_bus, "new")


async def test_a_path_that_went_to_another_workflow_is_followed_within_seconds(
    silent: Library, nats_bus: NatsBus, workflows: Workflows
) -> None:
    before, after = await workflows.create(says("one"), active=True), await workflows.create(says("other"))
    assert await asked(nats_bus) == {"says": "one"}
    await silent.activate(before.id, False, BUS_OPERATOR)
    await until_gone(nats_bus)
    await silent.activate(after.id, True, BUS_OPERATOR)
    await until_says(nats_bus, "other")
