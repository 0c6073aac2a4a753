"""One WebSocket client: who it is, what it follows, and its end.

A client shows its key by a header, a cookie, or its first message; never by the address, which proxies and histories keep.
"""

import asyncio
import json
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from time import monotonic
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import Headers
from starlette.websockets import WebSocket, WebSocketDisconnect

from bus import auth, subjects, telemetry
from bus.codec import explain
from bus.errors import HiveError, InvalidRequest, PermissionDenied, RateLimited, Unauthenticated
from bus.messages import Claims
from bus.together import end
from bus.web.origins import from_elsewhere
from bus.web.pace import MESSAGES, SECONDS, MessagePace
from coordinator.gateway.asking import address_of
from coordinator.gateway.identity import Identity, read
from coordinator.gateway.live.hub import Hub
from coordinator.gateway.live.outbox import Outbox
from coordinator.gateway.live.topics import Topic, parse

logger = telemetry.log(__name__)

PATH: Final = "/ws"
COOKIE: Final = "hive_key"
HELLO_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 60.0
PING_SECONDS: Final = 25.0
MOST_TOPICS: Final = 100
SOME: Final = 16
"""Messages that a client is sent between two looks at its key."""
REFUSED, SILENT, GOING = 1008, 1008, 1001
"""Codes of RFC 6455: a policy was violated; the server goes away."""
_IN_THE_ADDRESS: Final = ("key", "token", "api_key", "apikey", "access_token", "authorization")
HOW: Final = 'Send a header `Authorization: Bearer sk-hive-…`, or first {"type":"authenticate","data":{"key":"sk-hive-…"}}'


class FromClient(BaseModel):
    """The seed's WebSocketMessage. `timestamp` is the client's own business."""

    id: str | None = Field(default=None, max_length=128)
    type: str
    topic: str | None = None
    data: dict[str, Any] | None = None


class Gone(Exception):
    """The connection is to be closed."""

    def __init__(self, code: int, error: HiveError) -> None:
        super().__init__(error.message)
        self.code, self.error = code, error


