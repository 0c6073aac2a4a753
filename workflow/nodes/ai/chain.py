"""Basic LLM Chain, and the OpenAI node's message to a model: one question for each item."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from workflow.core.effects import SubmitTask
from workflow.core.execution import Reply
from workflow.core.failure import NodeError
from workflow.core.items import Item, Outputs, paired
from workflow.nodes.ai import parsing
from workflow.nodes.ai.asking import Message, ask, prompt_of
from workflow.nodes.ai.models import Model, model_of, read_model
from workflow.nodes.contract import EffectRun, NodeCall, NodeType, error_item

_ROLES: Final = {
    "SystemMessagePromptTemplate": "system",
    "HumanMessagePromptTemplate": "user",
    "AIMessagePromptTemplate": "assistant",
}
Made = Generator[SubmitTask, Reply, dict[str, Any]]


def run(call: NodeCall) -> EffectRun:
    return (yield from _for_each(call, _chain))


def run_open_ai(call: NodeCall) -> EffectRun:
    return (yield from _for_each(call, _message))


def _for_each(call: NodeCall, make: Any) -> EffectRun:
    made: list[Item] = []
    for index in range(len(call.items)):
        try:
            fields = yield from make(call, index)
            made.append({"json": fields, "pairedItem": paired(index)})
        except NodeError as error:
            error.item = index if error.item is None else error.item
            if not call.continues:
                raise
            made.append(error_item(error, index))
    outputs: Outputs = [made]
    return outputs


def _chain(call: NodeCall, index: int) -> Made:
    prompt = prompt_of(call, index)
    if not prompt:
        raise NodeError("No prompt specified", description="Expected to find the prompt in an input field called 'chatInput'")
    schema = parsing.schema_of(call, index)
    messages: list[Message] = []
    for each in call.each()[index].get("messages.messageValues", []):
        role = _ROLES.get(str(each.get("type", "SystemMessagePromptTemplate")), "user")
        messages.append({"role": role, "content": str(each.get("message", ""))})
    messages.append({"role": "user", "content": prompt})
    model = model_of(call, index)
    if schema is None:
        text = yield from ask(call, model, messages)
        return {"response": {"text": text}} if call.node.version < 1.1 else {"text": text}
    return {"output": (yield from ask_structured(call, model, messages, schema))}


def ask_structured(
    call: NodeCall, model: Model, messages: Sequence[Message], schema: Mapping[str, Any]
) -> Generator[SubmitTask, Reply, Any]:
    """Written by the schema where a host can. Asked once more, with what was wrong, where the answer does not fit all the same."""
    asked = [*messages, {"role": "system", "content": parsing.instructions(schema)}]
    text = yield from ask(call, model, asked, form=schema or None)
    try:
        return parsing.read(text, schema)
    except NodeError as error:
        wrong = f"That does not fit: {error.description}. Answer again with the JSON alone."
        again = [*asked, {"role": "assistant", "content": text or "…"}, {"role": "user", "content": wrong}]
    return parsing.read((yield from ask(call, model, again, form=schema or None)), schema)


def _message(call: NodeCall, index: int) -> Made:
    parameters = call.each()[index]
    resource, operation = parameters.get("resource", "text"), parameters.get("operation", "message")
    if (resource, operation) not in (("text", "message"), ("text", "response"), ("chat", "complete")):
        raise NodeError(f"The operation {resource}: {operation} is not run here: only messages to a model are")
    messages = [
        {"role": str(each.get("role", "user")), "content": str(each.get("content", ""))}
        for each in parameters.get("messages.values", parameters.get("prompt.messages", parameters.get("responses.values", [])))
    ]
    if not messages:
        raise NodeError("No message is specified")
    structured = parameters.get("jsonOutput") is True
    if structured:
        messages.append({"role": "system", "content": "Answer with one JSON object and nothing else."})
    text = yield from ask(call, read_model(call, parameters), messages, form="json" if structured else None)
    content: Any = parsing.first_json(text) if structured else text
    message = {"role": "assistant", "content": text if content is None else content}
    if parameters.get("simplify", parameters.get("simplifyOutput", True)) is False:
        return {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    return {"index": 0, "message": message, "finish_reason": "stop"}


_NOTE: Final = "A model of the hive answers, by the mapping of models"
TYPES = (
    NodeType(name="@n8n/n8n-nodes-langchain.chainLlm", versions=(1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7), run=run, effect=True),
    NodeType(
        name="@n8n/n8n-nodes-langchain.openAi",
        versions=(1, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8),
        run=run_open_ai,
        effect=True,
        note=f"{_NOTE}; only messages to a model are run, not assistants, images or audio",
    ),
    NodeType(name="n8n-nodes-base.openAi", versions=(1, 1.1), run=run_open_ai, effect=True, note=_NOTE),
)
