"""Runs executions: computes in threads, saves before effects are emitted, carries effects out, and lets go of what waits for long.

One task runs one execution, so its events are taken in order. What is saved when:
- all that led to an effect, with the effect itself, before it is emitted;
- the reply of an effect, before anything is built on it;
- the end. Pure nodes in between are saved with whatever comes next.
"""

import asyncio
from collections.abc import Callable, Sequence
from time import time
from typing import Protocol, TypeVar
from uuid import UUID

from bus import telemetry
from bus.tenancy import person_of
from bus.together import let_go
from workflow.core.advance import advance
from workflow.core.driver import new_execution
from workflow.core.effects import Effect, Respond, StartErrorWorkflow, WaitForCall, WaitUntil
from workflow.core.events import EffectEnded, Event, Expired, Order, Stop
from workflow.core.execution import Execution, Mode, Reply, Status
from workflow.core.failure import Failure
from workflow.core.interpreter import Interpreter
from workflow.core.items import Items
from workflow.core.steps import answered, first_event, is_last, long_wait, runs_node, unknown
from workflow.library.library import Library
from workflow.library.plans import Plan
from workflow.running import spans
from workflow.running.computing import Computing
from workflow.running.fence import Fence
from workflow.running.gate import RunningGate
from workflow.running.held import Held
from workflow.running.limits import Limits
from workflow.running.rooms import Place, Rooms
from workflow.running.rows import pack
from workflow.running.standing import Keys
from workflow.running.store import Lost, Store
from workflow.running.telling import Telling

logger = telemetry.log(__name__)
Result = TypeVar("Result")


def clock_ms() -> int:
    return int(time() * 1000)


class Carrier(Protocol):
    """Carries out what is neither a wait nor an answer. Never raises."""

    async def carry_out(self, held: Held, effect: Effect) -> Reply: ...

    async def error_execution(self, held: Held, effect: StartErrorWorkflow) -> Held | None:
        """The execution of the error workflow, or None where there is no such workflow."""
        ...


