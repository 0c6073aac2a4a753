"""Chats that start workflows: what a message becomes. Pure."""

from collections.abc import Mapping
from typing import Any, Final

CHAT: Final = "@n8n/n8n-nodes-langchain.chatTrigger"
MANUAL_CHAT: Final = "@n8n/n8n-nodes-langchain.manualChatTrigger"
SEND: Final = "sendMessage"


def chat_json(given: Mapping[str, Any], session: str) -> dict[str, Any]:
    """A message as the chat gives it, with `session` where it names none; all else that was sent stays beside it."""
    return {"sessionId": given.get("sessionId") or session, "action": given.get("action") or SEND, **_others(given)}


def _others(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in ("sessionId", "action")}
