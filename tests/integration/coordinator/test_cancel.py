"""Cancel: whoever commits first wins, and a slot is free again only when the sidecar has let go."""

from uuid import uuid4

import pytest

from bus.errors import AlreadyEnded, PermissionDenied, TaskNotFound
from bus.messages import Claims, ControlAction, OutcomeStatus, Output, Role, TaskRecord, TaskRef, TaskStatus
from tests.integration.coordinator.conftest import Hive


async def test_a_waiting_task_is_cancelled_and_never_offered(hive: Hive) -> None:
    await hive.leading()
    task_id = await hive.submit()
    await hive.stored(task_id)
    record = await hive.call("cancel", task_id)
    assert (record.status, record.attempts, record.position) == (TaskStatus.CANCELLED, (), None)
    sidecar = await hive.sidecar("acacia")
    other = await hive.submit()
    assert (await sidecar.offered()).task_id == other


async def test_a_task_that_waits_for_another_is_cancelled(hive: Hive) -> None:
    await hive.leading()
    first = await hive.submit()
    second = await hive.submit(depends_on=[str(first)])
    await hive.stored(second)
    assert (await hive.call("cancel", second)).status is TaskStatus.CANCELLED
    sidecar = await hive.sidecar("acacia")
    await sidecar.complete(await sidecar.offered())
    await hive.ended(first)
    assert (await hive.call("get", second)).status is TaskStatus.CANCELLED
    assert sidecar.offers.empty()


async def test_the_sidecar_of_a_running_task_is_told_and_its_late_report_changes_nothing(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    cancelled = await hive.call("cancel", task_id)
    assert cancelled.status is TaskStatus.CANCELLED
    assert [attempt.status for attempt in cancelled.attempts] == ["cancelled"]
    control = await sidecar.controlled()
    assert (control.action, control.attempt_id) == (ControlAction.CANCEL, offer.attempt_id)
    await sidecar.complete(offer, "too late")
    other = await hive.submit()
    assert (await sidecar.offered()).task_id == other
    assert await hive.call("get", task_id) == cancelled


async def test_a_slot_is_free_again_when_the_sidecar_has_let_go_and_not_before(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await hive.call("cancel", task_id)
    await sidecar.controlled()
    status = await hive.leading()
    assert (status.slots_free, status.tasks) == (0, {"assigned": 0, "running": 0})
    await sidecar.report(offer, OutcomeStatus.CANCELLED)
    await hive.submit()
    await sidecar.offered()


async def test_a_sidecar_that_never_heard_of_the_attempt_keeps_no_slot_for_it(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    accept, sidecar.reply = sidecar.reply, lambda _offer: None
    task_id = await hive.submit()
    await sidecar.offered()
    sidecar.reply = accept
    await hive.call("cancel", task_id)
    await sidecar.controlled()
    other = await hive.submit()
    while (offer := await sidecar.offered()).task_id != other:
        pass
    await sidecar.complete(offer)
    assert (await hive.ended(other)).status is TaskStatus.COMPLETED


async def test_cancelling_twice_is_cancelling_once(hive: Hive) -> None:
    await hive.leading()
    task_id = await hive.submit()
    first = await hive.call("cancel", task_id)
    assert await hive.call("cancel", task_id) == first


async def test_what_has_ended_cannot_be_cancelled(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered())
    await hive.ended(task_id)
    with pytest.raises(AlreadyEnded, match="completed already"):
        await hive.call("cancel", task_id)


async def test_what_nobody_submitted_cannot_be_cancelled(hive: Hive) -> None:
    await hive.leading()
    with pytest.raises(TaskNotFound):
        await hive.call("cancel", uuid4())


async def test_only_its_owner_and_an_operator_may_cancel_a_task(hive: Hive) -> None:
    await hive.leading()
    task_id = await hive.submit(owner="ada")
    ada, bob = (Claims(sub=name, roles=(Role.DEVELOPER,)) for name in ("ada", "bob"))
    with pytest.raises(PermissionDenied):
        await hive.ask("cancel", TaskRef(id=task_id), TaskRecord, claims=bob)
    assert (await hive.ask("cancel", TaskRef(id=task_id), TaskRecord, claims=ada)).status is TaskStatus.CANCELLED


async def test_what_a_stopped_attempt_had_written_is_kept(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    assert (await hive.call("cancel", task_id)).output is None
    await sidecar.controlled()
    await sidecar.report(offer, OutcomeStatus.CANCELLED, output=Output(text="half an ans"))
    record = await hive.until(task_id, lambda record: record.output is not None)
    assert (record.status, record.output) == (TaskStatus.CANCELLED, Output(text="half an ans"))
