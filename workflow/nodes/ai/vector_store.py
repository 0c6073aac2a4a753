"""Simple Vector Store: documents are added to it, looked for by a prompt, or looked for by an agent. They are in the hive's database, by owner."""

from collections.abc import Generator
from typing import Any, Final

from workflow.core.effects import HandleDocuments
from workflow.core.failure import NodeError
from workflow.core.items import Item, paired
from workflow.expressions.parameters import Parameters
from workflow.nodes.ai.embedding import vectors
from workflow.nodes.ai.loading import Document, documents
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item, value_of
from workflow.nodes.values import json_text, number_of

Asking = Generator[Any, Any, Any]


def run(call: NodeCall) -> EffectRun:
    mode = call.node.parameters.get("mode", "retrieve")
    if mode == "insert":
        return [(yield from _inserted(call))]
    if mode != "load":
        raise NodeError(f"{call.node.name!r} is attached to a node in the mode {mode!r}, and does nothing by itself")
    made: list[Item] = []
    for index in range(len(call.items)):
        try:
            found = yield from _found(call, call.each()[index], call.each()[index].text("prompt"))
            made.extend(_loaded(each, index) for each in found)
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    return [made]


def _inserted(call: NodeCall) -> Asking:
    """All items' documents in one addition."""
    given = [(index, each) for index in range(len(call.items)) for each in documents(call, index)]
    packed = yield from vectors(call, [each.text for _, each in given])
    parameters = call.once()
    clears = parameters.get("clearStore") is True
    if given or clears:
        effect = HandleDocuments(
            operation="add",
            store=_store(parameters),
            texts=[each.text for _, each in given],
            metadata=[dict(each.metadata) for _, each in given],
            vectors=packed,
            clear=clears,
        )
        value_of((yield effect))
    return [_inserted_item(each, index) for index, each in given]


def _inserted_item(document: Document, index: int) -> Item:
    return {"json": {"metadata": dict(document.metadata), "pageContent": document.text}, "pairedItem": paired(index)}


def _loaded(found: Any, index: int) -> Item:
    document = {"metadata": found["metadata"], "pageContent": found["text"]}
    return {"json": {"document": document, "score": found["score"]}, "pairedItem": paired(index)}


def _found(call: NodeCall, parameters: Parameters, prompt: str) -> Asking:
    if not prompt:
        raise NodeError("The prompt is empty")
    packed = yield from vectors(call, [prompt])
    top = max(1, int(number_of(parameters.get("topK", 4)) or 4))
    return value_of((yield HandleDocuments(operation="search", store=_store(parameters), vectors=packed, top=top)))


def _store(parameters: Parameters) -> str:
    given = parameters.get("memoryKey", "vector_store_key")
    return str((given.get("value") if isinstance(given, dict) else given) or "vector_store_key").replace("\x00", "")


def use(call: NodeCall, index: int, query: str) -> Asking:
    """As an agent's tool: the nearest texts."""
    parameters = call.scripts.parameters(call, (index,))[0]
    found = yield from _found(call, parameters, query)
    with_metadata = parameters.get("includeDocumentMetadata", True) is not False
    return json_text(
        [{"pageContent": each["text"], **({"metadata": each["metadata"]} if with_metadata else {})} for each in found]
    )


_NOTE: Final = "Documents are kept in the hive's database, by owner; as a retriever of a chain it is not used"
TYPES = (
    NodeType(
        name="@n8n/n8n-nodes-langchain.vectorStoreInMemory",
        versions=(1, 1.1, 1.2, 1.3),
        run=run,
        effect=True,
        note=_NOTE,
    ),
)
