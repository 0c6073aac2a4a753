"""Carries out effects: requests, tasks of the hive, sub-workflows, and what error workflows are told."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus
from bus.database import AWAY, NamedStatements
from bus.errors import (
    DatabaseUnavailable,
    DeadlineExceeded,
    HiveError,
    InvalidWorkflow,
    Unavailable,
    WorkflowNotFound,
    WorkflowsTooDeep,
)
from bus.messages import Claims, EventType
from workflow.core.effects import (
    CallHttp,
    CallMcp,
    CallRedis,
    CallWorkflow,
    Effect,
    HandleDocuments,
    HandleFiles,
    HandleToken,
    PublishEvent,
    RunPackagedNode,
    RunSql,
    SendMail,
    StartErrorWorkflow,
    SubmitTask,
)
from workflow.core.ending import with_url
from workflow.core.execution import Execution, Mode, Reply, Status
from workflow.core.failure import Failure
from workflow.core.graph import ERROR_TRIGGER, SUB_TRIGGER, enabled_node, plan
from workflow.credentials.lending import Lending
from workflow.doors.calling import listed, require_callable
from workflow.library.plans import Plan
from workflow.n8n.check import check_startable
from workflow.n8n.parse import parse
from workflow.outside.documents import Documents
from workflow.outside.file_calls import FileCalls
from workflow.outside.inference import EFFECTS, Inference
from workflow.running.engine import Engine
from workflow.running.hearing import require_chain
from workflow.running.held import Held, Origin, root_of
from workflow.running.returning import returned
from workflow.running.rooms import place_of
from workflow.running.rows import execution_of
from workflow.running.telling import message_event
from workflow.sql import queries

logger = telemetry.log(__name__)

MAX_DEPTH: Final = 50
"""Executions that call one another: a workflow that calls itself ends there, at the node that calls."""
LOOK_SECONDS: Final = 0.5
"""Between looks at the record for the end of a sub-workflow that another engine runs."""


def execution_id_of(key: str) -> UUID:
    """Of the execution that an effect starts: the same for the same effect."""
    return uuid5(EFFECTS, f"execution {key}")


def require_depth(depth: int) -> None:
    """WorkflowsTooDeep for one more call from an execution of this depth."""
    if depth >= MAX_DEPTH:
        raise WorkflowsTooDeep(
            f"{MAX_DEPTH} workflows called one another, and this would be one more. Does one call itself without end?"
        )


class Carrying:
    """workflow.running.engine.Carrier."""

    def __init__(
        self,
        engine: Engine,
        lending: Lending,
        files: FileCalls,
        inference: Inference,
        pool: asyncpg.Pool,
        bus: Bus,
        base_url: str = "",
        most_in_chain: int = 10,
    ) -> None:
        self._engine, self._lending, self._files, self._inference, self._bus = engine, lending, files, inference, bus
        self._base_url, self._most_in_chain = base_url, most_in_chain
        self._statements = NamedStatements(pool, queries())
        self._documents = Documents(pool)

    async def carry_out(self, held: Held, effect: Effect) -> Reply:
        try:
            if isinstance(effect, CallHttp):
                return await self._lending.call(effect, held.origin.claims)
            if isinstance(effect, HandleToken):
                return await self._lending.token(effect, held.origin.claims)
            if isinstance(effect, RunSql):
                return await self._lending.sql(effect, held.origin.claims)
            if isinstance(effect, CallRedis):
                return await self._lending.redis(effect, held.origin.claims)
            if isinstance(effect, CallMcp):
                return await self._lending.mcp(effect, held.origin.claims)
            if isinstance(effect, SendMail):
                return await self._lending.mail(effect, held.origin.claims)
            if isinstance(effect, RunPackagedNode):
                return await self._lending.package(effect, held.origin.claims)
            if isinstance(effect, HandleFiles):
                return await self._files.carry_out(effect)
            if isinstance(effect, HandleDocuments):
                return await self._documents.carry_out(effect, held.origin.claims)
            if isinstance(effect, SubmitTask):
                self._engine.keys.require(held.origin.claims)  # it may have waited for long since it was started
                return await self._inference.carry_out(effect, held.origin.claims, held.origin.workflow_id)
            if isinstance(effect, PublishEvent):
                return await self._publish(held, effect)
            if isinstance(effect, CallWorkflow):
                return await self._call(held, effect)
            return Reply(failure=Failure(message=f"This engine cannot carry out {effect.kind!r}"))
        except HiveError as error:
            return Reply(failure=Failure(message=error.message, code=error.code))
        except Exception as error:
            logger.exception("effect_failed_inside", kind=effect.kind, key=effect.key)
            return Reply(failure=Failure(message=f"{effect.kind} failed inside: {type(error).__name__}", code="internal_error"))

    async def _publish(self, held: Held, effect: PublishEvent) -> Reply:
        """Until the bus has it: the same id again is the same event. A payload that is too large fails. EventsTooDeep where nothing may be
        started by it any more: whoever published it is to know."""
        require_chain(held.execution.chain + 1, self._most_in_chain)
        event = message_event(held, effect)
        subject = subjects.event(held.origin.claims.tenant, EventType.WORKFLOW_MESSAGE, held.id)
        while True:
            with suppress(Unavailable, DeadlineExceeded):
                await self._bus.publish_durable(subject, event, message_id=event.id)
                return Reply(value={"subject": subject, "id": event.id})
            await asyncio.sleep(LOOK_SECONDS)

    async def _call(self, held: Held, effect: CallWorkflow) -> Reply:
        """A sub-workflow is an execution of its own, made once whoever emits the effect and however often. WorkflowsTooDeep."""
        require_depth(held.execution.depth)
        found = await self._called(held, effect)
        execution_id = execution_id_of(effect.key)
        child = self._engine.held.get(execution_id)
        if child is None and await self._row(execution_id) is None:
            child = self._engine.prepare(
                found,
                execution_id,
                mode=Mode.INTEGRATED,
                start=enabled_node(found.graph.workflow, SUB_TRIGGER),
                items=tuple(effect.items),
                depth=held.execution.depth + 1,
                root=root_of(held),
                awaited=effect.wait,
                chain=held.execution.chain,
            )
            if not effect.wait:
                await self._engine.store.save(child)
            self._engine.start(child, place_of(child))
        if not effect.wait:
            return Reply()
        return _reply_of(await self._ended(execution_id, child))

    async def _called(self, held: Held, effect: CallWorkflow) -> Plan:
        """WorkflowNotFound, PermissionDenied where its saver's key was revoked or its saver lets nobody call it from there, and what makes
        a workflow unfit to start; a stored one must be active unless the caller runs by hand."""
        claims = held.origin.claims
        if effect.document is not None:
            graph = plan(parse(effect.document))
            origin = Origin(
                workflow_id=held.origin.workflow_id, version=held.origin.version, claims=claims, document=effect.document
            )
            found = Plan(graph=graph, origin=origin, active=True, uses_static=False)
        else:
            found = await self._callable(held, effect.workflow_id or "")
            if not found.active and held.execution.mode is not Mode.MANUAL:
                raise InvalidWorkflow("Workflow is not active and cannot be executed.")
            self._engine.keys.require(found.origin.claims)
        check_startable(found.graph, self._engine.interpreter.registry)
        return found

    async def _callable(self, held: Held, reference: str, *, or_itself: bool = False) -> Plan:
        """WorkflowNotFound, PermissionDenied, but not for `or_itself`. Waits while the database is away."""
        while True:
            with suppress(DatabaseUnavailable):
                return await self._found(held.origin, reference, or_itself=or_itself)
            await asyncio.sleep(LOOK_SECONDS)

    async def _found(self, origin: Origin, reference: str, *, or_itself: bool) -> Plan:
        library, saver = self._engine.library, await self._saver(origin)
        found = await library.plan_for(await library.resolve(reference, saver), origin.claims)
        if or_itself and found.origin.workflow_id == origin.workflow_id:
            return found
        called, allowed = found.graph.workflow, []
        for each in listed(called):
            with suppress(WorkflowNotFound):
                allowed.append(await library.resolve(each, found.origin.claims))
        require_callable(called, found.origin.claims, saver, origin.workflow_id, allowed)
        return found

    async def _saver(self, origin: Origin) -> Claims:
        """Whoever saved the workflow that calls: who runs it by hand gets from others what it gets otherwise."""
        if origin.workflow_id is not None:
            with suppress(WorkflowNotFound):
                return (await self._engine.library.plan(origin.workflow_id)).origin.claims
        return origin.claims

    async def _ended(self, execution_id: UUID, child: Held | None) -> Execution:
        """Of a child that runs here, or that another engine has: its end is in the record then."""
        while True:
            if child is not None:
                await child.ended.wait()
                if child.execution.ended:
                    return child.execution
            child = self._engine.held.get(execution_id)
            if child is None:
                row = await self._row(execution_id)
                if row is not None and Status(row["status"]).ended:
                    return execution_of(row, await self._pieces(execution_id))
                await asyncio.sleep(LOOK_SECONDS)

    async def _row(self, execution_id: UUID) -> Mapping[str, Any] | None:
        """Waits while the database is away."""
        while True:
            with suppress(*AWAY):
                found: Mapping[str, Any] | None = await self._statements.one("get_execution", execution_id, None)
                return found
            await asyncio.sleep(LOOK_SECONDS)

    async def _pieces(self, execution_id: UUID) -> list[bytes]:
        return [row["runs"] for row in await self._statements.all("runs_of", [execution_id])]

    async def error_execution(self, held: Held, effect: StartErrorWorkflow) -> Held | None:
        """A workflow that is told of its own failures needs nobody's leave for it."""
        try:
            found = await self._callable(held, effect.workflow_id, or_itself=True)
            self._engine.keys.require(found.origin.claims)
            start = enabled_node(found.graph.workflow, ERROR_TRIGGER)
            return self._engine.prepare(
                found,
                execution_id_of(effect.key),
                mode=Mode.ERROR,
                start=start,
                items=(with_url(effect.item, self._base_url),),
                depth=held.execution.depth,  # what it calls counts on from where it was started
                root=root_of(held),
                chain=held.execution.chain,
            )
        except HiveError as error:
            logger.warning("error_workflow_not_started", workflow_id=effect.workflow_id, reason=error.message)
            return None


def _reply_of(execution: Execution) -> Reply:
    if execution.status is not Status.SUCCESS:
        return Reply(failure=execution.failure or Failure(message="The sub-workflow was stopped"))
    return Reply(value=returned(execution))
