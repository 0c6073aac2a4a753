"""How executions are started from outside: by a webhook, by hand, by a call of a resume URL, and again after a failure."""

import asyncio
from typing import Any, Final
from uuid import UUID, uuid4

from bus import auth
from bus.auth import Permission
from bus.errors import Conflict, ExecutionNotFound, ExecutionNotWaiting, InvalidWorkflow
from bus.messages import Claims
from bus.messages.workflows import CallWorkflowTool, ExecuteWorkflow, ResumeCall, RetryExecution, WebhookCall, WebhookReply
from bus.tenancy import person_of
from workflow.core.again import again_from, again_from_failure
from workflow.core.effects import Respond, WaitForCall
from workflow.core.events import EffectEnded
from workflow.core.execution import Execution, Mode, Reply, Status
from workflow.credentials.lending import Lending
from workflow.doors.callers import Admitted
from workflow.doors.calling import require_may_call
from workflow.doors.chat import CHAT, PREVIOUS, previous
from workflow.doors.entering import answer, at_once, entered, late, shows_texts, with_origin
from workflow.doors.form_ending import led_on
from workflow.doors.form_nodes import goes_on
from workflow.doors.forms import FORM
from workflow.doors.origins import preflight
from workflow.doors.page_texts import PageTexts, unfit
from workflow.doors.tools import called_trigger, check_input, input_schema, item_of_call
from workflow.doors.webhook_heard import heard_item
from workflow.doors.webhook_reply import misplaced
from workflow.doors.webhooks import WEBHOOK, Route, door_of, not_registered, reply_of
from workflow.library.plans import Plan
from workflow.n8n.check import check_startable
from workflow.n8n.document import Node
from workflow.nodes.ai.memory import Memory
from workflow.running.engine import Engine, clock_ms
from workflow.running.held import Held, Origin
from workflow.running.lease import Lease
from workflow.running.reading import Reading
from workflow.running.rooms import Place, place_of
from workflow.running.store import Lost

CLAIM_PAUSES: Final = (0.05, 0.1, 0.2, 0.3, 0.35)
"""Seconds between looks for a waiting execution that somebody else has for a moment: one in all."""
STARTED: Final = {"message": "Workflow was started"}


