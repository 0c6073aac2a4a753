"""The inputs and outputs of a node as the canvas draws them, by name, and a node as the palette makes it. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bus.messages import Message
from bus.messages.node_types import NodeGroup, NodeTypeRecord
from gui.workflows.credentials import wanted
from gui.workflows.document import MAIN, STICKY, Link


class Port(Message):
    type: str = MAIN
    index: int = 0
    label: str = ""


class Ports(Message):
    """What the canvas knows of a node beyond the document."""

    group: NodeGroup | None = None
    known: bool = True
    trigger: bool = False
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    credentials: tuple[str, ...] = ()
    """Types that its form lets somebody choose."""


Types = Mapping[str, NodeTypeRecord]

_NAMED_OUTPUTS: Final[dict[str, tuple[str, ...]]] = {
    "if": ("true", "false"),
    "filter": ("kept", "discarded"),
    "splitInBatches": ("done", "loop"),
    "compareDatasets": ("in A only", "same", "different", "in B only"),
    "removeDuplicates": ("kept", "discarded"),
}
_HELPERS: Final[dict[str, tuple[str, ...]]] = {
    "agent": ("ai_languageModel", "ai_memory", "ai_tool", "ai_outputParser"),
    "chainLlm": ("ai_languageModel", "ai_outputParser"),
    "chainSummarization": ("ai_languageModel", "ai_document", "ai_textSplitter"),
    "informationExtractor": ("ai_languageModel",),
    "textClassifier": ("ai_languageModel",),
    "sentimentAnalysis": ("ai_languageModel",),
    "vectorStoreInMemory": ("ai_embedding", "ai_document"),
    "documentDefaultDataLoader": ("ai_textSplitter",),
    "outputParserAutofixing": ("ai_languageModel", "ai_outputParser"),
}
"""What can be attached to a node, as n8n's documentation names the connections of its cluster nodes."""
_HELPER_WORDS: Final = {
    "ai_languageModel": "Model",
    "ai_memory": "Memory",
    "ai_tool": "Tool",
    "ai_outputParser": "Parser",
    "ai_embedding": "Embedding",
    "ai_document": "Document",
    "ai_textSplitter": "Splitter",
    "ai_vectorStore": "Vector store",
    "ai_retriever": "Retriever",
}


def ports_of(node: Mapping[str, Any], types: Types, links: Sequence[Link]) -> Ports:
    """What its type has, and what connections use beyond that: nothing that is connected is without its place."""
    kind, name = types.get(str(node.get("type"))), node["name"]
    used_in = {(link.target_type, link.input) for link in links if link.target == name}
    used_out = {(link.type, link.output) for link in links if link.source == name}
    trigger = kind.group is NodeGroup.TRIGGER if kind else str(node.get("type", "")).lower().endswith("trigger")
    return Ports(
        group=kind.group if kind else None,
        known=kind is not None or node.get("type") == STICKY,
        trigger=trigger,
        inputs=() if node.get("type") == STICKY else _inputs(node, kind, trigger, used_in),
        outputs=() if node.get("type") == STICKY else _outputs(node, kind, used_out),
        credentials=wanted(node),
    )


def _short(node: Mapping[str, Any]) -> str:
    return str(node.get("type", "")).rpartition(".")[2]


def _inputs(
    node: Mapping[str, Any], kind: NodeTypeRecord | None, trigger: bool, used: set[tuple[str, int]]
) -> tuple[Port, ...]:
    short, parameters = _short(node), _parameters(node)
    count = 0 if trigger else 1
    if kind is not None and kind.inputs is not None:
        count = kind.inputs
    elif short == "merge":
        count = _number(parameters.get("numberInputs"), 2)
    count = max([count, *(index + 1 for type_, index in used if type_ == MAIN)])
    labels = [f"Input {number + 1}" if count > 1 else "" for number in range(count)]
    if short == "compareDatasets":
        labels[:2] = ["Input A", "Input B"]
    helpers = dict.fromkeys((*_HELPERS.get(short, ()), *sorted(type_ for type_, _ in used if type_ != MAIN)))
    main = [Port(index=index, label=label) for index, label in enumerate(labels)]
    return (*main, *(Port(type=each, label=_HELPER_WORDS.get(each, each.removeprefix("ai_"))) for each in helpers))


