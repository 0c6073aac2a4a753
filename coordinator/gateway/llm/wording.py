"""What a door says in its own protocol: the pure half of it. `serving.serve` has the other half, which is the same for all."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import ValidationError

from bus.codec import explain
from bus.errors import HiveError
from bus.follow import Delta
from bus.messages import Ending, Output, Timings, TokenLogprob, Usage, Work
from bus.messages.work import ToolCall


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What a door asks for. `work.streamed` is set where the client reads along; `model` is the name as the client wrote it."""

    model: str
    work: Work
    metadata: dict[str, str] = field(default_factory=dict)


def job_of(model: str, work: dict[str, Any], *, door: str) -> Job:
    """`work` are fields of Work by name. InvalidRequest for what a task cannot hold."""
    try:
        return Job(model=model, work=Work(**work), metadata={"door": door})
    except ValidationError as error:
        raise explain(error) from None


@dataclass(slots=True)
class Choice:
    """One of the answers, as it was gathered."""

    text: str = ""
    thinking: str = ""
    tool_calls: list[ToolCall] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    embeddings: list[str] = field(default_factory=list)
    finish_reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Whole:
    """All of it, at the end. `choices` has one entry at least; `agent_id` is the host that wrote the end of it."""

    choices: list[Choice]
    usage: Usage = field(default_factory=Usage)
    timings: Timings = field(default_factory=Timings)
    context: tuple[int, ...] | None = None
    agent_id: str | None = None

    def end(self, ending: Ending) -> None:
        self.usage, self.timings, self.context = ending.usage, ending.timings, ending.context
        for choice, reason in zip(self.choices, ending.finish_reasons, strict=False):
            choice.finish_reason = reason


class Wording(Protocol):
    """Of one answer. Made for each request; `stream_*` are called in this order: begin, delta or idle (any number), end or error."""

    whole_type: str
    stream_type: str

    def whole(self, whole: Whole) -> bytes:
        """The body of an answer that is not streamed."""
        ...

    def stream_begin(self) -> bytes: ...

    def stream_delta(self, delta: Delta) -> bytes: ...

    def stream_idle(self, note: str) -> bytes:
        """Keeps the connection alive while nothing comes; `note` is one line for people. Empty where the protocol has nothing for it."""
        ...

    def stream_end(self, whole: Whole) -> bytes:
        """After the last delta of an answer that is complete. `whole` has neither text nor calls: they were told."""
        ...

    def stream_error(self, error: HiveError) -> bytes:
        """In place of the end: whatever a client of the protocol takes for a failure, and never for an end."""
        ...


def choices_of(output: Output) -> list[Choice]:
    """Of a record."""
    return [
        Choice(
            text=answer.text,
            thinking=answer.thinking,
            tool_calls=list(answer.tool_calls),
            logprobs=list(answer.logprobs or ()),
            embeddings=list(answer.embeddings or ()),
            finish_reason=answer.finish_reason,
        )
        for answer in (output, *output.others)
    ]
