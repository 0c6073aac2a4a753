"""All node types by name. A module of a node calls nothing here: it is listed in `catalogue.py`, so that an import has no side effect."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from bus.errors import UnknownNodeType
from workflow.n8n.document import Node
from workflow.nodes.contract import NodeType
from workflow.nodes.tool_nodes import type_for


class Packaged(Protocol):
    """Nodes of packages that an administrator installed; they may become others at any time."""

    def find(self, node: Node) -> NodeType | None: ...

    def unfit(self, node: Node) -> str | None:
        """What a node is that a package has and Hive does not run."""
        ...


class Registry:
    """Keeps `workflow.core.types.NodeTypes`. An unknown type fails only when it is reached."""

    def __init__(self, types: Iterable[NodeType], packaged: Packaged | None = None) -> None:
        self._types: Mapping[str, NodeType] = {kind.name: kind for kind in types}
        self._packaged = packaged

    def __iter__(self) -> Iterator[NodeType]:
        return iter(self._types.values())

    def find(self, node: Node) -> NodeType | None:
        found = self.own(node)
        return found if node.tool is None else type_for(node, found)

    def own(self, node: Node) -> NodeType | None:
        """How Hive, or a package, runs it, whatever the workflow says of tools."""
        found = self._types.get(node.type)
        return self._packaged.find(node) if found is None and self._packaged is not None else found

    def unfit(self, node: Node) -> str | None:
        """What a node is that an installed package has and Hive does not run."""
        return self._packaged.unfit(node) if self._packaged is not None else None

    def get(self, node: Node) -> NodeType:
        """Raises `unknown_node_type`."""
        found = self.find(node)
        if found is None:
            raise UnknownNodeType(f"Hive does not run nodes of type {node.type}. Replace or disable {node.name!r}.")
        return found

    def outputs(self, node: Node) -> int:
        found = self.find(node)
        if found is None:
            return 1
        return found.outputs if isinstance(found.outputs, int) else found.outputs(node)

    def reaches_outside(self, node: Node) -> bool:
        found = self.find(node)
        return found is None or found.effect

    def inputs_needed(self, node: Node) -> int | None:
        found = self.find(node)
        return found.inputs_needed(node) if found is not None and found.inputs_needed is not None else None

    def is_trigger(self, node: Node) -> bool:
        """Also of types that Hive does not run: their names end so."""
        found = self.find(node)
        return found.trigger if found is not None else node.type.lower().endswith("trigger")
