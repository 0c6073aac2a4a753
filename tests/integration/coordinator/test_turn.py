"""One turn on a real PostgreSQL and a real bus, for what depends on what else is in the same turn."""

import asyncio
import json
import pickle
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from bus import subjects
from bus.client import Received
from bus.errors import AlreadyEnded, BusUnavailable, NoLeader
from bus.messages import (
    AgentRecord,
    AgentRef,
    AgentStatus,
    AttemptOutcome,
    Control,
    ControlAction,
    ControlReply,
    FailureInfo,
    Heartbeat,
    OutcomeStatus,
    TaskClass,
)
from coordinator.agents.presence import Presence
from coordinator.agents.registry import SILENCE_SECONDS
from coordinator.leading.clock import Clock
from coordinator.leading.inputs import AgentDied, OfferAccepted, OfferRefused, OutcomeRead, SubmitRead, Tick
from coordinator.store.database import Statements
from coordinator.store.record import Deposed
from tests.integration.coordinator.turns import Leader, answers, cancel, id_of, told
from tests.parts.nats import NatsServer
from tests.unit.coordinator.parts import NOON, registration


def _unheard(_said: object) -> None: ...


async def test_cancelling_what_is_only_on_the_stream_leaves_a_tombstone(leader: Leader) -> None:
    read = await leader.submitted()
    assert answers(await leader.turn(cancel(id_of(read)))) == [None]
    await leader.turn(read)
    assert await leader.status(id_of(read)) == "cancelled"
    assert id_of(read) not in leader.state.queue


async def test_a_task_may_be_cancelled_in_the_turn_that_takes_it_in(leader: Leader) -> None:
    read = await leader.submitted()
    followup = await leader.turn(read, cancel(id_of(read)))
    assert answers(followup) == [None]
    assert await leader.status(id_of(read)) == "cancelled"
    assert id_of(read) not in leader.state.queue


async def test_cancelling_what_turns_out_to_be_poison_finds_it_ended(leader: Leader) -> None:
    read = await leader.submitted(body="not json")
    [error] = answers(await leader.turn(cancel(id_of(read))))
    assert isinstance(error, AlreadyEnded)
    assert await leader.status(id_of(read)) == "failed"


async def test_a_deposed_leader_writes_nothing(leader: Leader) -> None:
    read = await leader.submitted()
    await leader.connection.execute("UPDATE leadership SET epoch = epoch + 1")
    with pytest.raises(Deposed):
        await leader.turn(read)
    assert await leader.status(id_of(read)) is None
    assert await leader.connection.fetchval("SELECT count(*) FROM outbox") == 0


async def test_the_row_decides_whose_report_counts(leader: Leader) -> None:
    """The memory of a leader may be behind: another has given the task to somebody else meanwhile."""
    await leader.agent()
    read = await leader.submitted()
    [(attempt, _)] = (await leader.turn(read)).offers
    await leader.connection.execute("UPDATE tasks SET attempt_id = $1", uuid4())
    followup = await leader.turn(await leader.reported(attempt))
    assert await leader.status(id_of(read)) == "assigned"
    assert followup.facts == []


async def test_a_report_and_a_cancel_in_one_turn_have_one_winner(leader: Leader) -> None:
    await leader.agent()
    read = await leader.submitted()
    [(attempt, _)] = (await leader.turn(read)).offers
    followup = await leader.turn(cancel(id_of(read)), await leader.reported(attempt))
    assert [type(error) for error in answers(followup)] == [AlreadyEnded]
    assert await leader.status(id_of(read)) == "completed"
    assert [told(fact.subject) for fact in followup.facts] == ["completed"]


async def test_what_was_read_and_what_became_of_it_are_committed_together(leader: Leader) -> None:
    read = await leader.submitted()
    await leader.turn(read)
    positions = await leader.connection.fetchval("SELECT positions FROM leadership")
    assert f'"medium": {read.received.sequence}' in positions


