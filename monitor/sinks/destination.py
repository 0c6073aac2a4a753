"""Where measurements go, and in which words: what one sink has that another has not. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from bus.client import Received
from bus.errors import InvalidRequest
from bus.messages import PerformanceMetrics
from monitor.archive import row_of

T = TypeVar("T")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def takes_all(_answer: bytes, _written: Sequence[Any]) -> tuple[int, str]:
    return 0, ""


def plain(answer: bytes, _content_type: str) -> str:
    return answer.decode(errors="replace")


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """`name` is said in logs and metrics; `durable` is the consumer that remembers how far it is. `settings` name where what is wrong with `url` or
    `headers` comes from. `read` gives the measurements of a batch, and how many are none; `encode` makes a request's body of some.

    `sibling` is an address of the same service that takes an empty body. `rejected`: how many of what was written were not taken, by an answer
    that all is well, and why. `said`: another answer in words, by its body and type.
    """

    name: str
    durable: str
    url: str
    settings: str
    headers: Mapping[str, str]
    read: Callable[[Iterable[Received]], tuple[list[Any], int]]
    encode: Callable[[Sequence[Any]], bytes]
    batch: int = 5000
    sibling: str | None = None
    rejected: Callable[[bytes, Sequence[Any]], tuple[int, str]] = takes_all
    said: Callable[[bytes, str], str] = plain


def each(batch: Iterable[Received], make: Callable[[PerformanceMetrics, datetime], T | None]) -> tuple[list[T], int]:
    """What `make` makes of the metrics and the bus's time, and how many were no metrics, or had no value."""
    found, refused = list[T](), 0
    for received in batch:
        try:
            row_of(received)  # the same metrics as PostgreSQL has: none of another agent
            metrics = received.decode(PerformanceMetrics)
            made = make(metrics, received.stored_at or metrics.timestamp)
        except InvalidRequest:
            made = None
        refused += made is None
        found += [] if made is None else [made]
    return found, refused


def nanoseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def values_of(metrics: PerformanceMetrics) -> dict[str, float]:
    """What was measured, by the name of its field; counters within counters by both names."""
    return dict(_flat(metrics.model_dump(mode="json", exclude={"agent_id", "timestamp"}, exclude_none=True)))


def _flat(values: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}_")
        else:
            yield f"{before}{name}", float(value)