class Engine:
    """`carrier` is set before anything is run: it starts executions itself, of sub-workflows."""

    carrier: Carrier

    def __init__(
        self,
        store: Store,
        library: Library,
        telling: Telling,
        interpreter: Interpreter,
        threads: int,
        gate: RunningGate,
        limits: Limits,
        keys: Keys,
        fence: Fence | None = None,
    ) -> None:
        self.store, self.library, self.interpreter = store, library, interpreter
        self._telling, self.gate, self.keys, self._fence = telling, gate, keys, fence or Fence()
        self._rooms, self._computing = Rooms(gate, limits), Computing(threads)
        self.held: dict[UUID, Held] = {}
        self._running: set[asyncio.Task[None]] = set()
        self.parked: Callable[[int], None] = lambda _: None
        """Called with the time (Unix milliseconds) at which an execution that was let go of goes on."""

    async def here(self, execution_id: UUID) -> Held | None:
        """One that is held and can be told something. One that is being let go of is waited for: what it is told then, nobody hears."""
        found = self.held.get(execution_id)
        if found is not None and found.leaving:
            await found.ended.wait()
            return self.held.get(execution_id)
        return found

    def prepare(
        self,
        plan: Plan,
        execution_id: UUID,
        *,
        mode: Mode,
        start: str | None = None,
        items: Items = (),
        destination: str | None = None,
        depth: int = 0,
        root: UUID | None = None,
        awaited: bool = True,
        chain: int = 0,
    ) -> Held:
        """An execution that nobody runs yet. InvalidWorkflow without a trigger."""
        execution = new_execution(
            plan.graph, self.interpreter, str(execution_id), mode=mode, start=start, items=items, now_ms=clock_ms()
        )
        return Held(
            id=execution_id,
            execution=execution.evolve(
                workflow_id=str(plan.origin.workflow_id or execution_id),  # a document that was given may claim any
                destination=destination,
                depth=depth,
                root=None if root is None else str(root),
                awaited=awaited,
                chain=chain,
                traceparent=spans.begun_by(),
            ),
            graph=plan.graph,
            origin=plan.origin,
        )

    def start(self, held: Held, place: Place = Place.WANTED) -> None:
        """Whatever comes of it, `held.ended` is set then."""
        self.held[held.id] = held
        task = asyncio.create_task(self._run(held, place))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def compute(self, owner: str, work: Callable[[], Result]) -> Result:
        """What is no execution and asks V8, in a thread of those that may."""
        return await self._computing.run(owner, work)

    def stop(self, held: Held) -> None:
        """Between two nodes at the latest."""
        held.stop_asked = True
        held.inbox.put_nowait(Stop(now_ms=clock_ms()))

    async def close(self, seconds: float) -> None:
        """Computations that run are waited for; what they were for goes on elsewhere, from the record."""
        running = set(self._running)
        let_go(running)
        if running:
            await asyncio.wait(running, timeout=seconds)
        self._computing.close()

    async def _run(self, held: Held, place: Place) -> None:
        try:
            with telemetry.trace(spans.context(held.execution)):
                async with self._rooms.room(held, place):
                    await self._until_let_go(held)
        except Lost:
            logger.warning("execution_lost", execution_id=str(held.id))
        except Exception as error:
            logger.exception("execution_failed_inside", execution_id=str(held.id))
            await self._fail_inside(held, error)
        finally:
            self.interpreter.forget(held.execution.id)
            if self.held.get(held.id) is held:
                del self.held[held.id]
            held.ended.set()

    async def _fail_inside(self, held: Held, error: Exception) -> None:
        """A fault of the engine, or a database that refuses what was to be saved: it ends here, since it would end the same elsewhere."""
        failure = Failure(
            message=f"The engine failed: {type(error).__name__}: {error}", code="internal_error", name="InternalError"
        )
        held.execution = held.execution.evolve(
            status=Status.ERROR, ended_ms=clock_ms(), current=None, stack=(), waiting={}, last_failure=failure, runs={}
        )
        try:
            await self.store.save(held)
        except Exception:
            logger.exception("execution_end_not_saved", execution_id=str(held.id))
            return
        self._telling.ended(held, kept=True)

    async def _until_let_go(self, held: Held) -> None:
        carried: set[asyncio.Task[None]] = set()
        if held.execution.status is Status.NEW:
            await self._telling.started(held)
        try:
            effects = await self._step(held, first_event(held, clock_ms()))
            while not held.execution.ended:
                if held.wake_ms is not None and held.inbox.empty():  # what came during the save is taken first
                    held.leaving = True
                    await self._let_go(held, held.wake_ms)
                    return
                for effect in effects:
                    carried.add(asyncio.create_task(self._carry_out(held, effect, spans.node_context(held.execution))))
                effects = await self._step(held, await self._next_event(held))
        finally:
            let_go(carried)

    async def _next_event(self, held: Held) -> Event:
        deadline = held.execution.deadline_ms
        try:
            async with asyncio.timeout(None if deadline is None else max(0, deadline - clock_ms()) / 1000):
                return await held.inbox.get()
        except TimeoutError:
            return Expired(now_ms=clock_ms())

    async def _step(self, held: Held, event: Event) -> Sequence[Effect]:
        """Takes an event, computes what follows, saves it, and gives the effects that are to be carried out now."""
        effect = answered(held.execution, event)
        execution, orders = advance(held.graph, self.interpreter.registry, held.execution, event)
        held.execution = execution
        if effect is not None and not isinstance(effect, Respond | WaitUntil) and runs_node(orders):
            await self.store.save(held)
        answer: Respond | None = None
        while True:
            effects = await self._compute(held, orders)
            last = effects[0] if len(effects) == 1 else None
            if not isinstance(last, Respond) or not is_last(held):
                break
            # nothing follows but the end: one commit has both, and the caller is answered after it
            answer = last
            told = EffectEnded(key=last.key, reply=Reply(), now_ms=clock_ms())
            held.execution, orders = advance(held.graph, self.interpreter.registry, held.execution, told)
        await self._save(held, effects)
        if answer is not None:
            self._answer(held, answer)
        await self._telling.progressed(held)
        return [effect for effect in effects if not isinstance(effect, StartErrorWorkflow)]

    async def _compute(self, held: Held, orders: Sequence[Order]) -> list[Effect]:
        """Runs nodes in a thread until effects are to be carried out, or the end."""
        if runs_node(orders):
            held.execution, orders = await self._computing.run(person_of(held.origin.claims), self._go_on, held, orders)
        return [order for order in orders if isinstance(order, Effect)]

    def _go_on(self, held: Held, orders: Sequence[Order]) -> tuple[Execution, Sequence[Order]]:
        execution = held.execution
        while runs_node(orders):
            event: Event = self.interpreter.run(held.graph, execution)
            if held.stop_asked:
                event = Stop(now_ms=clock_ms())
            execution, orders = advance(held.graph, self.interpreter.registry, execution, event)
        return execution, orders

    async def _save(self, held: Held, effects: Sequence[Effect]) -> None:
        held.wake_ms = long_wait(held, clock_ms())
        if held.execution.ended:
            await self._save_end(held, effects)
        elif held.wake_ms is None:  # else it is saved when it is let go of
            await self.store.save(held)

    async def _save_end(self, held: Held, effects: Sequence[Effect]) -> None:
        keeps = held.keeps_record
        failed = [effect for effect in effects if isinstance(effect, StartErrorWorkflow)]
        followers = [found for effect in failed if (found := await self.carrier.error_execution(held, effect)) is not None]
        if keeps or followers:
            # in one commit: an error workflow is started for every failure that is on record, and once
            together = [(held, pack(held, None)), *((each, pack(each, self.store.engine)) for each in followers)]
            await self.store.save_together(together)
        if not keeps and held.revision:
            await self.store.forget(held.id)
        await self._save_static_data(held)
        self._telling.ended(held, kept=keeps)
        for each in followers:
            self.start(each)

    async def _save_static_data(self, held: Held) -> None:
        execution, workflow_id = held.execution, held.origin.workflow_id
        before = held.graph.workflow.static_data
        if execution.static_data != before and workflow_id is not None and execution.mode is not Mode.MANUAL:
            await self.library.save_static_data(workflow_id, before, execution.static_data)

    async def _let_go(self, held: Held, wake_ms: int) -> None:
        """It waits in the record alone, and costs no memory."""
        deadline = held.execution.deadline_ms
        at = wake_ms if deadline is None else min(wake_ms or deadline, deadline)
        await self.store.save(held, released=True, wake_ms=at or None)
        await self._telling.progressed(held)
        if at:
            self.parked(at)

    async def _carry_out(self, held: Held, effect: Effect, traceparent: str | None) -> None:
        with telemetry.trace(traceparent):
            reply = await self._reply(held, effect)
        held.inbox.put_nowait(EffectEnded(key=effect.key, reply=reply, now_ms=clock_ms()))

    async def _reply(self, held: Held, effect: Effect) -> Reply:
        if effect.key in held.doubtful:
            return Reply(failure=unknown(effect))
        if isinstance(effect, WaitUntil):
            await asyncio.sleep(max(0, effect.at_ms - clock_ms()) / 1000)
            return Reply()
        if isinstance(effect, WaitForCall):
            await asyncio.sleep(3600 * 24 * 365 if effect.at_ms is None else max(0, effect.at_ms - clock_ms()) / 1000)
            return Reply()
        if isinstance(effect, Respond):
            self._answer(held, effect)
            return Reply()
        if not effect.inside:
            await self._fence.passed()
        with spans.effect_span(effect) as span:
            reply = await self.carrier.carry_out(held, effect)
            if reply.failure is not None:
                span.fail(reply.failure.code or reply.failure.name)
            return reply

    def _answer(self, held: Held, respond: Respond) -> None:
        """The first answer counts; where nobody waits any more it is nobody's."""
        if held.answered is not None and not held.answered.done():
            held.answered.set_result(respond)
