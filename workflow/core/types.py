"""What `advance` must know of a node's type, and no more: the nodes themselves are in `workflow/nodes/`."""

from typing import Protocol

from workflow.n8n.document import Node


class NodeTypes(Protocol):
    """Answers by type, version and parameters."""

    def outputs(self, node: Node) -> int:
        """How many main outputs it has, its error output not counted."""
        ...

    def reaches_outside(self, node: Node) -> bool:
        """Whether it asks for effects: HTTP, databases, models and the like."""
        ...

    def inputs_needed(self, node: Node) -> int | None:
        """How many inputs must have brought items before it runs, when nothing else is left to run. None: one is enough."""
        ...
