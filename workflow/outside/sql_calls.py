"""Carries out `RunSql`, by asyncpg, over a connection of its own."""

import asyncio
import math
import re
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement
from pydantic_core import from_json, to_json

from bus.errors import RequestRefused
from workflow.core.effects import RunSql
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.credentials.http_auth import cleared, forms
from workflow.nodes.sql_text import statements
from workflow.outside.guard import Guard
from workflow.outside.reaching import Room, address_of, tls
from workflow.running.fence import Fence

CONNECT_SECONDS: Final = 15.0
MAX_ROWS: Final = 200_000
"""Of an item's query."""
PORTIONS: Final = (16, 2048)
"""Rows that are fetched at a time, twice as many each time: how large they are is known before many are in memory."""
_CALL: Final = re.compile(r"(\s|--[^\n]*\n|/\*.*?\*/)*call\b", re.IGNORECASE | re.DOTALL)
_TLS: Final = ("disable", "allow", "require")
_LARGE: Final = frozenset({"int8", "numeric"})


class SqlCalls:
    """`max_bytes`: of what an effect is answered, as JSON. What is over it by a single row is in memory before it is refused.

    `fence`: passed before the first query, once the connection stands.
    """

    def __init__(self, guard: Guard, max_bytes: int, fence: Fence | None = None) -> None:
        self._guard, self._max_bytes, self._fence = guard, max_bytes, fence or Fence()

    async def carry_out(self, effect: RunSql, data: Mapping[str, Any]) -> Reply:
        """Never raises: what goes wrong is the reply's failure, without the password."""
        secrets = forms(str(data.get("password") or ""))
        try:
            async with asyncio.timeout(effect.timeout_seconds):
                return Reply(value=cleared_errors(await self._asked(effect, data), secrets))
        except _Failed as error:
            return Reply(failure=_failure(str(cleared(error.message, secrets)), item=error.item, detail=error.detail))
        except RequestRefused as error:
            return Reply(failure=_failure(error.message, code=error.code))
        except TimeoutError:
            return Reply(failure=_failure("The database did not answer in time", code="deadline_exceeded"))
        except asyncpg.PostgresError as error:
            return Reply(failure=_failure(str(cleared(_words(error), secrets)), detail=error.detail))
        except (OSError, asyncpg.InterfaceError, ValueError) as error:
            words = str(error) or type(error).__name__
            return Reply(failure=_failure(f"The database does not answer: {cleared(words, secrets)}"))

    async def _asked(self, effect: RunSql, data: Mapping[str, Any]) -> list[dict[str, Any]]:
        connection = await self._connect(data)
        try:
            await self._fence.passed()
            found = await _all(connection, effect, Room(self._max_bytes))
            await connection.close()
            return found
        finally:
            connection.terminate()

    async def test(self, data: Mapping[str, Any]) -> str:
        """RequestRefused where it cannot be reached, or does not let in."""
        found = await self.carry_out(RunSql(credentials={}, queries=["SELECT version() AS version"], timeout_seconds=20), data)
        if found.failure is not None:
            raise RequestRefused(found.failure.message)
        return f"It is {found.value[0]['rows'][0]['version'].split(' on ')[0]}."

    async def _connect(self, data: Mapping[str, Any]) -> asyncpg.Connection:
        host, port = str(data.get("host") or ""), _port(data)
        address = await address_of(self._guard, host, port)
        how = str(data.get("ssl") or "disable")
        if how not in _TLS:
            raise RequestRefused(
                f"The credential's `ssl` is {how!r}, and may be {', '.join(_TLS)}. `require` checks the server's certificate and name, "
                "unless `allowUnauthorizedCerts` is true."
            )
        verify = how == "require" and data.get("allowUnauthorizedCerts") is not True
        return await asyncpg.connect(
            host=address,
            port=port,
            user=str(data.get("user") or ""),
            password=str(data.get("password") or ""),
            database=str(data.get("database") or ""),
            ssl={"disable": False, "allow": "allow"}.get(how, tls(host, verify=verify)),
            timeout=CONNECT_SECONDS,
            statement_cache_size=0,
            server_settings={"application_name": "hive workflow"},
        )


class _Failed(Exception):
    def __init__(self, error: Exception, item: int) -> None:
        super().__init__(str(error))
        self.message, self.item = _words(error), item
        self.detail: str | None = getattr(error, "detail", None)


def _words(error: Exception) -> str:
    """Without the detail, which is told beside."""
    return str(getattr(error, "message", None) or error or type(error).__name__)


def _port(data: Mapping[str, Any]) -> int:
    try:
        return int(data.get("port") or 5432)
    except (TypeError, ValueError):
        raise RequestRefused("The credential's port is no number.") from None


