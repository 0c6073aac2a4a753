"""A slot that a less urgent task yields: what a leader orders, what the record says, and what a new leader makes of it."""

from datetime import UTC, datetime, timedelta

from bus.errors import TaskTimeout
from bus.messages import AttemptStatus, ControlAction, OutcomeStatus, Output, TaskStatus
from coordinator.leading.inputs import OfferAccepted, Tick
from coordinator.leading.loading import load
from coordinator.leading.state import State
from coordinator.store.database import Statements
from tests.integration.coordinator.conftest import Hive
from tests.integration.coordinator.turns import Leader, id_of, told

STORY = '{"prompt":"Tell a story.","priority":"low","preemptible":true}'
NOW_PLEASE = '{"prompt":"Quick!","priority":"high"}'


async def test_a_low_task_yields_its_slot_and_goes_on_later_from_its_words(hive: Hive) -> None:
    sidecar = await hive.sidecar("acacia")
    low = await hive.submit(priority="low", preemptible=True)
    offer = await sidecar.offered()
    await hive.reaches(low, TaskStatus.RUNNING)
    high = await hive.submit(priority="high")
    order = await sidecar.controlled()
    assert (order.action, order.attempt_id) == (ControlAction.PREEMPT, offer.attempt_id)
    await sidecar.report(offer, OutcomeStatus.PREEMPTED, output=Output(text="Once upon a"))
    urgent = await sidecar.offered()
    assert urgent.task_id == high
    await sidecar.complete(urgent)
    second = await sidecar.offered()
    assert (second.task_id, second.continue_from and second.continue_from.output.text) == (low, "Once upon a")
    await sidecar.complete(second, "Once upon a time.")
    record = await hive.reaches(low, TaskStatus.COMPLETED)
    assert [known.status for known in record.attempts] == [AttemptStatus.PREEMPTED, AttemptStatus.COMPLETED]
    assert record.preemptible


async def test_a_task_that_did_not_offer_it_is_left_alone(leader: Leader) -> None:
    attempt = await leader.placed()
    await leader.turn(OfferAccepted(attempt.id))
    assert not (await leader.turn(await leader.submitted(body=NOW_PLEASE))).preempts


async def test_it_is_told_once_and_a_new_leader_tells_it_again(leader: Leader) -> None:
    await leader.agent()
    [(attempt, _)] = (await leader.turn(await leader.submitted(body=STORY))).offers
    await leader.turn(OfferAccepted(attempt.id))
    followup = await leader.turn(await leader.submitted(body=NOW_PLEASE))
    assert [known.id for known in followup.preempts] == [attempt.id]
    assert not (await leader.turn(Tick())).preempts
    leader.state = State(epoch=0, instance="next")
    await load(leader.state, Statements(leader.connection))
    assert [known.task.preemptible for known in leader.state.preemptible] == [True]


async def test_a_task_waits_for_its_time_and_not_beyond_its_deadline(leader: Leader) -> None:
    await leader.agent()
    begin, end = (datetime.now(UTC) + timedelta(minutes=minutes) for minutes in (10, 20))
    times = f'"not_before":"{begin.isoformat()}","deadline":"{end.isoformat()}"'
    read = await leader.submitted(body=f'{{"prompt":"Later.",{times}}}')
    assert not (await leader.turn(read)).offers
    assert leader.state.queue.position(id_of(read)) is None
    leader.later = timedelta(minutes=11)
    [(_, offer)] = (await leader.turn(Tick())).offers
    assert 8 * 60 < offer.seconds_left < 9.1 * 60


async def test_a_task_that_waited_beyond_its_deadline_fails_and_says_so(leader: Leader) -> None:
    end = datetime.now(UTC) + timedelta(minutes=10)
    read = await leader.submitted(body=f'{{"prompt":"Soon.","deadline":"{end.isoformat()}"}}')
    await leader.turn(read)
    assert await leader.status(id_of(read)) == "queued"
    leader.later = timedelta(minutes=11)
    followup = await leader.turn(Tick())
    assert [told(fact.subject) for fact in followup.facts] == ["failed"]
    [(_, error)] = followup.failures
    assert error.code == TaskTimeout.code
    assert "by its deadline" in error.message
    assert await leader.status(id_of(read)) == "failed"
