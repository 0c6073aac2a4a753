"""Nodes that are pages of a form whose workflow runs (`n8n-nodes-base.form`): one more page, or the one that ends it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from workflow.n8n.document import Node, Workflow

PAGE: Final = "n8n-nodes-base.form"
"""One more page, or the last."""
ENDING: Final = "ending"
"""In the context of a node that ends a form: what its page says."""


def ends(node: Node) -> bool:
    return node.type == PAGE and node.parameters.get("operation") == "completion"


def goes_on(workflow: Workflow) -> bool:
    """Whether there are more pages than the trigger's."""
    return any(node.type == PAGE and not node.disabled for node in workflow.nodes)


def with_parameters(node: Node, parameters: Mapping[str, Any]) -> Node:
    """`parameters`: evaluated."""
    return replace(node, parameters=dict(parameters))
