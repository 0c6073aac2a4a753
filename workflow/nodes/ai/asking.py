"""One question to a model: the task that it is, and the text of its answer."""

from collections.abc import Generator, Mapping, Sequence
from typing import Any, Final

from bus.errors import BackendRefused, UnsupportedByBackend
from workflow.core.effects import SubmitTask
from workflow.core.execution import Reply
from workflow.nodes.ai.models import Model
from workflow.nodes.contract import NodeCall, value_of

Message = Mapping[str, str]
Asking = Generator[SubmitTask, Reply, str]
Form = str | Mapping[str, Any]
"""`json`, or a JSON schema: what the answer is written by, where the backend can."""
_NO_FORM: Final = (UnsupportedByBackend.code, BackendRefused.code)
"""No host writes by a grammar, or none by this one."""


def task(
    call: NodeCall, model: Model, messages: Sequence[Message], session: str | None = None, form: Form | None = None
) -> SubmitTask:
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
    if form is not None:
        request["format"] = form if isinstance(form, str) else dict(form)
    model.budget.bound(request)
    return SubmitTask(request=request)


def ask(
    call: NodeCall, model: Model, messages: Sequence[Message], session: str | None = None, form: Form | None = None
) -> Asking:
    """The answer. Asked again without the form where that was refused: who reads it must bear another one. Raises what the task failed with,
    and where the model's budget is used up."""
    model.budget.require()
    reply = yield task(call, model, messages, session, form)
    if form is not None and reply.failure is not None and reply.failure.code in _NO_FORM:
        reply = yield task(call, model, messages, session)
    model.budget.require_time(reply.failure)
    record = value_of(reply)
    model.budget.spend(record)
    return text_of(record)


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
