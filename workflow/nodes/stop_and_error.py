"""Stop and Error: fails the execution with a message, or with an object as its details."""

import json
from collections.abc import Mapping

from workflow.core.failure import NodeError
from workflow.core.items import Outputs
from workflow.nodes.contract import NodeCall, NodeType
from workflow.nodes.values import json_text


def run(call: NodeCall) -> Outputs:
    parameters = call.once()
    if parameters.get("errorType", "errorMessage") == "errorMessage":
        raise NodeError(parameters.text("errorMessage", "An error occurred!"))
    given = parameters.get("errorObject", {})
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError:
            raise NodeError("The error object is not valid JSON") from None
    elif isinstance(given, Mapping):  # n8n reads it as a text, also where an expression made an object of it
        raise NodeError('"[object Object]" is not valid JSON')
    if not isinstance(given, Mapping):
        raise NodeError("The error object is no object")
    message = given.get("message") or given.get("description") or given.get("error")
    description = str(given.get("description") or "") or None
    raise NodeError(
        str(message) if message else f"Error: {json_text(given)}", description=description if description != message else None
    )


TYPES = (NodeType(name="n8n-nodes-base.stopAndError", versions=(1,), run=run),)
