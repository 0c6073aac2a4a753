"""One answer as it grows, kept whole for the outcome. Does no I/O."""

from dataclasses import dataclass, field

from pydantic_core import from_json, to_json

from agent_sidecar.backends.backend import Piece
from bus.errors import BackendError
from bus.messages import Output, TokenLogprob, ToolCall, ToolCallDelta


@dataclass
class _Call:
    """`parts` are of its arguments."""

    id: str | None = None
    name: str = ""
    parts: list[str] = field(default_factory=list)


class Answer:
    """It goes on behind `before`."""

    def __init__(self, before: Output) -> None:
        self._text, self._thinking = [before.text], [before.thinking]
        self._calls: dict[int, _Call] = {}
        self._logprobs: list[TokenLogprob] = []
        self._embeddings: list[str] = []

    def add(self, piece: Piece) -> None:
        self._text.append(piece.text)
        self._thinking.append(piece.thinking)
        self._logprobs.extend(piece.logprobs)
        self._embeddings.extend(piece.embeddings)
        for part in piece.tool_calls:
            call = self._calls.setdefault(part.index, _Call())
            call.id, call.name = part.id or call.id, part.name or call.name
            call.parts.append(part.arguments)

    def output(self, finish_reason: str | None) -> Output:
        """BackendError where a call of a tool is none, unless the answer was cut, which explains it. Without a reason, of an attempt
        that failed or was stopped, nothing is an error: it is to be reported whatever was written.
        """
        cut, calls = finish_reason not in ("stop", "tool_calls"), sorted(self._calls.items())
        found = (call if finish_reason is not None else _storable(call) for _, call in calls)
        return Output(
            text="".join(self._text),
            thinking="".join(self._thinking),
            tool_calls=tuple(_whole(call, cut=cut) for call in found),
            finish_reason=finish_reason,
            logprobs=tuple(self._logprobs) or None,
            embeddings=tuple(self._embeddings) or None,
        )


def joined(one: Piece, more: Piece) -> Piece:
    """Both, one after the other."""
    if not (one or one.logprobs):
        return more
    return Piece(
        text=one.text + more.text,
        thinking=one.thinking + more.thinking,
        tool_calls=one.tool_calls + more.tool_calls,
        logprobs=one.logprobs + more.logprobs,
        embeddings=one.embeddings + more.embeddings,
    )


def _storable(call: _Call) -> _Call:
    """Without U+0000, which no store takes."""
    parts = [part.replace("\x00", "") for part in call.parts]
    return _Call(id=call.id and call.id.replace("\x00", ""), name=call.name.replace("\x00", ""), parts=parts)


def _whole(call: _Call, *, cut: bool) -> ToolCall:
    written = "".join(call.parts) or "{}"
    try:
        arguments = from_json(written)
        found = ToolCall(name=call.name, arguments=arguments, id=call.id)
    except ValueError:
        if cut and "\x00" not in written:
            return ToolCall(name=call.name, id=call.id, written=written)
        raise BackendError(
            f"The model called the tool {call.name[:100]} with arguments that are no JSON object, or that cannot be stored. "
            "Another attempt may do better."
        ) from None
    return found if to_json(arguments).decode() == written else found.model_copy(update={"written": written})


def call_of(index: int, call: ToolCall) -> ToolCallDelta:
    """A call that came whole."""
    return ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments_text)
