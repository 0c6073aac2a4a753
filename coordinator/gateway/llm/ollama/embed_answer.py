"""What /api/embed and /api/embeddings answer. Pure."""

from base64 import b64decode
from struct import unpack
from time import perf_counter
from typing import Final

from pydantic_core import to_json

from bus.errors import HiveError
from bus.follow import Delta
from coordinator.gateway.llm.ollama.answer import JSON, LINES, measured
from coordinator.gateway.llm.ollama.errors import body_of
from coordinator.gateway.llm.wording import Whole

NO_EMBEDDING: Final = b'{"embedding":[]}'
_BYTES: Final = 4


class EmbedWording:
    """See coordinator.gateway.llm.wording.Wording. Neither path streams."""

    whole_type = JSON
    stream_type = LINES

    def __init__(self, model: str) -> None:
        self._model, self._began = model, perf_counter()

    def whole(self, whole: Whole) -> bytes:
        vectors = b",".join(map(numbers, whole.choices[0].embeddings))
        times = to_json(measured(whole.usage, whole.timings, perf_counter() - self._began))
        return b'{"model":%b,"embeddings":[%b],%b' % (to_json(self._model), vectors, times[1:])

    def nothing(self) -> bytes:
        """Of a request without any text."""
        return to_json({"model": self._model, "embeddings": []})

    def stream_begin(self) -> bytes:
        return b""

    def stream_delta(self, delta: Delta) -> bytes:
        return b""

    def stream_idle(self, note: str) -> bytes:
        return b""

    def stream_end(self, whole: Whole) -> bytes:
        return self.whole(whole)

    def stream_error(self, error: HiveError) -> bytes:
        return body_of(error) + b"\n"


class EmbeddingsWording(EmbedWording):
    """Of /api/embeddings: one vector, and nothing beside it."""

    def whole(self, whole: Whole) -> bytes:
        return b'{"embedding":%b}' % b"".join(map(numbers, whole.choices[0].embeddings[:1]))


def numbers(vector: str) -> bytes:
    """A JSON array of what is 32-bit floats in base64: nine digits tell each of them apart."""
    data = b64decode(vector)
    count = len(data) // _BYTES
    written = "%.9g," * count % unpack(f"<{count}f", data)
    return f"[{written[:-1]}]".encode()
