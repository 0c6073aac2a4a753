"""The ends that the monitor counts: where they are found, what they are, and who takes them."""

from collections.abc import Callable
from typing import Any, Final

from bus import subjects
from bus.client import Received
from bus.codec import decode
from bus.messages import EventType, HiveEvent, TaskEvent
from bus.messages.events import WorkflowEvent
from monitor.ingest import Ledger

TASK_ENDS: Final = subjects.events("task.*")
"""In the stream EVENTS this is ends only; the steps before them are in another one (bus/streams.py)."""
EXECUTION_ENDS: Final = (
    subjects.events(EventType.WORKFLOW_EXECUTION_COMPLETED),
    subjects.events(EventType.WORKFLOW_EXECUTION_FAILED),
)
MODELS: Final[dict[str, type[HiveEvent[Any]]]] = {TASK_ENDS: TaskEvent, **dict.fromkeys(EXECUTION_ENDS, WorkflowEvent)}
"""Every filter of the stream that is read, and the event that is found by it."""


def read(ends: str, body: bytes) -> HiveEvent[Any]:
    """InvalidRequest."""
    return decode(MODELS[ends], body)


def taker(ends: str, ledger: Ledger) -> Callable[[Any, str], bool]:
    """Who counts what is found by the filter, by event and tenant, and says whether it did."""
    return ledger.count if ends == TASK_ENDS else ledger.count_execution


def take(ends: str, ledger: Ledger, received: Received) -> None:
    """InvalidRequest."""
    taker(ends, ledger)(read(ends, received.data), subjects.tenant_of_event(received.subject))
