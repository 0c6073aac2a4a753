"""A quota that is used up is refused at every door, in its protocol's form, and says when to come back."""

from datetime import UTC, datetime

import pytest
from httpx import AsyncClient

from bus import quotas, subjects
from bus.messages.usage import Quota, QuotaKind, QuotaPeriod, QuotaUnit
from bus.testing import InMemoryBus

HELLO = {"prompt": "Say hello."}
CHAT = {"model": "llama3.2:3b", "messages": [{"role": "user", "content": "hi"}]}


async def use_up(bus: InMemoryBus) -> Quota:
    begin = quotas.begins(QuotaPeriod.DAY, datetime.now(UTC))
    place = (QuotaKind.USER, "anna", QuotaUnit.TOKENS, QuotaPeriod.DAY)
    quota = Quota(kind=place[0], name=place[1], unit=place[2], period=place[3], most=10, used=10, since=begin, set_by="admin")
    await bus.put(subjects.KV_QUOTAS, quotas.bucket_key(*place), quota)
    return quota


@pytest.fixture
async def used_up(memory_bus: InMemoryBus) -> Quota:
    return await use_up(memory_bus)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/tasks", HELLO),
        ("/v1/chat/completions", CHAT),
        ("/v1/messages", {**CHAT, "max_tokens": 5}),
        ("/api/chat", {**CHAT, "stream": False}),
    ],
)
async def test_every_door_refuses_with_429_and_says_when_it_resets(
    anna: AsyncClient, memory_bus: InMemoryBus, used_up: Quota, path: str, body: dict[str, object]
) -> None:
    response = await anna.post(path, json=body)
    assert response.status_code == 429, response.text
    assert 0 < int(response.headers["retry-after"]) <= 86_400
    assert "quota of user anna" in response.text
    assert await memory_bus.last(subjects.TASKS, "hive.tasks.submit.>") is None


async def test_who_has_no_quota_is_let_in_and_who_may_not_set_one_is_refused(
    admin: AsyncClient, anna: AsyncClient, used_up: Quota
) -> None:
    assert (await admin.post("/api/tasks", json=HELLO)).status_code == 201
    wanted = {"kind": "user", "name": "anna", "unit": "tokens", "period": "day", "most": 1e9}
    response = await anna.put("/api/usage/quotas", json=wanted)
    assert response.status_code == 403


async def test_a_task_that_was_let_in_before_is_found_by_its_key_still(anna: AsyncClient, memory_bus: InMemoryBus) -> None:
    headers = {"Idempotency-Key": "once"}
    first = await anna.post("/api/tasks", json=HELLO, headers=headers)
    await use_up(memory_bus)
    again = await anna.post("/api/tasks", json=HELLO, headers=headers)
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert (await anna.post("/api/tasks", json=HELLO, headers={"Idempotency-Key": "another"})).status_code == 429
