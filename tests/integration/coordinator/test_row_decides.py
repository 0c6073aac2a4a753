"""One row decides: a leader whose memory is behind the record changes nothing, tells nothing and offers nothing.

Its memory is made to be behind by changing the record under it, as another coordinator or an administrator would.
"""

from uuid import uuid4

import pytest

from bus.errors import AlreadyEnded
from bus.messages import OutcomeStatus
from coordinator.agents.agent import OpenAttempt
from coordinator.leading.inputs import Input, OfferAccepted, OfferRefused, Tick, TimeIsUp
from coordinator.leading.ledger import Followup
from coordinator.store.record import Deposed
from tests.integration.coordinator.turns import Leader, answers, cancel, id_of, told
from tests.unit.coordinator.parts import NOON


async def now_is(leader: Leader, status: str) -> None:
    await leader.connection.execute("UPDATE tasks SET status = $1::text::task_status_enum", status)


async def goes_by_the_row(leader: Leader, followup: Followup) -> None:
    """Nothing is told or offered, now or by the next leader, and nothing is left in the memory."""
    assert (followup.facts, followup.offers, followup.failures) == ([], [], [])
    assert not {"completed", "failed", "queued"} & set((await leader.outbox())[2:])
    assert (len(leader.state.queue), leader.state.live, leader.state.current) == (0, {}, {})


async def end_of(leader: Leader, attempt: OpenAttempt, way: str) -> Input:
    match way:
        case "refused":
            return OfferRefused(attempt.id, "busy", 0.0)
        case "timed out":
            return TimeIsUp(attempt.task_id)
        case _:
            return await leader.reported(attempt, OutcomeStatus(way))


@pytest.mark.parametrize("way", ["completed", "failed", "cancelled", "refused", "timed out"])
@pytest.mark.parametrize("status", ["cancelled", "completed"])
async def test_a_task_that_has_ended_in_the_record_stays_as_it_is(leader: Leader, way: str, status: str) -> None:
    attempt = await leader.placed()
    await now_is(leader, status)
    await goes_by_the_row(leader, await leader.turn(await end_of(leader, attempt, way)))
    assert await leader.status(attempt.task_id) == status


@pytest.mark.parametrize("way", ["completed", "failed", "cancelled", "refused", "timed out"])
async def test_an_attempt_that_the_record_has_replaced_decides_nothing(leader: Leader, way: str) -> None:
    attempt, other = await leader.placed(), uuid4()
    await leader.connection.execute("UPDATE tasks SET attempt_id = $1", other)
    await goes_by_the_row(leader, await leader.turn(await end_of(leader, attempt, way)))
    row = await leader.connection.fetchrow("SELECT status, attempt_id FROM tasks")
    assert tuple(row) == ("assigned", other)


async def test_an_attempt_that_the_memory_has_replaced_decides_nothing(leader: Leader) -> None:
    old = await leader.placed()
    [(new, _)] = (await leader.turn(OfferRefused(old.id, "busy", 0.0))).offers
    assert (await leader.turn(await leader.reported(old))).facts == []
    assert (await leader.status(old.task_id), leader.state.current) == ("assigned", {old.task_id: new.id})


async def test_a_waiting_task_that_has_ended_in_the_record_is_not_placed(leader: Leader) -> None:
    read = await leader.submitted()
    await leader.turn(read)
    await now_is(leader, "cancelled")
    await leader.agent()
    await goes_by_the_row(leader, await leader.turn(Tick()))
    [agent] = leader.state.registry
    assert (await leader.status(id_of(read)), agent.free_slots(0.0)) == ("cancelled", 1)
    assert await leader.connection.fetchval("SELECT count(*) FROM attempts") == 0


async def test_a_waiting_task_that_has_ended_in_the_record_does_not_time_out(leader: Leader) -> None:
    read = await leader.submitted()
    await leader.turn(read)
    task = leader.state.queue.get(id_of(read))
    assert task is not None
    leader.state.queue.add(task.evolve(started_at=NOON), NOON)
    await now_is(leader, "completed")
    await goes_by_the_row(leader, await leader.turn(Tick()))
    assert await leader.status(id_of(read)) == "completed"


async def test_an_acceptance_wakes_no_task_that_has_ended_in_the_record(leader: Leader) -> None:
    attempt = await leader.placed()
    await now_is(leader, "cancelled")
    await leader.turn(OfferAccepted(attempt.id))
    assert await leader.status(attempt.task_id) == "cancelled"


async def test_a_task_that_has_ended_in_the_record_is_not_cancelled(leader: Leader) -> None:
    attempt = await leader.placed()
    await now_is(leader, "completed")
    followup = await leader.turn(cancel(attempt.task_id))
    assert [type(error) for error in answers(followup)] == [AlreadyEnded]
    assert (await leader.status(attempt.task_id), followup.facts, followup.cancels) == ("completed", [], [])


async def test_the_first_word_about_an_attempt_holds(leader: Leader) -> None:
    attempt = await leader.placed()
    await leader.turn(cancel(attempt.task_id))
    await leader.turn(await leader.reported(attempt))
    assert await leader.connection.fetchval("SELECT status FROM attempts") == "cancelled"
    assert await leader.status(attempt.task_id) == "cancelled"


async def test_a_cancel_is_answered_after_its_commit(leader: Leader) -> None:
    attempt = await leader.placed()
    asked = cancel(attempt.task_id)
    await leader.connection.execute("UPDATE leadership SET epoch = epoch + 1")
    with pytest.raises(Deposed):
        await leader.turn(asked)
    assert not asked.done.done()
    assert await leader.status(attempt.task_id) == "assigned"


async def test_what_a_turn_decided_waits_in_the_outbox_since_its_commit(leader: Leader) -> None:
    await leader.agent()
    followup = await leader.turn(await leader.submitted())
    assert await leader.outbox() == [told(fact.subject) for fact in followup.facts] == ["created", "assigned"]
    leader.state.sent = [followup.outbox_id] if followup.outbox_id else []
    await leader.turn(Tick())
    assert await leader.outbox() == []


async def test_what_is_offered_is_committed_and_carries_the_epoch(leader: Leader) -> None:
    await leader.connection.execute("UPDATE leadership SET epoch = 7")
    leader.state.epoch = 7
    await leader.agent()
    [(attempt, offer)] = (await leader.turn(await leader.submitted())).offers
    row = await leader.connection.fetchrow("SELECT id, epoch FROM attempts")
    assert (attempt.id, offer.epoch) == tuple(row) == (offer.attempt_id, 7)
