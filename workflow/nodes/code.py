"""Code, Function and Function Item: JavaScript over all items at once, or over each."""

from workflow.failure import CodeError, NodeError
from workflow.items import Outputs
from workflow.nodes.contract import NodeCall, NodeType


def run_code(call: NodeCall) -> Outputs:
    parameters = call.node.parameters
    language = parameters.get("language", "javaScript")
    if language != "javaScript":
        name = "Python" if str(language).startswith("python") else str(language)
        raise NodeError(f"Code in {name} is not run here", description="Write it in JavaScript, in this node")
    style = "each" if parameters.get("mode") == "runOnceForEachItem" else "all"
    source = parameters.get("jsCode", "")
    if not isinstance(source, str):
        raise NodeError("The code must be a text")
    return [_continued(call, source, style)]


def _continued(call: NodeCall, source: str, style: str) -> list[dict[str, object]]:
    """What the code throws becomes an item where the node continues; a result of the wrong shape is always the node's failure."""
    try:
        return call.scripts.code(call, source, style)
    except CodeError as error:
        if not call.continues or error.line is None:
            raise
        return [{"json": {"error": error.message}}]


def run_function(call: NodeCall) -> Outputs:
    return [call.scripts.code(call, str(call.node.parameters.get("functionCode", "")), "function")]


def run_function_item(call: NodeCall) -> Outputs:
    return [call.scripts.code(call, str(call.node.parameters.get("functionCode", "")), "functionItem")]


TYPES = (
    NodeType(
        name="n8n-nodes-base.code",
        versions=(1, 2),
        run=run_code,
        note="Code in Python is refused when it is reached: write it in JavaScript",
    ),
    NodeType(name="n8n-nodes-base.function", versions=(1,), run=run_function),
    NodeType(name="n8n-nodes-base.functionItem", versions=(1,), run=run_function_item),
)
