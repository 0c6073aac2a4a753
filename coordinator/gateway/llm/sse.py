"""Server-sent events as bytes."""

from typing import Final

MEDIA_TYPE: Final = "text/event-stream; charset=utf-8"


def data(payload: bytes) -> bytes:
    """An event without a name. JSON holds no line breaks, so one line is enough."""
    return b"data: " + payload + b"\n\n"


def event(name: str, payload: bytes) -> bytes:
    return f"event: {name}\n".encode() + data(payload)


def comment(note: str) -> bytes:
    """Clients pass over it."""
    return f": {note}\n\n".encode()
