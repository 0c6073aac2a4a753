"""An attempt's output as it grows: kept whole for the outcome, and sent in deltas for whoever watches.

The first delta goes at once, later ones at most every 15 ms: a reader sees no difference, and a fast model does not cost
the bus one message a token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from pydantic_core import to_json

from agent_sidecar.backends.backend import Piece
from bus.messages import Output, OutputChunk, ToolCall

COALESCE_SECONDS = 0.015

NOTHING: Final = Output()
Publish = Callable[[OutputChunk], Awaitable[None]]


class Deltas:
    """`limit_bytes` bounds the output as it stands in JSON, which is what crosses the wire. It goes on behind `before`."""

    def __init__(self, publish: Publish, number: int, limit_bytes: int, before: Output = NOTHING) -> None:
        self._publish, self._number = publish, number
        self._left = limit_bytes - _size(before.text) - _size(before.thinking)
        self._text: list[str] = [before.text]
        self._thinking: list[str] = [before.thinking]
        self._calls: list[ToolCall] = []
        self._unsent = Piece()
        self.begins_at = self._offset = len(before.text) + len(before.thinking)
        self._tokens = 0
        self._sent_at = -COALESCE_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None

    def begin_anew(self) -> None:
        """Before anything was added: the backend cannot go on, so what stood before is written again."""
        self._left += _size(self._text[0]) + _size(self._thinking[0])
        self._text, self._thinking = [""], [""]
        self.begins_at = self._offset = 0

    @property
    def offset(self) -> int:
        """Characters of thinking and text that were sent."""
        return self._offset

    async def add(self, piece: Piece) -> bool:
        """False when the output is full: the rest of the piece was cut off. A piece counts as a token."""
        self._tokens += 1
        kept, fits = self._within(piece)
        if kept.thinking and self._unsent.text:
            await self.flush()  # within one delta the thinking goes before the text
        self._keep(kept)
        if monotonic() - self._sent_at >= COALESCE_SECONDS:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self._flush_soon)
        return fits

    def _keep(self, piece: Piece) -> None:
        self._text.append(piece.text)
        self._thinking.append(piece.thinking)
        self._calls.extend(piece.tool_calls)
        self._unsent = Piece(
            text=self._unsent.text + piece.text,
            thinking=self._unsent.thinking + piece.thinking,
            tool_calls=self._unsent.tool_calls + piece.tool_calls,
        )

    def _within(self, piece: Piece) -> tuple[Piece, bool]:
        """The piece as far as it fits, without U+0000, which no store takes."""
        whole = Piece(text=_storable(piece.text), thinking=_storable(piece.thinking), tool_calls=piece.tool_calls)
        size = _size(whole.text) + _size(whole.thinking) + sum(_size(call.model_dump_json()) for call in whole.tool_calls)
        if size <= self._left:
            self._left -= size
            return whole, True
        thinking = _cut(whole.thinking, self._left)
        text = _cut(whole.text, self._left - _size(thinking))
        self._left = 0
        return Piece(text=text, thinking=thinking), False

    def _flush_soon(self) -> None:
        self._timer = None
        self._flushing = asyncio.get_running_loop().create_task(self.flush())

    async def flush(self) -> None:
        """Send what is unsent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        piece = self._unsent
        if not piece:
            return
        chunk = OutputChunk(
            number=self._number,
            offset=self._offset,
            begins_at=self.begins_at,
            tokens=self._tokens,
            text=piece.text,
            thinking=piece.thinking,
            tool_calls=piece.tool_calls,
        )
        self._unsent = Piece()
        self._offset += len(piece.text) + len(piece.thinking)
        self._sent_at = monotonic()
        await self._publish(chunk)

    def output(self, finish_reason: str | None) -> Output:
        return Output(
            text="".join(self._text),
            thinking="".join(self._thinking),
            tool_calls=tuple(self._calls),
            finish_reason=finish_reason,
        )


def _storable(text: str) -> str:
    return text.replace("\x00", "") if "\x00" in text else text


def _size(text: str) -> int:
    return len(to_json(text)) - 2 if text else 0


def _cut(text: str, limit_bytes: int) -> str:
    """The longest beginning of the text whose JSON fits."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(text[:middle]) <= limit_bytes else (low, middle - 1)
    return text[:low]
