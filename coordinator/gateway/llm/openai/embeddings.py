"""/v1/embeddings: a body as a Job, and vectors as OpenAI's clients read them. Pure."""

import sys
from array import array
from base64 import b64decode
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field
from pydantic_core import to_json

from bus.errors import HiveError
from bus.follow import Delta
from bus.messages import TaskKind
from bus.messages.base import Text
from bus.messages.work import MAX_INPUTS
from coordinator.gateway.llm.openai.errors import body_of
from coordinator.gateway.llm.reading import Foreign, read
from coordinator.gateway.llm.wording import Job, Whole, job_of


def _texts(value: Any) -> Any:
    """ValueError for tokens: whose they are nobody says, and no backend takes them."""
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and any(isinstance(each, int | list) for each in value):
        raise ValueError("tokens are not taken, since each model has its own; send text or a list of texts")
    return value


class EmbeddingsRequest(Foreign):
    model: Text = Field(min_length=1, max_length=255)
    input: Annotated[
        tuple[Annotated[Text, Field(min_length=1)], ...],
        Field(min_length=1, max_length=MAX_INPUTS),
        BeforeValidator(_texts, json_schema_input_type=str | tuple[str, ...]),
    ]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1)


def embeddings_job(body: bytes) -> tuple[EmbeddingsRequest, Job]:
    """InvalidJson, InvalidRequest."""
    asked = read(EmbeddingsRequest, body)
    work: dict[str, Any] = {"kind": TaskKind.EMBED, "input": asked.input}
    if asked.dimensions is not None:
        work["dimensions"] = asked.dimensions
    return asked, job_of(asked.model, work, door="openai")


class EmbeddingsWording:
    """See coordinator.gateway.llm.wording.Wording. Nothing of it streams."""

    whole_type = "application/json"
    stream_type = "application/json"

    def __init__(self, asked: EmbeddingsRequest) -> None:
        self._model, self._numbers = asked.model, asked.encoding_format == "float"

    def whole(self, whole: Whole) -> bytes:
        vectors = whole.choices[0].embeddings
        found = [
            {"object": "embedding", "index": index, "embedding": numbers_of(vector) if self._numbers else vector}
            for index, vector in enumerate(vectors)
        ]
        tokens = whole.usage.prompt_tokens
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return to_json({"object": "list", "data": found, "model": self._model, "usage": usage})

    def stream_begin(self) -> bytes:
        return b""

    def stream_delta(self, delta: Delta) -> bytes:
        return b""

    def stream_idle(self, note: str) -> bytes:
        return b""

    def stream_end(self, whole: Whole) -> bytes:
        return self.whole(whole)

    def stream_error(self, error: HiveError) -> bytes:
        return to_json(body_of(error))


def numbers_of(vector: str) -> list[float]:
    """Of 32-bit floats, little-endian, in base64."""
    numbers = array("f", b64decode(vector))
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tolist()
