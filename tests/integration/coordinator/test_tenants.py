"""What the coordinator tells one tenant of another: nothing, also where no door stands before it."""

from uuid import UUID, uuid4

import pytest

from bus.errors import Conflict, NotFound, PermissionDenied, ScheduleNotFound, TaskNotFound
from bus.messages import (
    AssignTask,
    Claims,
    CreateKey,
    CreateSchedule,
    Explanation,
    IssuedKey,
    KeyList,
    KeyRecord,
    KeyRef,
    ListSchedules,
    ListTasks,
    NoReply,
    PrioritizeTask,
    QueuePlaces,
    Role,
    ScheduleList,
    ScheduleRecord,
    ScheduleRef,
    TaskIds,
    TaskList,
    TaskRecord,
    TaskRef,
    TaskRequest,
)
from tests.integration.coordinator.conftest import Hive

ACME, BURNS = (Claims(sub="admin", roles=(Role.ADMIN,), tenant=tenant) for tenant in ("acme", "burns"))
"""Both of one name, which no door would give to two: the tenant decides alone."""
VIEWER = Claims(sub="admin", roles=(Role.VIEWER,))


async def submitted(hive: Hive, body: bytes = b'{"prompt":"hi"}', tenant: str = "acme") -> UUID:
    task_id = uuid4()
    await hive.publish(body, task_id, tenant=tenant, owner="admin")
    await hive.stored(task_id)
    return task_id


async def test_a_task_is_there_for_its_tenant_and_for_who_runs_the_hive(hive: Hive) -> None:
    mine = await submitted(hive)
    ref = TaskRef(id=mine)
    assert (await hive.ask("get", ref, TaskRecord, claims=ACME)).tenant == "acme"
    assert (await hive.ask("get", ref, TaskRecord)).owner == "admin"
    for claims in (BURNS, VIEWER):
        words = []
        for task_id in (mine, uuid4()):
            refused = {
                "get": (TaskRef(id=task_id), TaskRecord),
                "cancel": (TaskRef(id=task_id), TaskRecord),
                "erase": (TaskRef(id=task_id), NoReply),
                "explain": (TaskRef(id=task_id), Explanation),
                "prioritize": (PrioritizeTask(id=task_id, priority=1), TaskRecord),
            }
            if claims is BURNS:
                refused |= {
                    "requeue": (TaskRef(id=task_id), TaskRecord),
                    "assign": (AssignTask(id=task_id, agent_id="acacia"), TaskRecord),
                }
            words.append([await _refusal(hive, verb, *asked, claims, task_id) for verb, asked in refused.items()])
        assert words[0] == words[1]
        assert (await hive.ask("list", ListTasks(), TaskList, claims=claims)).tasks == ()
    assert [task.id for task in (await hive.ask("list", ListTasks(), TaskList, claims=ACME)).tasks] == [mine]
    for claims, found in ((BURNS, set()), (ACME, {mine})):
        places = await hive.ask("positions", TaskIds(ids=(mine,)), QueuePlaces, service="queue", claims=claims)
        assert places.places.keys() == found
    after = b'{"prompt":"hi","depends_on":["%s"]}' % str(mine).encode()
    refused_one = await hive.ended(await submitted(hive, after, tenant="burns"))
    assert refused_one.error is not None
    assert refused_one.error.code == "unknown_dependency"
    assert (await hive.call("get", await submitted(hive, after))).error is None


async def _refusal(hive: Hive, verb: str, body: object, answer: object, claims: Claims, task_id: UUID) -> str:
    with pytest.raises(TaskNotFound) as refused:
        await hive.ask(verb, body, answer, claims=claims)  # type: ignore[arg-type]
    return refused.value.message.replace(str(task_id), "")


async def test_keys_and_schedules_are_of_one_tenant(hive: Hive) -> None:
    await hive.leading()
    ann = await _key(hive, Claims(sub="root", roles=(Role.ADMIN,)), owner="ann", tenant="acme", role="admin")
    own = await _key(hive, BURNS, owner="bo")
    assert (ann.record.tenant, own.record.tenant) == ("acme", "burns")
    for refused, wish in ((PermissionDenied, {"owner": "eve", "tenant": "acme"}), (Conflict, {"owner": "ann"})):
        with pytest.raises(refused):
            await _key(hive, BURNS, **wish)
    listed = {
        claims.tenant: await hive.ask("list", NoReply(), KeyList, service="keys", claims=claims) for claims in (ACME, BURNS)
    }
    assert {tenant: [key.owner for key in found.keys] for tenant, found in listed.items()} == {"acme": ["ann"], "burns": ["bo"]}
    words = []
    for key_id in (ann.record.id, uuid4()):
        with pytest.raises(NotFound) as told:
            await hive.ask("revoke", KeyRef(id=key_id), KeyRecord, service="keys", claims=BURNS)
        words.append(told.value.message.replace(str(key_id), ""))
    assert words[0] == words[1]
    assert (await hive.ask("list", NoReply(), KeyList, service="keys", claims=ACME)).keys[0].revoked_at is None

    asked = CreateSchedule(name="morning", cron="@daily", task=TaskRequest(prompt="hi"))
    made = await hive.ask("create", asked, ScheduleRecord, service="schedules", claims=ACME)
    for verb, answer in (("get", ScheduleRecord), ("delete", NoReply)):
        with pytest.raises(ScheduleNotFound):
            await hive.ask(verb, ScheduleRef(id=made.id), answer, service="schedules", claims=BURNS)
    for claims, found in ((ACME, 1), (BURNS, 0), (VIEWER, 0)):
        assert (
            len((await hive.ask("list", ListSchedules(), ScheduleList, service="schedules", claims=claims)).schedules) == found
        )


async def _key(hive: Hive, claims: Claims, **wish: str) -> IssuedKey:
    return await hive.ask("create", CreateKey.model_validate(wish), IssuedKey, service="keys", claims=claims, seconds=20)
