"""Information Extractor, Text Classifier, Sentiment Analysis and Summarization: one structured question for each item."""

from collections.abc import Generator
from typing import Any, Final

from workflow.core.effects import SubmitTask
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.expressions.parameters import Parameters
from workflow.n8n.document import Node
from workflow.nodes.ai import parsing
from workflow.nodes.ai.asking import Message, ask
from workflow.nodes.ai.chain import ask_structured
from workflow.nodes.ai.models import model_of
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item
from workflow.nodes.values import names_in

_PREFIX: Final = "@n8n/n8n-nodes-langchain."
_CHUNK_LETTERS: Final = 12_000
"""Of a text that is summed up at once; a longer one is summed up in pieces first."""
Structured = Generator[SubmitTask, Reply, Any]


def _asked(call: NodeCall, index: int, system: str, text: str, schema: dict[str, Any]) -> Structured:
    messages: list[Message] = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return (yield from ask_structured(call, model_of(call, index), messages, schema))


def run_extractor(call: NodeCall) -> EffectRun:
    made: list[Item] = []
    for index in range(len(call.items)):
        parameters = call.each()[index]
        system = parameters.text("options.systemPromptTemplate") or (
            "You extract information from the text. Leave out what the text does not say."
        )
        try:
            found = yield from _asked(call, index, system, parameters.text("text"), _wanted(parameters))
            made.append({"json": {"output": found}, "pairedItem": paired(index)})
        except NodeError as error:
            made.append(_failed(call, error, index))
    outputs: Outputs = [made]
    return outputs


def _wanted(parameters: Parameters) -> dict[str, Any]:
    if parameters.get("schemaType", "fromAttributes") != "fromAttributes":
        return parsing.schema_from(parameters)
    fields = parameters.get("attributes.attributes", [])
    if not fields:
        raise NodeError("At least one attribute must be specified")
    properties = {
        str(each.get("name", "")): {
            "type": {"date": "string"}.get(str(each.get("type", "string")), str(each.get("type", "string"))),
            "description": str(each.get("description", "")),
        }
        for each in fields
    }
    required = [str(each.get("name", "")) for each in fields if each.get("required") is True]
    return {"type": "object", "properties": properties, "required": required}


def run_classifier(call: NodeCall) -> EffectRun:
    """Items go to the output of their category; `other` is one more, where the node has it."""
    outputs: list[list[Item]] = [[] for _ in range(classifier_outputs(call.node))]
    for index, item in enumerate(call.items):
        parameters = call.each()[index]
        names = [str(each.get("category", "")) for each in parameters.get("categories.categories", [])]
        if not names:
            raise NodeError("At least one category must be defined")
        try:
            found = yield from _classified(call, index, parameters, names)
        except NodeError as error:
            outputs[0].append(_failed(call, error, index))
            continue
        for name in found:
            outputs[names.index(name)].append(item)
        if not found and len(outputs) > len(names):
            outputs[len(names)].append(item)
    return outputs


def _classified(
    call: NodeCall, index: int, parameters: Parameters, names: list[str]
) -> Generator[SubmitTask, Reply, list[str]]:
    several = parameters.get("options.multiClass") is True
    lines = "\n".join(
        f"- {each.get('category')}: {each.get('description', '')}" for each in parameters.get("categories.categories")
    )
    count = "all categories that fit" if several else "the one category that fits best"
    system = f"You sort the text into categories. Name {count}; an empty list where none fits.\n{lines}"
    schema = {
        "type": "object",
        "properties": {"categories": {"type": "array", "items": {"type": "string", "enum": names}}},
        "required": ["categories"],
    }
    found = yield from _asked(call, index, system, parameters.text("inputText"), schema)
    chosen = list(dict.fromkeys(found["categories"]))
    return chosen if several else chosen[:1]


def classifier_outputs(node: Node) -> int:
    count = len((node.parameters.get("categories") or {}).get("categories") or [])
    return max(1, count + ((node.parameters.get("options") or {}).get("fallback") == "other"))


def _sentiments(options: Any) -> list[str]:
    return names_in((options or {}).get("categories") or "Positive, Neutral, Negative")


def run_sentiment(call: NodeCall) -> EffectRun:
    outputs: list[list[Item]] = [[] for _ in range(sentiment_outputs(call.node))]
    for index, item in enumerate(call.items):
        parameters = call.each()[index]
        names = _sentiments(parameters.get("options"))
        schema = {"type": "object", "properties": {"sentiment": {"type": "string", "enum": names}}, "required": ["sentiment"]}
        system = parameters.text("options.systemPromptTemplate") or f"You judge the sentiment of the text: {', '.join(names)}."
        try:
            found = yield from _asked(call, index, system, parameters.text("inputText"), schema)
        except NodeError as error:
            outputs[0].append(_failed(call, error, index))
            continue
        judged = {"sentimentAnalysis": {"category": found["sentiment"]}}
        outputs[names.index(found["sentiment"])].append(
            {**item, "json": {**item["json"], **judged}, "pairedItem": paired(index)}
        )
    return outputs


def sentiment_outputs(node: Node) -> int:
    return max(1, len(_sentiments(node.parameters.get("options"))))


def run_summary(call: NodeCall) -> EffectRun:
    made: list[Item] = []
    for index, item in enumerate(call.items):
        text = item["json"].get("text")
        try:
            summary = yield from _summed(call, index, text if isinstance(text, str) else parsing.plain(item["json"]))
            fields: dict[str, Any] = (
                {"response": {"text": summary}} if call.node.version < 2.1 else {"output": {"text": summary}}
            )
            made.append({"json": fields, "pairedItem": paired(index)})
        except NodeError as error:
            made.append(_failed(call, error, index))
    outputs: Outputs = [made]
    return outputs


def _summed(call: NodeCall, index: int, text: str) -> Generator[SubmitTask, Reply, str]:
    model = model_of(call, index)
    while len(text) > _CHUNK_LETTERS:
        pieces = [text[start : start + _CHUNK_LETTERS] for start in range(0, len(text), _CHUNK_LETTERS)]
        shorter: list[str] = []
        for piece in pieces:
            shorter.append(
                (yield from ask(call, model, [{"role": "user", "content": f"Write a concise summary of this:\n\n{piece}"}]))
            )
        joined = "\n\n".join(shorter)
        if len(joined) >= len(text):
            raise NodeError("The model's summaries are as long as the text")
        text = joined
    return (yield from ask(call, model, [{"role": "user", "content": f"Write a concise summary of this:\n\n{text}"}]))


def _failed(call: NodeCall, error: NodeError, index: int) -> Item:
    error.item = index if error.item is None else error.item
    if not call.continues:
        raise error
    return error_item(error, index)


TYPES = (
    NodeType(name=f"{_PREFIX}informationExtractor", versions=(1, 1.1, 1.2), run=run_extractor, effect=True),
    NodeType(name=f"{_PREFIX}textClassifier", versions=(1, 1.1), run=run_classifier, outputs=classifier_outputs, effect=True),
    NodeType(name=f"{_PREFIX}sentimentAnalysis", versions=(1, 1.1), run=run_sentiment, outputs=sentiment_outputs, effect=True),
    NodeType(
        name=f"{_PREFIX}chainSummarization",
        versions=(1, 2, 2.1),
        run=run_summary,
        effect=True,
        note="It sums up the items; document loaders and text splitters attached to it are not used",
    ),
)