@pytest.mark.slow
async def test_while_the_bus_is_away_nobody_says_that_a_dependency_does_not_exist(
    own_nats_server: NatsServer, connection: asyncpg.Connection
) -> None:
    leader = Leader(await own_nats_server.connect(), connection)
    read = await leader.submitted(body=f'{{"prompt":"hi","depends_on":["{uuid4()}"]}}')
    own_nats_server.kill()
    with pytest.raises(BusUnavailable):
        await leader.turn(read)
    assert await leader.status(id_of(read)) is None
    await leader.bus.close()


async def test_a_report_that_cannot_be_read_holds_nothing_up(leader: Leader) -> None:
    outcome = AttemptOutcome(
        attempt_id=uuid4(), task_id=uuid4(), agent_id="acacia", instance="one", status=OutcomeStatus.COMPLETED
    )
    subject = subjects.outcome("acacia", outcome.task_id, outcome.attempt_id)
    reports = []
    for body in (b"not json", outcome.model_dump_json().encode()):
        await leader.bus.publish_durable(subject, body, message_id=uuid4().hex)
        received = await leader.bus.last(subjects.OUTCOMES, subject)
        assert received is not None
        reports.append(OutcomeRead(received))
    await leader.turn(*reports)
    assert leader.state.position("outcomes") == reports[-1].received.sequence


async def test_a_submit_that_comes_again_after_the_bus_forgot_it_is_neither_told_nor_offered(leader: Leader) -> None:
    """Nothing is looked up before: that its row exists shows itself when the turn is written."""
    await leader.agent()
    read = await leader.submitted()
    [(attempt, _)] = (await leader.turn(read)).offers
    await leader.turn(await leader.reported(attempt))
    followup = await leader.turn(read)
    assert (followup.offers, followup.facts) == ([], [])
    assert await leader.status(id_of(read)) == "completed"
    [agent] = leader.state.registry
    assert agent.attempts == {}
    assert await leader.connection.fetchval("SELECT count(*) FROM outbox, unnest(facts) WHERE message_id LIKE '%.3.%'") == 0
    assert await leader.connection.fetchval("SELECT count(*) FROM attempts") == 1


async def test_a_submit_that_comes_again_while_it_waits_keeps_its_place(leader: Leader) -> None:
    first, second = await leader.submitted(), await leader.submitted()
    await leader.turn(first, second)
    later = Received(first.received.subject, first.received.data, {}, second.received.sequence + 1, first.received.stored_at)
    await leader.turn(SubmitRead(TaskClass.MEDIUM, later))
    assert (leader.state.queue.position(id_of(first)), leader.state.queue.position(id_of(second))) == (1, 2)


async def test_an_agent_that_refuses_time_after_time_is_asked_less_often(leader: Leader) -> None:
    await leader.agent()
    [agent] = leader.state.registry
    followup, pauses = await leader.turn(await leader.submitted()), []
    for _ in range(4):
        [(attempt, _)] = followup.offers
        await leader.turn(OfferRefused(attempt.id, "busy", 0.5))
        pauses.append(agent.full_until - leader.clock)
        leader.clock = agent.full_until
        followup = await leader.turn(Tick())
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    [(attempt, _)] = followup.offers
    await leader.turn(OfferAccepted(attempt.id))
    assert agent.refusals == 0


async def test_offers_that_were_on_their_way_when_an_agent_began_to_refuse_count_as_one(leader: Leader) -> None:
    """Each doubled the pause once: an agent that failed once under load was given nothing for half a minute."""
    await leader.agent()
    [agent] = leader.state.registry
    agent.slots = 8
    offers = (await leader.turn(*[await leader.submitted() for _ in range(8)])).offers
    assert len(offers) == 8
    await leader.turn(*(OfferRefused(attempt.id, "it is degraded", 2.0) for attempt, _ in offers))
    assert agent.full_until - leader.clock == 2.0
    leader.clock = agent.full_until
    assert len((await leader.turn(Tick())).offers) == 8


async def test_a_task_that_was_cancelled_before_it_began_is_no_refusal_of_its_agent(leader: Leader) -> None:
    attempt = await leader.placed()
    [agent] = leader.state.registry
    await leader.turn(OfferRefused(attempt.id, "it was cancelled before it began", pause_seconds=0.0))
    assert (agent.refusals, agent.full_until) == (0, 0.0)


