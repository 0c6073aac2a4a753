"""The list of verbs that change nothing names verbs that there are: a name that is left over would hide a verb that takes it later."""

import re
from pathlib import Path
from typing import Any, cast

from bus.auditing.changes import READING, REPORTING, USING, changes
from coordinator.people.sessions import Sessions
from coordinator.people.users import Users

ROOT = Path(__file__).parents[3]
ROOMS = ("coordinator", "workflow", "monitor", "agent_sidecar")


def test_every_verb_that_is_no_change_is_served_by_a_room() -> None:
    sources = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    served = {
        name
        for text in sources
        for name in re.findall(r'(?:verb|endpoint)\(\s*"([\w-]+)"|verb="([\w-]+)"', text)
        for name in name
    }
    missing = {name for name in READING | USING | REPORTING if name.partition(".")[2] not in served}
    assert not missing


def test_of_people_what_changes_something_is_audited_and_what_is_read_is_not() -> None:
    """Open pages ask for the users every ten seconds, and any browser that knocks at the dashboard asks for a session."""
    nothing = cast(Any, None)
    services = (Users(nothing, nothing, nothing).service(), Sessions(nothing, nothing, nothing, nothing, nothing).service())
    read = {
        f"{service.name}.{each.verb}"
        for service in services
        for each in service.endpoints
        if not changes(service.name, each.verb, each.permission)
    }
    assert read == {"users.list", "sessions.recall", "sessions.signing_keys"}
