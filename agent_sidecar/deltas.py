"""An attempt's output as it grows: kept whole for the outcome, and sent in deltas for whoever watches.

The first delta goes at once, later ones at most every 15 ms: a reader sees no difference, and a fast model does not cost
the bus one message a token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from time import monotonic
from typing import Final

from pydantic_core import to_json

from agent_sidecar.answer import Answer, joined
from agent_sidecar.backends.backend import Piece
from bus.messages import Output, OutputChunk

COALESCE_SECONDS = 0.015
CALL_BYTES: Final = 100
LOGPROB_BYTES: Final = 80
"""As they stand in JSON, beside their text."""

NOTHING: Final = Output()
Publish = Callable[[OutputChunk], Awaitable[None]]


class Deltas:
    """`limit_bytes` bounds the output as it stands in JSON, which is what crosses the wire. It goes on behind `before`."""

    def __init__(self, publish: Publish, number: int, limit_bytes: int, before: Output = NOTHING) -> None:
        self._publish, self._number = publish, number
        self._left = limit_bytes - _size(before.text) - _size(before.thinking)
        self._answers = [Answer(before)]
        self._unsent = Piece()
        self.begins_at = self._offset = len(before.text) + len(before.thinking)
        self._tokens = 0
        self._sent_at = -COALESCE_SECONDS
        self._timer: asyncio.TimerHandle | None = None
        self._flushing: asyncio.Task[None] | None = None

    def begin_anew(self) -> None:
        """Before anything was added: the backend cannot go on, so what stood before is written again."""
        before = self._answers[0].output(None)
        self._left += _size(before.text) + _size(before.thinking)
        self._answers = [Answer(NOTHING)]
        self.begins_at = self._offset = 0

    async def begin_answer(self) -> None:
        """What comes from now on is another answer to the same prompt."""
        await self.flush()
        self._answers.append(Answer(NOTHING))

    @property
    def offset(self) -> int:
        """Units that were sent."""
        return self._offset

    async def add(self, piece: Piece) -> bool:
        """False when the output is full: the rest of the piece was cut off. A piece counts as a token."""
        self._tokens += 1
        kept, fits = self._within(piece)
        if self._unsent and _out_of_order(self._unsent, kept):
            await self.flush()
        self._answers[-1].add(kept)
        self._unsent = joined(self._unsent, kept)
        if monotonic() - self._sent_at >= COALESCE_SECONDS:
            await self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(COALESCE_SECONDS, self._flush_soon)
        return fits

    def _within(self, piece: Piece) -> tuple[Piece, bool]:
        """The piece as far as it fits, without U+0000, which no store takes."""
        whole = _storable(piece)
        size = _size(whole.text) + _size(whole.thinking) + _size_beside(whole)
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
        """Send what is unsent. Logprobs of a token that has shown no text yet wait for the text."""
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
            choice=len(self._answers) - 1,
            text=piece.text,
            thinking=piece.thinking,
            tool_calls=piece.tool_calls,
            logprobs=piece.logprobs,
            embeddings=piece.embeddings,
        )
        self._unsent = Piece()
        self._offset += chunk.units
        self._sent_at = monotonic()
        await self._publish(chunk)

    def output(self, *finish_reasons: str | None) -> Output:
        """All that was written, with the reason of each answer's end. BackendError: see Answer.output."""
        reasons = (*finish_reasons, *[None] * len(self._answers))
        first, *others = [answer.output(reason) for answer, reason in zip(self._answers, reasons, strict=False)]
        return first.model_copy(update={"others": tuple(others)}) if others else first


def _out_of_order(unsent: Piece, more: Piece) -> bool:
    """Within one chunk the thinking goes before the text, and the text before calls."""
    return bool((more.thinking and (unsent.text or unsent.tool_calls)) or (more.text and unsent.tool_calls))


def _size_beside(piece: Piece) -> int:
    """Of what is no text. A logprob takes about as much for itself as for each of the likeliest at its place."""
    if not (piece.tool_calls or piece.logprobs or piece.embeddings):  # as of nearly every token
        return 0
    calls = sum(_size(call.arguments) + len(call.name or "") + CALL_BYTES for call in piece.tool_calls)
    logprobs = sum(1 + len(each.top_logprobs) for each in piece.logprobs) * LOGPROB_BYTES
    return calls + logprobs + sum(map(len, piece.embeddings))


def _storable(piece: Piece) -> Piece:
    if "\x00" not in piece.text and "\x00" not in piece.thinking:
        return piece
    return replace(piece, text=piece.text.replace("\x00", ""), thinking=piece.thinking.replace("\x00", ""))


def _size(text: str) -> int:
    return len(to_json(text)) - 2 if text else 0


def _cut(text: str, limit_bytes: int) -> str:
    """The longest beginning of the text whose JSON fits."""
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if _size(text[:middle]) <= limit_bytes else (low, middle - 1)
    return text[:low]
