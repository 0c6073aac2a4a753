"""What executions of a workflow remember together: each saves what it changed, and keeps what others saved meanwhile. Pure."""

from collections.abc import Mapping
from typing import Any, Final

MEMORY: Final = "memory"
"""The part in which agents keep their sessions, the one that was used last at the end."""
MOST_SESSIONS: Final = 100


def merged(before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """`before`: as the execution read it; `after`: as it leaves it; `now`: as it stands in the record. Of one part, and of one session, that
    two changed, the later one stays."""
    found = _changed(before, after, now)
    if MEMORY in after:
        sessions = _changed(*(_sessions(each) for each in (before, after, now)))
        found[MEMORY] = dict(list(sessions.items())[-MOST_SESSIONS:])
    return found


def _sessions(given: Mapping[str, Any]) -> Mapping[str, Any]:
    found = given.get(MEMORY)
    return found if isinstance(found, Mapping) else {}


def _changed(before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    """`now`, with what differs between the other two, which comes last."""
    touched = {
        name for name in before.keys() | after.keys() if (name in before, before.get(name)) != (name in after, after.get(name))
    }
    kept = {name: value for name, value in now.items() if name not in touched}
    return kept | {name: value for name, value in after.items() if name in touched}
