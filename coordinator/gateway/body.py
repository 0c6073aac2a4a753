"""Bodies: bounded while they are read, and parsed by the same strict parser as on the bus.

Python's own parser would let through what breaks later: half a surrogate pair, nesting that ends in a RecursionError.
"""

from collections.abc import Callable, Coroutine
from typing import Any, ClassVar, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json
from starlette.datastructures import Headers

from bus.errors import InvalidJson, InvalidRequest, PayloadTooLarge, UnsupportedMediaType

MAX_BODY: Final = "max_body_bytes"
"""The name of the limit in the app's state."""


class JsonRequest(Request):
    """A request whose body was read by `load`."""

    async def load(self, limit: int) -> None:
        """PayloadTooLarge as soon as the limit is passed; InvalidRequest, UnsupportedMediaType, InvalidJson."""
        self._body = await bounded(self, limit)
        if not self._body:
            raise InvalidRequest("The body is empty. Send one JSON object.")
        _check_media_type(self.headers)
        self._json = parse(self._body)


async def bounded(request: Request, limit: int, heard: Callable[[int], None] | None = None) -> bytes:
    """The whole body. PayloadTooLarge as soon as the limit is passed. `heard` is called with the size of each piece, and may refuse it."""
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > limit:
        raise _too_large(limit)
    pieces, size = [], 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise _too_large(limit)
        if heard is not None:
            heard(len(piece))
        pieces.append(piece)
    return b"".join(pieces)


class JsonRoute(APIRoute):
    """The route of everything that takes a body. `limit` in bytes; None: what the settings say."""

    limit: ClassVar[int | None] = None

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler = super().get_route_handler()

        async def handle(request: Request) -> Response:
            if self.body_field is None:
                return await handler(request)
            loaded = JsonRequest(request.scope, request.receive)
            await loaded.load(self.limit or getattr(request.app.state, MAX_BODY))
            return await handler(loaded)

        return handle


class ShortJsonRoute(JsonRoute):
    """Where nobody needs a key, nobody may send much."""

    limit = 4096


def parse(body: bytes) -> Any:
    """JSON by the parser that pydantic uses on the bus. InvalidJson."""
    try:
        return from_json(body, allow_inf_nan=False)
    except ValueError as error:
        raise InvalidJson(f"The body is not valid JSON: {error}. Send one JSON object.") from None


def _check_media_type(headers: Headers) -> None:
    """A form or plain text is what a foreign page can make a browser send without asking, so JSON must say that it is JSON."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise UnsupportedMediaType(
            f"The body came as {media_type or 'nothing in particular'}. Send Content-Type: application/json."
        )


def _too_large(limit: int) -> PayloadTooLarge:
    return PayloadTooLarge(f"The body has more than {limit:,} bytes. Shorten it; a prompt may be split into several tasks.")
