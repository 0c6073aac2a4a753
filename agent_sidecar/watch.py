"""Keeps an eye on the backend: what models it has, and whether it is well again after it failed."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from itertools import islice
from time import monotonic

from agent_sidecar.backends.backend import Backend
from agent_sidecar.condition import Condition, Fault
from agent_sidecar.suspects import Suspects
from agent_sidecar.trial import Trial
from bus import telemetry
from bus.errors import BackendError, BackendStalled, HiveError, ModelNotOnAgent
from bus.messages import ModelInfo
from bus.model_names import same_model

logger = telemetry.log(__name__)

MOST_MODELS = 2000
LONGEST_NAME = 255
BUSY_SECONDS = 60.0
"""So long overdue, a model that was left out is asked for a word although others are at work: on a host that is never idle it would wait for ever."""

Models = tuple[ModelInfo, ...]


class BackendWatch:
    """Calls `seen` with the models that work, each time that the backend tells what it has. Times are in seconds."""

    def __init__(
        self,
        backend: Backend,
        condition: Condition,
        trial: Trial,
        *,
        seen: Callable[[Models], Awaitable[None]],
        busy: Callable[[], bool],
        healthy_seconds: float,
        probe_seconds: float,
    ) -> None:
        self._backend, self._condition, self._trial = backend, condition, trial
        self._seen, self._busy = seen, busy
        self._healthy_seconds, self._probe_seconds = healthy_seconds, probe_seconds
        self.suspects = Suspects(probe_seconds)
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
            models = usable(await self._backend.models())
            await self._try_out(models, fault)
        except HiveError as error:
            # An attempt that runs finds out by itself; until then an overloaded backend may be slow to answer here.
            if not self._busy():
                self._degrade(error)
            return
        except Exception:
            logger.exception("backend_watch_failed")
            return
        working = self.suspects.offered(models)
        if fault is None or self._is_over(fault, working):
            await self._seen(working)
            self._recover(fault)

    async def _try_out(self, models: Models, fault: Fault | None) -> None:
        """What failed is asked for a word when its time has come. A hang of what made the agent ill is the whole backend's."""
        self.suspects.forget_all_but(models)
        accused = fault.model if fault else None
        if accused is not None and _among(models, accused) and not self.suspects.holds(accused):
            await self._hear(accused, models)
        due = self.suspects.due(monotonic())
        if (
            fault is None and self._busy()
        ):  # its load would take the memory of what runs, which is the lesser evil after a while
            due = self.suspects.due(monotonic() - BUSY_SECONDS)
        for model in due:
            with suppress(BackendStalled):
                await self._hear(model, models)

    async def _hear(self, model: str, models: Models) -> None:
        try:
            await self._trial.hold(model, _among(models, model))
        except (BackendError, ModelNotOnAgent) as error:
            if not self.suspects.holds(model):
                logger.warning("model_left_out", endpoint=self._backend.endpoint, model=model, reason=error.message)
            self.suspects.failed(model, error.message, monotonic())
        except BackendStalled as error:
            if self.suspects.holds(model):
                self.suspects.failed(model, error.message, monotonic())
            raise
        else:
            self.suspects.clear(model)

    def _is_over(self, fault: Fault, working: Models) -> bool:
        """It is not while the only model there is fails."""
        return bool(working) or fault.model is None or not self.suspects.holds(fault.model)

    def _recover(self, fault: Fault | None) -> None:
        if fault is not None and self._condition.fault is fault:
            self._condition.recover()
            logger.info("backend_answers", endpoint=self._backend.endpoint)

    def _degrade(self, error: HiveError) -> None:
        if self._condition.fault is None:
            logger.warning("backend_failed", endpoint=self._backend.endpoint, reason=error.message)
        self._condition.fail(error)


def usable(models: Models) -> Models:
    """Without those that no message can carry: a list is nonsense, or made to do harm, before a heartbeat or a database is."""
    sound = (model for model in models if 0 < len(model.name) <= LONGEST_NAME and model.name.isprintable())
    return tuple(islice(sound, MOST_MODELS))


def _among(models: Models, name: str) -> ModelInfo | None:
    return next((model for model in models if same_model(model.name, name)), None)
