"""A body of Ollama's /api/generate as a Job, and what is done for one that has no prompt. Pure."""

from typing import Annotated, Any

from pydantic import Field, JsonValue

from bus.messages import TaskKind
from bus.messages.base import Text
from coordinator.gateway.llm.ollama.chat_request import MOST_LOGPROBS, how_of
from coordinator.gateway.llm.ollama.common import DOOR, Asking, images_of, options_of, read
from coordinator.gateway.llm.ollama.errors import not_there
from coordinator.gateway.llm.reading import wrong
from coordinator.gateway.llm.wording import Job, job_of


class GenerateRequest(Asking):
    prompt: Text | None = None
    suffix: Text | None = None
    images: tuple[Text, ...] | None = None
    system: Text | None = None
    template: Text | None = None
    raw: bool | None = None
    context: tuple[Annotated[int, Field(ge=0)], ...] | None = None
    format: JsonValue = None
    think: bool | str | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = Field(default=None, ge=0, le=MOST_LOGPROBS)


def read_generate(body: bytes) -> GenerateRequest:
    """InvalidJson, InvalidRequest, UnknownModel."""
    asked = read(GenerateRequest, body)
    if not asked.model:
        raise not_there(asked.model)
    if asked.raw and (asked.template or asked.system or asked.context):
        raise wrong("raw", "raw mode does not support template, system, or context")
    return asked


def generate_job(asked: GenerateRequest) -> Job:
    """Of one that has a prompt. InvalidRequest."""
    given = {name: getattr(asked, name) for name in ("suffix", "system", "template", "context")}
    work: dict[str, Any] = {
        "kind": TaskKind.GENERATE,
        "prompt": asked.prompt,
        "options": options_of(asked),
        "streamed": asked.streamed,
        **{name: value for name, value in given.items() if value},
    }
    if asked.images:
        work["images"] = images_of(asked.images, "images")
    if asked.raw:
        work["raw"] = True
    return job_of(asked.model, work | how_of(asked), door=DOOR)


def load_job(asked: Asking) -> Job:
    """A request without anything to answer has the model loaded, where the scheduler would have placed the next one: it is a task of
    one token, which nobody is shown.
    """
    work = {"kind": TaskKind.GENERATE, "prompt": " ", "raw": True, "options": {**options_of(asked), "num_predict": 1}}
    return job_of(asked.model, work, door=DOOR)
