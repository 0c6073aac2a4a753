"""Where orders to one agent come in (orders.py does them).

They are answered one after the other, and a cancel must not wait behind a pull: what takes long goes on in the background.
"""

import asyncio
from collections.abc import Awaitable, Callable

from bus import telemetry
from bus.client import Received
from bus.errors import HiveError
from bus.messages import Control, ControlAction, ControlReply

logger = telemetry.log(__name__)

ANSWER_SECONDS = 1.0
"""Work that ends within this is answered with its result."""

Work = Callable[[str], Awaitable[str]]
"""Does something with a model; the sentence says what came of it. Raises HiveError."""


class Desk:
    """`instant` do their work before they return, `lasting` are for work with a model."""

    def __init__(
        self, instant: dict[ControlAction, Callable[[Control], ControlReply]], lasting: dict[ControlAction, Work]
    ) -> None:
        self._instant, self._lasting = instant, lasting
        self._under_way: dict[tuple[ControlAction, str], asyncio.Task[ControlReply]] = {}

    async def handle(self, received: Received) -> ControlReply:
        try:
            order = received.decode(Control)
        except HiveError as error:
            return ControlReply(ok=False, message=error.message)
        if act := self._instant.get(order.action):
            return act(order)
        if order.model is None:
            return ControlReply(ok=False, message=f"{order.action} needs a `model`.")
        return await self._work(order.action, order.model)

    async def _work(self, action: ControlAction, model: str) -> ControlReply:
        key = (action, model)
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._do(action, model))
            task.add_done_callback(lambda _: self._under_way.pop(key, None))
        await asyncio.wait([task], timeout=ANSWER_SECONDS)
        return task.result() if task.done() else ControlReply(ok=True, message=f"{action} of {model} is under way.")

    async def _do(self, action: ControlAction, model: str) -> ControlReply:
        try:
            message = await self._lasting[action](model)
        except HiveError as error:
            logger.warning("order_failed", action=action, model=model, reason=error.message)
            return ControlReply(ok=False, message=error.message)
        logger.info("order_done", action=action, model=model, result=message)
        return ControlReply(ok=True, message=message)

    async def close(self) -> None:
        for task in list(self._under_way.values()):
            task.cancel()
