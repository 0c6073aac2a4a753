"""Orders about agents: in force at once, kept through every restart, taken back by a person and nobody else."""

import asyncio

import pytest
from pydantic import BaseModel

from bus import subjects
from bus.errors import AgentNotFound, InvalidRequest, NoLeader, PermissionDenied
from bus.messages import AgentRecord, AgentRef, AgentStatus, Claims, ControlAction, NoReply, Role, TaskStatus
from bus.messages.orders import MOST_LABELS, DrainAgent, LabelAgent
from tests.integration.coordinator.conftest import Hive

ADA = Claims(sub="ada", roles=(Role.ADMIN,))


async def order(hive: Hive, verb: str, body: BaseModel, claims: Claims = ADA) -> AgentRecord:
    return await hive.ask(verb, body, AgentRecord, service=subjects.SERVICE_AGENTS, claims=claims)


async def drain(hive: Hive, reason: str | None = None) -> AgentRecord:
    return await order(hive, "drain", DrainAgent(agent_id="acacia", reason=reason))


async def resume(hive: Hive) -> AgentRecord:
    return await order(hive, "resume", AgentRef(agent_id="acacia"))


async def label(hive: Hive, labels: dict[str, str | None], *, replace: bool = False) -> AgentRecord:
    return await order(hive, "label", LabelAgent(agent_id="acacia", labels=labels, replace=replace))


async def shown(hive: Hive, **wanted: object) -> AgentRecord:
    """The word about the agent, once it is so."""
    async with asyncio.timeout(15):
        while True:
            record = await hive.agent("acacia")
            if all(getattr(record, name) == value for name, value in wanted.items()):
                return record
            await asyncio.sleep(0.02)


async def test_a_drained_agent_ends_what_it_has_shows_when_it_is_empty_and_works_again_when_it_is_resumed(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia", slots=2)
    first = await hive.submit()
    offer = await sidecar.offered()
    record = await drain(hive, "the fan is replaced")
    assert (record.status, record.drained, record.status_reason) == (
        AgentStatus.DRAINING,
        False,
        "drained by ada: the fan is replaced",
    )
    second = await hive.submit()
    await hive.stored(second)
    await sidecar.complete(offer)
    assert (await hive.ended(first)).status is TaskStatus.COMPLETED
    await shown(hive, drained=True, status=AgentStatus.DRAINING)
    assert sidecar.offers.empty()
    assert (await resume(hive)).status is AgentStatus.ONLINE
    assert (await sidecar.offered()).task_id == second


async def test_a_drain_and_labels_outlive_the_sidecar_and_the_coordinator(hive: Hive) -> None:
    sidecar = await hive.distant_sidecar("acacia")
    await drain(hive)
    await label(hive, {"site": "attic"})
    await sidecar.lose_connection()
    await shown(hive, status=AgentStatus.OFFLINE)
    await hive.sidecar("acacia")
    await shown(hive, status=AgentStatus.DRAINING)
    [leader] = hive.coordinators
    await hive.stop(leader)
    hive.start_coordinator()
    await hive.leading()
    task_id = await hive.submit()
    await hive.stored(task_id)
    await hive.sidecars[-1].beaten(10)
    record = await shown(hive, status=AgentStatus.DRAINING)
    assert (record.labels, record.drain and record.drain.by) == ({"site": "attic"}, "ada")
    assert hive.sidecars[-1].offers.empty()
    await resume(hive)
    assert (await hive.sidecars[-1].offered()).task_id == task_id


async def test_a_sidecar_that_was_told_to_drain_past_the_leader_is_resumed_too(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    sidecar.status = AgentStatus.DRAINING
    await shown(hive, status=AgentStatus.DRAINING)
    await resume(hive)
    assert (await sidecar.controlled()).action is ControlAction.RESUME


async def test_a_task_that_asks_for_a_label_goes_where_a_person_gave_it(hive: Hive) -> None:
    acacia, birch = await hive.sidecar("acacia"), await hive.sidecar("birch")
    task_id = await hive.submit(require={"labels": {"site": "attic"}})
    await hive.stored(task_id)
    await label(hive, {"site": "attic", "quiet": "yes"})
    assert (await acacia.offered()).task_id == task_id
    assert birch.offers.empty()
    assert (await label(hive, {"site": None})).labels == {"quiet": "yes"}
    assert (await label(hive, {"rack": "3"}, replace=True)).given_labels == {"rack": "3"}


async def test_labels_are_bounded_also_when_they_come_one_by_one(hive: Hive) -> None:
    await hive.sidecar("acacia")
    await label(hive, {f"n{number}": "x" for number in range(MOST_LABELS)})
    with pytest.raises(InvalidRequest, match="65 labels"):
        await label(hive, {"one-more": "x"})
    assert len((await hive.agent("acacia")).given_labels) <= MOST_LABELS


async def test_orders_need_the_permission_and_an_agent(hive: Hive) -> None:
    await hive.sidecar("acacia")
    developer = Claims(sub="bob", roles=(Role.DEVELOPER,))
    with pytest.raises(PermissionDenied):
        await order(hive, "drain", DrainAgent(agent_id="acacia"), developer)
    with pytest.raises(AgentNotFound):
        await order(hive, "drain", DrainAgent(agent_id="walnut"))


async def test_what_was_ordered_about_an_agent_is_forgotten_with_it(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    await drain(hive)
    await label(hive, {"site": "attic"})
    await sidecar.vanish()
    await hive.ask("remove", AgentRef(agent_id="acacia"), NoReply, service=subjects.SERVICE_AGENTS, seconds=20)
    for table in ("agent_orders", "agent_tracks", "agent_health", "agent_benchmarks"):
        assert await hive.sql(f"SELECT FROM {table} WHERE slug = 'acacia'") == []
    await hive.sidecar("acacia")
    record = await shown(hive, status=AgentStatus.ONLINE)
    assert (record.drain, record.labels) == (None, {})


async def test_a_deposed_leader_orders_nothing(hive: Hive) -> None:
    await hive.sidecar("acacia")
    await hive.sql("UPDATE leadership SET epoch = epoch + 1")
    with pytest.raises(NoLeader):
        await order(hive, "drain", DrainAgent(agent_id="acacia"))
    assert await hive.sql("SELECT FROM agent_orders") == []
