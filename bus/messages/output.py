"""What a model gave: whole in the record, in pieces on the bus (docs/adr/0017)."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import chain

from pydantic import Field

from bus.messages.base import Message, Words
from bus.messages.work import MAX_CHOICES, ToolCall, call_from


class Usage(Message):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_prompt_tokens: int | None = Field(
        default=None, description="of the prompt's, those that the backend had not to read again; null where it does not tell"
    )


class Timings(Message):
    """Of one attempt, in seconds and tokens per second. What the backend does not tell is left out."""

    queue_seconds: float | None = None
    load_seconds: float | None = None
    time_to_first_token_seconds: float | None = None
    prompt_seconds: float | None = None
    generation_seconds: float | None = None
    total_seconds: float | None = None
    prompt_tokens_per_second: float | None = None
    generation_tokens_per_second: float | None = None


class TopLogprob(Message):
    """A token and the natural logarithm of its probability. `bytes` is its UTF-8, where `token` cannot show it."""

    token: str
    logprob: float
    bytes: tuple[int, ...] | None = None


class TokenLogprob(TopLogprob):
    """A token that was written, and the likeliest at its place."""

    top_logprobs: tuple[TopLogprob, ...] = ()


class Output(Message):
    """One answer whole. `finish_reason` is `stop`, `length`, `tool_calls` or `content_filter`, whatever the backend calls it."""

    text: str = ""
    thinking: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    logprobs: tuple[TokenLogprob, ...] | None = None
    embeddings: tuple[str, ...] | None = Field(
        default=None, description="of an `embed`, one each input: numbers of 32 bits, little-endian, in base64"
    )
    context: tuple[int, ...] | None = Field(default=None, description="of a `generate` by Ollama: for the next one's `context`")
    others: tuple["Output", ...] = Field(default=(), description="further answers, where `n` asked for more than one")


class ToolCallDelta(Message):
    """A piece of the call with this `index`. The first one has `id` and `name`; the parts of `arguments` together are its text."""

    index: int
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class FailureInfo(Message):
    """`code` is stable (docs/errors.md); `message` says what happened, why, and what to do next."""

    code: str
    message: Words


class OutcomeStatus(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PREEMPTED = "preempted"


class Ending(Message):
    """What there is to say of an attempt's end beside its output. `finish_reasons`: one for each answer."""

    finish_reasons: tuple[str | None, ...] = ()
    usage: Usage = Usage()
    timings: Timings = Timings()
    context: tuple[int, ...] | None = None
    error: FailureInfo | None = None


class Content(Message):
    """Some of an answer, in this order: thinking, text, calls, vectors. `choice` counts answers from 0.

    `logprobs` are of the tokens that the text ends; they count for nothing in `units`.
    """

    choice: int = Field(default=0, ge=0, lt=MAX_CHOICES)
    thinking: str = ""
    text: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    embeddings: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """How far it brings an offset: characters of thinking, text and arguments, one for the beginning of a call and for a vector."""
        calls = sum((call.name is not None) + len(call.arguments) for call in self.tool_calls) if self.tool_calls else 0
        return len(self.thinking) + len(self.text) + calls + len(self.embeddings)


class OutputChunk(Content):
    """A piece of an attempt's output. `offset` is the `units` of all that its attempt said before it, whichever answer that belongs to;
    `begins_at` is where its attempt began (see AttemptOutcome). `tokens` is how many the attempt had written behind it, as far as
    its sidecar can count.

    The last one carries `end` and `ending`, and is sent after the outcome was acknowledged, so whoever sees it can trust the record
    to follow.
    """

    number: int
    offset: int
    begins_at: int = 0
    tokens: int = 0
    end: OutcomeStatus | None = None
    ending: Ending | None = None


def contents_of(output: Output) -> tuple[Content, ...]:
    """A whole output as its pieces: one for each answer."""
    return tuple(
        Content(
            choice=choice,
            thinking=answer.thinking,
            text=answer.text,
            tool_calls=tuple(
                ToolCallDelta(index=index, id=call.id, name=call.name, arguments=call.arguments_text)
                for index, call in enumerate(answer.tool_calls)
            ),
            logprobs=answer.logprobs or (),
            embeddings=answer.embeddings or (),
        )
        for choice, answer in enumerate((output, *output.others))
    )


def output_from(before: Output, contents: Sequence[Content]) -> Output:
    """Pieces in their order, behind what stood before them, as one output: the other way of `contents_of`."""
    count = 1 + max((content.choice for content in contents), default=0)
    answers = [
        _answer(before if choice == 0 else Output(), [content for content in contents if content.choice == choice])
        for choice in range(count)
    ]
    return answers[0].model_copy(update={"others": tuple(answers[1:])})


def _answer(before: Output, contents: Sequence[Content]) -> Output:
    calls: dict[int, list[ToolCallDelta]] = {}
    for content in contents:
        for part in content.tool_calls:
            calls.setdefault(part.index, []).append(part)
    return Output(
        text=before.text + "".join(content.text for content in contents),
        thinking=before.thinking + "".join(content.thinking for content in contents),
        tool_calls=before.tool_calls + tuple(_call(parts) for _, parts in sorted(calls.items())),
        logprobs=tuple(chain.from_iterable(content.logprobs for content in contents)) or None,
        embeddings=tuple(chain.from_iterable(content.embeddings for content in contents)) or None,
    )


def _call(parts: Sequence[ToolCallDelta]) -> ToolCall:
    """Also of one that was broken off; without U+0000, which no store takes."""
    name = next((part.name for part in parts if part.name), "").replace("\x00", "")
    return call_from(parts[0].id, name, "".join(part.arguments for part in parts).replace("\x00", ""))


def ahead(chunk: OutputChunk, units: int) -> OutputChunk:
    """Its first units, without logprobs where that is not all of it."""
    if units >= chunk.units:
        return chunk
    thinking, units = chunk.thinking[:units], max(0, units - len(chunk.thinking))
    text, units = chunk.text[:units], max(0, units - len(chunk.text))
    calls: list[ToolCallDelta] = []
    for call in chunk.tool_calls:
        begins = int(call.name is not None)
        if units > 0:
            calls.append(call.model_copy(update={"arguments": call.arguments[: units - begins]}))
        units = max(0, units - begins - len(call.arguments))
    rest = {"thinking": thinking, "text": text, "tool_calls": tuple(calls), "embeddings": chunk.embeddings[:units]}
    return chunk.model_copy(update=rest | {"logprobs": ()})


def behind(content: Content, seen: int) -> Content:
    """Of a piece of which so many units are known already, the rest. Logprobs go with a piece of which nothing is known."""
    if seen <= 0:
        return content
    thinking, seen = content.thinking[seen:], max(0, seen - len(content.thinking))
    text, seen = content.text[seen:], max(0, seen - len(content.text))
    calls: list[ToolCallDelta] = []
    for call in content.tool_calls:
        begins = int(call.name is not None)
        if seen < begins:
            calls.append(call)
        elif seen < begins + len(call.arguments):
            calls.append(ToolCallDelta(index=call.index, arguments=call.arguments[seen - begins :]))
        seen = max(0, seen - begins - len(call.arguments))
    return Content(
        choice=content.choice, thinking=thinking, text=text, tool_calls=tuple(calls), embeddings=content.embeddings[seen:]
    )