class Starting:
    """Every start is checked, and has its place at the gate, before anything is stored."""

    def __init__(self, engine: Engine, lease: Lease, reading: Reading, lending: Lending, base_url: str) -> None:
        self._engine, self._lease, self._reading, self.base_url = engine, lease, reading, base_url
        self._beginning: dict[UUID, asyncio.Event] = {}
        self._lending, self._texts = lending, PageTexts(engine)

    async def call(self, call: WebhookCall, claims: Claims, size: int) -> WebhookReply:
        """WebhookNotFound; PermissionDenied for a test call without the permission, and where the saver's key was revoked; TooManyExecutions."""
        if call.test:
            auth.require(claims, Permission.EXECUTIONS_START)
        route, parameters = await self._route(call, claims)
        library = self._engine.library
        plan = await (library.plan_for(route.workflow_id, claims) if call.test else library.plan(route.workflow_id))
        node = plan.graph.workflow.by_name.get(route.node)
        if node is None or (not plan.active and not call.test) or door_of(node) is not call.door:
            raise not_registered(call)
        self._engine.keys.require(plan.origin.claims)
        if call.preflight:
            return _preflight(node, call)
        # who makes a test call has shown a key at the door
        admitted = Admitted(headers=call.headers) if call.test else await self._lending.admit(node, call, plan.origin.claims)
        if isinstance(admitted, WebhookReply):
            return with_origin(node, call, admitted)
        heard = call.model_copy(update={"headers": admitted.headers})
        zone = plan.graph.workflow.time_zone or self._engine.interpreter.time_zone
        if shows_texts(node, heard):
            spoken = await self._texts.of_trigger(plan, node, test=call.test)
            if isinstance(spoken, WebhookReply):
                return spoken
            node = spoken
        try:
            item = entered(node, heard, parameters, self.base_url, zone)
        except InvalidWorkflow as error:
            return unfit(plan.graph, node, error, test=call.test)
        if isinstance(item, WebhookReply):
            return item
        item["json"] |= admitted.more
        mode = Mode.MANUAL if call.test else Mode.WEBHOOK
        held = self._engine.prepare(plan, uuid4(), mode=mode, start=node.name, items=(item,))
        if node.type == CHAT and item["json"]["action"] == PREVIOUS and node.options.get("loadPreviousSession") != "manually":
            return with_origin(node, call, WebhookReply(body=await self._previous(held, node)))
        held.size = size
        await self._engine.gate.enter_or_refuse(person_of(plan.origin.claims), size)
        if node.type == WEBHOOK:
            spoken = await self._answering(held, node)
            if isinstance(spoken, WebhookReply):
                return with_origin(node, call, spoken)
            node = spoken
        if node.type == FORM and goes_on(plan.graph.workflow):
            await self._begun(held)
            return led_on(held.id, call.query)
        return with_origin(node, call, await self._answer(held, node, call.wait_seconds))

    async def _answering(self, held: Held, node: Node) -> Node | WebhookReply:
        """The webhook as it answers; or an answer for it, so that nothing is started."""
        wrong = misplaced(node, held.graph)
        try:
            spoken = reply_of(wrong) if wrong is not None else await self._texts.of_answers(held, node)
        except BaseException:
            self._leave(held)
            raise
        if isinstance(spoken, WebhookReply):
            self._leave(held)
        return spoken

    async def _previous(self, held: Held, node: Node) -> dict[str, Any]:
        """What the memory that is attached to the chat has of the session; nothing where the node does not say so. Nothing is started."""
        if node.options.get("loadPreviousSession") != "memory":
            return previous(())
        engine, execution = self._engine, held.execution
        call = engine.interpreter.seen_from(held.graph, execution, node, execution.start_items, clock_ms())
        return previous(await engine.compute(person_of(held.origin.claims), Memory(call, 0).messages))

    async def _route(self, call: WebhookCall, claims: Claims) -> tuple[Route, dict[str, str]]:
        """A table that does not know the path is read again: the workflow may have been activated a moment ago, elsewhere."""
        for fresh in (False, True):
            table = await (self._reading.test_table(claims) if call.test else self._engine.library.table(fresh=fresh))
            if (found := table.find(call.method, call.path)) is not None:
                return found
        raise not_registered(call)

    async def _answer(self, held: Held, node: Node, seconds: float) -> WebhookReply:
        """As the node's response mode says. What is answered at once is stored before."""
        if at_once(node):
            await self._begun(held)
            return answer(node, held.execution, ())
        held.answered = answered = asyncio.get_running_loop().create_future()
        self._engine.start(held, Place.TAKEN)
        return await self._responded(held, answered, node, seconds)

    async def _begun(self, held: Held) -> None:
        """Stored, then started."""
        try:
            await self._engine.store.save(held)
        except BaseException:
            self._leave(held)
            raise
        self._engine.start(held, Place.TAKEN)

    async def _responded(self, held: Held, answered: "asyncio.Future[Respond]", node: Node, seconds: float) -> WebhookReply:
        """What a Respond node says, or what the end makes of the mode. After `seconds` the caller is let go; the execution goes on."""
        ending = asyncio.create_task(held.ended.wait())
        waited: set[asyncio.Future[Any]] = {answered, ending}
        try:
            await asyncio.wait(waited, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ending.cancel()
        given = (answered.result(),) if answered.done() else ()
        answered.cancel()
        if given or held.execution.ended:
            return answer(node, held.execution, given)
        return late(node, f"The workflow did not answer within {seconds:g} s; it goes on.", str(held.id))

    async def execute(self, wish: ExecuteWorkflow, claims: Claims, size: int) -> UUID:
        """By hand: runs what is saved, active or not, with the caller's own rights. It is stored before this returns."""
        plan = await self._engine.library.plan_for(wish.id, claims)
        check_startable(plan.graph, self._engine.interpreter.registry)
        origin = Origin(workflow_id=wish.id, version=plan.origin.version, claims=claims)
        own = Plan(graph=plan.graph, origin=origin, active=plan.active, uses_static=plan.uses_static)
        held = self._engine.prepare(
            own, wish.execution_id, mode=Mode.MANUAL, start=wish.start, items=wish.items, destination=wish.destination
        )
        held.size = size
        await self._begin(held)
        return held.id

    async def call_tool(self, wish: CallWorkflowTool, claims: Claims, size: int) -> UUID:
        """Runs what is active, with the rights of whoever saved it. PermissionDenied, Conflict, InvalidRequest, TooManyExecutions."""
        plan = await self._engine.library.plan_for(wish.id, claims)
        workflow, saver = plan.graph.workflow, plan.origin.claims
        require_may_call(workflow, saver, claims)
        self._engine.keys.require(saver)
        trigger = called_trigger(workflow)
        if not plan.active or trigger is None:
            raise Conflict(f"The workflow {workflow.name!r} is not active, or no trigger of it takes calls. Activate it first.")
        check_input(input_schema(trigger), wish.input)
        items = (item_of_call(trigger, wish.input),)
        held = self._engine.prepare(plan, wish.execution_id, mode=Mode.TRIGGER, start=trigger.name, items=items)
        held.size = size
        await self._begin(held)
        return held.id

    async def _begin(self, held: Held) -> None:
        """The same id again is the same execution: here by what is held, elsewhere by the record."""
        if (other := self._beginning.get(held.id)) is not None:
            await other.wait()
            return
        if held.id in self._engine.held:
            return
        self._beginning[held.id] = begun = asyncio.Event()
        try:
            await self._engine.gate.enter_or_refuse(person_of(held.origin.claims), held.size)
            await self._begun(held)
        except Lost:
            return
        finally:
            del self._beginning[held.id]
            begun.set()

    def _leave(self, held: Held) -> None:
        self._engine.gate.leave(person_of(held.origin.claims), held.size)

    async def retry(self, wish: RetryExecution, claims: Claims) -> UUID:
        """A new execution that begins with the node that failed, or that is named, and has what ran before it.

        Conflict for one that did not fail, or has not ended where a node is named.
        """
        row, execution = await self._reading.execution_for(wish.id, claims)
        if not (execution.status is Status.ERROR or (wish.node is not None and execution.ended)):
            wanted = "failed is tried again" if wish.node is None else "has ended is gone through again"
            raise Conflict(f"The execution is {execution.status.value}; only one that {wanted}.")
        if row["workflow_id"] is None:
            raise ExecutionNotFound("Its workflow was deleted, so it cannot be tried again.")
        plan = await self._engine.library.plan_for(row["workflow_id"], claims)
        check_startable(plan.graph, self._engine.interpreter.registry)
        origin = Origin(workflow_id=row["workflow_id"], version=plan.origin.version, claims=claims)
        again = _again(execution, wish)
        if any(
            name not in plan.graph.workflow.by_name
            for name in (*again.runs, *again.waiting, *(visit.node for visit in again.stack))
        ):
            raise Conflict("The workflow has lost a node that ran. Execute it from its start.")
        await self._begin(Held(id=wish.execution_id, execution=again, graph=plan.graph, origin=origin))
        return wish.execution_id

    async def resume(self, call: ResumeCall) -> WebhookReply:
        """The call of an execution's resume URL. ExecutionNotWaiting unless it waits for just this call."""
        here, held = await self.had(call.id)
        if held is None:
            raise ExecutionNotWaiting("The execution does not wait for a call, or has gone on already.")
        effect = _waits_for(held.execution, call)
        if effect is None:
            if here is None:  # it was claimed for nothing, and waits on
                self._engine.start(held, place_of(held))
            raise ExecutionNotWaiting("The execution does not wait for this call. Check method and path.")
        node = _wait_node(held)
        admitted = await self._admitted(held, node, call, waits_here=here is not None)
        if isinstance(admitted, WebhookReply):
            return admitted
        item = heard_item(node, call.model_copy(update={"headers": admitted.headers}))
        item["json"] |= admitted.more
        ended = EffectEnded(key=effect.key, reply=Reply(value=item), now_ms=clock_ms())
        answers = str(effect.reply.get("mode", "onReceived")) != "onReceived"
        answered = held.answered if held.attended else None
        if answers and answered is None:
            held.answered = answered = asyncio.get_running_loop().create_future()
        held.inbox.put_nowait(ended)
        if here is None:
            self._engine.start(held, place_of(held))
        if answered is not None and answers:
            return await self._responded(held, answered, node, call.wait_seconds)
        return WebhookReply(status=int(str(effect.reply.get("status", 200))), body=STARTED)

    async def had(self, execution_id: UUID) -> tuple[Held | None, Held | None]:
        """Here already, and held: here, or claimed. One that waits and has an owner is with a call that will be refused, perhaps, or is
        being let go of: it is looked for again for a while. ExecutionNotFound."""
        for pause in (*CLAIM_PAUSES, None):
            here = await self._engine.here(execution_id)
            held = here or await self._lease.claim_one(execution_id)
            if held is not None:
                return here, held
            row, _ = await self._reading.execution(execution_id)
            if pause is None or row["status"] != Status.WAITING.value:
                break
            await asyncio.sleep(pause)
        return None, None

    async def _admitted(self, held: Held, node: Node, call: ResumeCall, *, waits_here: bool) -> Admitted | WebhookReply:
        """One that was claimed for a caller who may not come in waits on."""
        admitted: Admitted | WebhookReply | None = None
        try:
            admitted = await self._lending.admit(node, call, held.origin.claims)
        finally:
            if not waits_here and not isinstance(admitted, Admitted):
                self._engine.start(held, place_of(held))
        return admitted

    async def stop(self, execution_id: UUID) -> bool:
        """Whether it was ours to stop, and has been told."""
        held = await self._engine.here(execution_id) or await self._lease.claim_one(execution_id)
        if held is None:
            return False
        self._engine.stop(held)
        if execution_id not in self._engine.held:
            self._engine.start(held, Place.FREE)
        return True


def _preflight(node: Node, call: WebhookCall) -> WebhookReply:
    headers = preflight(node, call)
    if headers is None:
        raise not_registered(call)
    return WebhookReply(status=204, headers=dict(headers))


def _again(execution: Execution, wish: RetryExecution) -> Execution:
    new_id = str(wish.execution_id)
    if wish.node is None:
        return again_from_failure(execution, new_id, clock_ms())
    return again_from(execution, new_id, clock_ms(), wish.node)


def _waits_for(execution: Execution, call: ResumeCall) -> WaitForCall | None:
    current = execution.current
    if current is None:
        return None
    waits = (e for e in current.asked if isinstance(e, WaitForCall) and e.key not in current.replies)
    return next(
        (e for e in waits if e.suffix.strip("/") == call.path.strip("/") and e.method.upper() == call.method.upper()), None
    )


def _wait_node(held: Held) -> Node:
    return held.graph.workflow.by_name[held.execution.standing.visit.node]
