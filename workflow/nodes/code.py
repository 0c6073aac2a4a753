"""Code, Function and Function Item: JavaScript or Python over all items at once, or over each."""

from collections.abc import Callable
from typing import Final

from workflow.core.failure import CodeError, NodeError
from workflow.core.items import Item, Outputs
from workflow.nodes.contract import NodeCall, NodeType

PYTHON: Final = ("python", "pythonNative")
"""As n8n named its first and its second way to run it."""


def run_code(call: NodeCall) -> Outputs:
    language = call.node.parameters.get("language", "javaScript")
    style = "each" if call.node.parameters.get("mode") == "runOnceForEachItem" else "all"
    if language in PYTHON:
        return [_continued(call, lambda: call.scripts.python(call, source_of(call, "pythonCode"), style))]
    if language != "javaScript":
        raise NodeError(f"Code in {language} is not run here", description="Write it in JavaScript or Python")
    return [_continued(call, lambda: call.scripts.code(call, source_of(call, "jsCode"), style))]


def source_of(call: NodeCall, name: str) -> str:
    """NodeError for what is no text."""
    source = call.node.parameters.get(name, "")
    if not isinstance(source, str):
        raise NodeError("The code must be a text")
    return source


def _continued(call: NodeCall, run: Callable[[], list[Item]]) -> list[Item]:
    """What the code throws becomes an item where the node continues; a result of the wrong shape is always the node's failure."""
    try:
        return run()
    except CodeError as error:
        if not call.continues or error.shape:
            raise
        return [{"json": {"error": error.message}}]


def run_function(call: NodeCall) -> Outputs:
    return [_continued(call, lambda: call.scripts.code(call, source_of(call, "functionCode"), "function"))]


def run_function_item(call: NodeCall) -> Outputs:
    return [call.scripts.code(call, source_of(call, "functionCode"), "functionItem")]


TYPES = (
    NodeType(
        name="n8n-nodes-base.code",
        versions=(1, 2),
        run=run_code,
        note="Code in Python may import Python's own library alone, has no files, no network and no `_jmespath`",
    ),
    NodeType(name="n8n-nodes-base.function", versions=(1,), run=run_function),
    NodeType(name="n8n-nodes-base.functionItem", versions=(1,), run=run_function_item),
)
