"""Windows of maintenance: agents rest while one holds, whoever leads, and each phase is told once."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pydantic import BaseModel

from bus import subjects
from bus.client import Received
from bus.errors import Conflict, InvalidRequest, NoLeader, NotFound, PermissionDenied
from bus.messages import AgentRecord, AgentRef, AgentStatus, Claims, Role
from bus.messages.events import AgentEvent, MaintenanceEvent
from bus.messages.maintenance import (
    ListMaintenance,
    MaintenanceList,
    MaintenancePhase,
    MaintenanceRef,
    MaintenanceWindow,
    PlanMaintenance,
)
from bus.messages.orders import DrainAgent, LabelAgent
from coordinator.agents import windows
from tests.integration.coordinator.conftest import Hive

ADA = Claims(sub="ada", roles=(Role.ADMIN,))
PLANNED, UNDER_WAY, ENDED, CANCELLED = MaintenancePhase


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LOOK_SECONDS", 0.1)


async def ask(hive: Hive, verb: str, body: BaseModel, claims: Claims = ADA) -> MaintenanceWindow:
    return await hive.ask(verb, body, MaintenanceWindow, service=subjects.SERVICE_MAINTENANCE, claims=claims)


async def plan(hive: Hive, *, begins_in: float | None = None, seconds: float = 3600, **more: object) -> MaintenanceWindow:
    now = datetime.now(UTC)
    starts_at = None if begins_in is None else now + timedelta(seconds=begins_in)
    wish = {"starts_at": starts_at, "ends_at": (starts_at or now) + timedelta(seconds=seconds), "reason": "new cards", **more}
    return await ask(hive, "plan", PlanMaintenance.model_validate(wish))


async def listed(hive: Hive, limit: int = 50) -> tuple[MaintenanceWindow, ...]:
    answer = await hive.ask("list", ListMaintenance(limit=limit), MaintenanceList, service=subjects.SERVICE_MAINTENANCE)
    return answer.windows


async def shown(hive: Hive, agent_id: str, holds: Callable[[AgentRecord], bool]) -> AgentRecord:
    async with asyncio.timeout(15):
        while not holds(record := await hive.agent(agent_id)):
            await asyncio.sleep(0.02)
    return record


async def told(hive: Hive, number: int) -> list[MaintenancePhase]:
    """The first phases that the bus keeps, once there are so many: one that was told twice is stored once."""
    reader, found = await hive.bus.read(subjects.EVENTS, subjects.events("system.maintenance")), list[MaintenancePhase]()
    async with asyncio.timeout(15):
        while len(found) < number:
            found += [received.decode(MaintenanceEvent).data.phase for received in await reader.batch(100)]
    await reader.close()
    return found


async def test_agents_are_drained_when_a_window_begins_and_work_again_when_it_ends(hive: Hive) -> None:
    acacia, birch = await hive.sidecar("acacia"), await hive.sidecar("birch")
    await birch.vanish()
    planned = await plan(hive, begins_in=0.5, seconds=2, agents=["acacia"])
    assert (planned.phase, planned.by) == (PLANNED, "ada")
    resting = await shown(hive, "acacia", lambda record: record.status is AgentStatus.DRAINING)
    assert resting.status_reason is not None
    assert resting.status_reason.startswith("maintenance until")
    assert resting.status_reason.endswith(": new cards")
    task_id = await hive.submit()
    await hive.stored(task_id)
    await acacia.beaten(3)
    assert acacia.offers.empty()
    assert (await acacia.offered()).task_id == task_id  # once it is over
    assert await told(hive, 3) == [PLANNED, UNDER_WAY, ENDED]
    [window] = await listed(hive)
    assert (window.id, window.phase) == (planned.id, ENDED)
    with pytest.raises(Conflict, match="over already"):
        await ask(hive, "cancel", MaintenanceRef(id=planned.id))


async def test_a_window_survives_a_takeover_and_is_told_once(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    window = await plan(hive, everything=True)
    [leader] = hive.coordinators
    await hive.stop(leader)
    hive.start_coordinator()
    await hive.leading()
    task_id = await hive.submit()
    await hive.stored(task_id)
    late = await hive.sidecar("birch")
    await shown(hive, "birch", lambda record: record.status is AgentStatus.DRAINING)
    await sidecar.beaten(10)
    assert (sidecar.offers.empty(), late.offers.empty()) == (True, True)
    assert (await ask(hive, "cancel", MaintenanceRef(id=window.id))).phase is CANCELLED
    assert await told(hive, 2) == [UNDER_WAY, CANCELLED]
    await shown(hive, "acacia", lambda record: record.status is AgentStatus.ONLINE)
    await shown(hive, "birch", lambda record: record.status is AgentStatus.ONLINE)


async def test_who_registers_in_a_window_rests_from_the_first_moment(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LOOK_SECONDS", 3600)
    await plan(hive, everything=True)
    task_id = await hive.submit()
    await hive.stored(task_id)
    late = await hive.sidecar("birch")
    await shown(hive, "birch", lambda record: record.status is AgentStatus.DRAINING)
    await late.beaten(3)
    assert late.offers.empty()


async def test_an_agent_that_registers_again_in_a_window_is_told_to_rest(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(windows, "LOOK_SECONDS", 3600)
    sidecar = await hive.sidecar("acacia")
    statuses: list[AgentStatus] = []

    async def heard(received: Received) -> None:
        statuses.append(received.decode(AgentEvent).data.status)

    await hive.bus.subscribe(subjects.events("agent.status_changed"), heard)
    await plan(hive, begins_in=0.2, everything=True)
    await asyncio.wait_for(_passed(0.3), 5)
    await sidecar.register()
    async with asyncio.timeout(10):
        while statuses[-1:] != [AgentStatus.DRAINING]:
            await asyncio.sleep(0.02)


async def test_a_window_that_passed_while_nobody_led_is_told_and_holds_nobody(hive: Hive) -> None:
    await hive.sidecar("acacia")
    await plan(hive, begins_in=0.3, seconds=0.3, everything=True)
    [leader] = hive.coordinators
    await hive.stop(leader)
    await asyncio.wait_for(_passed(0.7), 5)
    [window] = await _known(hive)
    assert window.phase in (PLANNED, UNDER_WAY)
    hive.start_coordinator()
    await shown(hive, "acacia", lambda record: record.status is AgentStatus.ONLINE)
    assert (await told(hive, 2))[-1] is ENDED


async def _passed(seconds: float) -> None:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    while datetime.now(UTC) < until:
        await asyncio.sleep(0.02)


async def _known(hive: Hive) -> list[MaintenanceWindow]:
    rows = await hive.sql("SELECT record FROM maintenance_windows")
    return [MaintenanceWindow.model_validate_json(row["record"]) for row in rows]


async def test_a_person_s_drain_stands_when_the_window_is_over(hive: Hive) -> None:
    await hive.sidecar("acacia")
    window = await plan(hive, agents=["acacia"])
    await hive.ask("drain", DrainAgent(agent_id="acacia"), AgentRecord, service=subjects.SERVICE_AGENTS, claims=ADA)
    await ask(hive, "cancel", MaintenanceRef(id=window.id))
    record = await shown(hive, "acacia", lambda record: record.status_reason == "drained by ada")
    assert record.status is AgentStatus.DRAINING
    resumed = await hive.ask("resume", AgentRef(agent_id="acacia"), AgentRecord, service=subjects.SERVICE_AGENTS)
    assert resumed.status is AgentStatus.ONLINE


async def test_a_window_for_a_label_holds_those_who_have_it_by_now(hive: Hive) -> None:
    await hive.sidecar("acacia")
    await hive.sidecar("birch")
    await plan(hive, labels={"site": "attic"})
    given = LabelAgent(agent_id="acacia", labels={"site": "attic"})
    await hive.ask("label", given, AgentRecord, service=subjects.SERVICE_AGENTS)
    await shown(hive, "acacia", lambda record: record.status is AgentStatus.DRAINING)
    assert (await hive.agent("birch")).status is AgentStatus.ONLINE


async def test_what_is_no_use_is_refused_and_so_is_who_may_not(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    await hive.sidecar("acacia")
    with pytest.raises(InvalidRequest, match="in the future"):
        await plan(hive, begins_in=-7200, seconds=3600, agents=["acacia"])
    with pytest.raises(InvalidRequest, match="within a year"):
        await plan(hive, begins_in=400 * 86400, agents=["acacia"])
    with pytest.raises(InvalidRequest, match="no agent walnut"):
        await plan(hive, agents=["acacia", "walnut"])
    with pytest.raises(NotFound):
        await ask(hive, "cancel", MaintenanceRef(id=uuid4()))
    with pytest.raises(PermissionDenied):
        await ask(hive, "cancel", MaintenanceRef(id=uuid4()), Claims(sub="bob", roles=(Role.DEVELOPER,)))
    monkeypatch.setattr(windows, "MOST_WINDOWS", 2)
    for hours in (1, 2):
        await plan(hive, begins_in=hours * 3600, agents=["acacia"])
    with pytest.raises(Conflict, match="the most"):
        await plan(hive, begins_in=9000, agents=["acacia"])
    assert len(await listed(hive)) == 2
    assert len(await listed(hive, limit=1)) == 1


async def test_a_deposed_leader_plans_nothing(hive: Hive) -> None:
    await hive.sidecar("acacia")
    await hive.sql("UPDATE leadership SET epoch = epoch + 1")
    with pytest.raises(NoLeader):
        await plan(hive, agents=["acacia"])
    assert await hive.sql("SELECT FROM maintenance_windows") == []
