"""Where orders to one agent come in (orders.py does them).

They are answered one after the other, and a cancel must not wait behind a pull: what takes long goes on in the background.
"""

from collections.abc import Callable, Mapping

from bus.client import Received
from bus.errors import HiveError
from bus.messages import Control, ControlAction, ControlReply

Act = Callable[[Control], ControlReply]
"""Does what was ordered, or begins it, and returns at once."""


class Desk:
    def __init__(self, acts: Mapping[ControlAction, Act]) -> None:
        self._acts = acts

    async def handle(self, received: Received) -> ControlReply:
        try:
            order = received.decode(Control)
        except HiveError as error:
            return ControlReply(ok=False, message=error.message)
        return self._acts[order.action](order)
