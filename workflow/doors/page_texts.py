"""What a trigger's page says: the expressions in the parameters of a form or a chat, evaluated while there are no items yet.

Within the same bounds as those of nodes that run: a place at the gate, a thread, and a time.
"""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from bus import telemetry
from bus.errors import InvalidWorkflow
from bus.messages.workflows import WebhookReply
from bus.tenancy import person_of
from workflow.core.execution import Execution, Mode
from workflow.core.failure import ExpressionError, NodeError
from workflow.core.graph import Graph
from workflow.core.items import Item
from workflow.doors.form_nodes import with_parameters
from workflow.doors.form_page import broken_page
from workflow.expressions.parameters import has_expressions
from workflow.library.plans import Plan
from workflow.n8n.document import Node
from workflow.nodes.contract import NodeCall
from workflow.running.engine import Engine, clock_ms
from workflow.running.held import Held

logger = telemetry.log(__name__)

_NOTHING: Final[tuple[Item, ...]] = ({"json": {}},)
_NONE: Final = UUID(int=0)


class PageTexts:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of_trigger(self, plan: Plan, node: Node, *, test: bool) -> Node | WebhookReply:
        """Before anything is started."""
        mode = Mode.MANUAL if test else Mode.WEBHOOK
        execution = self._engine.prepare(plan, _NONE, mode=mode, start=node.name).execution
        return await self.of(plan.graph, execution.evolve(id=""), node, person_of(plan.origin.claims))

    async def of_answers(self, held: Held, node: Node) -> Node | WebhookReply:
        """A webhook, which says how it answers by what it heard; or the answer that something of this failed. TooManyExecutions."""
        if not has_expressions(node.parameters):
            return node
        engine, owner = self._engine, person_of(held.origin.claims)
        call = engine.interpreter.seen_from(held.graph, held.execution, node, held.execution.start_items, clock_ms())
        try:
            return with_parameters(node, await engine.compute(owner, lambda: evaluated(call)))
        except NodeError as error:
            return WebhookReply(status=500, body={"code": 0, "message": error.message})

    async def of(self, graph: Graph, execution: Execution, node: Node, owner: str) -> Node | WebhookReply:
        """The node with its expressions evaluated, or a page that says that one of them failed. TooManyExecutions."""
        if not has_expressions(node.parameters):
            return node
        engine = self._engine
        call = engine.interpreter.seen_from(graph, execution, node, _NOTHING, clock_ms())
        await engine.gate.enter_or_refuse(owner)
        try:
            return with_parameters(node, await engine.compute(owner, lambda: evaluated(call)))
        except NodeError as error:
            where = f"{error.parameter}: " if isinstance(error, ExpressionError) and error.parameter else ""
            return _broken(graph, node, where + error.message, shown=execution.mode is Mode.MANUAL)
        finally:
            engine.gate.leave(owner)


def evaluated(call: NodeCall) -> Mapping[str, Any]:
    """All parameters of the call's node. NodeError."""
    return dict(call.scripts.parameters(call, (0,))[0])


def unfit(graph: Graph, node: Node, error: InvalidWorkflow, *, test: bool) -> WebhookReply:
    """For expressions that made what is no form."""
    return _broken(graph, node, error.message, shown=test)


def _broken(graph: Graph, node: Node, reason: str, *, shown: bool) -> WebhookReply:
    """Why is told to those alone who may test the workflow."""
    logger.warning("page_texts_failed", workflow=graph.workflow.id, node=node.name, reason=reason)
    return broken_page(reason if shown else "")
