"""Bodies of Ollama's /api/embed and the older /api/embeddings as Jobs. Pure."""

from typing import Annotated, Any

from pydantic import Field, JsonValue

from bus.messages import TaskKind
from bus.messages.base import Text
from coordinator.gateway.llm.ollama.common import DOOR, Asking, named, options_of, read
from coordinator.gateway.llm.ollama.errors import not_found
from coordinator.gateway.llm.reading import wrong
from coordinator.gateway.llm.wording import Job, job_of


class EmbedRequest(Asking):
    input: JsonValue = None
    truncate: bool | None = None
    dimensions: Annotated[int, Field(ge=1)] | None = None

    @property
    def texts(self) -> tuple[str, ...]:
        """Empty where there is nothing to be embedded. InvalidRequest."""
        match self.input:
            case None | "":
                return ()
            case str(text):
                return (text,)
            case list(texts) if all(isinstance(text, str) for text in texts):
                return tuple(texts)  # type: ignore[arg-type]  # each was looked at
        raise wrong("input", "invalid input type")


class EmbeddingsRequest(Asking):
    prompt: Text | None = None


def read_embed(body: bytes) -> EmbedRequest:
    """InvalidJson, InvalidRequest, UnknownModel."""
    asked = read(EmbedRequest, body)
    if not asked.model:
        raise not_found(asked.model)
    return asked


def read_embeddings(body: bytes) -> EmbeddingsRequest:
    """InvalidJson, InvalidRequest."""
    asked = read(EmbeddingsRequest, body)
    named(asked)
    return asked


def embed_job(asked: EmbedRequest) -> Job:
    """Of one that has texts. InvalidRequest."""
    work: dict[str, Any] = {"kind": TaskKind.EMBED, "input": asked.texts, "options": options_of(asked)}
    if asked.truncate is not None:
        work["truncate"] = asked.truncate
    if asked.dimensions is not None:
        work["dimensions"] = asked.dimensions
    return job_of(asked.model, work, door=DOOR)


def embeddings_job(asked: EmbeddingsRequest) -> Job:
    """Of one that has a prompt. InvalidRequest."""
    work = {"kind": TaskKind.EMBED, "input": (asked.prompt or "",), "options": options_of(asked)}
    return job_of(asked.model, work, door=DOOR)
