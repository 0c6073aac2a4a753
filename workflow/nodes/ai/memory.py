"""Window Buffer Memory: the last exchanges of a session, kept with the workflow's static data."""

from typing import Any

from workflow.core.remembering import MEMORY, MOST_SESSIONS
from workflow.nodes.ai.asking import Message
from workflow.nodes.ai.models import attached
from workflow.nodes.contract import NodeCall
from workflow.nodes.values import number_of, text_of


class Memory:
    """Of the memory that is attached to the node, for the session that an item names; without one it remembers nothing."""

    def __init__(self, call: NodeCall, index: int) -> None:
        self._call = call
        found = call.helpers.get("ai_memory")
        self.session: str | None = None
        self._exchanges = 5
        if not found:
            return
        helper = call.of_helper(found[0])
        parameters = helper.scripts.parameters(helper, (index,))[0]
        given = parameters.get("sessionKey") if parameters.raw("sessionIdType") == "customKey" else None
        given = given or call.items[index]["json"].get("sessionId") or parameters.get("sessionKey")
        self.session = f"{helper.node.name}:{text_of(given)}"
        self._exchanges = max(0, int(number_of(parameters.get("contextWindowLength", 5)) or 0))

    def messages(self) -> list[Message]:
        return list(self._sessions().get(self.session or "", [])) if self.session else []

    def add(self, asked: str, answered: str) -> None:
        """Keeps the last exchanges of the session, and the sessions that were used last."""
        if not self.session:
            return
        kept = [*self.messages(), {"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        others = {name: value for name, value in self._sessions().items() if name != self.session}
        sessions = {**others, self.session: kept[len(kept) - 2 * self._exchanges :]}
        self._call.static_data[MEMORY] = dict(list(sessions.items())[-MOST_SESSIONS:])

    def _sessions(self) -> dict[str, Any]:
        found: dict[str, Any] = self._call.static_data.get(MEMORY) or {}
        return found


TYPES = (attached("memoryBufferWindow", (1, 1.1, 1.2, 1.3), "ai_memory"),)
