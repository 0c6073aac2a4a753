"""What a call from outside becomes at the node that it reaches: an item to start with, or an answer at once. Pure.

A webhook takes what comes. A chat and a form have pages, and refuse what is no message or no filled form before anything is stored.
"""

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from bus.errors import InvalidRequest, WebhookNotFound
from bus.messages.workflows import UploadedFile, WebhookCall, WebhookReply
from workflow.core.effects import Respond
from workflow.core.execution import Execution
from workflow.doors import chat, forms
from workflow.doors.chat_page import chat_page
from workflow.doors.form_page import answer_page, form_page, told_page
from workflow.doors.origins import origin_headers
from workflow.doors.webhook_reply import mode_of as webhook_mode
from workflow.doors.webhook_reply import reply
from workflow.doors.webhooks import item_of, not_registered, reply_of
from workflow.n8n.document import Node
from workflow.nodes import binary


def entered(
    node: Node, call: WebhookCall, parameters: Mapping[str, str], base_url: str, zone: str
) -> dict[str, Any] | WebhookReply:
    """InvalidRequest, WebhookNotFound. `zone`: of the workflow."""
    if node.type == chat.CHAT:
        return _chat(node, call)
    if node.type == forms.FORM:
        return _form(node, call, zone)
    if forms.is_bot(node, call):
        return WebhookReply(
            status=403, headers={"www-authenticate": 'Basic realm="Webhook"'}, body="Authorization data is wrong!"
        )
    return item_of(node, call, parameters, base_url, test=call.test)


def shows_texts(node: Node, call: WebhookCall) -> bool:
    """Whether what the node says is read for this call; a form's fields are looked at when it was filled in, too."""
    return node.type == forms.FORM or (node.type == chat.CHAT and chat.shows_page(node, call))


def _chat(node: Node, call: WebhookCall) -> dict[str, Any] | WebhookReply:
    if chat.shows_page(node, call):
        if node.parameters.get("mode", chat.HOSTED) != chat.HOSTED:
            raise not_registered(call)
        return chat_page(node)
    given = chat.said(node, call)
    return chat.item_of(given, uuid4().hex, [_binary(file) for file in call.files])


def _form(node: Node, call: WebhookCall, zone: str) -> dict[str, Any] | WebhookReply:
    if forms.is_bot(node, call):
        raise WebhookNotFound("This form is not for programs that look at pages.")
    if call.method != "POST":
        return form_page(node, call)
    own = node.options.get("useWorkflowTimezone") is True
    return form_item(node, call, zone if own else "UTC", test=call.test)


def form_item(node: Node, call: WebhookCall, zone: str, *, test: bool, mark: str = "") -> dict[str, Any] | WebhookReply:
    """What was filled in, or the form again with what is wrong. `mark`: of a page among several. InvalidRequest."""
    found = forms.filled(forms.fields_of(node), call)
    if found.problems:
        return _refused(node, call, found.problems, mark)
    binaries = {name: _binary(file) for name, file in found.files.items()}
    return forms.item_of(found, binaries, datetime.now(UTC), zone, test=test)


def _refused(node: Node, call: WebhookCall, problems: Mapping[str, str], mark: str) -> WebhookReply:
    """A person gets the form again, with what is wrong where it is wrong; a program a problem."""
    if "text/html" in call.headers.get("accept", ""):
        return form_page(node, call, problems, mark)
    labels = {field.name: field.label for field in forms.fields_of(node)}
    raise InvalidRequest(" ".join(f"{labels[name] or name}: {problem}" for name, problem in problems.items()))


def _binary(file: UploadedFile) -> dict[str, Any]:
    return binary.make(base64.b64decode(file.data), name=file.name, mime_type=file.mime_type)


def at_once(node: Node) -> bool:
    """Whether who calls is answered before anything runs."""
    if node.type == chat.CHAT:
        return False
    return (forms.mode_of(node) if node.type == forms.FORM else webhook_mode(node)) == "onReceived"


def answer(node: Node, execution: Execution, responses: Sequence[Respond]) -> WebhookReply:
    if node.type == chat.CHAT:
        return reply_of(chat.reply(node, execution, responses))
    if node.type != forms.FORM:
        return reply_of(reply(node, execution, responses))
    if forms.mode_of(node) == "responseNode" and responses:
        return reply_of(responses[0])
    return answer_page(node, None if at_once(node) else execution)


def late(node: Node, text: str, execution_id: str) -> WebhookReply:
    """For who is let go of before the workflow answered."""
    if node.type == forms.FORM:
        return told_page(node, "Still at work", text, status=504)
    return WebhookReply(status=504, body={"message": text, "executionId": execution_id})


def with_origin(node: Node, call: WebhookCall, given: WebhookReply) -> WebhookReply:
    """What lets pages of other sites read the answer of a chat or a webhook; what the workflow itself says of that stands."""
    said = {name.lower() for name in given.headers}
    added = {name: value for name, value in origin_headers(node, call).items() if name not in said}
    return given.model_copy(update={"headers": {**given.headers, **added}})
