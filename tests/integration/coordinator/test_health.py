"""Health checks: asked for by the leader, kept, and told by any coordinator."""

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from bus import subjects
from bus.errors import AgentNotFound, NoLeader
from bus.messages.health import AgentHealth, ListHealth
from coordinator.agents import checkups
from coordinator.settings import CoordinatorSettings
from coordinator.store.database import Statements, open_pool
from coordinator.store.retention import clear_once
from tests.integration.coordinator.conftest import Hive


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkups, "CHECK_SECONDS", 0.3)
    monkeypatch.setattr(checkups, "LOOK_SECONDS", 0.1)


@pytest.fixture
async def statements(hive: Hive) -> AsyncIterator[Statements]:
    pool = await open_pool(hive.database_url, 1)
    yield Statements(pool)
    await pool.close()


async def health(hive: Hive, agent_id: str = "acacia", **more: object) -> AgentHealth:
    asked = ListHealth.model_validate({"agent_id": agent_id, **more})
    return await hive.ask("health", asked, AgentHealth, service=subjects.SERVICE_AGENTS)


async def health_is(hive: Hive, wanted: Callable[[AgentHealth], bool], **more: object) -> AgentHealth:
    async with asyncio.timeout(15):
        while not wanted(found := await health(hive, **more)):
            await asyncio.sleep(0.05)
    return found


async def test_an_agent_is_asked_again_and_again_and_its_answers_are_kept_newest_first(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    await health_is(hive, lambda found: found.last is not None and found.last.available)
    sidecar.ill = "its model does not load"
    found = await health_is(hive, lambda found: found.last is not None and not found.last.available)
    assert found.last is not None
    assert (found.last.error_message, found.history[0], found.last.response_time) == (sidecar.ill, found.last, 0.01)
    assert found.history[-1].available
    times = [check.timestamp for check in found.history]
    assert times == sorted(times, reverse=True)


async def test_the_history_is_read_page_by_page_without_a_check_twice(hive: Hive) -> None:
    await hive.sidecar("acacia")
    first = await health_is(hive, lambda found: len(found.history) == 2 and found.next_before is not None, limit=2)
    second = await health(hive, limit=1000, before=first.next_before)
    newest = min(check.timestamp for check in first.history)
    assert second.history
    assert all(check.timestamp < newest for check in second.history)
    assert second.last is not None
    assert second.last.timestamp >= newest  # the newest there is, whatever page was asked for


async def test_an_agent_that_does_not_answer_is_not_available_and_one_that_died_says_so(hive: Hive) -> None:
    sidecar = await hive.distant_sidecar("acacia")
    await health_is(hive, lambda found: found.last is not None and found.last.available)
    await sidecar.stop_listening()
    await health_is(hive, lambda found: found.last is not None and "did not answer" in (found.last.error_message or ""))
    await sidecar.lose_connection()
    await health_is(hive, lambda found: found.last is not None and "offline" in (found.last.error_message or ""))


async def test_the_history_is_told_by_a_coordinator_that_does_not_lead_and_nobody_knows_a_stranger_s(hive: Hive) -> None:
    await hive.sidecar("acacia")
    known = await health_is(hive, lambda found: found.last is not None)
    [leader] = hive.coordinators
    hive.start_coordinator()
    await hive.stop(leader)
    told = await health(hive, limit=1000)
    assert set(known.history) <= set(told.history)
    with pytest.raises(AgentNotFound, match="nobody"):
        await health(hive, "nobody")


async def test_checks_are_forgotten_when_their_hours_are_over(hive: Hive, statements: Statements) -> None:
    await hive.sidecar("acacia")
    await health_is(hive, lambda found: found.last is not None)
    [leader] = hive.coordinators
    await hive.stop(leader)
    with pytest.raises(NoLeader):
        await hive.bus.request(subjects.service_verb("queue", "status"), b"{}", AgentHealth, patient=False)
    now, hours = datetime.now(UTC), CoordinatorSettings(retain_health_hours=2)
    await clear_once(statements, hours, now + timedelta(hours=1.9))
    assert await hive.sql("SELECT FROM agent_health")
    await clear_once(statements, hours, now + timedelta(hours=2.1))
    assert await hive.sql("SELECT FROM agent_health") == []
