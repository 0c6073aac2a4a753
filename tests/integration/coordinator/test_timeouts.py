"""A task's time: from its first dispatch to its end, whatever it does meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest

from bus.messages import AttemptStatus, ControlAction, OutcomeStatus, TaskStatus
from coordinator.leading import placing
from tests.integration.coordinator.conftest import Hive


async def test_a_sidecar_is_told_how_much_time_is_left(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit(timeout_seconds=60)
    first = await sidecar.offered()
    await sidecar.fail(first)
    second = await sidecar.offered()
    assert first.seconds_left == 60
    assert 50 < second.seconds_left < 59.5
    await sidecar.complete(second)
    await hive.ended(task_id)


@pytest.mark.slow
async def test_a_sidecar_that_does_not_keep_to_the_time_is_overruled(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit(timeout_seconds=0.1)
    offer = await sidecar.offered()
    record = await hive.ended(task_id)
    assert record.status is TaskStatus.FAILED
    assert record.error is not None
    assert record.error.code == "task_timeout"
    assert [attempt.status for attempt in record.attempts] == [AttemptStatus.FAILED]
    control = await sidecar.controlled()
    assert (control.action, control.attempt_id) == (ControlAction.CANCEL, offer.attempt_id)
    await sidecar.report(offer, OutcomeStatus.CANCELLED)
    other = await hive.submit()
    assert (await sidecar.offered()).task_id == other


async def test_what_fails_when_its_time_is_over_is_not_tried_again(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit(timeout_seconds=0.1)
    offer = await sidecar.offered()
    await sidecar.beaten(3)
    await sidecar.fail(offer)
    record = await hive.ended(task_id)
    assert record.error is not None
    assert record.error.code == "task_timeout"
    assert len(record.attempts) == 1


async def test_what_waits_for_another_attempt_when_its_time_is_over_has_failed(hive: Hive) -> None:
    """Nobody is able any more, and nobody may ever be."""
    sidecar = await hive.distant_sidecar("acacia")
    task_id = await hive.submit(timeout_seconds=3)
    dependent = await hive.submit(depends_on=[str(task_id)])
    await sidecar.offered()
    await sidecar.vanish()
    await sidecar.bus.close()
    record = await hive.ended(task_id)
    assert record.error is not None
    assert record.error.code == "task_timeout"
    assert [attempt.status for attempt in record.attempts] == [AttemptStatus.LOST]
    assert (await hive.ended(dependent)).status is TaskStatus.FAILED


async def test_more_tasks_than_one_turn_ends_are_over_at_one_deadline(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placing, "MOST_EXPIRED", 3)
    await hive.sidecar("acacia")
    over = datetime.now(UTC) + timedelta(seconds=1.5)
    task_ids = [await hive.submit(require={"vram_gb": 5000}, deadline=over.isoformat()) for _ in range(10)]
    ends = [await hive.ended(task_id) for task_id in task_ids]
    assert {record.error.code for record in ends if record.error is not None} == {"task_timeout"}
    assert len(ends) == len(task_ids)
