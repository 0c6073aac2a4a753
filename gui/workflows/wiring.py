"""What a browser asks for, given to who does it; a refusal goes back with its code."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from nicegui.events import GenericEventArguments

from bus.errors import HiveError
from gui.canvas.parts import Told

Handler = Callable[[Any], Awaitable[None]]


def wire(element: Told, handlers: Mapping[str, Handler]) -> None:
    for name, handler in handlers.items():
        element.on(name, _guarded(element, handler))


def _guarded(element: Told, handler: Handler) -> Callable[[GenericEventArguments], Awaitable[None]]:
    async def handle(event: GenericEventArguments) -> None:
        try:
            await handler(event.args)
        except HiveError as error:
            element.tell("failed", {"code": error.code, "message": error.message})

    return handle
