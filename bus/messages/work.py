"""What a model is asked to do, in one form for every door and every backend (docs/adr/0017).

A door translates its protocol into this once, a backend translates this into its own once, and nobody else looks inside.
"""

from enum import StrEnum
from secrets import token_hex
from typing import Annotated, Any, Literal

from pydantic import Field
from pydantic_core import from_json, to_json

from bus.messages.base import Command, JsonObject, Message, Text


class TaskKind(StrEnum):
    """`chat` answers a conversation (or a `prompt`, as one of one message), `generate` writes on behind a prompt, `embed` makes vectors."""

    CHAT = "chat"
    GENERATE = "generate"
    EMBED = "embed"

    @property
    def operation(self) -> str:
        """Its name in OpenTelemetry's conventions, as `gen_ai.operation.name`."""
        return {"chat": "chat", "generate": "text_completion", "embed": "embeddings"}[self]


class ToolCall(Message):
    """A model's wish to call a tool. `arguments` is an object, as Ollama gives it.

    `written` is what the model wrote, where that is another text than `arguments` as compact JSON: then it is what clients of OpenAI
    are shown. Where it is no JSON object at all, `arguments` is empty.
    """

    name: Text
    arguments: JsonObject = Field(default_factory=dict)
    id: Text | None = None
    written: Text | None = None

    @property
    def arguments_text(self) -> str:
        """As OpenAI's protocol has them: text that should be JSON."""
        return to_json(self.arguments).decode() if self.written is None else self.written


class ChatMessage(Command):
    """One message of a conversation. A tool's answer names the call that it answers by `tool_call_id`, or the tool by `tool_name`."""

    role: Literal["system", "user", "assistant", "tool"]
    content: Text = ""
    thinking: Text = ""
    images: tuple[Text, ...] = Field(default=(), description="base64, without a data: prefix")
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: Text | None = None
    tool_name: Text | None = None


class Tool(Command):
    """A function that the model may ask for. `parameters` is a JSON schema."""

    name: Text = Field(min_length=1, max_length=255)
    description: Text | None = None
    parameters: JsonObject = Field(default_factory=dict)
    strict: bool | None = None


class NamedTool(Command):
    """The one tool that must be called."""

    name: Text


ToolChoice = Literal["auto", "none", "required"] | NamedTool
ThinkingLevel = Literal["low", "medium", "high"]
CHARACTERS_A_TOKEN = 4
TOKENS_AN_IMAGE = 700
"""Where nobody can ask the tokenizer: of English text, and of an image of middle size."""
MAX_CHOICES = 16
MAX_INPUTS = 2048