async def test_a_hundred_tasks_that_wait_for_one_that_fails_cost_a_handful_of_statements(leader: Leader) -> None:
    """Two for each, one after the other, held up everybody else's tasks for as long as they took."""
    attempt = await leader.placed()
    waiting = [await leader.submitted(body=f'{{"prompt":"hi","depends_on":["{attempt.task_id}"]}}') for _ in range(100)]
    await leader.turn(*waiting)
    statements = list[object]()
    leader.connection.add_query_logger(statements.append)
    failed = FailureInfo(code="invalid_request", message="it cannot be done")
    await leader.turn(await leader.reported(attempt, OutcomeStatus.FAILED, error=failed, retryable=False))
    assert {await leader.status(id_of(read)) for read in waiting} == {"failed"}
    assert len(statements) < 20 + len(waiting), "beside those that look at each here"


async def test_an_agent_is_not_stored_by_a_deposed_leader(leader: Leader) -> None:
    await leader.connection.execute("UPDATE leadership SET epoch = epoch + 1")
    presence = Presence(leader.bus, leader.state, Statements(leader.connection), Clock(leader.bus, "test"), *[_unheard] * 4)
    with pytest.raises(NoLeader):
        await presence.register(registration())
    assert await leader.connection.fetchval("SELECT count(*) FROM agents") == 0


async def test_an_agent_is_not_removed_by_a_deposed_leader(leader: Leader) -> None:
    await leader.agent()
    leader.state.registry.agents["acacia"].status = AgentStatus.OFFLINE
    await leader.connection.execute("UPDATE leadership SET epoch = epoch + 1")
    presence = Presence(leader.bus, leader.state, Statements(leader.connection), Clock(leader.bus, "test"), *[_unheard] * 4)
    with pytest.raises(NoLeader):
        await presence.remove(AgentRef(agent_id="acacia"))
    assert await leader.connection.fetchval("SELECT removed_at FROM agents") is None


async def test_a_host_that_is_merely_heard_again_is_written_every_ten_seconds_alone(leader: Leader) -> None:
    """Each heartbeat of each host would be a write otherwise, and every door would read it."""
    await leader.agent()
    agent = leader.state.registry.agents["acacia"]
    presence = Presence(leader.bus, leader.state, Statements(leader.connection), Clock(leader.bus, "test"), *[_unheard] * 4)
    agent.last_seen = heard = datetime.now(UTC)

    async def shown_at(seconds: int) -> tuple[timedelta, int]:
        agent.last_seen = heard + timedelta(seconds=seconds)
        await presence.show_all()
        stored = await leader.bus.get(subjects.KV_AGENTS, agent.agent_id)
        assert stored is not None
        record = AgentRecord.model_validate_json(stored)
        assert record.last_seen is not None
        return record.last_seen - heard, record.slots

    slots = agent.slots
    assert await shown_at(0) == (timedelta(0), slots)
    assert await shown_at(9) == (timedelta(0), slots)
    assert await shown_at(10) == (timedelta(seconds=10), slots)
    agent.slots += 1
    assert await shown_at(11) == (timedelta(seconds=11), slots + 1)


async def test_a_new_leader_shows_no_host_as_gone_before_it_has_had_the_time_to_be_heard(leader: Leader) -> None:
    """Else no model was to be had for a moment, each time that another leads."""
    await leader.agent()
    agent, clock = leader.state.registry.agents["acacia"], Clock(leader.bus, "test")
    before, after = (
        Presence(leader.bus, leader.state, Statements(leader.connection), clock, *[_unheard] * 4) for _ in range(2)
    )

    async def shown() -> AgentStatus:
        stored = await leader.bus.get(subjects.KV_AGENTS, agent.agent_id)
        assert stored is not None
        return AgentRecord.model_validate_json(stored).status

    await before.show_all()
    agent.status = AgentStatus.OFFLINE  # as the next leader has it from the record
    await after.show_all()
    await after.show_what_is_left()
    assert await shown() is AgentStatus.ONLINE
    clock.seconds = SILENCE_SECONDS
    await after.show_what_is_left()
    assert await shown() is AgentStatus.OFFLINE


