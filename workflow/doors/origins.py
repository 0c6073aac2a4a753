"""What lets pages of other sites call a workflow, and read what it answers: n8n's Allowed Origins. Pure.

A chat that says nothing lets all in, as in n8n. A webhook that says nothing lets none in: whoever can see a network's hive in a browser would
carry the calls of any site that they visit.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from bus.messages.workflows import WebhookCall
from workflow.doors.chat import CHAT
from workflow.doors.webhook_heard import methods_of
from workflow.doors.webhooks import WEBHOOK
from workflow.n8n.document import Node

_KEPT_SECONDS: Final = "300"
_CHAT_METHODS: Final = ("GET", "POST")


def origin_headers(node: Node, call: WebhookCall) -> Mapping[str, str]:
    """None where the node asks no browser to look."""
    wanted = _allowed(node)
    if not wanted:
        return {}
    if "*" in wanted:
        return {"access-control-allow-origin": "*"}
    origin = call.headers.get("origin", "")
    return {"access-control-allow-origin": origin, "vary": "Origin"} if origin and origin in wanted else {"vary": "Origin"}


def preflight(node: Node, call: WebhookCall) -> Mapping[str, str] | None:
    """What a browser that asks is told. None: pages of other sites have no business with the node."""
    if not _allowed(node):
        return None
    methods = _CHAT_METHODS if node.type == CHAT else methods_of(node)
    return {
        **origin_headers(node, call),
        "access-control-allow-methods": ", ".join(methods),
        "access-control-allow-headers": call.headers.get("access-control-request-headers") or "authorization, content-type",
        "access-control-max-age": _KEPT_SECONDS,
    }


def _allowed(node: Node) -> Sequence[str]:
    if node.type not in (CHAT, WEBHOOK):
        return ()
    given = str(node.options.get("allowedOrigins") or ("*" if node.type == CHAT else ""))
    return [each.strip().rstrip("/") for each in given.split(",") if each.strip()]
