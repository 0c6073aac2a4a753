"""Tells the bus what happened in executions, after it was committed. An end that was not told, since the engine died, is told by another."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus
from bus.database import AWAY, NamedStatements
from bus.errors import HiveError
from bus.messages import EventType
from bus.messages.events import WorkflowEvent, WorkflowMessageEvent
from bus.messages.workflows import ExecutionStatus, WorkflowChange, WorkflowMessage
from workflow.core.codec import new_runs
from workflow.core.effects import PublishEvent
from workflow.core.execution import NodeRun, Status
from workflow.running import spans
from workflow.running.held import Held, root_of
from workflow.sql import queries

logger = telemetry.log(__name__)

SOURCE: Final = "workflow"
MARK_SECONDS: Final = 0.5
UNTOLD_SECONDS: Final = 10.0
"""An end that is older than this and not told yet was left behind by an engine that died."""
MAX_TELLING: Final = 512


class Telling:
    """`run` marks what was told and tells what others left untold."""

    def __init__(self, bus: Bus, pool: asyncpg.Pool) -> None:
        self._bus = bus
        self._statements = NamedStatements(pool, queries())
        self._told: list[UUID] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._free = asyncio.Semaphore(MAX_TELLING)

    async def started(self, held: Held) -> None:
        await self._publish(held, EventType.WORKFLOW_EXECUTION_STARTED, _change(held, ExecutionStatus.RUNNING), "started")

    async def progressed(self, held: Held) -> None:
        """The node runs that nobody was told of yet."""
        for run in new_runs(held.execution, held.told):
            held.told = run.index + 1
            spans.run_ended(held, run)
            await self._publish(held, EventType.WORKFLOW_NODE_COMPLETED, _node_change(held, run), str(run.index))

    def ended(self, held: Held, *, kept: bool) -> None:
        """`kept`: the record has it, and is to know that it was told."""
        spans.execution_ended(held)
        execution = held.execution
        change = _change(held, ExecutionStatus(execution.status.value))
        if execution.failure is not None:
            change = change.model_copy(update={"error": execution.failure.message})
        self._tell_end(held.origin.claims.tenant, change, kept=kept)

    def _tell_end(self, tenant: str, change: WorkflowChange, *, kept: bool) -> None:
        task = asyncio.create_task(self._end(tenant, change, kept=kept))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self, tenant: str, change: WorkflowChange, *, kept: bool) -> None:
        kind = EventType.WORKFLOW_EXECUTION_COMPLETED
        if change.status is not ExecutionStatus.SUCCESS:
            kind = EventType.WORKFLOW_EXECUTION_FAILED
        event = _event(kind, change, "end")
        async with self._free:
            try:
                await self._bus.publish_durable(_subject(tenant, kind, change), event, message_id=event.id)
            except HiveError as error:
                logger.warning("end_not_told", execution_id=str(change.execution_id), reason=error.message)
                return
        if kept:
            self._told.append(change.execution_id)

    async def _publish(self, held: Held, kind: EventType, change: WorkflowChange, word: str) -> None:
        """A step on the way: whoever misses it reads the record."""
        try:
            await self._bus.publish(_subject(held.origin.claims.tenant, kind, change), _event(kind, change, word))
        except HiveError as error:
            logger.debug("step_not_told", reason=error.message)

    async def run(self) -> None:
        looked = 0.0
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(MARK_SECONDS)
            try:
                await self.mark()
                if clock() - looked > UNTOLD_SECONDS:
                    looked = clock()
                    for row in await self._statements.all("untold", UNTOLD_SECONDS):
                        self._tell_end(row["tenant"], _change_of(row), kept=True)
            except (*AWAY, asyncpg.PostgresError) as error:
                logger.warning("telling_waits_for_database", reason=type(error).__name__)

    async def mark(self) -> None:
        told, self._told = self._told, []
        if told:
            try:
                await self._statements.run("mark_told", told)
            except BaseException:
                self._told = [*told, *self._told]
                raise

    async def finish(self, seconds: float) -> None:
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=seconds)
        await self.mark()


def _change(held: Held, status: ExecutionStatus) -> WorkflowChange:
    return WorkflowChange(
        execution_id=held.id,
        workflow_id=held.origin.workflow_id,
        root_workflow_id=root_of(held),
        chain=held.execution.chain,
        owner=held.origin.claims.sub,
        mode=held.execution.mode.value,
        status=status,
    )


def _node_change(held: Held, run: NodeRun) -> WorkflowChange:
    status = ExecutionStatus.ERROR if run.failure is not None else ExecutionStatus.SUCCESS
    error = None if run.failure is None else run.failure.message
    number = sum(1 for each in held.execution.runs[run.node] if each.index < run.index)
    more = {"node": run.node, "run": number, "index": run.index, "took_ms": run.took_ms, "error": error}
    return _change(held, status).model_copy(update=more)


def _change_of(row: Mapping[str, Any]) -> WorkflowChange:
    frame = json.loads(row["frame"])
    root = frame.get("root")
    return WorkflowChange(
        execution_id=row["id"],
        workflow_id=row["workflow_id"],
        root_workflow_id=row["workflow_id"] if root is None else UUID(root),
        chain=frame.get("chain", 0),
        owner=row["created_by"],
        mode=row["mode"],
        status=ExecutionStatus(Status(row["status"]).value),
        error=row["error_message"],
    )


def _event(kind: EventType, change: WorkflowChange, word: str) -> WorkflowEvent:
    return WorkflowEvent(
        id=f"{change.execution_id}.{word}",
        type=kind,
        source=SOURCE,
        timestamp=datetime.now(UTC),
        data=change,
        correlation_id=str(change.execution_id),
    )


def message_event(held: Held, effect: PublishEvent) -> WorkflowMessageEvent:
    message = WorkflowMessage(
        name=effect.name,
        execution_id=held.id,
        workflow_id=held.origin.workflow_id,
        root_workflow_id=root_of(held),
        chain=held.execution.chain,
        owner=held.origin.claims.sub,
        payload=effect.payload,
    )
    return WorkflowMessageEvent(
        id=effect.key,
        type=EventType.WORKFLOW_MESSAGE,
        source=SOURCE,
        timestamp=datetime.now(UTC),
        data=message,
        correlation_id=str(held.id),
    )


def _subject(tenant: str, kind: EventType, change: WorkflowChange) -> str:
    return subjects.event(tenant, kind, change.execution_id)
