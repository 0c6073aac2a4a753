"""One thing that `hive doctor` looked at: how it is and, where it is not well, what to do."""

from enum import StrEnum

from bus.messages import Message


class Level(StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(Message):
    what: str
    level: Level
    found: str
    remedy: str | None = None


def ok(what: str, found: str) -> Finding:
    return Finding(what=what, level=Level.OK, found=found)


def warn(what: str, found: str, remedy: str) -> Finding:
    return Finding(what=what, level=Level.WARN, found=found, remedy=remedy)


def fail(what: str, found: str, remedy: str) -> Finding:
    return Finding(what=what, level=Level.FAIL, found=found, remedy=remedy)
