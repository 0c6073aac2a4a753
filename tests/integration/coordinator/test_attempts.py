"""What follows from how an attempt ends: another one, elsewhere and later, or the end of the task."""

from datetime import timedelta

import pytest

from bus import subjects
from bus.client import Received
from bus.messages import (
    DispatchOffer,
    OfferReply,
    OfferVerdict,
    OutcomeStatus,
    Output,
    TaskEvent,
    TaskRecord,
    TaskStatus,
    Timings,
    Usage,
)
from tests.integration.coordinator.conftest import Hive
from tests.parts.scripted_sidecar import ScriptedSidecar


def fate(record: TaskRecord) -> list[tuple[str, str]]:
    """Of its attempts: who made it, and how it ended."""
    return [(attempt.agent_id, attempt.status.value) for attempt in record.attempts]


async def test_what_would_fail_again_fails_the_task_with_its_own_error(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.fail(await sidecar.offered(), code="backend_refused", retryable=False)
    record = await hive.ended(task_id)
    assert (record.status, fate(record)) == (TaskStatus.FAILED, [("acacia", "failed")])
    assert record.error is not None
    assert (record.error.code, record.error.message) == ("backend_refused", "as the test wants it")


async def test_a_failed_attempt_is_tried_again_elsewhere(hive: Hive) -> None:
    first, second = await hive.sidecar("acacia"), await hive.sidecar("birch")
    task_id = await hive.submit()
    failing = await first.offered()
    await first.fail(failing)
    offer = await second.offered()
    assert (offer.task_id, offer.number, offer.prompt) == (task_id, 2, "Say hello")
    await second.complete(offer)
    record = await hive.ended(task_id)
    assert fate(record) == [("acacia", "failed"), ("birch", "completed")]
    assert record.attempts[0].error is not None
    assert first.offers.empty()


async def test_an_agent_that_failed_it_gets_it_again_where_no_other_is_able_and_not_at_once(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.fail(await sidecar.offered())
    waiting = await hive.reaches(task_id, TaskStatus.QUEUED)
    assert waiting.position is None
    await sidecar.complete(await sidecar.offered())
    first, second = (await hive.ended(task_id)).attempts
    assert first.ended_at is not None
    assert second.offered_at - first.ended_at >= timedelta(seconds=0.5)


async def test_when_its_attempts_are_used_up_the_task_fails_and_says_how_the_last_one_did(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit(max_attempts=2)
    for _ in range(2):
        await sidecar.fail(await sidecar.offered(), code="backend_stalled")
    record = await hive.ended(task_id)
    assert record.error is not None
    assert record.error.code == "attempts_exhausted"
    assert "2 attempts failed; the last on acacia with backend_stalled" in record.error.message
    assert len(record.attempts) == 2


@pytest.mark.parametrize("verdict", [OfferVerdict.BUSY, OfferVerdict.UNABLE])
async def test_a_refusal_costs_no_attempt_and_the_task_goes_elsewhere(hive: Hive, verdict: OfferVerdict) -> None:
    refusing, willing = await hive.sidecar("acacia"), await hive.sidecar("birch")
    refusing.reply = lambda _offer: OfferReply(verdict=verdict, reason="not now")
    task_id = await hive.submit(max_attempts=2)
    refused = await refusing.offered()
    await willing.fail(await willing.offered())
    await willing.complete(await willing.offered())
    record = await hive.ended(task_id)
    assert [end for end in fate(record) if end != ("acacia", "refused")] == [("birch", "failed"), ("birch", "completed")]
    assert record.attempts[0].id == refused.attempt_id
    assert record.max_attempts == 2


async def test_a_busy_agent_is_asked_again_after_its_pause(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    answers = iter((OfferVerdict.BUSY, OfferVerdict.ACCEPTED))
    sidecar.reply = lambda _offer: OfferReply(verdict=next(answers))
    task_id = await hive.submit()
    busy, taken = await sidecar.offered(), await sidecar.offered()
    assert busy.attempt_id != taken.attempt_id
    await sidecar.complete(taken)
    assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED


async def test_an_agent_that_is_busy_for_hours_does_no_harm(hive: Hive) -> None:
    """Refused twice a second: more attempts than small numbers can count, and none of them a reason to back off for long."""
    [leader] = hive.coordinators
    sidecar = await hive.sidecar("acacia")
    await hive.submit()
    running, waiting = await sidecar.offered(), await hive.submit()
    await hive.stored(waiting)
    await hive.stop(leader)
    await hive.sql("UPDATE tasks SET attempts = 40000, attempts_allowed = 40002 WHERE id = $1", waiting)
    hive.start_coordinator()
    await sidecar.complete(running)
    refused = await sidecar.offered()
    assert (refused.task_id, refused.number) == (waiting, 40001)
    await sidecar.complete(refused)
    assert (await hive.ended(waiting)).status is TaskStatus.COMPLETED


async def test_an_offer_that_is_not_answered_is_repeated_and_stays_one_attempt(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    accept, sidecar.reply = sidecar.reply, lambda _offer: None
    task_id = await hive.submit()
    first, sidecar.reply = await sidecar.offered(), accept
    again = await sidecar.offered()
    assert (again.attempt_id, again.task_id) == (first.attempt_id, task_id)
    await sidecar.complete(again)
    assert fate(await hive.ended(task_id)) == [("acacia", "completed")]
    assert sidecar.offers.empty()


async def test_an_attempt_that_heartbeats_name_runs_though_the_answer_to_its_offer_never_came(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    sidecar.reply = lambda _offer: None
    task_id = await hive.submit()
    offer = await sidecar.offered()
    sidecar.running.add(offer.attempt_id)
    await hive.reaches(task_id, TaskStatus.RUNNING)
    await sidecar.complete(offer)
    assert len((await hive.ended(task_id)).attempts) == 1


async def test_a_report_of_an_attempt_that_is_superseded_changes_nothing(hive: Hive) -> None:
    zombie, second = await hive.distant_sidecar("acacia"), await hive.sidecar("birch")
    task_id = await hive.submit()
    lost = await zombie.offered()
    await zombie.vanish()
    await zombie.bus.close()
    offer = await second.offered()
    zombie.bus = hive.bus
    await zombie.complete(lost, "from the grave")
    await second.complete(offer, "hello")
    record = await hive.ended(task_id)
    assert record.output is not None
    assert record.output.text == "hello"
    assert fate(record) == [("acacia", "lost"), ("birch", "completed")]


async def test_a_second_report_of_an_ended_attempt_changes_nothing(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    offer = await sidecar.offered()
    await sidecar.complete(offer, "first")
    before = await hive.ended(task_id)
    await sidecar.fail(offer, message_id="another report")
    await sidecar.complete(await one_more(hive, sidecar))
    assert await hive.call("get", task_id) == before


async def one_more(hive: Hive, sidecar: ScriptedSidecar) -> DispatchOffer:
    """When it is offered, everything before it was read."""
    await hive.submit()
    return await sidecar.offered()


async def test_the_same_task_published_twice_runs_once(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia", slots=2)
    task_id = await hive.submit()
    offer = await sidecar.offered()
    for _ in range(2):
        await hive.publish(b'{"prompt":"Say hello"}', task_id)
    other = await one_more(hive, sidecar)
    assert other.task_id != task_id
    await sidecar.complete(offer)
    record = await hive.ended(task_id)
    assert len(record.attempts) == 1
    assert sidecar.offers.empty()


async def test_odd_characters_of_a_model_are_kept_but_for_the_one_that_cannot_be_stored(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    task_id = await hive.submit()
    await sidecar.complete(await sidecar.offered(), "a\x00b \\u0000 \\\x00 😀")
    record = await hive.ended(task_id)
    assert record.output is not None
    assert record.output.text == "a�b \\u0000 \\� 😀"


async def test_the_end_of_a_task_tells_who_did_it_and_what_it_took(hive: Hive) -> None:
    ends: list[TaskEvent] = []

    async def read(received: Received) -> None:
        ends.append(received.decode(TaskEvent))

    for name in ("task.completed", "task.failed"):
        await hive.bus.subscribe(subjects.events(name), read)
    sidecar = await hive.sidecar("acacia")
    good, bad = await hive.submit(), await hive.submit()
    timings, usage = Timings(total_seconds=1.5), Usage(prompt_tokens=3, completion_tokens=4)
    await sidecar.report(await sidecar.offered(), OutcomeStatus.COMPLETED, output=Output(), usage=usage, timings=timings)
    await sidecar.fail(await sidecar.offered(), retryable=False)
    record = await hive.ended(good)
    await hive.ended(bad)
    assert (record.usage, record.timings and record.timings.total_seconds) == (usage, 1.5)
    told = {event.data.task_id: event.data for event in ends}
    assert (told[good].agent_id, told[good].usage, told[good].attempt) == ("acacia", usage, 1)
    failed = told[bad]
    assert failed.error is not None
    assert (failed.agent_id, failed.error.code) == ("acacia", "backend_error")
