"""Which node a call reaches, and what item the call becomes: pure."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from bus.errors import InvalidWorkflow, WebhookNotFound
from bus.messages.workflows import Door, WebhookCall, WebhookReply
from workflow.core.effects import Respond
from workflow.credentials.needed import ASKED_OF_CALLERS, asked_of_callers
from workflow.doors.chat import CHAT, chat_path, is_public
from workflow.doors.forms import FORM, form_path, require_form
from workflow.doors.webhook_heard import OUTPUT, heard_item, methods_of
from workflow.n8n.document import Node, Workflow

WEBHOOK: Final = "n8n-nodes-base.webhook"


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path of a node. `path` without slashes around it; a part that begins with `:` takes any one part."""

    method: str
    path: str
    workflow_id: UUID
    node: str
    version: int = 0

    @property
    def parts(self) -> Sequence[str]:
        return self.path.split("/")


def routes_of(workflow_id: UUID, workflow: Workflow, *, test: bool = False) -> list[Route]:
    """`test`: also chats that are not public."""
    return [
        Route(method, path, workflow_id, node.name)
        for node in workflow.nodes
        if not node.disabled
        for method, path in _addresses(node, test=test)
    ]


def _addresses(node: Node, *, test: bool) -> Iterable[tuple[str, str]]:
    if node.type == WEBHOOK:
        return [(method, path_of(node)) for method in methods_of(node)]
    if node.type == CHAT and (test or is_public(node)):
        return [(method, chat_path(node)) for method in ("GET", "POST")]
    return [(method, form_path(node)) for method in ("GET", "POST")] if node.type == FORM else []


def door_of(node: Node) -> Door:
    return Door.FORM if node.type == FORM else Door.WEBHOOK


def path_of(node: Node) -> str:
    """As n8n has it: a path with parameters stands behind the node's own id, another by itself."""
    path = str(node.parameters.get("path") or node.webhook_id or node.id).strip("/")
    return f"{node.webhook_id}/{path}" if ":" in path and node.webhook_id else path


class Table:
    """All routes of active workflows."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._fixed: dict[tuple[str, str], Route] = {}
        self._patterns: list[Route] = []
        for route in routes:
            if any(part.startswith(":") for part in route.parts):
                self._patterns.append(route)
            else:
                self._fixed[route.method, route.path] = route

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route, and what its parameters are. A fixed path comes before a pattern. HEAD is answered as GET."""
        path = path.strip("/")
        for asked in (method, "GET") if method == "HEAD" else (method,):
            if (route := self._fixed.get((asked, path))) is not None:
                return route, {}
            for route in self._patterns:
                if route.method == asked and (parameters := _match(route.parts, path.split("/"))) is not None:
                    return route, parameters
        return None


def _match(pattern: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    found = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith(":"):
            found[wanted[1:]] = part
        elif wanted != part:
            return None
    return found


def not_registered(call: WebhookCall) -> WebhookNotFound:
    return WebhookNotFound(
        f'The requested webhook "{call.method} {call.path}" is not registered. '
        "Activate the workflow, and check path and method of its Webhook, Chat Trigger (which must be public) or Form Trigger."
    )


def require_checkable(node: Node) -> None:
    """InvalidWorkflow for a node that asks for something of its callers that could not be checked, so that nobody would get in, and for
    a form that is none."""
    if node.type == FORM:
        require_form(node)
    kind = asked_of_callers(node)
    if kind is None:
        return
    if kind not in ASKED_OF_CALLERS:
        raise InvalidWorkflow(
            f"{node.name!r} asks its callers for {kind}, which Hive cannot check. Choose another authentication."
        )
    if ASKED_OF_CALLERS[kind] not in node.credentials:
        raise InvalidWorkflow(
            f"{node.name!r} asks its callers for {kind} and names no credential to compare with. Choose one in the node."
        )


def item_of(
    node: Node, call: WebhookCall, parameters: Mapping[str, str], base_url: str, *, test: bool = False
) -> dict[str, Any]:
    """InvalidRequest for a body that is not what it says. Of several methods the item says by which output it leaves."""
    item = heard_item(node, call)
    prefix = "webhook-test" if test else "webhook"
    url = f"{base_url}/{prefix}/{path_of(node)}"
    item["json"] |= {"params": dict(parameters), "webhookUrl": url, "executionMode": "test" if test else "production"}
    methods = methods_of(node)
    return {**item, OUTPUT: methods.index(call.method)} if len(methods) > 1 and call.method in methods else item


def reply_of(respond: Respond) -> WebhookReply:
    headers = dict(respond.headers)
    if respond.binary is None:
        return WebhookReply(status=respond.status, headers=headers, body=respond.body)
    kind = respond.binary.get("mimeType")
    if all(name.lower() != "content-type" for name in headers):
        headers["content-type"] = str(kind or "application/octet-stream")
    data = respond.binary.get("data")
    return WebhookReply(
        status=respond.status,
        headers=headers,
        body_base64=data if isinstance(data, str) else base64.b64encode(b"").decode(),
    )
