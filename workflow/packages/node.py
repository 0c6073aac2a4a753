"""A node that a package of npm brings: one effect for all of its items, whose parameters are evaluated here. Pure."""

from collections.abc import Sequence
from typing import Any

from workflow.core.effects import RunPackagedNode
from workflow.core.failure import ExpressionError
from workflow.core.items import Outputs
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import OnInterrupt
from workflow.nodes.contract import EffectRun, NodeCall, value_of


def run(call: NodeCall, declared: Sequence[str] = ()) -> EffectRun:
    """`declared`: the types of credentials that the node may use. An item whose expression failed fails when the node reads that parameter."""
    given = list(call.each()) if call.items else [call.once()]
    plain = [_plain(each) for each in given]
    found = value_of((yield _effect(call, declared, plain)))
    if found["static_data"] != call.static_data:
        call.static_data.clear()
        call.static_data.update(found["static_data"])
    outputs: Outputs = found["outputs"]
    return outputs


def _effect(call: NodeCall, declared: Sequence[str], plain: Sequence[tuple[dict[str, Any], dict[str, str]]]) -> RunPackagedNode:
    node, workflow = call.node, call.graph.workflow
    return RunPackagedNode(
        node={
            "id": node.id,
            "name": node.name,
            "type": node.type,
            "typeVersion": node.version,
            "position": list(node.position),
        },
        inputs=[[dict(item) for item in items] for items in call.inputs],
        parameters=[values for values, _ in plain],
        failed=[failed for _, failed in plain],
        credentials={kind: each for kind, each in node.credentials.items() if kind in declared},
        continues=call.continues,
        mode=str(call.execution.mode),
        time_zone=call.time_zone,
        workflow={"id": call.execution.workflow_id, "name": workflow.name, "active": True},
        execution_id=call.execution.id,
        static_data=call.static_data,
        repeatable=node.document.get("onInterrupt")
        == OnInterrupt.REPEAT,  # it is given no idempotency key: so only where that was chosen
    )


def _plain(parameters: Parameters) -> tuple[dict[str, Any], dict[str, str]]:
    """The values that could be evaluated, and why the others could not."""
    values: dict[str, Any] = {}
    failed: dict[str, str] = {}
    for name in parameters:
        try:
            values[name] = parameters[name]
        except ExpressionError as error:
            failed[name] = error.message
    return values, failed
