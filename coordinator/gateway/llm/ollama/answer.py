"""What /api/chat and /api/generate answer, whole and as lines. Fields stand in Ollama's order, and go where Ollama leaves them out. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from time import perf_counter
from typing import Any, Final

from pydantic_core import to_json

from bus.errors import HiveError
from bus.follow import Delta
from bus.messages import Timings, TokenLogprob, ToolCallDelta, Usage
from bus.messages.output import TopLogprob
from bus.messages.work import ToolCall, call_from
from coordinator.gateway.llm.ollama.errors import body_of
from coordinator.gateway.llm.wording import Choice, Whole

JSON: Final = "application/json; charset=utf-8"
LINES: Final = "application/x-ndjson"
_NANOSECONDS: Final = 1_000_000_000


class ChatWording:
    """See coordinator.gateway.llm.wording.Wording. `model` is the name as the client wrote it."""

    whole_type = JSON
    stream_type = LINES

    def __init__(self, model: str) -> None:
        self._model, self._began = model, perf_counter()
        self._calls = _Calls()

    def whole(self, whole: Whole) -> bytes:
        [choice, *_] = whole.choices
        calls = [_call(index, call) for index, call in enumerate(choice.tool_calls)]
        said = self._said(choice.text, choice.thinking, calls)
        return to_json(self._head() | said | _logprobs(choice.logprobs) | self._end(whole))

    def stream_begin(self) -> bytes:
        return b""

    def stream_delta(self, delta: Delta) -> bytes:
        """A call is told when it is whole, as Ollama tells it. Nothing where a piece of one is all that came."""
        calls = self._calls.add(delta.tool_calls) if delta.tool_calls else []
        if not (delta.text or delta.thinking or calls):
            return b""
        said = self._said(delta.text, delta.thinking, calls) | _logprobs(delta.logprobs)
        return _line(self._head() | said | {"done": False})

    def stream_idle(self, note: str) -> bytes:
        """The protocol has no comments; a line that adds nothing is the least that its clients read."""
        return _line(self._head() | self._said("", "", []) | {"done": False})

    def stream_end(self, whole: Whole) -> bytes:
        late = self._calls.rest()
        before = _line(self._head() | self._said("", "", late) | {"done": False}) if late else b""
        return before + _line(self._head() | self._said("", "", []) | self._end(whole))

    def stream_error(self, error: HiveError) -> bytes:
        return body_of(error) + b"\n"

    def only(self, reason: str) -> bytes:
        """Of a request that had the model loaded or unloaded, and nothing more."""
        return to_json(self._head() | self._said("", "", []) | self._done(reason))

    def _head(self) -> dict[str, Any]:
        return {"model": self._model, "created_at": now()}

    def _said(self, text: str, thinking: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if thinking:
            message["thinking"] = thinking
        if calls:
            message["tool_calls"] = calls
        return {"message": message}

    def _end(self, whole: Whole) -> dict[str, Any]:
        return self._done(reason_of(whole.choices[0])) | measured(whole.usage, whole.timings, perf_counter() - self._began)

    def _done(self, reason: str) -> dict[str, Any]:
        return {"done_reason": reason, "done": True}


class GenerateWording(ChatWording):
    """Of /api/generate: the text by itself, and what the next one may go on from."""

    def _said(self, text: str, thinking: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
        return {"response": text} | ({"thinking": thinking} if thinking else {})

    def _end(self, whole: Whole) -> dict[str, Any]:
        context = {"context": whole.context} if whole.context else {}
        times = measured(whole.usage, whole.timings, perf_counter() - self._began)
        return self._done(reason_of(whole.choices[0])) | context | times

    def _done(self, reason: str) -> dict[str, Any]:
        return {"done": True, "done_reason": reason}


class LoadWording:
    """Of a request that has nothing to be answered: what the task wrote is nobody's to see. `of` words it for its path."""

    whole_type = JSON
    stream_type = LINES

    def __init__(self, of: ChatWording) -> None:
        self._of = of

    def whole(self, whole: Whole) -> bytes:
        return self._of.only("load")

    def stream_begin(self) -> bytes:
        return b""

    def stream_delta(self, delta: Delta) -> bytes:
        return b""

    def stream_idle(self, note: str) -> bytes:
        return b""

    def stream_end(self, whole: Whole) -> bytes:
        return self._of.only("load")

    def stream_error(self, error: HiveError) -> bytes:
        return self._of.stream_error(error)


@dataclass(slots=True)
class _Growing:
    id: str | None
    name: str
    parts: list[str] = field(default_factory=list)

    def read(self) -> ToolCall:
        return call_from(self.id, self.name, "".join(self.parts))


class _Calls:
    """Calls of tools whose arguments come in parts. One is whole when its text is a JSON object, or the next one begins."""

    def __init__(self) -> None:
        self._open: _Growing | None = None
        self._told = 0

    def add(self, deltas: tuple[ToolCallDelta, ...]) -> list[dict[str, Any]]:
        """Those that are whole by now."""
        whole: list[dict[str, Any]] = []
        for delta in deltas:
            if delta.name is not None:
                whole += self.rest()
                self._open = _Growing(delta.id, delta.name)
            if self._open is not None:
                self._open.parts.append(delta.arguments)
                if delta.arguments.endswith("}") and self._open.read().arguments:
                    whole += self.rest()
        return whole

    def rest(self) -> list[dict[str, Any]]:
        """The one that is open, whatever came of it."""
        if self._open is None:
            return []
        found, self._open = _call(self._told, self._open.read()), None
        self._told += 1
        return [found]


def now() -> str:
    """As Ollama writes times."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")


def reason_of(choice: Choice) -> str:
    """Ollama ends an answer that calls tools as any other."""
    return "length" if choice.finish_reason == "length" else "stop"


def measured(usage: Usage, timings: Timings, seconds: float) -> dict[str, int]:
    """Counts, and durations in nanoseconds. The whole one is what the client waited, its place in the queue included. Nothing that is
    zero or not known is told, as Ollama does.
    """
    found = {
        "total_duration": _nanoseconds(seconds),
        "load_duration": _nanoseconds(timings.load_seconds),
        "prompt_eval_count": usage.prompt_tokens,
        "prompt_eval_duration": _nanoseconds(timings.prompt_seconds),
        "eval_count": usage.completion_tokens,
        "eval_duration": _nanoseconds(timings.generation_seconds),
    }
    return {name: value for name, value in found.items() if value}


def _nanoseconds(seconds: float | None) -> int:
    return round((seconds or 0) * _NANOSECONDS)


def _line(fields: dict[str, Any]) -> bytes:
    return to_json(fields) + b"\n"


def _logprobs(tokens: Sequence[TokenLogprob]) -> dict[str, Any]:
    if not tokens:
        return {}
    return {
        "logprobs": [
            {**_token(token), "top_logprobs": [_token(each) for each in token.top_logprobs]}
            if token.top_logprobs
            else _token(token)
            for token in tokens
        ]
    }


def _token(token: TopLogprob) -> dict[str, Any]:
    found: dict[str, Any] = {"token": token.token, "logprob": token.logprob}
    return found if token.bytes is None else found | {"bytes": token.bytes}


def _call(index: int, call: ToolCall) -> dict[str, Any]:
    """Arguments are an object, whatever the model wrote. `id` is newer Ollamas', for whoever answers two calls of one tool."""
    function: dict[str, Any] = {"index": index} if index else {}
    function |= {"name": call.name, "arguments": call.arguments}
    return {"function": function} if call.id is None else {"id": call.id, "function": function}