async def _all(connection: asyncpg.Connection, effect: RunSql, room: Room) -> list[dict[str, Any]]:
    if effect.batching == "independently" or (len(effect.queries) == 1 and len(statements(effect.queries[0])) == 1):
        # one statement is a transaction by itself, and some can be in no other
        return await _independently(connection, effect, room)
    async with connection.transaction():
        return [await _one(connection, query, place, effect, room) for place, query in enumerate(effect.queries)]


async def _independently(connection: asyncpg.Connection, effect: RunSql, room: Room) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for place, query in enumerate(effect.queries):
        try:
            found.append(await _one(connection, query, place, effect, room))
        except _Failed as error:
            if not effect.goes_on:
                raise
            found.append({"error": error.message, "detail": error.detail})
    return found


async def _one(connection: asyncpg.Connection, query: str, place: int, effect: RunSql, room: Room) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    try:
        for text in statements(query):
            statement = await connection.prepare(text)
            kinds = [attribute.type.name for attribute in statement.get_attributes()]
            async with aclosing(_portions(connection, statement, text)) as portions:
                async for portion in portions:
                    if len(rows) + len(portion) > MAX_ROWS:
                        raise RequestRefused(f"The query gives more than {MAX_ROWS:,} rows. Limit it.")
                    found = [_row(record, kinds, as_text=effect.numbers_as_text) for record in portion]
                    room.take(len(to_json(found)))
                    rows.extend(found)
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _Failed(error, place) from None
    return {"rows": rows}


async def _portions(
    connection: asyncpg.Connection, statement: PreparedStatement, text: str
) -> AsyncGenerator[Sequence[asyncpg.Record]]:
    """What gives no rows may be in no transaction, such as VACUUM; a procedure gives one row, and may end transactions."""
    if not statement.get_attributes() or _CALL.match(text):
        yield await statement.fetch()
        return
    async with _transaction(connection):
        cursor = await statement.cursor()
        size, most = PORTIONS
        while portion := await cursor.fetch(size):
            yield portion
            size = min(2 * size, most)


@asynccontextmanager
async def _transaction(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """A cursor lives in one. asyncpg's own would trip over a query that begins or ends one itself."""
    if connection.is_in_transaction():
        yield
        return
    await connection.execute("BEGIN")
    try:
        yield
    except Exception:
        await connection.execute("ROLLBACK")
        raise
    await connection.execute("COMMIT")


def _row(record: Any, kinds: Sequence[str], *, as_text: bool) -> dict[str, Any]:
    values = zip(record.keys(), record.values(), kinds, strict=True)
    return {key: _value(value, kind, as_text=as_text) for key, value, kind in values}


def _value(value: Any, kind: str, *, as_text: bool) -> Any:
    """As n8n's driver gives it: times in UTC, large numbers as texts, bytes as a Buffer."""
    if value is None or isinstance(value, bool):
        return value
    if kind in ("json", "jsonb"):
        return from_json(value) if isinstance(value, str) else value
    if kind in _LARGE:
        return str(value) if as_text else _number(value)
    if isinstance(value, int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple) and not hasattr(value, "keys"):
        return [_value(each, kind.removesuffix("[]").removeprefix("_"), as_text=as_text) for each in value]
    return _rarer(value, as_text=as_text)


def _rarer(value: Any, *, as_text: bool) -> Any:
    if isinstance(value, datetime):
        there = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"{there.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.{there.microsecond // 1000:03d}Z"
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00.000Z"
    if isinstance(value, time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return {"days": value.days, "seconds": value.seconds, "milliseconds": value.microseconds / 1000}
    if isinstance(value, bytes):
        return {"type": "Buffer", "data": list(value)}
    if isinstance(value, Decimal):
        return str(value) if as_text else _number(value)
    if isinstance(value, UUID):
        return str(value)
    if hasattr(value, "items"):
        return {key: _value(each, "", as_text=as_text) for key, each in value.items()}
    return str(value)


def _number(value: Any) -> Any:
    number = float(value)
    if not math.isfinite(number):
        return str(value)
    return int(number) if number.is_integer() else number


def cleared_errors(found: list[dict[str, Any]], secrets: Sequence[str]) -> list[dict[str, Any]]:
    """Rows are the database's own; what it complains of may repeat how it was asked."""
    return [cleared(each, secrets) if "error" in each else each for each in found]


def _failure(message: str, *, code: str = "node_failed", item: int | None = None, detail: str | None = None) -> Failure:
    return Failure(message=message, code=code, item=item, description=detail)
