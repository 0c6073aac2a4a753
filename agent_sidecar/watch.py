"""Keeps an eye on the backend: what models it has, and whether it is well again after it failed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from time import monotonic

from agent_sidecar.backends.backend import Ask, Backend
from agent_sidecar.condition import Condition
from bus import telemetry
from bus.errors import BackendStalled, BackendUnreachable, HiveError
from bus.messages import ChatMessage, ModelInfo

logger = telemetry.log(__name__)

Models = tuple[ModelInfo, ...]


class BackendWatch:
    """Calls `seen` with the models each time that the backend tells them. Times are in seconds."""

    def __init__(
        self,
        backend: Backend,
        condition: Condition,
        *,
        seen: Callable[[Models], Awaitable[None]],
        busy: Callable[[], bool],
        healthy_seconds: float,
        probe_seconds: float,
        speak_seconds: float,
    ) -> None:
        self._backend, self._condition = backend, condition
        self._seen, self._busy = seen, busy
        self._healthy_seconds, self._probe_seconds, self._speak_seconds = healthy_seconds, probe_seconds, speak_seconds
        self._wake = asyncio.Event()

    def look_soon(self) -> None:
        """Something ended that may have changed the backend: a load, a failure."""
        self._wake.set()

    async def run(self) -> None:
        """For ever."""
        while True:
            self._wake.clear()
            looked_at = monotonic()
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._probe_seconds if self._condition.fault else self._healthy_seconds):
                    await self._wake.wait()
            # Whoever woke this may be one of many: never look more often than at a backend that failed.
            await asyncio.sleep(max(0.0, looked_at + self._probe_seconds - monotonic()))

    async def look(self) -> None:
        """Ask once, and draw the conclusion."""
        fault = self._condition.fault
        try:
            models = await self._backend.models()
            if fault is not None and fault.stalled_model is not None:
                await self._speaks(fault.stalled_model)
        except HiveError as error:
            # An attempt that runs finds out by itself; until then an overloaded backend may be slow to answer here.
            if not self._busy():
                self._degrade(error)
            return
        except Exception:
            logger.exception("backend_watch_failed")
            return
        await self._seen(models)
        if fault is not None and self._condition.fault is fault:
            self._condition.recover()
            logger.info("backend_answers", endpoint=self._backend.endpoint)

    def _degrade(self, error: HiveError) -> None:
        if self._condition.fault is None:
            logger.warning("backend_failed", endpoint=self._backend.endpoint, reason=error.message)
        self._condition.fail(error)

    async def _speaks(self, model: str) -> None:
        """One token of the model that hung. What is an answer, even a refusal, is a sign of life."""
        ask = Ask(model=model, messages=(ChatMessage(role="user", content="Hi"),), options={"num_predict": 1})
        try:
            async with asyncio.timeout(self._speak_seconds), aclosing(self._backend.generate(ask)) as items:
                async for _ in items:
                    return
        except TimeoutError:
            raise BackendStalled(f"{model} still gives no token.") from None
        except BackendUnreachable:
            raise
        except HiveError:
            return
