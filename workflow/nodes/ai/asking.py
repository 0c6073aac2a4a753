"""One question to a model: the task that it is, and the text of its answer."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any

from workflow.effects import SubmitTask
from workflow.execution import Reply
from workflow.nodes.ai.models import Model
from workflow.nodes.contract import NodeCall, value_of

Message = Mapping[str, str]
Asking = Generator[SubmitTask, Reply, str]


def task(call: NodeCall, model: Model, messages: Sequence[Message], session: str | None = None) -> SubmitTask:
    request: dict[str, Any] = {
        "messages": [dict(message) for message in messages],
        "options": dict(model.options),
        "title": f"{call.graph.workflow.name}: {call.node.name}"[:255],
        "metadata": {"workflow_id": call.graph.workflow.id, "execution_id": call.execution.id, "node": call.node.name},
    }
    if model.name:
        request["model"] = model.name
    if session:
        request["session"] = session[:255]
    return SubmitTask(request=request)


def ask(call: NodeCall, model: Model, messages: Sequence[Message], session: str | None = None) -> Asking:
    """The answer. Raises what the task failed with."""
    return text_of(value_of((yield task(call, model, messages, session))))


def text_of(record: Mapping[str, Any]) -> str:
    """Of an ended task."""
    output = record.get("output") or {}
    return str(output.get("text", "") if isinstance(output, Mapping) else output)


def prompt_of(call: NodeCall, index: int) -> str:
    """The node's text: what a chat trigger gave, or what is defined in it. Older versions have one field for both."""
    parameters = call.each()[index]
    if parameters.raw("promptType") == "define":
        return parameters.text("text")
    json = call.items[index]["json"]
    older = parameters.get("prompt", parameters.get("text"))
    if isinstance(older, str) and older and parameters.raw("promptType") is None:
        return older
    found = json.get("chatInput", json.get("chat_input", json.get("input", json.get("guardrailsInput"))))
    return found if isinstance(found, str) else ""
