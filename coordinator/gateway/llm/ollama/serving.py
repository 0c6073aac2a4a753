"""A task for a client of Ollama: as any other, but for the words that tell of a model nobody has."""

from collections.abc import Callable

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from bus.errors import ModelNotFound, UnknownModel
from bus.messages import Claims
from coordinator.gateway.gateway import Gateway
from coordinator.gateway.llm.serving import Serving
from coordinator.gateway.llm.wording import Job, Wording


class OllamaServing(Serving):
    """`missing` words it for the path. Clients look for it, and pull what is missing."""

    def __init__(
        self,
        gateway: Gateway,
        claims: Claims,
        headers: Headers,
        job: Job,
        wording: Wording,
        missing: Callable[[str], UnknownModel],
    ) -> None:
        super().__init__(gateway, claims, headers, job, wording)
        self._missing, self._name = missing, job.model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except (UnknownModel, ModelNotFound):
            raise self._missing(self._name) from None
