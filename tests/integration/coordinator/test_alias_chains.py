"""An alias whose first model keeps failing, with the real leader behind the door: the second one answers, and soon is asked at once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from httpx import AsyncClient, Response

from bus import auth, subjects
from bus.messages import Claims, ModelInfo, Role
from bus.messages.aliases import ModelAlias
from coordinator import tasks
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.settings import GatewaySettings
from tests.integration.coordinator.conftest import Hive
from tests.unit.gateway.conftest import client_of

KEY = "sk-hive-chains-0123456789abcdef0123456789abcdef"
BROKEN, STAND_IN = ModelInfo(name="broken:70b", loaded=True), ModelInfo(name="small:1b", loaded=True)


@pytest.fixture
async def hive(idle_hive: Hive) -> Hive:
    """What is held back stays so for longer than a test takes."""
    idle_hive.start_coordinator(breaker_seconds=120)
    return idle_hive


@pytest.fixture
async def gateway(hive: Hive) -> AsyncIterator[Gateway]:
    await hive.leading()
    await hive.bus.put(subjects.KV_KEYS, auth.hash_key(KEY), Claims(sub="anna", roles=(Role.DEVELOPER,)))
    async with open_gateway(hive.bus, GatewaySettings()) as found:
        await found.aliases.set(ModelAlias(alias="chat", models=(BROKEN.name, STAND_IN.name)))
        yield found


@pytest.fixture
async def client(gateway: Gateway) -> AsyncIterator[AsyncClient]:
    async with client_of(gateway, KEY) as found:
        yield found


async def until_there(gateway: Gateway, models: set[str]) -> None:
    """That the door sees so many of them at hosts that take work for them."""
    async with asyncio.timeout(15):
        while True:
            agents = gateway.overview.agents.items.values()
            if gateway.named.items and {m.name for a in agents for m in a.models if m.name not in a.merits.held} == models:
                return
            await asyncio.sleep(0.02)


def ask(client: AsyncClient, **more: Any) -> "asyncio.Task[Response]":
    body = {"model": "chat", "messages": [{"role": "user", "content": "Hi"}], **more}
    return asyncio.create_task(client.post("/v1/chat/completions", json=body))


@pytest.mark.slow
@pytest.mark.parametrize("stream", [False, True])
async def test_the_stand_in_answers_and_is_asked_at_once_as_soon_as_the_first_is_held_back(
    hive: Hive, gateway: Gateway, client: AsyncClient, monkeypatch: pytest.MonkeyPatch, *, stream: bool
) -> None:
    monkeypatch.setattr(tasks, "FIRST_BACKOFF_SECONDS", 0.01)
    acacia = await hive.sidecar("acacia", slots=4, models=(BROKEN, STAND_IN))
    await until_there(gateway, {BROKEN.name, STAND_IN.name})
    for failures in (3, 3, 1):  # the third task's first failure holds the model back, and the task need not wait for it
        asking = ask(client, stream=stream)
        for _ in range(failures):
            offer = await acacia.offered()
            assert offer.model == BROKEN.name
            await acacia.fail(offer)
        offer = await acacia.offered()
        assert offer.model == STAND_IN.name
        await acacia.complete(offer, "Hello.")
        answer = await asking
        assert (answer.status_code, answer.headers["x-hive-model"]) == (200, STAND_IN.name)
        assert "Hello." in answer.text
        record = await hive.ended(offer.task_id)
        assert (answer.headers["x-hive-task"], record.model) == (str(offer.task_id), STAND_IN.name)
    await until_there(gateway, {STAND_IN.name})
    asking = ask(client, stream=stream)
    offer = await acacia.offered()
    assert offer.model == STAND_IN.name
    await acacia.complete(offer)
    assert (await asking).status_code == 200
