"""Lines of the log that somebody outside can cause as often as they like: the first in a minute are told in full, the rest are counted.

Else whoever is refused a thousand times a second fills a disk, and pushes out of a log that is rotated what came before.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from bus.guarding.network import network
from bus.settings import HiveSettings

SOURCES: Final = {
    **dict.fromkeys(("attempt_failed", "attempt_refused", "token_refused", "request_refused", "request_cut_off"), "address"),
    **dict.fromkeys(("path_refused", "foreign_request_refused", "flood_closed", "host_refused"), "address"),
    **dict.fromkeys(("thing_not_found", "refused"), "sub"),
    **dict.fromkeys(("join_refused", "agents_refused", "host_admitted"), "host"),
    **dict.fromkeys(("event_refused", "message_refused", "metrics_refused"), "subject"),
    **dict.fromkeys(
        ("outcome_unreadable", "event_unreadable", "not_understood", "message_not_understood", "handler_failed"), "subject"
    ),
    **dict.fromkeys(("evaluation_stopped", "isolate_runs_on"), "owner"),
    "address_refused": "host",
    "file_refused": "operation",
    "removed_host_heard": "agent_id",
    "value_unreadable": "bucket",
    "login_refused": "by",
    "remembered_login_refused": "browser",
    "refresh_token_came_again": "session_id",
    "bus_permission_denied": "connection",
}
"""By the event, the field that says who or what caused it; a line without the field is another event of the same name."""
SECONDS: Final = 60.0
IN_FULL: Final[int] = HiveSettings.model_fields["log_refusals"].default
SOURCES_IN_FULL: Final = 10
"""Of one event, so many times as many lines: whoever comes by ever new addresses is counted together."""

Tell = Callable[[str, dict[str, Any]], None]
"""An event with its fields: how many more of it there were than were told."""


@dataclass(slots=True)
class _Minute:
    """Of one event. `more` is of those sources that were told, and under None of all others."""

    told: dict[str, int] = field(default_factory=dict)
    more: dict[str | None, int] = field(default_factory=dict)


class Refusals:
    """`in_full`: of one event and source in a minute. What is counted is told when the minute is over, from a thread of its own; not by
    a process that has ended by then.
    """

    def __init__(self, tell: Tell, *, in_full: int = IN_FULL, seconds: float = SECONDS) -> None:
        self._tell, self._in_full, self._seconds = tell, in_full, seconds
        self._minutes: dict[str, _Minute] = {}
        self._lock = threading.Lock()

    def admits(self, event: str, source: str) -> bool:
        """Whether the line is told in full."""
        with self._lock:
            minute = self._minutes.get(event)
            if minute is None:
                minute = self._minutes[event] = _Minute()
                self._at_its_end(event)
            times, known = minute.told.get(source, 0), source in minute.told
            if times < self._in_full and sum(minute.told.values()) < self._in_full * SOURCES_IN_FULL:
                minute.told[source] = times + 1
                return True
            counted = source if known else None
            minute.more[counted] = minute.more.get(counted, 0) + 1
            return False

    def _at_its_end(self, event: str) -> None:
        timer = threading.Timer(self._seconds, self.end, (event,))
        timer.daemon = True
        timer.start()

    def end(self, event: str) -> None:
        """The minute of an event is over."""
        with self._lock:
            minute = self._minutes.pop(event, None)
        for source, more in minute.more.items() if minute is not None else ():
            told = {} if source is None or event not in SOURCES else {SOURCES[event]: source}
            self._tell(event, {**told, "more": more, "seconds": self._seconds})

    def admits_line(self, line: Mapping[str, Any]) -> bool:
        """`line` has its event and its fields."""
        name = line.get("event")
        source = line.get(SOURCES[name]) if name in SOURCES and "more" not in line else None
        return source is None or self.admits(str(name), network(str(source)))

    def filter(self, record: logging.LogRecord) -> bool:
        """Warnings of libraries, as of a server that was sent no HTTP, by the line of code that says them: the words may be a client's."""
        return record.levelno != logging.WARNING or self.admits(f"{record.name}:{record.lineno}", record.name)
