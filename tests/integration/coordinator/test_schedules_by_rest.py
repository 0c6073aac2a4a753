"""Schedules as REST has them: the real door in front of a real coordinator."""

from collections.abc import AsyncIterator

import pytest
from httpx import AsyncClient

from bus import auth, subjects
from bus.messages import Claims, Role
from coordinator.gateway.gateway import Gateway, open_gateway
from coordinator.gateway.settings import GatewaySettings
from tests.integration.coordinator.conftest import Hive
from tests.unit.gateway.conftest import client_of

MORNING = {
    "name": "morning",
    "cron": "30 7 * * 1-5",
    "time_zone": "Europe/Berlin",
    "task": {"prompt": "hi", "priority": 4},
    "ends_at": "2100-01-01T00:00:00Z",
}


@pytest.fixture
async def door(hive: Hive) -> AsyncIterator[Gateway]:
    await hive.leading()
    for name in ("anna", "ben"):
        await hive.bus.put(subjects.KV_KEYS, auth.hash_key(name), Claims(sub=name, roles=(Role.DEVELOPER,)))
    async with open_gateway(hive.bus, GatewaySettings(max_waiting=10)) as gateway:
        yield gateway


@pytest.fixture
async def anna(door: Gateway) -> AsyncIterator[AsyncClient]:
    async with client_of(door, "anna") as client:
        yield client


async def test_a_schedule_s_life(hive: Hive, door: Gateway, anna: AsyncClient) -> None:
    made = await anna.post("/api/schedules", json=MORNING)
    assert made.status_code == 201
    path = made.headers["location"]
    assert (await anna.get(path)).json() == made.json()
    assert made.json()["next_due"] is not None
    [listed] = (await anna.get("/api/schedules")).json()["schedules"]
    assert (listed["id"], listed["task"]) == (made.json()["id"], None)
    changed = (await anna.patch(path, json={"enabled": False, "ends_at": None})).json()
    assert (changed["enabled"], changed["next_due"], changed["ends_at"], changed["cron"]) == (
        False,
        None,
        None,
        MORNING["cron"],
    )
    ran = await anna.post(f"{path}/run")
    assert (ran.status_code, ran.json()["owner"], ran.json()["priority"]) == (201, "anna", 4)
    assert ran.headers["location"] == f"/api/tasks/{ran.json()['id']}"
    assert (await anna.get(path)).json()["last_task_id"] == ran.json()["id"]
    async with client_of(door, "ben") as ben:
        assert (await ben.get(path)).status_code == 403
        assert (await ben.get("/api/schedules")).json()["schedules"] == []
    assert (await anna.delete(path)).status_code == 204
    gone = await anna.get(path)
    assert (gone.status_code, gone.json()["code"]) == (404, "schedule_not_found")


async def test_a_preview_shows_the_next_five_times_in_the_zone_and_makes_nothing(anna: AsyncClient) -> None:
    shown = await anna.post("/api/schedules/preview", json={"cron": "30 7 * * 1-5", "time_zone": "Europe/Berlin"})
    times = shown.json()["times"]
    assert len(times) == 5
    assert all("T07:30:00+0" in at for at in times)
    assert (await anna.get("/api/schedules")).json()["schedules"] == []


@pytest.mark.parametrize(
    ("wrong", "code", "said"),
    [
        ({"cron": "30 25 * * *"}, "invalid_cron", "The field hour, '25'"),
        ({"cron": "* * * * * *"}, "invalid_cron", "Seconds cannot be given"),
        ({"time_zone": "Mars"}, "unknown_time_zone", "'Mars'"),
        ({"ends_at": "2100-01-01T00:00:00"}, "invalid_request", "`ends_at`"),
        ({"task": {"promt": "hi"}}, "invalid_request", "`task.promt`"),
        ({"colour": "blue"}, "invalid_request", "`colour`"),
    ],
)
async def test_what_is_wrong_is_named_with_a_stable_code(
    anna: AsyncClient, wrong: dict[str, object], code: str, said: str
) -> None:
    response = await anna.post("/api/schedules", json={**MORNING, **wrong})
    assert (response.status_code, response.json()["code"]) == (422, code)
    assert said in response.json()["detail"]


async def test_running_now_is_a_submit_like_any_other_where_the_queue_is_full(anna: AsyncClient) -> None:
    path = (await anna.post("/api/schedules", json=MORNING)).headers["location"]
    answers = [await anna.post(f"{path}/run") for _ in range(10)]
    assert [response.status_code for response in answers] == [201] * 9 + [503]
    assert (answers[-1].json()["code"], answers[-1].headers["retry-after"]) == ("queue_full", "60")
