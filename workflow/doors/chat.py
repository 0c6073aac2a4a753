"""Chats that start workflows: who may, what a message becomes, and what is answered. Pure.

A public chat listens at `/webhook/<webhook id>/chat` as in n8n: `POST` with `action`, `sessionId` and `chatInput`, in JSON or, with files, as
a form. The answer is the first item of the last node, which an agent leaves as `{"output": …}`.
"""

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from bus.errors import InvalidRequest
from bus.messages.workflows import UploadedFile, WebhookCall
from workflow.core.effects import Respond
from workflow.core.execution import Execution, Status
from workflow.n8n.document import Node

CHAT: Final = "@n8n/n8n-nodes-langchain.chatTrigger"
MANUAL_CHAT: Final = "@n8n/n8n-nodes-langchain.manualChatTrigger"
SEND: Final = "sendMessage"
PREVIOUS: Final = "loadPreviousSession"
HOSTED: Final = "hostedChat"
_LINES: Final = {"content-type": "application/x-ndjson; charset=utf-8"}


def chat_json(given: Mapping[str, Any], session: str) -> dict[str, Any]:
    """A message as the chat gives it, with `session` where it names none; all else that was sent stays beside it."""
    return {"sessionId": given.get("sessionId") or session, "action": given.get("action") or SEND, **_others(given)}


def _others(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("sessionId", "action")}


def is_public(node: Node) -> bool:
    return node.parameters.get("public") is True


def difference(node: Node) -> str | None:
    """What of a public chat is not as in n8n."""
    if is_public(node) and mode_of(node) == "streaming":
        return "answers in the lines of a stream, all of them at the end"
    return None


def chat_path(node: Node) -> str:
    return f"{node.webhook_id or node.id}/chat".strip("/")


def mode_of(node: Node) -> str:
    """`lastNode`, `responseNode` or `streaming`."""
    found = str(node.options.get("responseMode") or node.parameters.get("responseMode") or "lastNode")
    return "responseNode" if found == "responseNodes" else found


def shows_page(node: Node, call: WebhookCall) -> bool:
    """A chat of one's own has no page, and is asked by GET only with an action."""
    return call.method in ("GET", "HEAD") and "action" not in call.query


def said(node: Node, call: WebhookCall) -> dict[str, Any]:
    """What a call says, refused where it is no message: InvalidRequest. What the address says counts where the body does not say it."""
    body = call.body if call.method == "POST" else call.query
    if not isinstance(body, dict):
        raise InvalidRequest('A chat takes a JSON object: {"action": "sendMessage", "sessionId": "…", "chatInput": "…"}.')
    asked = {name: call.query[name] for name in ("action", "sessionId") if name in call.query}
    given = {**asked, **body}
    if given.get("action", SEND) not in (SEND, PREVIOUS):
        raise InvalidRequest(f"A chat takes the actions {SEND} and {PREVIOUS}, and not {str(given['action'])[:100]!r}.")
    session = given.get("sessionId")
    if session is not None and (not isinstance(session, str | int) or isinstance(session, bool) or len(str(session)) > 255):
        raise InvalidRequest("The sessionId of a chat is a text of at most 255 characters.")
    _check_files(node, call.files)
    return given


def _check_files(node: Node, files: Sequence[UploadedFile]) -> None:
    if not files:
        return
    if node.options.get("allowFileUploads") is not True:
        raise InvalidRequest("This chat takes no files. Its Chat Trigger has an option that allows them.")
    wanted = str(node.options.get("allowedFilesMimeTypes") or "*")
    kinds = [each.strip().lower() for each in wanted.split(",") if each.strip()]
    for file in files:
        if "*" not in kinds and not any(fnmatchcase(file.mime_type.lower(), kind) for kind in kinds):
            raise InvalidRequest(f"This chat takes files of {wanted}, and {file.name!r} is {file.mime_type}.")


def item_of(given: Mapping[str, Any], session: str, binaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """A message's item; a file is `data0`, `data1`, … and is described in `files`."""
    item: dict[str, Any] = {"json": chat_json(given, session)}
    if binaries:
        keys = [f"data{number}" for number in range(len(binaries))]
        item["binary"] = {key: dict(binary) for key, binary in zip(keys, binaries, strict=True)}
        item["json"]["files"] = [
            {**{name: value for name, value in binary.items() if name != "data"}, "binaryKey": key}
            for key, binary in zip(keys, binaries, strict=True)
        ]
    return item


def reply(node: Node, execution: Execution, responses: Sequence[Respond]) -> Respond:
    mode = mode_of(node)
    if mode == "responseNode" and responses:
        return responses[0]
    failed = execution.status is not Status.SUCCESS
    if mode == "streaming":
        return _lines(node, execution, responses, failed=failed)
    if failed:
        return Respond(status=500, body={"message": "Error in workflow"})
    if mode == "responseNode":
        return Respond(body={"message": "Workflow executed successfully but the Respond to Webhook node was not reached"})
    items = execution.last_items()
    return Respond(body=items[0]["json"] if items else {"message": "No item to return got found"})


def _lines(node: Node, execution: Execution, responses: Sequence[Respond], *, failed: bool) -> Respond:
    """n8n's form of a stream, a JSON object a line; all of it comes at the end."""
    name = execution.last_node or node.name
    about = {"nodeName": name, "itemIndex": 0, "runIndex": 0, "timestamp": execution.ended_ms or execution.created_ms}
    items = execution.last_items()
    content = responses[0].body if responses else spoken(items[0]["json"]) if items else ""
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
    middle = {"type": "error", "content": "Error in workflow"} if failed else {"type": "item", "content": text}
    lines: list[dict[str, Any]] = [{"type": "begin"}, middle, {"type": "end"}]
    body = "".join(json.dumps({**line, "metadata": about}, ensure_ascii=False) + "\n" for line in lines)
    return Respond(headers=_LINES, body=body)


def spoken(answer: Any) -> Any:
    """What of an answer is said to a person, as n8n documents it: `output` or `text`, else all of it."""
    if isinstance(answer, dict):
        return next((answer[name] for name in ("output", "text") if name in answer), answer)
    return answer


def previous(messages: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Messages of a session in the form of LangChain, which n8n's chat reads."""
    return {"data": [_message(each) for each in messages]}


def _message(message: Mapping[str, Any]) -> dict[str, Any]:
    kind = "HumanMessage" if message.get("role") == "user" else "AIMessage"
    kwargs = {"content": message.get("content", ""), "additional_kwargs": {}, "response_metadata": {}}
    return {"lc": 1, "type": "constructor", "id": ["langchain_core", "messages", kind], "kwargs": kwargs}
