"""The list of verbs that change nothing names verbs that there are: a name that is left over would hide a verb that takes it later."""

import re
from pathlib import Path

from bus.auditing.changes import NO_CHANGES

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
    missing = {name for names in NO_CHANGES for name in names if name.partition(".")[2] not in served}
    assert not missing
