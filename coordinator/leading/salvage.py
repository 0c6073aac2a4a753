"""What a host that died had written: it is on the stream of output, and the next attempt goes on from there.

Read before the death becomes a turn's business, and for a bounded time, so that nothing else waits for it. What somebody reads as it is
written is read for longer: the next attempt has to go on behind all that was seen, or the answer breaks off in front of them.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final
from uuid import UUID

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.follow import stored
from bus.messages import AttemptOutcome, Continuation, OutputChunk
from bus.together import end
from coordinator.agents.agent import OpenAttempt
from coordinator.agents.registry import Lost
from coordinator.leading.continuing import pieced_together
from coordinator.leading.inputs import AgentDied, Input
from coordinator.leading.loading import load_requests
from coordinator.store.database import AWAY, Statements

logger = telemetry.log(__name__)

SALVAGE_SECONDS: Final = 0.4
"""Lost work is to begin elsewhere within two seconds, of which the grace takes one."""
READ_ALONG_SECONDS: Final = 5.0
"""Of what somebody reads along."""
AT_ONCE: Final = 16
"""Attempts whose output is read side by side."""


class Salvage:
    """`put` is the leader's inbox. `is_read` tells whether somebody reads the output of a task as it is written."""

    def __init__(self, bus: Bus, statements: Statements, put: Callable[[Input], None], is_read: Callable[[UUID], bool]) -> None:
        self._bus, self._sql, self._put, self._is_read = bus, statements, put, is_read
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._work: set[asyncio.Task[None]] = set()

    def died(self, dead: Sequence[Lost]) -> None:
        """Those of one moment. The leader hears of them when their attempts' output is read, or the time for that is over: of what
        somebody reads along by itself.
        """
        for lost in dead:
            if not lost.attempts:
                self._put(AgentDied(lost))
        for is_read, seconds in ((True, READ_ALONG_SECONDS), (False, SALVAGE_SECONDS)):
            worked = [found for lost in dead if (found := self._part(lost, is_read=is_read)).attempts]
            if worked:
                task = asyncio.create_task(self._died(worked, seconds))
                self._work.add(task)
                task.add_done_callback(self._work.discard)

    def _part(self, lost: Lost, *, is_read: bool) -> Lost:
        """With those of its attempts alone that somebody reads along, or those that nobody does."""
        return replace(lost, attempts=tuple(each for each in lost.attempts if self._is_read(each.task_id) is is_read))

    async def close(self) -> None:
        await end(list(self._work))

    async def _died(self, dead: list[Lost], seconds: float) -> None:
        """All at once: one turn then has their work, and no other holds up the reading."""
        attempts = [attempt for lost in dead for attempt in lost.attempts]
        read = {attempt.id: list[OutputChunk]() for attempt in attempts}
        before: dict[UUID, Continuation | None] = {}
        try:
            async with asyncio.timeout(seconds):
                await asyncio.gather(*(self._read(attempt, read[attempt.id]) for attempt in attempts))
                before = await self._before([a.task_id for a in attempts if any(c.begins_at for c in read[a.id][:1])])
        except (TimeoutError, asyncpg.PostgresError, *AWAY) as error:
            logger.warning("output_not_salvaged", agents=[lost.agent.agent_id for lost in dead], error=type(error).__name__)
        finally:  # whatever may be wrong with the output, the agents are dead
            for lost in dead:
                found = (_written(attempt, read[attempt.id], before.get(attempt.task_id)) for attempt in lost.attempts)
                self._put(AgentDied(lost, {each.attempt_id: each for each in found if each is not None}))

    async def _read(self, attempt: OpenAttempt, into: list[OutputChunk]) -> None:
        """What came before the time was over counts."""
        subject = subjects.output(attempt.agent_id, attempt.task_id, attempt.id)
        try:
            async with self._slots, aclosing(stored(self._bus, subject)) as chunks:
                async for chunk in chunks:
                    into.append(chunk)
        except HiveError as error:
            logger.warning("output_not_salvaged", agent_id=attempt.agent_id, error=error.message)

    async def _before(self, task_ids: list[UUID]) -> dict[UUID, Continuation | None]:
        """What attempts that went on had gone on from."""
        found = await load_requests(self._sql, task_ids) if task_ids else {}
        return {task_id: left for task_id, (_, left) in found.items()}


def _written(attempt: OpenAttempt, chunks: list[OutputChunk], before: Continuation | None) -> AttemptOutcome | None:
    """None, too, for chunks that do not fit together: anybody on the bus may say some."""
    try:
        return pieced_together(attempt, chunks, before)
    except ValueError as error:
        logger.warning("output_not_salvaged", agent_id=attempt.agent_id, error=type(error).__name__)
        return None
