"""The address of a form that goes on: `/form-waiting/<execution>`. `GET` shows what is to be filled in now, `POST` is what was filled in."""

import asyncio
from contextlib import suppress
from typing import Final
from uuid import UUID

from bus.errors import ExecutionNotFound, ExecutionNotWaiting
from bus.messages.workflows import ResumeCall, WebhookReply
from workflow.effects import ShowForm
from workflow.engine import Engine, clock_ms
from workflow.entering import form_item
from workflow.events import EffectEnded
from workflow.execution import Execution, Mode, Reply
from workflow.form_ending import at_work_page, end_page, led_on, over_page
from workflow.form_nodes import with_parameters
from workflow.form_page import form_page
from workflow.graph import Graph
from workflow.n8n.document import Node
from workflow.reading import Reading
from workflow.rooms import place_of
from workflow.rows import origin_of
from workflow.starting import Starting

LOOK_SECONDS: Final = 0.2
PATIENCE_SECONDS: Final = 5.0
"""In which the next page mostly comes; after it the browser is told to ask again."""


class FormSteps:
    def __init__(self, engine: Engine, starting: Starting, reading: Reading) -> None:
        self._engine, self._starting, self._reading = engine, starting, reading

    async def heard(self, call: ResumeCall) -> WebhookReply:
        """Never a problem for a person: what is over is said to be over."""
        with suppress(ExecutionNotFound, ExecutionNotWaiting):
            return await (self._sent(call) if call.method == "POST" else self._shown(call))
        return over_page()

    async def _shown(self, call: ResumeCall) -> WebhookReply:
        until = asyncio.get_running_loop().time() + PATIENCE_SECONDS
        while True:
            graph, execution = await self._now(call.id)
            if execution.ended:
                return end_page(graph, execution)
            if (effect := open_form(execution)) is not None:
                return form_page(_page_of(graph, execution, effect), call)
            if asyncio.get_running_loop().time() > until:
                return at_work_page()
            await asyncio.sleep(LOOK_SECONDS)

    async def _now(self, execution_id: UUID) -> tuple[Graph, Execution]:
        """Here, or in the record. ExecutionNotFound."""
        held = self._engine.held.get(execution_id)
        if held is not None:
            return held.graph, held.execution
        row, execution = await self._reading.execution(execution_id)
        origin = origin_of(row)
        if origin.workflow_id is None:
            raise ExecutionNotFound("Its workflow was deleted.")
        return (await self._engine.library.plan(origin.workflow_id, origin.version)).graph, execution

    async def _sent(self, call: ResumeCall) -> WebhookReply:
        """What is filled in is stored before its sender is led on; sent twice, the second time leads on and does nothing."""
        graph, execution = await self._now(call.id)
        effect = open_form(execution)
        if effect is None:
            return led_on(call.id, call.query)
        item = form_item(_page_of(graph, execution, effect), call, "UTC", test=execution.mode is Mode.MANUAL)
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
        await self._stored(call.id, effect.key)
        return led_on(call.id, call.query)

    async def _stored(self, execution_id: UUID, key: str) -> None:
        """Until the record no longer has the page as open: what was acknowledged must outlive this engine."""
        while True:
            try:
                _, execution = await self._reading.execution(execution_id)
            except ExecutionNotFound:  # it ended, and its workflow keeps no record
                return
            effect = open_form(execution)
            if effect is None or effect.key != key:
                return
            await asyncio.sleep(LOOK_SECONDS / 4)


def open_form(execution: Execution) -> ShowForm | None:
    """The page that it waits for."""
    current = execution.current
    asked = () if current is None or execution.ended else current.asked
    return next((e for e in asked if isinstance(e, ShowForm) and current is not None and e.key not in current.replies), None)


def _page_of(graph: Graph, execution: Execution, effect: ShowForm) -> Node:
    return with_parameters(graph.workflow.by_name[execution.standing.visit.node], effect.page)