class Client:
    """`silence_seconds`: without a message from the client the connection is closed."""

    def __init__(self, socket: WebSocket, identity: Identity, hub: Hub, *, silence_seconds: float = SILENCE_SECONDS) -> None:
        self._socket, self._identity, self._hub, self._silence = socket, identity, hub, silence_seconds
        self._outbox, self._topics = Outbox(), set[Topic]()
        self._claims: Claims | None = None
        self._key_hash = ""

    async def serve(self, stopping: asyncio.Event) -> None:
        """To the end of the connection, or of the gateway."""
        await self._socket.accept()
        works = [asyncio.create_task(work) for work in (self._receive(), self._send(), _stopped(stopping), self._ping())]
        try:
            await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(works)
            for topic in tuple(self._topics):
                await self._hub.leave(topic, self._outbox)
        errors = [error for work in works if not work.cancelled() and (error := work.exception()) is not None]
        gone = next((error for error in errors if isinstance(error, Gone)), None)
        await self._close(gone, errors)

    async def _close(self, gone: Gone | None, errors: list[BaseException]) -> None:
        """A client that does not read is not waited for."""
        if any(isinstance(error, WebSocketDisconnect) for error in errors):
            return
        for error in errors:
            if not isinstance(error, Gone):
                raise error
        try:
            async with asyncio.timeout(1):
                if gone is not None:
                    await self._socket.send_text(self._error(gone.error))
                await self._socket.close(GOING if gone is None else gone.code, None if gone is None else gone.error.code)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            pass

    async def _receive(self) -> None:
        await self._identify()
        pace = MessagePace()
        while True:
            message = await self._next(self._silence)
            if not pace.allows(monotonic()):
                logger.warning("flood_closed", path=PATH, address=address_of(self._socket.scope))
                raise Gone(REFUSED, RateLimited(f"A connection may send {MESSAGES} messages in {SECONDS:.0f} s."))
            try:
                await self._take(_understood(message))
            except HiveError as error:
                if isinstance(error, PermissionDenied) and self._claims is not None:
                    told = self._claims.model_copy(update={"address": address_of(self._socket.scope), "via": PATH})
                    await self._hub.auditor.refused("doors.socket", told, error)
                self._put(self._error(error, answers=_id_of(message)))

    async def _identify(self) -> None:
        """Gone for whoever does not show a key that holds."""
        try:
            if any(name.lower() in _IN_THE_ADDRESS for name in self._socket.query_params):
                raise Unauthenticated(f"A key never stands in an address. {HOW}.")
            secret = _shown(self._socket.headers)
            if secret is not None:
                await self._hold(secret)
            else:
                told, answers = await self._told()
                await self._hold(told)
                self._put(self._hub.message("authenticate", answers=answers))
        except HiveError as error:
            raise Gone(REFUSED, error) from None

    async def _told(self) -> tuple[str, str | None]:
        """The key of the first message, and the message's id."""
        message = await self._next(HELLO_SECONDS)
        first = _understood(message)
        if first.type != "authenticate" or not isinstance(key := (first.data or {}).get("key"), str):
            raise Unauthenticated(f"No API key was sent. {HOW}.")
        return key, first.id

    async def _hold(self, secret: str) -> None:
        self._key_hash = auth.hash_key(secret)
        self._claims = await self._identity.shown(secret, address_of(self._socket.scope))

    async def _next(self, seconds: float) -> str:
        try:
            async with asyncio.timeout(seconds):
                return await self._socket.receive_text()
        except TimeoutError:
            raise Gone(
                SILENT, InvalidRequest(f"Nothing was heard of this client for {seconds:.0f} s. Answer each ping.")
            ) from None
        except KeyError:
            raise Gone(REFUSED, InvalidRequest("Messages are text: JSON, one object each.")) from None

    async def _take(self, message: FromClient) -> None:
        match message.type:
            case "subscribe":
                topic = self._named(message)
                await self._follow(topic)
                self._put(self._hub.message("subscribe", str(topic), answers=message.id))
            case "unsubscribe":
                topic = self._named(message)
                self._topics.discard(topic)
                await self._hub.leave(topic, self._outbox)
                self._put(self._hub.message("unsubscribe", str(topic), answers=message.id))
            case "ping":
                self._put(self._hub.message("pong", answers=message.id))
            case "pong":
                pass
            case other:
                raise InvalidRequest(f"There is no message of type {other[:50]}: subscribe, unsubscribe, ping and pong.")

    async def _follow(self, topic: Topic) -> None:
        topic.require(await self._still())
        if len(self._topics) >= MOST_TOPICS and topic not in self._topics:
            raise InvalidRequest(
                f"A connection follows {MOST_TOPICS} topics at most. Unsubscribe one, or follow all of a family by *."
            )
        self._topics.add(topic)
        try:
            await self._hub.follow(topic, self._outbox)
        except HiveError:
            self._topics.discard(topic)
            raise

    def _named(self, message: FromClient) -> Topic:
        if message.topic is None:
            raise InvalidRequest(f"`topic` is missing: name what to {message.type}.")
        return parse(message.topic, subjects.DEFAULT_TENANT if self._claims is None else self._claims.tenant)

    async def _still(self) -> Claims:
        """Gone once the key was revoked. One made a moment ago may be known to the bucket only."""
        try:
            claims = await self._identity.known(self._key_hash) if self._claims is not None else None
        except HiveError as error:
            raise Gone(GOING, error) from None
        if claims is None:
            raise Gone(REFUSED, Unauthenticated(f"This key was revoked, or the token is over. {HOW}."))
        return claims

    async def _send(self) -> None:
        """What was missed is told before what comes after it."""
        while True:
            await self._outbox.wait()
            if self._claims is not None:
                await self._still()
            for topic, number in self._outbox.missed().items():
                missed = {
                    "code": "messages_missed",
                    "missed": number,
                    "message": f"{number} messages came faster than they were read.",
                }
                await self._socket.send_text(self._hub.message("error", topic, missed))
            await self._send_some()

    async def _send_some(self) -> None:
        """Until the key is looked at again, or something was missed meanwhile."""
        for _ in range(SOME):
            if self._outbox.has_missed or (text := self._outbox.next()) is None:
                return
            await self._socket.send_text(text)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(min(PING_SECONDS, self._silence / 2))
            self._put(self._hub.message("ping"))

    def _put(self, text: str) -> None:
        self._outbox.put("", text)

    def _error(self, error: HiveError, *, answers: str | None = None) -> str:
        return self._hub.message("error", data={"code": error.code, "message": error.message}, answers=answers)


def _shown(headers: Headers) -> str | None:
    """The key of the handshake; None where there is none. PermissionDenied for a cookie that another site made a browser send."""
    if any(name in headers for name in ("authorization", "x-api-key")):
        credential = read(headers)
        secret, ambient = credential.secret, credential.ambient
    else:
        secret, ambient = _cookie(headers.get("cookie", "")), True
    if secret and ambient and from_elsewhere(headers):
        raise PermissionDenied("Another site made this browser connect. Send the key by the first message to mean it.")
    return secret or None


def _cookie(text: str) -> str:
    try:
        found = SimpleCookie(text).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None else found.value


def _understood(text: str) -> FromClient:
    """InvalidJson, InvalidRequest."""
    try:
        return FromClient.model_validate_json(text)
    except ValidationError as error:
        raise explain(error) from None


def _id_of(text: str) -> str | None:
    try:
        found: Mapping[str, Any] = json.loads(text)
        return str(found["id"])[:128]
    except (ValueError, KeyError, TypeError):
        return None


async def _stopped(stopping: asyncio.Event) -> None:
    await stopping.wait()
