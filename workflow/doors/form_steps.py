"""The address of a form that goes on: `/form-waiting/<execution>`. `GET` shows what is to be filled in now, `POST` is what was filled in."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, TypeVar
from uuid import UUID

from bus.errors import ExecutionNotFound, ExecutionNotWaiting, WorkflowNotFound
from bus.messages.workflows import ResumeCall, WebhookReply
from bus.tenancy import person_of
from workflow.core.effects import ShowForm
from workflow.core.events import EffectEnded
from workflow.core.execution import Execution, Mode, Reply
from workflow.core.graph import Graph
from workflow.doors.entering import form_item
from workflow.doors.form_ending import at_work_page, end_page, led_on, over_page
from workflow.doors.form_nodes import with_parameters
from workflow.doors.form_page import form_page, is_from, mark_of
from workflow.doors.forms import FORM
from workflow.doors.page_texts import PageTexts
from workflow.n8n.document import Node
from workflow.running.engine import Engine, clock_ms
from workflow.running.reading import Reading
from workflow.running.rooms import place_of
from workflow.running.rows import origin_of
from workflow.running.starting import Starting

LOOK_SECONDS: Final = (0.2, 1.0)
"""Between the first looks, and between the last: each reads a whole execution, and many who wait must leave their engine time for its lease."""
PATIENCE_SECONDS: Final = 5.0
"""In which the next page mostly comes; after it the browser is told to ask again."""
STORED_SECONDS: Final = 30.0
"""In which what was sent is stored, else it is not acknowledged. The door waits for longer."""

Found = TypeVar("Found")


class FormSteps:
    def __init__(self, engine: Engine, starting: Starting, reading: Reading) -> None:
        self._engine, self._starting, self._reading = engine, starting, reading
        self._texts = PageTexts(engine)

    async def heard(self, call: ResumeCall) -> WebhookReply:
        """Never a problem for a person: what is over is said to be over."""
        with suppress(ExecutionNotFound, WorkflowNotFound, ExecutionNotWaiting):
            return await (self._sent(call) if call.method == "POST" else self._shown(call))
        return over_page()

    async def _shown(self, call: ResumeCall) -> WebhookReply:
        async def look() -> WebhookReply | None:
            graph, execution, owner = await self._now(call.id)
            if execution.ended:
                return await self._end(graph, execution, owner)
            effect = open_form(execution)
            return None if effect is None else form_page(_page_of(graph, execution, effect), call, mark=mark_of(effect.key))

        return await looked_for(look, PATIENCE_SECONDS) or at_work_page()

    async def _end(self, graph: Graph, execution: Execution, owner: str) -> WebhookReply:
        trigger = next((node for node in graph.workflow.nodes if node.type == FORM), None)
        spoken = None if trigger is None else await self._texts.of(graph, execution, trigger, owner)
        return spoken if isinstance(spoken, WebhookReply) else end_page(graph, execution, spoken)

    async def _now(self, execution_id: UUID) -> tuple[Graph, Execution, str]:
        """Here, or in the record; and whose it is. ExecutionNotFound, WorkflowNotFound."""
        held = self._engine.held.get(execution_id)
        if held is not None:
            return held.graph, held.execution, person_of(held.origin.claims)
        row, execution = await self._reading.execution(execution_id)
        origin = origin_of(row)
        return await self._engine.library.graph_of(origin), execution, person_of(origin.claims)

    async def _sent(self, call: ResumeCall) -> WebhookReply:
        """What is filled in is stored before its sender is led on. Sent twice, the second time leads on and does nothing, also where the
        next page is open by then."""
        graph, execution, _ = await self._now(call.id)
        effect = open_form(execution)
        if effect is None or not is_from(call, mark := mark_of(effect.key)):
            return led_on(call.id, call.query)
        node = _page_of(graph, execution, effect)
        item = form_item(node, call, "UTC", test=execution.mode is Mode.MANUAL, mark=mark)
        if isinstance(item, WebhookReply):
            return item
        here, held = await self._starting.had(call.id)
        if held is None:
            return led_on(call.id, call.query)
        waits = open_form(held.execution)
        if waits is not None and waits.key == effect.key:
            ended = EffectEnded(key=effect.key, reply=Reply(value=item), now_ms=clock_ms())
            held.inbox.put_nowait(ended)
        if here is None:
            self._engine.start(held, place_of(held))
        if not await stored(self._reading, call.id, effect.key):
            return at_work_page(stored=False)
        return led_on(call.id, call.query)


async def stored(reading: Reading, execution_id: UUID, key: str, seconds: float = STORED_SECONDS) -> bool:
    """Whether the record no longer has the page as open, or comes to that in time: what was acknowledged must outlive its engine."""

    async def look() -> bool | None:
        try:
            _, execution = await reading.execution(execution_id)
        except ExecutionNotFound:  # it ended, and its workflow keeps no record
            return True
        effect = open_form(execution)
        return True if effect is None or effect.key != key else None

    return await looked_for(look, seconds) or False


async def looked_for(look: Callable[[], Awaitable[Found | None]], seconds: float) -> Found | None:
    """What a look finds, ever more rarely; None where there is nothing within the time."""
    now = asyncio.get_running_loop().time
    until = now() + seconds
    pause, most = LOOK_SECONDS
    while (found := await look()) is None:
        if (left := until - now()) <= 0:
            return None
        await asyncio.sleep(min(pause, left))
        pause = min(2 * pause, most)
    return found


def open_form(execution: Execution) -> ShowForm | None:
    """The page that it waits for."""
    current = execution.current
    asked = () if current is None or execution.ended else current.asked
    return next((e for e in asked if isinstance(e, ShowForm) and current is not None and e.key not in current.replies), None)


def _page_of(graph: Graph, execution: Execution, effect: ShowForm) -> Node:
    return with_parameters(graph.workflow.by_name[execution.standing.visit.node], effect.page)
