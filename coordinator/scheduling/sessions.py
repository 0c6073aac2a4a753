"""Which host had the last part of a conversation: it need not read the beginning again. Pure, bounded, and lost with its leader."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

MOST_SESSIONS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Home:
    """The host that had the last part."""

    agent_id: str
    prompt_rate: float
    """Tokens per second: what is saved there is what reading them anew would take."""


class Sessions:
    """By the session's hash (`tasks.session_hash`); the longest unused are forgotten first."""

    def __init__(self) -> None:
        self._homes: OrderedDict[int, Home] = OrderedDict()

    def home(self, session: int) -> Home | None:
        return self._homes.get(session)

    def remember(self, session: int, home: Home) -> None:
        self._homes[session] = home
        self._homes.move_to_end(session)
        if len(self._homes) > MOST_SESSIONS:
            self._homes.popitem(last=False)
