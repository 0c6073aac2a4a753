"""Logs that a person and a machine can read, and W3C trace context that follows a task through every room."""

import io
import logging
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from random import random
from typing import Any, TextIO, cast

import structlog

from bus.refusals import IN_FULL, Refusals

_ratio = 1.0
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def configure(service: str, level: str = "info", log_format: str = "auto", refusals_in_full: int = IN_FULL) -> None:
    """Log to stderr, one event a line, with timestamp, level, service, event and whatever is bound (task_id, trace_id …).

    `refusals_in_full`: of one kind and source in a minute; the rest are counted (bus/refusals.py).
    """
    refusals = Refusals(_more, in_full=refusals_in_full)
    as_json = log_format == "json" or (log_format == "auto" and not sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_service(service),
        _add_trace,
    ]
    # Where rich is installed, structlog's own choice shows the local variables of each frame: keys and prompts.
    on_terminal = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    renderer: Any = structlog.processors.JSONRenderer() if as_json else on_terminal
    tail = [structlog.processors.format_exc_info, renderer] if as_json else [renderer]
    number = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[_bounded_by(refusals), *shared, *tail],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _LogStream())),
        cache_logger_on_first_use=True,
    )
    # What libraries log goes through the same renderer, so that a log file is one format from end to end.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_drop_meta, *tail], foreign_pre_chain=shared))
    handler.addFilter(refusals.filter)
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)


def _bounded_by(refusals: Refusals) -> Any:
    def bound(_logger: Any, _name: str, event: Any) -> Any:
        if not refusals.admits_line(event):
            raise structlog.DropEvent
        return event

    return bound


def _more(event: str, fields: dict[str, Any]) -> None:
    log(__name__).warning(event, **fields)


class _LogStream(io.TextIOBase):
    """stderr, except that a disk that is full costs the line and not the work that it tells of."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _drop_meta(logger: Any, name: str, event: Any) -> Any:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)


def _add_service(service: str) -> Any:
    def add(_logger: Any, _name: str, event: Any) -> Any:
        event["service"] = service
        return event

    return add


def _add_trace(_logger: Any, _name: str, event: Any) -> Any:
    if traceparent := _traceparent.get():
        event["trace_id"] = traceparent[3:35]
    return event


def log(name: str) -> Any:
    """A logger: `log(__name__).info("offer_refused", task_id=…, action=…)`."""
    return structlog.get_logger(module=name)


def new_traceparent() -> str:
    """A new trace: `00-<trace id>-<span id>-01` (https://www.w3.org/TR/trace-context); `-00` where no collector is to get it."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'01' if _ratio >= 1 or random() < _ratio else '00'}"  # noqa: S311


def sample(ratio: float) -> None:
    """Of the traces that begin in this process, so many of 1 are for a collector."""
    global _ratio  # one for the process, as its log is
    _ratio = ratio


def child_traceparent(traceparent: str) -> str:
    """The next span of the same trace."""
    return (
        f"{traceparent[:36]}{secrets.token_hex(8)}{traceparent[52:]}" if valid_traceparent(traceparent) else new_traceparent()
    )


def valid_traceparent(value: str) -> bool:
    parts = value.split("-")
    if [len(part) for part in parts] != [2, 32, 16, 2]:
        return False
    return all(character in "0123456789abcdef" for character in "".join(parts)) and parts[1] != "0" * 32


def current_traceparent() -> str | None:
    return _traceparent.get()


@contextmanager
def trace(traceparent: str | None) -> Iterator[str]:
    """Everything logged and published within belongs to this trace, as a child of the span that it names; None begins one."""
    value = traceparent if traceparent and valid_traceparent(traceparent) else new_traceparent()
    token = _traceparent.set(value)
    try:
        yield value
    finally:
        _traceparent.reset(token)
