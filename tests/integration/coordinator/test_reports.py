"""What a sidecar tells the leader itself: answered once it is committed, and never lost where no answer comes."""

import asyncio
from uuid import UUID

import pytest

from agent_sidecar.report import report
from bus import subjects
from bus.codec import encode
from bus.errors import DeadlineExceeded
from bus.messages import AttemptOutcome, AttemptStatus, DispatchOffer, FailureInfo, OutcomeStatus, TaskStatus
from bus.together import end
from coordinator.leading import intake
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import ScriptedSidecar


def outcome(sidecar: ScriptedSidecar, offer: DispatchOffer, error: FailureInfo | None = None) -> AttemptOutcome:
    return AttemptOutcome(
        attempt_id=offer.attempt_id,
        task_id=offer.task_id,
        agent_id=sidecar.agent_id,
        instance=sidecar.instance,
        status=OutcomeStatus.COMPLETED if error is None else OutcomeStatus.FAILED,
        error=error,
        retryable=error is not None,
    )


async def told(hive: Hive, sidecar: ScriptedSidecar, offer: DispatchOffer, error: FailureInfo | None = None) -> None:
    """As a real sidecar does."""
    what = outcome(sidecar, offer, error)
    await report(hive.bus, what, encode(what))
    sidecar.running.discard(offer.attempt_id)


async def asked(hive: Hive, what: AttemptOutcome, seconds: float = 10) -> None:
    """Of the leader alone."""
    subject = subjects.report(what.agent_id, what.task_id, what.attempt_id)
    await hive.bus.request_raw(subject, encode(what), timeout=seconds, patient=False)


async def on_the_stream(hive: Hive) -> int:
    return (await hive.bus.stream_state(subjects.OUTCOMES)).last_sequence


async def gathers(hive: Hive, what: AttemptOutcome) -> "asyncio.Task[None]":
    """A question whose report the leader has, by when it answers others."""
    asking = asyncio.create_task(asked(hive, what))
    await asyncio.sleep(0)
    await hive.bus.flush()
    await hive.leading()
    return asking


async def test_a_report_is_answered_after_its_commit_and_leaves_nothing_on_the_stream(hive: Hive) -> None:
    sidecar, before = await hive.sidecar("acacia"), await on_the_stream(hive)
    task_id = await hive.submit()
    what = outcome(sidecar, await sidecar.offered())
    await hive.reaches(task_id, TaskStatus.RUNNING)  # so that no other turn is the one that waits
    connection = await hive.database()
    async with connection.transaction():
        await connection.execute("SELECT FROM leadership FOR UPDATE")
        asking = asyncio.create_task(asked(hive, what))
        await hive.commit_waits()  # of the turn that took the report in
        await hive.bus.flush()
        assert not asking.done()
        assert [row["status"] for row in await hive.sql("SELECT status FROM tasks WHERE id = $1", task_id)] != ["completed"]
    await asking
    assert [row["status"] for row in await hive.sql("SELECT status FROM tasks WHERE id = $1", task_id)] == ["completed"]
    assert await on_the_stream(hive) == before


async def test_a_report_that_comes_both_ways_is_one_end(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    ends: list[UUID] = []

    async def heard(received: object) -> None:
        ends.append(task_id)

    await hive.bus.subscribe(subjects.events("task.completed"), heard)
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await told(hive, sidecar, offer)
    await sidecar.fail(offer)  # another word, so that it shows which of the two holds
    async with asyncio.timeout(10):
        while await hive.bus.last(subjects.OUTCOMES, subjects.ALL_OUTCOMES) is not None:
            await asyncio.sleep(0.02)
    record = await hive.ended(task_id)
    assert [attempt.status for attempt in record.attempts] == [AttemptStatus.COMPLETED]
    assert ends == [task_id]


async def test_only_an_inbox_is_answered(hive: Hive) -> None:
    """The leader's own rights are no use to whoever names another subject."""
    sidecar, heard = await hive.sidecar("acacia"), list[object]()

    async def hear(received: object) -> None:
        heard.append(received)

    await hive.bus.subscribe("hive.elsewhere", hear)
    task_id = await hive.submit()
    offer = await sidecar.offered()
    what = outcome(sidecar, offer)
    subject = subjects.report(what.agent_id, what.task_id, what.attempt_id)
    await hive.bus.client.publish(subject, encode(what), reply="hive.elsewhere")
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED
    await asked(hive, what)
    await hive.bus.flush()
    assert not heard


async def test_where_nobody_leads_a_report_waits_on_the_stream_for_whoever_comes(hive: Hive) -> None:
    sidecar, before = await hive.sidecar("acacia"), await on_the_stream(hive)
    task_id = await hive.submit()
    offer = await sidecar.offered()
    [leader] = hive.coordinators
    await hive.stop(leader)
    await told(hive, sidecar, offer)
    assert await on_the_stream(hive) == before + 1
    hive.start_coordinator()
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED


async def test_what_a_leader_heard_and_did_not_commit_is_told_to_the_next(hive: Hive) -> None:
    """It dies between hearing and commit: no answer came, so the sidecar keeps the outcome and tells the stream."""
    sidecar, before = await hive.sidecar("acacia"), await on_the_stream(hive)
    task_id = await hive.submit()
    offer = await sidecar.offered()
    async with hive.held_up():
        telling = asyncio.create_task(told(hive, sidecar, offer))
        await hive.bus.flush()
        await hive.leading()
        [leader] = hive.coordinators
        leader.cancel()
        await telling
    await end([leader])
    assert await on_the_stream(hive) == before + 1
    hive.start_coordinator()
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED


async def test_a_batch_with_a_report_that_postgresql_refuses_loses_only_that_report(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia", slots=3)
    before, bad, after = [await hive.submit(max_attempts=1) for _ in range(3)]
    offers = {offer.task_id: offer for offer in [await sidecar.offered() for _ in range(3)]}
    odd = FailureInfo(code="a\x00b", message="as the test wants it")
    async with hive.held_up():
        telling = [
            asyncio.create_task(told(hive, sidecar, offers[task_id], odd if task_id == bad else None))
            for task_id in (before, bad, after)
        ]
        await hive.bus.flush()
        await hive.leading()
    await asyncio.gather(*telling)
    assert [(await hive.ended(task_id)).status for task_id in (before, after)] == [TaskStatus.COMPLETED] * 2
    record = await hive.ended(bad)
    assert record.error is not None
    assert "could not be stored" in record.error.message


async def test_reports_that_wait_for_a_turn_are_bounded(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    sidecar = await hive.sidecar("acacia", slots=2)
    first, second = await hive.submit(), await hive.submit()
    offers = {offer.task_id: offer for offer in [await sidecar.offered() for _ in range(2)]}
    monkeypatch.setattr(intake, "MAX_REPORTED_BYTES", 1)
    async with hive.held_up():
        taken = await gathers(hive, outcome(sidecar, offers[first]))
        with pytest.raises(DeadlineExceeded):
            await asked(hive, outcome(sidecar, offers[second]), seconds=0.3)
    await taken
    await hive.ended(first)
    assert not (await hive.call("get", second)).status.terminal
    await asked(hive, outcome(sidecar, offers[second]))
    await hive.ended(second)
