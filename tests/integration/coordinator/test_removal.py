"""An agent that left for good is forgotten; one whose sidecar lives is not."""

import pytest

from bus import subjects
from bus.errors import AgentNotFound, Conflict
from bus.messages import AgentList, AgentRef, AgentStatus, ModelInfo, NoReply, TaskStatus
from tests.integration.coordinator.conftest import Hive

REMOVE = subjects.service_verb(subjects.SERVICE_AGENTS, "remove")
LIST = subjects.service_verb(subjects.SERVICE_AGENTS, "list")


async def known(hive: Hive) -> list[str]:
    return [agent.agent_id for agent in (await hive.bus.request(LIST, NoReply(), AgentList)).agents]


async def test_a_silent_agent_is_forgotten_and_comes_back_when_it_speaks_again(hive: Hive) -> None:
    acacia = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await acacia.complete(await acacia.offered())
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED
    await hive.sidecar("walnut")
    await acacia.vanish()
    await hive.bus.request(REMOVE, AgentRef(agent_id="acacia"), NoReply, timeout=20)
    assert await known(hive) == ["walnut"]
    assert (await hive.call("get", task_id)).assigned_agent_id == "acacia"
    with pytest.raises(AgentNotFound):
        await hive.bus.request(REMOVE, AgentRef(agent_id="acacia"), NoReply, timeout=20)
    await hive.sidecar("acacia")
    assert await known(hive) == ["acacia", "walnut"]


@pytest.mark.slow
async def test_an_agent_whose_sidecar_lives_is_not_forgotten(hive: Hive) -> None:
    await hive.sidecar("acacia")
    with pytest.raises(Conflict, match="Stop that one first"):
        await hive.bus.request(REMOVE, AgentRef(agent_id="acacia"), NoReply, timeout=20)
    assert await known(hive) == ["acacia"]


async def test_the_work_of_an_agent_that_is_removed_as_it_dies_goes_on_elsewhere(hive: Hive) -> None:
    """Its attempts would be nobody's: only of agents that are known is it looked for who is dead."""
    acacia = await hive.distant_sidecar("acacia")
    task_id = await hive.submit()
    await acacia.offered()
    await hive.until(task_id, lambda record: record.status is TaskStatus.RUNNING)
    walnut = await hive.sidecar("walnut")
    await acacia.lose_connection()
    await hive.agent_is("acacia", AgentStatus.OFFLINE)
    await hive.bus.request(REMOVE, AgentRef(agent_id="acacia"), NoReply, timeout=20)
    await walnut.complete(await walnut.offered())
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED
    assert await known(hive) == ["walnut"]


async def test_models_that_cannot_be_remembered_yet_hold_up_nobody_s_heartbeats(hive: Hive) -> None:
    """One handler hears them all, in turn: what waits in it lets everybody grow silent."""
    acacia, walnut = await hive.sidecar("acacia"), await hive.sidecar("walnut")
    database = await hive.database()
    async with database.transaction():
        await database.execute("LOCK TABLE models IN ACCESS EXCLUSIVE MODE")
        acacia.models = (*acacia.models, ModelInfo(name="new:1b"))
        await acacia.beaten(3)
        walnut.status = AgentStatus.DEGRADED
        await hive.agent_is("walnut", AgentStatus.DEGRADED)
    await hive.model_is_known("new:1b")
