"""Spans, for an OpenTelemetry collector: what was done for one request, in every room, as one trace (docs/adr/0053).

The context is the traceparent that telemetry.py carries. Off until `exporting` says where spans go: then nothing is made, and
nothing is loaded. A span holds ids, names and numbers: never a prompt, an answer, a header or a key.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from time import time_ns
from types import TracebackType
from typing import Final, Literal, Protocol, Self

from bus import telemetry
from bus.errors import HiveError

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Value = str | int | float | bool | tuple[str, ...]
NO_SPAN: Final = 16 * "0"
_NONE: Final[Mapping[str, Value | None]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One that has ended. Times are Unix nanoseconds; `traceparent` names the span itself, `parent` is the id of the one around it."""

    name: str
    kind: Kind = "internal"
    traceparent: str
    parent: str | None
    start_ns: int
    end_ns: int
    attributes: Mapping[str, Value] = field(default_factory=dict)
    error: str | None = None
    """A code, or the name of an exception, where it failed."""


class Open(Protocol):
    """A span under way, or what stands for it where there is none. Within it, what is logged and published belongs to it."""

    name: str

    def set(self, name: str, value: Value | None) -> None:
        """An attribute; None is none."""

    def fail(self, error: str) -> None:
        """`error` is a code, not a message."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class _Nothing:
    name = ""

    def set(self, name: str, value: Value | None) -> None: ...

    def fail(self, error: str) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None: ...


class _Open:
    def __init__(
        self,
        take: Callable[[Span], None],
        name: str,
        kind: Kind,
        attributes: Mapping[str, Value | None],
        *,
        traceparent: str,
        parent: str | None,
    ) -> None:
        self.name, self._take, self._kind = name, take, kind
        self._attributes = {key: value for key, value in attributes.items() if value is not None}
        self._traceparent, self._parent = traceparent, parent
        self._error: str | None = None

    def set(self, name: str, value: Value | None) -> None:
        if value is not None:
            self._attributes[name] = value

    def fail(self, error: str) -> None:
        self._error = error

    def __enter__(self) -> Self:
        self._within = telemetry.trace(self._traceparent)
        self._within.__enter__()
        self._start_ns = time_ns()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._within.__exit__(None, None, None)
        if error is not None and self._error is None:
            self._error = error.code if isinstance(error, HiveError) else type(error).__name__
        self._take(
            Span(
                name=self.name,
                kind=self._kind,
                traceparent=self._traceparent,
                parent=self._parent,
                start_ns=self._start_ns,
                end_ns=time_ns(),
                attributes=self._attributes,
                error=self._error,
            )
        )


NOTHING: Final[Open] = _Nothing()
_take: Callable[[Span], None] | None = None


def take_with(take: Callable[[Span], None] | None) -> None:
    """From now on ended spans are handed to `take`, which must be quick; None: spans are no longer made."""
    global _take  # one for the process, as its log is
    _take = take


def on() -> bool:
    return _take is not None


def span(name: str, kind: Kind = "internal", attributes: Mapping[str, Value | None] = _NONE, *, root: bool = False) -> Open:
    """A child of what is under way, else the first of a new trace; nothing in a trace that is not sampled.

    `root`: the present traceparent was made for it and names nobody else's span.
    """
    if _take is None:
        return NOTHING
    around = telemetry.current_traceparent()
    if around is None or root:
        own, parent = around or telemetry.new_traceparent(), None
    else:
        own, parent = telemetry.child_traceparent(around), around[36:52]
    if not is_sampled(own):
        return NOTHING
    return _Open(_take, name, kind, attributes, traceparent=own, parent=parent)


def record(
    name: str,
    within: str | None,
    span_id: str,
    times_ns: tuple[int, int],
    *,
    kind: Kind = "internal",
    attributes: Mapping[str, Value | None] = _NONE,
    error: str | None = None,
) -> None:
    """A span that was not under way in one place: a wait, or what several processes went on with. Nothing without `within`."""
    if _take is None or within is None or not telemetry.valid_traceparent(within) or not is_sampled(within):
        return
    start, end = times_ns
    _take(
        Span(
            name=name,
            kind=kind,
            traceparent=named(within, span_id),
            parent=None if within[36:52] == NO_SPAN else within[36:52],
            start_ns=start,
            end_ns=max(start, end),
            attributes={key: value for key, value in attributes.items() if value is not None},
            error=error,
        )
    )


def new_trace() -> str:
    """The context of a trace whose first span is recorded: it names no span yet."""
    return named(telemetry.new_traceparent(), NO_SPAN)


def span_id(*parts: object) -> str:
    """The same for the same thing, whichever process asks."""
    return sha256("\0".join(map(str, parts)).encode()).hexdigest()[:16]


def named(traceparent: str, span_id: str) -> str:
    """The context within the span of that id, in the same trace."""
    return f"{traceparent[:36]}{span_id}{traceparent[52:]}"


def is_sampled(traceparent: str) -> bool:
    """By the last bit of its flags."""
    return int(traceparent[53:55], 16) & 1 == 1


def carried() -> dict[str, str]:
    """The present context for others than Hive, by its W3C name; nothing while spans are not made."""
    traceparent = telemetry.current_traceparent() if _take is not None else None
    return {"traceparent": traceparent} if traceparent else {}


def exemplar() -> str | None:
    """The id of the present trace, where it is one that a collector gets."""
    traceparent = telemetry.current_traceparent() if _take is not None else None
    return traceparent[3:35] if traceparent and is_sampled(traceparent) else None
