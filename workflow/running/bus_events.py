"""Starts executions for events of the bus: each event once, however many engines there are, also what came while there was none.

One engine reads a stream at a time, by a place (workflow/running/limits.py) that it loses when it dies, or when its session breaks. It stores the
executions, whose ids follow from the events, moves the position on, and only then runs them: an engine that dies in between leaves events
that are read again, and executions that are there. More than wait here already are left in the record, for whichever engine has room.
While no active workflow listens, the position follows the stream's end. An event that cannot be taken is passed over, with a line in the log.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus, Received
from bus.database import AWAY, NamedStatements
from bus.errors import DatabaseUnavailable, HiveError, Unavailable
from workflow.core.execution import Mode, Status
from workflow.library.plans import Plan
from workflow.n8n.document import Node
from workflow.running.engine import Engine, clock_ms
from workflow.running.hearing import chain_after, execution_id_of, item_of, listening_nodes, starts
from workflow.running.held import Held
from workflow.running.limits import Limits, Place
from workflow.running.store import Lost
from workflow.sql import queries

logger = telemetry.log(__name__)

STREAMS: Final = (subjects.EVENTS, subjects.PROGRESS)
READERS: Final = UUID("0d3a1f64-52f7-5c55-9d1c-0d1f7f0f7c2e")
"""In the place of a workflow, for the places of readers."""
LOOK_SECONDS: Final = 0.5
AFTER_FAULT_SECONDS: Final = 5.0
AT_ONCE: Final = 100
WAITING: Final = 100
"""Executions that were started for events here and have not begun: what is more waits in the record."""


@dataclass(frozen=True, slots=True)
class Listener:
    plan: Plan
    workflow_id: UUID
    node: Node


class BusEvents:
    """`run` goes on until it is cancelled."""

    def __init__(self, bus: Bus, pool: asyncpg.Pool, engine: Engine, limits: Limits, most_in_chain: int) -> None:
        self._bus, self._engine, self._limits = bus, engine, limits
        self._statements = NamedStatements(pool, queries())
        self._started_here: list[Held] = []
        self._most_in_chain = most_in_chain

    async def run(self) -> None:
        await asyncio.gather(*(self._follow(number, stream) for number, stream in enumerate(STREAMS)))

    async def _follow(self, number: int, stream: str) -> None:
        place: Place | None = None
        try:
            while True:
                pause = LOOK_SECONDS
                try:
                    if place is not None and not await self._limits.holds(place):
                        lost, place = place, None
                        await self._limits.give_back(lost)
                    place = place or await self._limits.take_numbered(READERS, number)
                    if place is not None:
                        await self._read(stream, place)
                except (*AWAY, asyncpg.PostgresError, DatabaseUnavailable, Unavailable) as error:
                    logger.warning("event_triggers_wait", stream=stream, reason=type(error).__name__)
                except Exception:  # the engine does more than this, and goes on
                    logger.exception("event_triggers_failed", stream=stream)
                    pause = AFTER_FAULT_SECONDS
                await asyncio.sleep(pause)
        finally:
            if place is not None:
                await self._limits.give_back(place)

    async def _read(self, stream: str, place: Place) -> None:
        """Until nobody listens any more, or the place is lost."""
        row = await self._statements.one("position_of", stream)
        end = (await self._bus.stream_state(stream)).last_sequence  # before the look: what is activated now misses nothing
        if row is not None and row["sequence"] > end:  # its store was lost, and it begins anew
            await self._statements.run("reset_position", stream, end, row["sequence"])
        position = end if row is None else min(int(row["sequence"]), end)
        if not await self._listeners():
            if row is None or row["sequence"] != end:
                await self._statements.run("move_position", stream, end)
            return
        reader = await self._bus.read(stream, subjects.ALL_EVENTS, position + 1)
        logger.info("event_triggers_reading", stream=stream, after=position)
        coming = asyncio.create_task(reader.batch(AT_ONCE))
        try:
            while listeners := await self._listeners():
                done, _ = await asyncio.wait({coming}, timeout=LOOK_SECONDS)  # who listens may change meanwhile
                if not await self._limits.holds(place):
                    logger.info("event_triggers_read_elsewhere", stream=stream)
                    return
                if done:
                    await self._take(stream, coming.result(), listeners)
                    coming = asyncio.create_task(reader.batch(AT_ONCE))
        finally:
            coming.cancel()
            await asyncio.wait({coming})
            with suppress(Exception):  # NATS may be away, and a consumer that nobody reads ends by itself
                await reader.close()

    async def _listeners(self) -> list[Listener]:
        found = []
        for row in await self._statements.all("event_triggers"):
            try:
                plan = await self._engine.library.plan(row["workflow_id"], row["version"])
                self._engine.keys.require(plan.origin.claims)
                listening_nodes(plan.graph.workflow)
                found.append(Listener(plan, row["workflow_id"], plan.graph.workflow.by_name[row["node"]]))
            except Unavailable:
                raise
            except (
                HiveError,
                KeyError,
            ) as error:  # deleted, its key revoked, or stored by a version that took what this one refuses
                logger.debug("event_trigger_skipped", workflow_id=str(row["workflow_id"]), reason=str(error))
        return found

    async def _take(self, stream: str, batch: Sequence[Received], listeners: Sequence[Listener]) -> None:
        made: list[Held] = []
        for received in batch:
            event = _event_of(received)
            for listener in listeners if event is not None else ():
                held = self._started(listener, received.subject, event or {})
                if held is not None and await self._saved(held, received.subject):
                    made.append(held)
        await self._move_position(stream, batch[-1].sequence)
        for held in made:
            await self._start(held)

    async def _saved(self, held: Held, subject: str) -> bool:
        """Whether it is ours now. The store waits for a database that is away, so what it raises concerns this event alone."""
        try:
            await self._engine.store.save(held)
        except Lost:
            return False
        except Exception as error:
            logger.warning(
                "event_not_taken", subject=subject, workflow_id=str(held.origin.workflow_id), reason=repr(error)[:500]
            )
            return False
        return True

    async def _move_position(self, stream: str, sequence: int) -> None:
        """Until it is done: what was saved is this engine's, and is started after it."""
        while True:
            try:
                await self._statements.run("move_position", stream, sequence)
                return
            except (*AWAY, asyncpg.PostgresError, DatabaseUnavailable) as error:
                logger.warning("event_triggers_wait", stream=stream, reason=type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)

    async def _start(self, held: Held) -> None:
        waiting = [each for each in self._started_here if each.execution.status is Status.NEW and not each.ended.is_set()]
        self._started_here = waiting
        if len(waiting) < WAITING:
            waiting.append(held)
            self._engine.start(held)
            return
        with suppress(Lost):
            await self._engine.store.save(held, released=True, wake_ms=clock_ms())

    def _started(self, listener: Listener, subject: str, event: Mapping[str, Any]) -> Held | None:
        node, workflow_id = listener.node, listener.workflow_id
        try:
            if not starts(node, workflow_id, listener.plan.origin.claims, subject, event):
                return None
            execution_id = execution_id_of(workflow_id, node.name, subject, event)
            item, chain = item_of(subject, event), chain_after(event, self._most_in_chain)
            return self._engine.prepare(
                listener.plan, execution_id, mode=Mode.TRIGGER, start=node.name, items=(item,), chain=chain
            )
        except Exception as error:  # a subject of another form, a workflow that cannot start
            logger.warning("event_not_taken", subject=subject, workflow_id=str(workflow_id), reason=repr(error)[:500])
            return None


def _event_of(received: Received) -> dict[str, Any] | None:
    try:
        found = json.loads(received.data)
    except (ValueError, RecursionError):
        logger.warning("event_unreadable", subject=received.subject)
        return None
    return found if isinstance(found, dict) else None
