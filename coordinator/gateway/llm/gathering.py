"""Deltas put together again, for an answer that is not streamed. Pure."""

from dataclasses import dataclass, field

from bus.follow import Delta
from bus.messages.work import call_from
from coordinator.gateway.llm.wording import Choice


@dataclass(slots=True)
class _Call:
    id: str | None
    name: str
    parts: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Growing:
    text: list[str] = field(default_factory=list)
    thinking: list[str] = field(default_factory=list)
    calls: dict[int, _Call] = field(default_factory=dict)
    choice: Choice = field(default_factory=Choice)


class Gathering:
    """`add` deltas in order; `begin_anew` when another attempt does."""

    def __init__(self) -> None:
        self._growing: list[_Growing] = []

    def begin_anew(self) -> None:
        self._growing.clear()

    def add(self, delta: Delta) -> None:
        while len(self._growing) <= delta.choice:
            self._growing.append(_Growing())
        growing = self._growing[delta.choice]
        growing.text.append(delta.text)
        growing.thinking.append(delta.thinking)
        growing.choice.logprobs.extend(delta.logprobs)
        growing.choice.embeddings.extend(delta.embeddings)
        for part in delta.tool_calls:
            growing.calls.setdefault(part.index, _Call(part.id, part.name or "")).parts.append(part.arguments)

    def choices(self, at_least: int) -> list[Choice]:
        """An answer may have no text at all."""
        while len(self._growing) < at_least:
            self._growing.append(_Growing())
        return [_finished(growing) for growing in self._growing]


def _finished(growing: _Growing) -> Choice:
    choice = growing.choice
    choice.text, choice.thinking = "".join(growing.text), "".join(growing.thinking)
    choice.tool_calls = [call_from(call.id, call.name, "".join(call.parts)) for _, call in sorted(growing.calls.items())]
    return choice
