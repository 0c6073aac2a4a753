"""Asks a model that failed for one word, all the way from the ask to the final message: listing models is no sign that they run."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from time import monotonic

from agent_sidecar.backends.backend import Ask, Backend, Result
from bus.errors import BackendError, BackendRefused, BackendStalled
from bus.messages import ChatMessage, ModelInfo

LONGEST_SECONDS = 900.0

_MOST_DOUBLINGS = 16

_ASK = {"num_predict": 1}


class Trial:
    """`limit` says how long the first token of a model may take, in seconds; `loaded` is told how long a cold one took."""

    def __init__(
        self, backend: Backend, *, limit: Callable[[str, ModelInfo | None], float], loaded: Callable[[str, float], None]
    ) -> None:
        self._backend, self._limit, self._loaded = backend, limit, loaded
        self._hung: dict[str, int] = {}

    async def hold(self, model: str, info: ModelInfo | None) -> None:
        """Returns once the model spoke, or refused: that is an answer too. BackendStalled, BackendUnreachable, BackendError,
        ModelNotOnAgent otherwise.

        Each time that it hangs it is given twice as long the next time: what looks hung may be loading from a slow disk, and
        giving up ends the load.
        """
        started, seconds = monotonic(), self.patience_seconds(model, info)
        try:
            async with asyncio.timeout(seconds):
                await self._word(model)
        except TimeoutError:
            self._hung[model] = min(self._hung.get(model, 0) + 1, _MOST_DOUBLINGS)
            raise BackendStalled(f"{model} still gives no token within {seconds:.1f} s. See the backend's log.") from None
        self._hung.pop(model, None)
        if info is not None and not info.loaded:
            self._loaded(model, monotonic() - started)

    def patience_seconds(self, model: str, info: ModelInfo | None) -> float:
        """Of the next trial."""
        limit = self._limit(model, info)
        return max(limit, min(limit * 2.0 ** self._hung.get(model, 0), LONGEST_SECONDS))

    async def _word(self, model: str) -> None:
        ask = Ask(model=model, messages=(ChatMessage(role="user", content="Hi"),), options=dict(_ASK))
        try:
            async with aclosing(self._backend.generate(ask)) as items:
                async for item in items:
                    if isinstance(item, Result):
                        return
        except BackendRefused:
            return
        raise BackendError(f"{model} ended a word without its final message. See the backend's log for why.")
