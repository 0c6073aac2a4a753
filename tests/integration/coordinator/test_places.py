"""The place of a task that waits, and what has put it back, as the record tells it."""

from bus.messages import Explanation, TaskRef, TaskRequest, TaskStatus
from bus.messages.places import Delay
from tests.integration.coordinator.conftest import Hive


async def test_a_task_that_waits_is_told_its_place_when_it_begins_and_what_put_it_back(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    running = await hive.submit()
    offer = await sidecar.offered()
    assert offer.task_id == running
    waiting = await hive.submit()
    first = await hive.until(waiting, lambda record: record.position == 1)
    assert first.rise is None
    assert first.eta_seconds is not None
    await hive.submit(priority="high")
    second = await hive.until(waiting, lambda record: record.position == 2)
    assert second.rise is not None
    assert (second.rise.reason, second.rise.before, second.rise.position) == (Delay.PRIORITY, 1, 2)
    assert second.rise.in_words == "more urgent tasks go first"
    assert second.eta_seconds is not None
    assert second.eta_seconds > first.eta_seconds
    await sidecar.complete(offer)
    await sidecar.complete(await sidecar.offered())
    assert (await sidecar.offered()).task_id == waiting
    begun = await hive.call("get", waiting)
    assert (begun.position, begun.eta_seconds, begun.rise) == (None, None, None)


async def test_a_task_that_lost_its_host_is_told_so_and_so_is_who_stands_behind_it(hive: Hive) -> None:
    dying = await hive.distant_sidecar("acacia")
    lost = await hive.submit()
    await dying.offered()
    waiting = await hive.submit()
    await hive.until(waiting, lambda record: record.position == 1)
    await dying.lose_connection()
    behind = await hive.until(waiting, lambda record: record.position == 2)
    record = await hive.reaches(lost, TaskStatus.QUEUED)
    assert record.position == 1
    assert record.rise is not None
    assert (record.rise.reason, record.rise.own, record.rise.before) == (Delay.HOST_LOST, True, 0)
    assert behind.rise is not None
    assert (behind.rise.reason, behind.rise.own, behind.rise.before) == (Delay.HOST_LOST, False, 1)


async def test_a_dry_run_knows_the_conversation_and_who_waits_beside_it(hive: Hive) -> None:
    """Both hosts are alike; the one that had the last part of the conversation need not read it again."""
    acacia, birch = await hive.sidecar("acacia"), await hive.sidecar("birch")
    await hive.submit()
    offer = await acacia.offered()
    await hive.submit(session="tale")
    await birch.complete(await birch.offered())
    await acacia.complete(offer)
    await hive.ended(offer.task_id)

    async def chosen(**more: object) -> str | None:
        request = TaskRequest.model_validate({"prompt": "hi " * 2000, **more})
        return (await hive.ask("preview", request, Explanation)).choice

    assert (await chosen(), await chosen(session="tale")) == ("acacia", "birch")
    task_id = await hive.submit("hi " * 2000, session="tale")
    assert (await birch.offered()).task_id == task_id
    assert (await hive.ask("explain", TaskRef(id=task_id), Explanation)).choice == "birch"
