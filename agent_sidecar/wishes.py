"""What models.yaml wishes of models, as the leader shows it on the bus: how they are to be loaded, whatever requests ask for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from bus import subjects, telemetry
from bus.client import Bus, Closing
from bus.errors import HiveError
from bus.messages.models import ModelWish, Wish

logger = telemetry.log(__name__)

AGAIN_SECONDS: Final = 2.0
"""Until the bucket is looked for again: the first coordinator of a new bus makes it."""


class Wishes:
    """`changed` is given the wishes whenever there are others."""

    def __init__(self, bus: Bus, changed: Callable[[tuple[ModelWish, ...]], None]) -> None:
        self._bus, self._changed = bus, changed
        self._watch: Closing | None = None

    async def run(self) -> None:
        """Until the bucket is there and watched."""
        while self._watch is None:
            try:
                self._watch = await self._bus.watch(subjects.KV_PLACEMENT, self._heard)
            except HiveError as error:
                logger.debug("no_wishes_yet", reason=error.message)
                await asyncio.sleep(AGAIN_SECONDS)

    async def _heard(self, key: str, value: bytes | None) -> None:
        if key != subjects.WISH_KEY:
            return
        with suppress(ValidationError):
            self._changed(() if value is None else Wish.model_validate_json(value).models)

    async def close(self) -> None:
        if self._watch is not None:
            await self._watch.close()