async def test_what_is_salvaged_of_an_agent_that_came_back_is_no_strangers_work(leader: Leader) -> None:
    """It would end as cancelled, though nobody cancelled it."""
    attempt = await leader.placed()
    dead = list(leader.state.registry.deaths(1000.0))
    agent, orders = leader.state.registry.agents["acacia"], list[Control]()

    async def ordered(received: Received) -> ControlReply:
        orders.append(received.decode(Control))
        return ControlReply(ok=True)

    async def beats(*numbers: int) -> None:
        for number in numbers:
            before, running = agent.last_seen, (attempt.id,)
            heartbeat = Heartbeat(
                agent_id="acacia", instance=agent.instance, sequence=number, status=AgentStatus.ONLINE, slots=1, running=running
            )
            await leader.bus.publish(subjects.heartbeat("acacia"), heartbeat)
            async with asyncio.timeout(10):
                while agent.last_seen == before:
                    await asyncio.sleep(0.01)
            await leader.bus.flush()

    await leader.bus.answer(subjects.control("acacia"), ordered)
    presence = Presence(leader.bus, leader.state, Statements(leader.connection), Clock(leader.bus, "test"), *[_unheard] * 4)
    await presence.start()
    await beats(1, 2, 3)
    await leader.turn(*[AgentDied(lost) for lost in dead])
    await beats(4, 5)
    async with asyncio.timeout(10):
        while not orders:
            await asyncio.sleep(0.01)
    await leader.bus.flush()
    await presence.close()
    assert [(order.action, order.attempt_id) for order in orders] == [(ControlAction.CANCEL, attempt.id)]


async def test_what_no_host_and_no_leaf_may_send_is_a_line_of_the_log_and_holds_up_nobody(leader: Leader) -> None:
    await leader.agent()
    agent = leader.state.registry.agents["acacia"]
    presence = Presence(leader.bus, leader.state, Statements(leader.connection), Clock(leader.bus, "test"), *[_unheard] * 4)
    await presence.start()
    sent = [
        (subject, body) for subject in (subjects.SITES_DISCONNECTED, subjects.heartbeat("acacia")) for body in (b"[]", b"x")
    ]
    with capture_logs() as logs:
        for subject, body in [*sent, (subjects.SITES_DISCONNECTED, b'{"client": null}')]:
            await leader.bus.publish(subject, body)
        notice = {"client": {"name": subjects.sidecar_connection(agent.instance)}}
        await leader.bus.publish(subjects.SITES_DISCONNECTED, json.dumps(notice).encode())
        async with asyncio.timeout(10):
            while agent.disconnected_at is None or len(logs) < 5:
                await asyncio.sleep(0.01)
    await presence.close()
    assert [log["event"] for log in logs] == ["message_refused"] * 5
    assert [log["subject"] for log in logs].count(subjects.heartbeat("acacia")) == 2


async def test_a_leader_remembers_no_prompt(leader: Leader) -> None:
    """Neither of what runs nor of what waits; a million of them would fill its memory."""
    await leader.agent()
    await leader.turn(*[await leader.submitted(body='{"prompt":"of no concern to a queue"}') for _ in range(2)])
    assert (len(leader.state.live), len(leader.state.queue)) == (1, 1)
    assert b"concern" not in pickle.dumps(leader.state)


async def test_a_leader_of_the_version_before_goes_on_in_the_database_of_this_one(leader: Leader) -> None:
    """While an upgrade is under way: its new tasks have no key and no workflow that they are charged to."""
    task_id = uuid4()
    about = (task_id, "default", "ada", None, None, 3, "queued", None, NOON, None, None, None, 1, None, '{"prompt": "Hum."}')
    new_task = (*about, 60.0, 0, 3, None, None, None, None, None, None)
    arguments = (leader.state.epoch, "{}", NOON, [], [], [], [new_task], *([] for _ in range(8)))
    places = ", ".join(f"${number}" for number in range(1, 16))
    row = await leader.connection.fetchrow(f"SELECT holds, lost_tasks FROM commit_turn({places})", *arguments)
    assert tuple(row) == (True, [])
    stored = await leader.connection.fetchrow("SELECT status, key_id, workflow_id FROM tasks WHERE id = $1", task_id)
    assert tuple(stored) == ("queued", None, None)
