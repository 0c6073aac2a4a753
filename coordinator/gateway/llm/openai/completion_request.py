"""A body of /v1/completions as a Job. Pure."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from bus.messages import TaskKind
from bus.messages.base import Text
from coordinator.gateway.llm.openai.chat_request import Sampling, options_of
from coordinator.gateway.llm.reading import read, wrong
from coordinator.gateway.llm.wording import Job, job_of

MOST_LOGPROBS = 5
DEFAULT_TOKENS = 16
"""OpenAI's own; clients of this old endpoint count on it."""


def _prompt(value: Any) -> Any:
    """The one of a list that has one. ValueError for several, and for tokens."""
    if not isinstance(value, list):
        return value
    if any(isinstance(each, int | list) for each in value):
        raise ValueError("tokens are not taken, since each model has its own; send text")
    if len(value) != 1:
        raise ValueError("a request has one prompt; send one request for each")
    return value[0]


class CompletionRequest(Sampling):
    prompt: Annotated[Text, Field(min_length=1), BeforeValidator(_prompt)]
    suffix: Text | None = None
    echo: bool | None = None
    logprobs: int | None = Field(default=None, ge=0, le=MOST_LOGPROBS)
    best_of: int | None = Field(default=None, ge=1)


def completion_job(body: bytes) -> tuple[CompletionRequest, Job]:
    """InvalidJson, InvalidRequest. The prompt is written on behind as it is; with a `suffix` the model's own template fills the gap."""
    asked = read(CompletionRequest, body)
    if asked.best_of is not None and asked.best_of > (asked.n or 1):
        raise wrong("best_of", "`best_of` is more than `n`: nobody here rates answers. Leave it out, or raise `n`.")
    if asked.echo and asked.logprobs is not None:
        raise wrong("echo", "`echo` with `logprobs` is not taken: no backend tells the logprobs of a prompt.")
    work: dict[str, Any] = {
        "kind": TaskKind.GENERATE,
        "prompt": asked.prompt,
        "raw": not asked.suffix,
        "options": options_of(asked, asked.max_tokens or DEFAULT_TOKENS),
        "streamed": bool(asked.stream),
    }
    if asked.suffix:
        work["suffix"] = asked.suffix
    if asked.logprobs is not None:
        work["logprobs"], work["top_logprobs"] = True, asked.logprobs
    if asked.n is not None and asked.n > 1:
        work["n"] = asked.n
    return asked, job_of(asked.model, work, door="openai")
