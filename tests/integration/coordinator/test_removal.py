"""An agent that left for good is forgotten; one whose sidecar lives is not."""

import pytest

from bus import subjects
from bus.errors import AgentNotFound, Conflict
from bus.messages import AgentList, AgentRef, NoReply, TaskStatus
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


async def test_an_agent_whose_sidecar_lives_is_not_forgotten(hive: Hive) -> None:
    await hive.sidecar("acacia")
    with pytest.raises(Conflict, match="Stop that one first"):
        await hive.bus.request(REMOVE, AgentRef(agent_id="acacia"), NoReply, timeout=20)
    assert await known(hive) == ["acacia"]