class Work(Message):
    """The part of a request that goes on to the backend, by way of the offer. What a backend cannot do it refuses with
    `unsupported_by_backend` before it begins, and the task goes to another.

    `options` are in Ollama's words whatever the backend: num_predict, temperature, top_p, top_k, min_p, seed, stop,
    frequency_penalty, presence_penalty, repeat_penalty, num_ctx, keep_alive … Others go to the backend as they are.
    """

    kind: TaskKind = TaskKind.CHAT
    prompt: Text | None = Field(default=None, min_length=1, examples=["Say hello in one short sentence."])
    messages: tuple[ChatMessage, ...] | None = Field(default=None, min_length=1)
    input: tuple[Text, ...] | None = Field(
        default=None, min_length=1, max_length=MAX_INPUTS, description="of an `embed`: one vector each"
    )
    system: Text | None = Field(default=None, description="with a `prompt`: what the model is to be")
    images: tuple[Text, ...] = Field(default=(), description="with a `prompt`: base64, without a data: prefix")
    suffix: Text | None = Field(default=None, description="of a `generate`: the text behind the gap that is to be filled")
    template: Text | None = Field(default=None, description="of a `generate`: instead of the model's own; Ollama only")
    raw: bool = Field(default=False, description="of a `generate`: no template, the prompt as it is")
    context: tuple[Annotated[int, Field(ge=0)], ...] | None = Field(
        default=None, description="of a `generate`: what an earlier answer gave as its `context`; Ollama only"
    )
    tools: tuple[Tool, ...] = Field(default=(), max_length=512)
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool | None = Field(default=None, description="a hint: who does not know it is not asked")
    format: Literal["json"] | JsonObject | None = Field(
        default=None, description="`json`, or a JSON schema that the answer has"
    )
    think: bool | ThinkingLevel | None = Field(default=None, description="left out: as the model does by itself")
    logprobs: bool = False
    top_logprobs: int = Field(default=0, ge=0, le=20)
    n: int = Field(default=1, ge=1, le=MAX_CHOICES, description="answers, written one after the other")
    dimensions: int | None = Field(default=None, ge=1, description="of an `embed`: length of the vectors, where the model can")
    truncate: bool | None = Field(
        default=None, description="of an `embed`: cut what is too long for the model (default), or fail"
    )
    streamed: bool = Field(
        default=False,
        description="its output is shown to somebody as it is written: once some of it was sent, it is gone on with or the task fails with `stream_interrupted`; it never begins again",
    )
    options: JsonObject = Field(
        default_factory=dict,
        description="how to write, in Ollama's words, such as num_predict or temperature",
        examples=[{"num_predict": 64}],
    )

    @property
    def can_go_on(self) -> bool:
        """Whether another attempt may write on behind what an earlier one wrote: not in the middle of a grammar, of several answers, or
        of an answer whose every token is to be accounted for.
        """
        formed = self.format is not None or "format" in self.options
        written = self.kind is not TaskKind.EMBED and self.suffix is None and self.template is None and self.context is None
        return written and not formed and not self.logprobs and self.n == 1


def problem_of(work: Work) -> str | None:
    """What contradicts itself; None when the work makes sense. Pure."""
    given = sum(each is not None for each in (work.prompt, work.messages, work.input))
    if work.kind is TaskKind.EMBED:
        return (
            None if work.input is not None and given == 1 else "an `embed` takes `input`, and neither `prompt` nor `messages`"
        )
    if work.input is not None:
        return "`input` is of an `embed`; give `prompt` or `messages`"
    if given != 1:
        return "give either `prompt` or `messages`, and not both"
    if work.kind is TaskKind.GENERATE and work.prompt is None:
        return "a `generate` takes a `prompt`"
    if work.kind is TaskKind.GENERATE and work.tools:
        return "a `generate` has no `tools`; make it a `chat`"
    if work.kind is TaskKind.CHAT and (
        work.suffix is not None or work.template is not None or work.raw or work.context is not None
    ):
        return "`suffix`, `template`, `raw` and `context` are of a `generate`"
    if work.messages is not None and (work.system is not None or work.images):
        return "`system` and `images` go with a `prompt`; with `messages` they stand in there"
    if work.top_logprobs and not work.logprobs:
        return "`top_logprobs` needs `logprobs`"
    if not work.tools and work.tool_choice not in ("auto", "none"):
        return "`tool_choice` asks for a tool, and `tools` has none"
    if isinstance(work.tool_choice, NamedTool) and all(tool.name != work.tool_choice.name for tool in work.tools):
        return f"`tool_choice` names {work.tool_choice.name!r}, which is not one of `tools`"
    return None


def new_call_id() -> str:
    """For a call of a tool that its backend gave none."""
    return f"call_{token_hex(12)}"


def call_from(call_id: str | None, name: str, written: str) -> ToolCall:
    """Of arguments as text, whether or not they are JSON: that of a client's history, too."""
    try:
        arguments = from_json(written or "{}")
        if isinstance(arguments, dict):
            return ToolCall(name=name, id=call_id, arguments=arguments, written=written or None)
    except ValueError:
        pass
    return ToolCall(name=name, id=call_id, written=written)


WORK_FIELDS = tuple(Work.model_fields)


def work_of(work: Work) -> dict[str, Any]:
    """Its fields by name, for a message that repeats them."""
    return {name: getattr(work, name) for name in WORK_FIELDS}
