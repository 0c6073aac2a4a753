"""What is installed in the folder of packages, by the index that `hive nodes install` writes: `installed.json`.

It is read again when it is another file, so engines see what was installed without being started anew.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from pydantic import ConfigDict, Field, ValidationError

from bus import telemetry
from bus.messages.base import Message
from workflow.n8n.document import Node
from workflow.nodes.contract import NodeType
from workflow.packages import node as packaged

logger = telemetry.log(__name__)

FOLDER: Final = "nodes"
"""In the data folder."""
INDEX: Final = "installed.json"


class PackagedNode(Message):
    """One type in some of its versions. `outputs`: None where its parameters make them; `unfit`: what it is, where Hive does not run it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    type: str
    title: str
    file: str
    versions: tuple[float, ...]
    outputs: int | None
    inputs: int
    credentials: tuple[str, ...] = ()
    unfit: str | None = None


class PackagedCredential(Message):
    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    file: str
    required: tuple[str, ...] = ()


class Package(Message):
    """`problems`: files that could not be loaded, each with its reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    name: str
    version: str
    nodes: tuple[PackagedNode, ...] = ()
    credentials: tuple[PackagedCredential, ...] = ()
    problems: tuple[str, ...] = ()


class Index(Message):
    packages: tuple[Package, ...] = Field(default=())


class Installed:
    """`folder`: of the packages; it need not be there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stamp: tuple[int, int] | None = None
        self._index = Index()
        self._nodes: Mapping[str, list[tuple[Package, PackagedNode]]] = {}

    @property
    def stamp(self) -> tuple[int, int] | None:
        """Another one when something else is installed; None where nothing is."""
        try:
            found = (self.folder / INDEX).stat()
        except OSError:
            return None
        return (found.st_mtime_ns, found.st_ino)

    @property
    def packages(self) -> tuple[Package, ...]:
        self._look()
        return self._index.packages

    def find(self, node: Node) -> NodeType | None:
        """The node's type, where a package has it in a form that Hive runs."""
        found = self._of(node)
        if found is None or found[1].unfit is not None:
            return None
        package, about = found
        return NodeType(
            name=node.type,
            versions=tuple(version for _, each in self._nodes[node.type] for version in each.versions),
            run=partial(packaged.run, declared=about.credentials),
            inputs=about.inputs,
            outputs=about.outputs or 0,
            effect=True,
            note=f"it is run by the package {package.name} {package.version}, in a process of Node.js beside the engine",
        )

    def unfit(self, node: Node) -> str | None:
        """Why one that a package has is not run."""
        found = self._of(node)
        return found[1].unfit if found is not None else None

    def required(self, kind: str) -> tuple[str, ...]:
        """Fields that a type of credential must have."""
        found = (each for package in self.packages for each in package.credentials if each.name == kind)
        return next((each.required for each in found), ())

    def _of(self, node: Node) -> tuple[Package, PackagedNode] | None:
        self._look()
        known = self._nodes.get(node.type)
        if not known:
            return None
        older = [each for each in known if min(each[1].versions) <= node.version]
        exact = [each for each in known if node.version in each[1].versions]
        return (exact or [max(older, key=lambda each: max(each[1].versions))] if exact or older else known)[0]

    def _look(self) -> None:
        stamp = self.stamp
        if stamp == self._stamp:
            return
        try:
            index = Index.model_validate_json((self.folder / INDEX).read_bytes()) if stamp else Index()
        except (OSError, ValidationError) as error:
            logger.warning("packages_not_read", folder=str(self.folder), reason=type(error).__name__)
            index = Index()
        nodes: dict[str, list[Any]] = {}
        for package in index.packages:
            for each in package.nodes:
                nodes.setdefault(each.type, []).append((package, each))
        self._stamp, self._index, self._nodes = stamp, index, nodes
