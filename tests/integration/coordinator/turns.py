"""One turn of a leader, on a real PostgreSQL and a real bus, with inputs and a record that a test decides."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import asyncpg

from bus import subjects
from bus.errors import HiveError
from bus.messages import AttemptOutcome, OutcomeStatus, TaskClass
from bus.nats_bus import NatsBus
from coordinator.agents.agent import OpenAttempt
from coordinator.leading.inputs import CancelAsked, Input, OutcomeRead, SubmitRead
from coordinator.leading.ledger import Followup
from coordinator.leading.state import State
from coordinator.leading.turn import Turn
from coordinator.store.record import Record
from tests.unit.coordinator.parts import registration


class Leader:
    """What a term has around its turns: the memory, the connection that writes, and the epoch."""

    def __init__(self, bus: NatsBus, connection: asyncpg.Connection) -> None:
        self.bus, self.connection = bus, connection
        self.state = State(epoch=0, instance="test")
        self.clock = 0.0
        self.later = timedelta()
        """How far the time of day is ahead: after a pause, say."""

    async def turn(self, *inputs: Input) -> Followup:
        now = datetime.now(UTC) + self.later
        async with Record(self.connection, self.state, now) as record:
            return await Turn(self.state, record, self.bus, now, self.clock).run(list(inputs))

    async def submitted(self, task_class: TaskClass = TaskClass.MEDIUM, **more: object) -> SubmitRead:
        """A submit on the stream, as it is read."""
        task_id = uuid4()
        subject = subjects.submit("default", task_class, task_id)
        body = b'{"prompt":"hi"}' if not more else str(more["body"]).encode()
        await self.bus.publish_durable(subject, body, message_id=str(task_id))
        received = await self.bus.last(subjects.TASKS, subject)
        assert received is not None
        return SubmitRead(task_class, received)

    async def agent(self) -> None:
        """One that is there, with a warm model and a free slot."""
        known = registration()
        self.state.registry.register(known, 0.0, datetime.now(UTC))
        await self.connection.execute(
            "INSERT INTO agents (slug, name, endpoint, registration) VALUES ('acacia', '', '', $1)", known.model_dump_json()
        )

    async def placed(self) -> OpenAttempt:
        """An attempt of a new task, on a new agent."""
        await self.agent()
        [(attempt, _)] = (await self.turn(await self.submitted())).offers
        return attempt

    async def reported(
        self, attempt: OpenAttempt, status: OutcomeStatus = OutcomeStatus.COMPLETED, **more: object
    ) -> OutcomeRead:
        """Its end, as it is read."""
        outcome = AttemptOutcome(
            attempt_id=attempt.id,
            task_id=attempt.task_id,
            agent_id=attempt.agent_id,
            instance=attempt.instance,
            status=status,
            retryable=status is OutcomeStatus.FAILED,
        ).model_copy(update=more)
        subject = subjects.outcome(attempt.agent_id, attempt.task_id, attempt.id)
        await self.bus.publish_durable(subject, outcome, message_id=str(attempt.id))
        received = await self.bus.last(subjects.OUTCOMES, subject)
        assert received is not None
        return OutcomeRead(received)

    async def status(self, task_id: UUID) -> str | None:
        found: str | None = await self.connection.fetchval("SELECT status FROM tasks WHERE id = $1", task_id)
        return found

    async def outbox(self) -> list[str]:
        """What the facts in it tell, oldest first: `created`, `assigned` and so on."""
        rows = await self.connection.fetch(
            "SELECT f.subject FROM outbox, unnest(facts) WITH ORDINALITY f ORDER BY id, ordinality"
        )
        return [told(row["subject"]) for row in rows]


def id_of(read: SubmitRead) -> UUID:
    return UUID(subjects.last_token(read.received.subject))


def cancel(task_id: UUID) -> CancelAsked:
    return CancelAsked(task_id, asyncio.get_running_loop().create_future())


def answers(followup: Followup) -> list[HiveError | None]:
    return [error for _, error in followup.answers]


def told(subject: str) -> str:
    """Of an event's subject: `completed`."""
    return subject.split(".")[4]
