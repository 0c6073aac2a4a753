"""The types of nodes as the bus lists them. Pure."""

from collections.abc import Iterable
from typing import Final

from bus.messages.node_types import NodeGroup, NodeTypeList, NodeTypeRecord
from workflow.nodes.contract import NodeType

_FLOW: Final = frozenset(
    {
        "compareDatasets",
        "executeWorkflow",
        "filter",
        "if",
        "merge",
        "noOp",
        "respondToWebhook",
        "splitInBatches",
        "stopAndError",
        "switch",
        "wait",
    }
)
_ACTION: Final = frozenset(
    {"emailSend", "form", "httpRequest", "openAi", "postgres", "publishEvent", "readWriteFile", "redis", "rssFeedRead"}
)


def listed(types: Iterable[NodeType]) -> NodeTypeList:
    return NodeTypeList(types=tuple(sorted((_record(kind) for kind in types), key=lambda record: record.name)))


def _record(kind: NodeType) -> NodeTypeRecord:
    return NodeTypeRecord(
        name=kind.name,
        versions=tuple(sorted(kind.versions)),
        group=_group(kind),
        inputs=kind.inputs if isinstance(kind.inputs, int) else None,
        outputs=kind.outputs if isinstance(kind.outputs, int) else None,
        helper=kind.helper,
        note=kind.note,
    )


def _group(kind: NodeType) -> NodeGroup:
    package, _, short = kind.name.rpartition(".")
    if kind.trigger:
        return NodeGroup.TRIGGER
    if kind.helper is not None:
        return NodeGroup.HELPER
    if package.endswith("langchain"):
        return NodeGroup.AI
    if short in _FLOW:
        return NodeGroup.FLOW
    return NodeGroup.ACTION if short in _ACTION else NodeGroup.DATA
