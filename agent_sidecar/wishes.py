"""What models.yaml wishes of models, as the leader shows it on the bus: how they are to be loaded, whatever requests ask for."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from pydantic import ValidationError

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages.models import ModelWish, Wish

logger = telemetry.log(__name__)

AGAIN_SECONDS: Final = 2.0
"""Between two looks at the bucket: a host that has joined may read this one value, and make no consumer, which could be told to
deliver to anybody."""


class Wishes:
    """`changed` is given the wishes whenever there are others."""

    def __init__(self, bus: Bus, changed: Callable[[tuple[ModelWish, ...]], None]) -> None:
        self._bus, self._changed = bus, changed
        self._heard: bytes | None = None

    async def run(self) -> None:
        """For ever. The first coordinator of a new bus makes the bucket."""
        while True:
            try:
                self._hear(await self._bus.get(subjects.KV_PLACEMENT, subjects.WISH_KEY))
            except HiveError as error:
                logger.debug("no_wishes_yet", reason=error.message)
            await asyncio.sleep(AGAIN_SECONDS)

    def _hear(self, value: bytes | None) -> None:
        if value == self._heard:
            return
        self._heard = value
        with suppress(ValidationError):
            self._changed(() if value is None else Wish.model_validate_json(value).models)
