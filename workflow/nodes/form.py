"""Form: one more page of a form whose workflow runs, and the page that ends it.

A page waits for its person as Wait waits for a call: meanwhile the execution costs no memory, and outlives its engine. What a page that ends
a form says is kept in the node's context, so it is there for whoever asks, as long as the record of the execution is.
"""

from typing import Any

from workflow.core.effects import ShowForm
from workflow.core.items import Item, Outputs, paired
from workflow.doors.form_nodes import ENDING, PAGE, ends, with_parameters
from workflow.doors.forms import FORM, fields_of
from workflow.expressions.parameters import Parameters, compile_template
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, value_of

_ENDING = (
    "respondWith",
    "completionTitle",
    "completionMessage",
    "redirectUrl",
    "responseText",
    "inputDataFieldName",
    "options",
)


def run(call: NodeCall) -> EffectRun:
    parameters = call.once()
    if ends(call.node):
        call.context[ENDING] = {name: parameters.get(name) for name in _ENDING if parameters.get(name) is not None}
        return [call.items]
    page = _page(call, parameters)
    fields_of(with_parameters(call.node, page))  # what is no form fails here, and not before its person
    item: Item = {**value_of((yield ShowForm(page=page))), "pairedItem": paired(0)}
    outputs: Outputs = [[item]]
    return outputs


def _page(call: NodeCall, parameters: Parameters) -> dict[str, Any]:
    """What it does not say itself is the trigger's."""
    first = _of_trigger(call)
    own = parameters.get("options", {})
    button = own.get("buttonLabel") or first.get("options.buttonLabel")
    return {
        "defineForm": parameters.get("defineForm", "fields"),
        "formFields": parameters.get("formFields", {}),
        "jsonOutput": parameters.get("jsonOutput", "[]"),
        "formTitle": own.get("formTitle") or first.get("formTitle") or call.node.name,
        "formDescription": own.get("formDescription") or first.get("formDescription") or "",
        "options": {"buttonLabel": button} if button else {},
    }


def _of_trigger(call: NodeCall) -> Parameters:
    """Evaluated as on the trigger's own page: without items."""
    trigger = next((node for node in call.graph.workflow.nodes if node.type == FORM), None)
    if trigger is None:
        return Parameters(compile_template({}))
    seen = call.of_helper(trigger)
    seen.inputs = [[{"json": {}}]]
    return seen.scripts.parameters(seen, (0,))[0]


TYPES = (NodeType(name=PAGE, versions=(1, 2.3, 2.4, 2.5), run=run, effect=True),)
