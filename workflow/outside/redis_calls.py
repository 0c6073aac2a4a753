"""Carries out `CallRedis`, over a connection of its own. No command is ever sent twice: the client's own retries are off."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any, Final

from redis._parsers import _AsyncRESP2Parser
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from bus.errors import RequestRefused
from workflow.core.effects import CallRedis
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials.http_auth import cleared, forms
from workflow.outside.guard import Guard
from workflow.outside.reaching import Room, address_of, tls
from workflow.running.fence import Fence

CONNECT_SECONDS: Final = 15.0


class _Counted:
    """A StreamReader that takes no more than there is room for: an answer says how long it is before it comes."""

    def __init__(self, reader: asyncio.StreamReader, room: Room) -> None:
        self._reader, self._room = reader, room

    async def readline(self) -> bytes:
        line = await self._reader.readline()
        self._room.take(len(line))
        return line

    async def readexactly(self, size: int) -> bytes:
        self._room.take(size)
        return await self._reader.readexactly(size)


class _Line(Connection):
    """To an address, with TLS for a name."""

    tls: ssl.SSLContext | None = None
    room: Room

    async def _connect(self) -> None:
        await super()._connect()  # type: ignore[no-untyped-call]
        reader: Any = self._reader
        counted: Any = _Counted(reader, self.room)
        self._reader = counted

    def _connection_arguments(self) -> Mapping[str, Any]:
        found = {"host": self.host, "port": self.port}
        return found if self.tls is None else {**found, "ssl": self.tls}


class RedisCalls:
    """`max_bytes`: of what an effect is answered. `fence`: passed before the first command, once the connection stands."""

    def __init__(self, guard: Guard, max_bytes: int, fence: Fence | None = None) -> None:
        self._guard, self._max_bytes, self._fence = guard, max_bytes, fence or Fence()

    async def carry_out(self, effect: CallRedis, data: Mapping[str, Any]) -> Reply:
        """Never raises: what goes wrong is the reply's failure, without the password."""
        secrets = forms(str(data.get("password") or ""))
        try:
            async with asyncio.timeout(effect.timeout_seconds):
                line = await self._connect(data)
                try:
                    await self._fence.passed()
                    return Reply(value=[_cleared(each, secrets) for each in await _all(line, effect)])
                finally:
                    await line.disconnect(nowait=True)
        except RequestRefused as error:
            return Reply(failure=Failure(message=error.message, code=error.code))
        except TimeoutError:
            return Reply(failure=Failure(message="The Redis did not answer in time", code="deadline_exceeded"))
        except (OSError, RedisError, ValueError) as error:
            words = cleared(str(error) or type(error).__name__, secrets)
            return Reply(failure=Failure(message=f"The Redis does not answer: {words}"))

    async def test(self, data: Mapping[str, Any]) -> str:
        """RequestRefused where it cannot be reached, or does not let in."""
        found = await self.carry_out(CallRedis(credentials={}, commands=[["PING"]], timeout_seconds=20), data)
        wrong = found.failure.message if found.failure is not None else found.value[0].get("error")
        if wrong:
            raise RequestRefused(str(wrong))
        return "It answers."

    async def _connect(self, data: Mapping[str, Any]) -> _Line:
        host = str(data.get("host") or "")
        try:
            port, database = int(data.get("port") or 6379), int(data.get("database") or 0)
        except (TypeError, ValueError):
            raise RequestRefused("The credential's port or database is no number.") from None
        line = _Line(
            host=await address_of(self._guard, host, port),
            port=port,
            db=database,
            username=str(data["user"]) if data.get("user") else None,
            password=str(data["password"]) if data.get("password") else None,
            decode_responses=True,
            encoding_errors="replace",
            socket_connect_timeout=CONNECT_SECONDS,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            parser_class=_AsyncRESP2Parser,
        )
        line.room = Room(self._max_bytes)
        if data.get("ssl") is True:
            line.tls = tls(host, verify=data.get("disableTlsVerification") is not True)
        await line.connect()  # type: ignore[no-untyped-call]
        return line


async def _all(line: _Line, effect: CallRedis) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for command in effect.commands:
        try:
            await line.send_command(*command)
            found.append({"value": await line.read_response()})
        except ResponseError as error:
            found.append({"error": str(error)})
            if not effect.goes_on:
                break
    return found


def _cleared(answer: dict[str, Any], secrets: tuple[str, ...]) -> dict[str, Any]:
    """Values are the Redis's own; what it complains of may repeat how it was asked."""
    return {"error": cleared(answer["error"], secrets)} if "error" in answer else answer
