"""What is told of the hive without asking anyone, and how old it is."""

from datetime import UTC, datetime, timedelta

import pytest

from bus import subjects
from bus.errors import AgentNotFound, NoLeader
from bus.messages import AgentRecord, AgentStatus, ClusterStatus
from bus.overview import CLUSTER, LEADS_SECONDS, Overview
from bus.testing import InMemoryBus

ACACIA = AgentRecord(agent_id="acacia", name="ACACIA", endpoint="http://gpu-host:11434", status=AgentStatus.ONLINE)


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def word(*, old: float = 0.0, slots: int = 4) -> ClusterStatus:
    return ClusterStatus(version="0", leader="c1", slots=slots, updated_at=datetime.now(UTC) - timedelta(seconds=old))


@pytest.fixture
def bus() -> InMemoryBus:
    return InMemoryBus()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def listening(bus: InMemoryBus, clock: Clock) -> Overview:
    overview = Overview(bus, clock)
    await overview.start()
    return overview


async def test_where_none_ever_led_there_are_no_numbers(bus: InMemoryBus, clock: Clock) -> None:
    overview = await listening(bus, clock)
    with pytest.raises(NoLeader, match="led yet"):
        overview.status()
    assert (overview.led, overview.agent_list().age_seconds) == (False, None)


async def test_a_word_ages_and_its_leader_is_none_any_more(bus: InMemoryBus, clock: Clock) -> None:
    overview = await listening(bus, clock)
    await bus.put(subjects.KV_STATUS, CLUSTER, word())
    assert (overview.status().leader, overview.status().age_seconds) == ("c1", 0.0)
    clock.seconds += LEADS_SECONDS + 0.5
    found = overview.status()
    assert (found.leader, found.age_seconds, found.slots) == (None, LEADS_SECONDS + 0.5, 4)
    await bus.put(subjects.KV_STATUS, CLUSTER, word(slots=8))
    assert (overview.status().leader, overview.status().slots) == ("c1", 8)


async def test_what_lay_there_before_is_as_old_as_it_says(bus: InMemoryBus, clock: Clock) -> None:
    await bus.put(subjects.KV_STATUS, CLUSTER, word(old=50))
    overview = await listening(bus, clock)
    clock.seconds += 10
    assert overview.status().age_seconds == pytest.approx(60, abs=1)
    assert not overview.led


async def test_the_clock_of_a_leader_elsewhere_does_not_age_what_is_heard_now(bus: InMemoryBus, clock: Clock) -> None:
    overview = await listening(bus, clock)
    await bus.put(subjects.KV_STATUS, CLUSTER, word(old=3600))
    assert overview.status().age_seconds == 0.0


async def test_agents_are_told_in_order_and_one_that_is_not_there_by_name(bus: InMemoryBus, clock: Clock) -> None:
    overview = await listening(bus, clock)
    for agent_id in ("walnut", "acacia"):
        await bus.put(subjects.KV_AGENTS, agent_id, ACACIA.model_copy(update={"agent_id": agent_id}))
    assert [agent.agent_id for agent in overview.agent_list().agents] == ["acacia", "walnut"]
    assert (await overview.agent("acacia")).name == "ACACIA"
    await bus.delete(subjects.KV_AGENTS, "acacia")
    with pytest.raises(AgentNotFound, match="acacia"):
        await overview.agent("acacia")
