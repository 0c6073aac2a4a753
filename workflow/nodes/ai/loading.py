"""Default Data Loader and text splitters: documents that a vector store is given, in pieces. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workflow.core.failure import NodeError
from workflow.nodes import binary
from workflow.nodes.ai.models import attached
from workflow.nodes.contract import NodeCall
from workflow.nodes.values import number_of, text_of

_SEPARATORS: Final = ("\n\n", "\n", " ", "")
_LETTERS_A_TOKEN: Final = 4


@dataclass(frozen=True, slots=True)
class Document:
    text: str
    metadata: Mapping[str, Any]


def documents(call: NodeCall, index: int) -> list[Document]:
    """Of one item, by the loader that is attached; raises NodeError without one."""
    found = call.helpers.get("ai_document")
    if not found:
        raise NodeError("A document loader must be connected and enabled", description="Attach a Default Data Loader")
    loader = call.of_helper(found[0])
    parameters = loader.scripts.parameters(loader, (index,))[0]
    about = {
        str(each.get("name", "")): text_of(each.get("value")) for each in parameters.get("options.metadata.metadataValues", [])
    }
    text = _text(call, parameters, index)
    return [Document(piece, about) for piece in split(text, *_sizes(loader, index)) if piece.strip()]


def _text(call: NodeCall, parameters: Any, index: int) -> str:
    item = call.items[index]
    if parameters.get("dataType", "json") == "binary":
        content, _ = binary.read(item, parameters.text("binaryDataKey", "data") or "data", index)
        return binary.decoded(content, "utf8")
    if parameters.get("jsonMode", "allInputData") == "expressionData":
        return text_of(parameters.get("jsonData", ""))
    return "\n".join(f"{name}: {text_of(value)}" for name, value in item["json"].items())


def _sizes(loader: NodeCall, index: int) -> tuple[int, int]:
    """Letters of a piece, and those that two neighbours share."""
    found = loader.helpers.get("ai_textSplitter")
    if not found:
        simple = loader.node.version >= 1.1 and loader.node.parameters.get("textSplittingMode", "simple") == "simple"
        return (1000, 200) if simple else (1000, 0)
    splitter = loader.of_helper(found[0])
    parameters = splitter.scripts.parameters(splitter, (index,))[0]
    size = int(number_of(parameters.get("chunkSize", 1000)) or 1000)
    shared = int(number_of(parameters.get("chunkOverlap", 0)) or 0)
    if size < 1 or not 0 <= shared < size:
        raise NodeError("The chunk overlap must be smaller than the chunk size")
    times = _LETTERS_A_TOKEN if splitter.node.short_type == "textSplitterTokenSplitter" else 1
    return size * times, shared * times


def split(text: str, size: int, shared: int = 0, separators: Sequence[str] = _SEPARATORS) -> list[str]:
    """Pieces of at most `size` letters that end at the strongest separator that allows it."""
    if len(text) <= size:
        return [text] if text else []
    separator, *rest = separators
    if not separator:
        step = size - shared
        return [text[at : at + size] for at in range(0, max(1, len(text) - shared), step)]
    parts = [piece for part in text.split(separator) if part for piece in split(part, size, shared, rest)]
    return _joined(parts, separator, size, shared)


def _joined(parts: Sequence[str], separator: str, size: int, shared: int) -> list[str]:
    made: list[str] = []
    current: list[str] = []
    for part in parts:
        if current and len(separator.join([*current, part])) > size:
            made.append(separator.join(current))
            while current and (len(separator.join(current)) > shared or len(separator.join([*current, part])) > size):
                current = current[1:]
        current = [*current, part]
    return [*made, separator.join(current)] if current else made


TYPES = (
    attached(
        "documentDefaultDataLoader",
        (1, 1.1),
        "ai_document",
        "An item is one document of its fields, and files are read as text",
    ),
    attached("textSplitterRecursiveCharacterTextSplitter", (1,), "ai_textSplitter"),
    attached("textSplitterCharacterTextSplitter", (1,), "ai_textSplitter"),
    attached("textSplitterTokenSplitter", (1,), "ai_textSplitter", "A token counts as four letters"),
)
