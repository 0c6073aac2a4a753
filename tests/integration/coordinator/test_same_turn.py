"""What one turn decides about a task more than once, or about one that memory does not know: nothing is untold, nothing hangs."""

import asyncio
from datetime import UTC, datetime

import pytest

from bus import subjects
from bus.client import Received
from bus.messages import FailureInfo, OutcomeStatus, TaskClass
from bus.messages.base import MAX_WORDS
from coordinator.leading.inputs import RequeueAsked, SubmitRead, Tick
from coordinator.leading.loading import Backlog, load
from coordinator.leading.state import State
from coordinator.store.database import WRITER, Statements
from tests.integration.coordinator.turns import Leader, answers, cancel, id_of, told


def requeue(read: SubmitRead) -> RequeueAsked:
    return RequeueAsked(id_of(read), asyncio.get_running_loop().create_future())


def unreadable(read: SubmitRead) -> SubmitRead:
    """Another submit of the same id, in another class, that nobody can understand."""
    subject = subjects.submit("default", TaskClass.LOW, id_of(read))
    return SubmitRead(TaskClass.LOW, Received(subject, b"not json", {}, read.received.sequence + 1000, datetime.now(UTC)))


async def test_the_end_of_a_task_is_told_though_its_submit_comes_again_in_the_same_turn(leader: Leader) -> None:
    await leader.agent()
    read = await leader.submitted()
    [(attempt, _)] = (await leader.turn(read)).offers
    followup = await leader.turn(await leader.reported(attempt), read)
    assert [told(fact.subject) for fact in followup.facts] == ["completed"]
    assert (await leader.outbox())[-1] == "completed"


async def test_a_cancel_is_told_though_the_submit_comes_again_in_the_same_turn(leader: Leader) -> None:
    """To a leader that has not read the waiting task yet."""
    read = await leader.submitted()
    await leader.turn(read)
    successor = Leader(leader.bus, leader.connection)
    followup = await successor.turn(read, cancel(id_of(read)))
    assert answers(followup) == [None]
    assert [told(fact.subject) for fact in followup.facts] == ["cancelled"]
    assert await successor.status(id_of(read)) == "cancelled"


async def test_a_requeue_is_offered_though_the_submit_comes_again_in_the_same_turn(leader: Leader) -> None:
    await leader.agent()
    read = await leader.submitted()
    [(attempt, _)] = (await leader.turn(read)).offers
    failed = await leader.reported(attempt, OutcomeStatus.CANCELLED)
    await leader.turn(failed)
    await leader.connection.execute("UPDATE tasks SET status = 'failed' WHERE id = $1", id_of(read))
    followup = await leader.turn(read, requeue(read))
    assert answers(followup) == [None]
    assert [offer.task_id for _, offer in followup.offers] == [id_of(read)]
    assert await leader.status(id_of(read)) == "assigned"


async def test_a_waiting_task_that_is_not_read_yet_and_comes_again_is_offered_in_the_end(leader: Leader) -> None:
    read, other = await leader.submitted(), await leader.submitted()
    await leader.turn(read)
    successor = Leader(leader.bus, leader.connection)
    await successor.agent()
    followup = await successor.turn(read, other, cancel(id_of(other)))
    backlog = Backlog(successor.state, Statements(successor.connection))
    while not backlog.done:
        await backlog.more()
    offers = followup.offers + (await successor.turn(Tick())).offers
    assert [offer.task_id for _, offer in offers] == [id_of(read)]
    assert await successor.status(id_of(read)) == "assigned"


async def test_who_waits_is_released_though_an_unreadable_submit_bears_the_id_of_what_it_waits_for(leader: Leader) -> None:
    first = await leader.submitted()
    middle = await leader.submitted(body=f'{{"prompt":"hi","depends_on":["{id_of(first)}"]}}')
    last = await leader.submitted(body=f'{{"prompt":"hi","depends_on":["{id_of(middle)}"]}}')
    await leader.turn(first, middle, last)
    await leader.turn(unreadable(middle))
    await leader.agent()
    offers = (await leader.turn(Tick())).offers
    while offers:
        [(attempt, _)] = offers
        offers = (await leader.turn(await leader.reported(attempt))).offers
    assert [await leader.status(id_of(read)) for read in (first, middle, last)] == ["completed"] * 3


async def test_what_a_backend_says_by_the_megabyte_is_cut_before_it_is_told(leader: Leader) -> None:
    assert len(FailureInfo(code="backend_error", message="x" * 8_000_000).message) <= MAX_WORDS


async def test_an_agent_that_was_removed_with_an_attempt_unburied_is_loaded(leader: Leader) -> None:
    attempt = await leader.placed()
    await leader.connection.execute("UPDATE agents SET removed_at = now()")
    state = State(epoch=0, instance="successor")
    await load(state, Statements(leader.connection))
    assert attempt.id in state.registry.open


QUOTING = '{"prompt": "Read {{output:%s}}", "depends_on": ["%s"]}'


@pytest.mark.parametrize(
    ("dependents", "request_of"), [(20_000, '{"prompt":"hi"}'), (15_000, QUOTING)], ids=["plain", "quoting"]
)
async def test_an_end_that_many_wait_for_releases_them_in_seconds(leader: Leader, dependents: int, request_of: str) -> None:
    """By the plans of a leader that began while the tables were empty; a join over all that is pending took 17 s. And who quotes it is
    not asked about one by one.
    """
    for name, value in WRITER.items():
        await leader.connection.execute(f"SET {name} = {value}")
    attempt = await leader.placed()
    await leader.connection.execute(
        "INSERT INTO tasks (id, tenant, owner, priority, status, created_at, sequence, request) "
        "SELECT gen_random_uuid(), tenant, owner, 3, 'pending', now(), n + 10, $2::text::jsonb FROM tasks, generate_series(1, $1::int) n WHERE id = $3",
        dependents,
        request_of.replace("%s", str(attempt.task_id)),
        attempt.task_id,
    )
    await leader.connection.execute(
        "INSERT INTO task_dependencies SELECT id, $1 FROM tasks WHERE status = 'pending'", attempt.task_id
    )
    leader.state.depended_on.add(attempt.task_id)
    report = await leader.reported(attempt)
    async with asyncio.timeout(10):
        await leader.turn(report)
    assert len(leader.state.queue) + len(leader.state.live) == dependents