def _outputs(node: Mapping[str, Any], kind: NodeTypeRecord | None, used: set[tuple[str, int]]) -> tuple[Port, ...]:
    if kind is not None and kind.helper is not None:
        return (Port(type=kind.helper),)
    attached = sorted(type_ for type_, _ in used if type_ != MAIN)
    if attached and kind is None:
        return tuple(Port(type=each) for each in dict.fromkeys(attached))
    labels = output_labels(node, kind)
    if node.get("onError") == "continueErrorOutput":
        labels = [*(labels if len(labels) > 1 else ["success"]), "error"]
    most = max((index + 1 for type_, index in used if type_ == MAIN), default=0)
    labels += [f"Output {number + 1}" for number in range(len(labels), most)]
    return tuple(Port(index=index, label=label) for index, label in enumerate(labels))


def output_labels(node: Mapping[str, Any], kind: NodeTypeRecord | None) -> list[str]:
    """Of its main outputs, without the one for errors. An only one has no name."""
    short, parameters, version = _short(node), _parameters(node), node.get("typeVersion", 1)
    if short == "switch":
        return _switch(parameters, version)
    if short == "textClassifier":
        found = _values(parameters, "categories", "categories")
        labels = [str(each.get("category") or f"Category {number + 1}") for number, each in enumerate(found)]
        return labels + (["Other"] if (parameters.get("options") or {}).get("fallback") == "other" else []) or [""]
    if short == "sentimentAnalysis":
        given = str((parameters.get("options") or {}).get("categories") or "Positive, Neutral, Negative")
        return [each.strip() for each in given.split(",") if each.strip()] or [""]
    if short in ("splitInBatches", "removeDuplicates") and not _two(short, parameters, version):
        return [""]
    count = kind.outputs if kind is not None and kind.outputs is not None else len(_NAMED_OUTPUTS.get(short, ("",)))
    named = _NAMED_OUTPUTS.get(short, ())
    return [named[number] if number < len(named) else ("" if count == 1 else str(number)) for number in range(count)]


def _two(short: str, parameters: Mapping[str, Any], version: Any) -> bool:
    if short == "splitInBatches":
        return float(version) >= 3 or float(version) == 2
    return parameters.get("operation") == "removeItemsSeenInPreviousExecutions"


def _switch(parameters: Mapping[str, Any], version: Any) -> list[str]:
    if parameters.get("mode") == "expression":
        return [str(n) for n in range(_number(parameters.get("numberOutputs", parameters.get("outputsAmount")), 4))]
    if float(version) < 2:
        return ["0", "1", "2", "3"]
    rules = _values(parameters, "rules", "values") or _values(parameters, "rules", "rules")
    labels = [str(rule.get("outputKey") or number) for number, rule in enumerate(rules)] or ["0"]
    options = parameters.get("options") or {}
    extra = "extra" in (options.get("fallbackOutput"), parameters.get("fallbackOutput"))
    return [*labels, str(options.get("renameFallbackOutput") or "fallback")] if extra else labels


def _values(parameters: Mapping[str, Any], outer: str, inner: str) -> list[Mapping[str, Any]]:
    found = (parameters.get(outer) or {}).get(inner) if isinstance(parameters.get(outer), Mapping) else None
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _parameters(node: Mapping[str, Any]) -> Mapping[str, Any]:
    found = node.get("parameters")
    return found if isinstance(found, Mapping) else {}


def _number(value: Any, otherwise: int) -> int:
    try:
        return min(64, max(1, int(value)))
    except (TypeError, ValueError):
        return otherwise


_TITLES: Final = {
    "if": "If",
    "set": "Edit Fields",
    "noOp": "No Operation",
    "splitInBatches": "Loop Over Items",
    "manualTrigger": "When clicking ‘Execute workflow’",
    "httpRequest": "HTTP Request",
    "httpRequestTool": "HTTP Request Tool",
    "chainLlm": "Basic LLM Chain",
    "agent": "AI Agent",
    "xml": "XML",
    "html": "HTML",
    "jwt": "JWT",
    "rssFeedRead": "RSS Read",
    "stickyNote": "Sticky Note",
    "lmChatOllama": "Ollama Chat Model",
    "mcpClientTool": "MCP Client Tool",
}


def title_of(type_name: str) -> str:
    """As a person calls it: `Split Out` for `n8n-nodes-base.splitOut`."""
    short = type_name.rpartition(".")[2]
    words = "".join(f" {letter}" if letter.isupper() and place else letter for place, letter in enumerate(short))
    return _TITLES.get(short) or words[:1].upper() + words[1:]


def new_node(kind: NodeTypeRecord, position: Sequence[float]) -> dict[str, Any]:
    """In its newest version. Its name may be taken: `with_node` finds a free one."""
    version = kind.versions[-1]
    return {
        "parameters": {"content": "## A note"} if kind.name == STICKY else {},
        "type": kind.name,
        "typeVersion": int(version) if version == int(version) else version,
        "position": [round(position[0]), round(position[1])],
        "name": kind.title or title_of(kind.name),
    }
