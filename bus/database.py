"""PostgreSQL by asyncpg for the rooms that keep a record: connections, named statements, and migrations under a lock (docs/adr/0006).

Not imported by a sidecar, which has no database and no asyncpg.
"""

import re
import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.resources import files
from typing import Any, Final

import asyncpg

from bus import telemetry
from bus.errors import DatabaseTooOld, DatabaseUnavailable

logger = telemetry.log(__name__)

OLDEST: Final = 15
"""The major version of PostgreSQL that Hive is tested with and needs at least."""
MIGRATION_LOCK: Final = 0x48495645  # "HIVE"
AWAY: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,  # its disk or memory is full, or all its connections are taken
    asyncpg.PostgresSystemError,
    TimeoutError,
)
"""What asyncpg raises when the server is not there, is just coming or going, or cannot do now what it could at another time."""

SESSION: Final = {
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5000",
}
"""A dead process's locks are gone within seconds, also over a network that swallowed its FIN."""

_OURS: Final = {"TCP_KEEPIDLE": 2, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 5000}
"""The same from this side, by the kernel's names, where it has them. Without, whoever asks a host that has vanished waits for as long as
the command may take, and so does asyncpg when the question is given up: it waits until the server has said that it was."""

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def read_queries(package: str) -> dict[str, str]:
    """The statements of a package's queries.sql, by name."""
    parts = _NAME.split(files(package).joinpath("queries.sql").read_text())
    return {name: text.strip().rstrip(";") for name, text in zip(parts[1::2], parts[2::2], strict=True)}


def read_migrations(package: str) -> list[tuple[int, str]]:
    """Number and text of each file in a package's migrations/, in order."""
    found = [path for path in files(package).joinpath("migrations").iterdir() if path.name.endswith(".sql")]
    return sorted((int(path.name.split("_")[0]), path.read_text()) for path in found)


async def open_pool(url: str, connections: int) -> asyncpg.Pool:
    """DatabaseUnavailable when the server does not answer."""
    with available():
        return await asyncpg.create_pool(
            url,
            min_size=1,
            max_size=connections,
            timeout=5,
            command_timeout=30,
            server_settings=SESSION,
            init=_notice_silence,
            reset=_as_it_is,
        )


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """No statement of Hive changes its session, so there is nothing to undo; asyncpg's way is a round trip after each read."""


async def open_connection(url: str, **settings: str) -> asyncpg.Connection:
    """`settings` are PostgreSQL's own, for this session."""
    with available():
        connection = await asyncpg.connect(url, timeout=5, command_timeout=30, server_settings={**SESSION, **settings})
        await _notice_silence(connection)
        return connection


async def _notice_silence(connection: asyncpg.Connection) -> None:
    """The kernel ends the connection once the server's host has not answered for five seconds. asyncpg has no setting for it."""
    found = connection._transport.get_extra_info("socket")
    if found is None or found.family == socket.AF_UNIX:
        return
    found.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _OURS.items():
        if hasattr(socket, name):
            found.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


async def migrate_by(url: str, migrations: Sequence[tuple[int, str]], ledger: str) -> None:
    """Bring a room's part of the schema up to date. Safe when several processes start at once; `ledger` is the room's own table of
    the numbers that are done. DatabaseTooOld.
    """
    with available():
        connection = await open_connection(url)
        try:
            require_version(connection.get_server_version().major)
            await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
            await apply_migrations(connection, migrations, ledger)
        finally:
            await connection.close()


def require_version(major: int) -> None:
    """DatabaseTooOld."""
    if major < OLDEST:
        raise DatabaseTooOld(
            f"This is PostgreSQL {major}, and Hive needs {OLDEST} or newer. Upgrade it, or name another with HIVE_DATABASE_URL."
        )


async def apply_migrations(connection: asyncpg.Connection, migrations: Sequence[tuple[int, str]], ledger: str) -> None:
    """Those that are not done yet, each in a transaction. The caller has MIGRATION_LOCK."""
    await connection.execute(f"CREATE TABLE IF NOT EXISTS {ledger} (number INTEGER PRIMARY KEY)")
    done = {row["number"] for row in await connection.fetch(f"SELECT number FROM {ledger}")}  # noqa: S608 - a constant
    for number, text in migrations:
        if number not in done:
            async with connection.transaction():
                await connection.execute(text)
                await connection.execute(f"INSERT INTO {ledger} VALUES ($1)", number)  # noqa: S608 - a constant
            logger.info("migrated", number=number, ledger=ledger)


@contextmanager
def available() -> Iterator[None]:
    """Turns "the server is not there" into DatabaseUnavailable."""
    try:
        yield
    except AWAY as error:
        raise DatabaseUnavailable(
            f"PostgreSQL does not answer ({type(error).__name__}). What was accepted is safe; try again shortly.",
            retry_after_seconds=2,
        ) from error


class NamedStatements:
    """A connection, or a pool, that runs the statements of a room's queries.sql by their names."""

    def __init__(self, executor: Any, queries: Mapping[str, str]) -> None:
        self._executor, self._queries = executor, queries

    async def all(self, name: str, *arguments: Any) -> list[Any]:
        return list(await self._executor.fetch(self._queries[name], *arguments))

    async def planned(self, name: str, *arguments: Any) -> list[Any]:
        """As `all`, from a pool, by a plan for these very arguments: for a filter of which most is left out."""
        async with self._executor.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
            return list(await connection.fetch(self._queries[name], *arguments))

    async def one(self, name: str, *arguments: Any) -> Any | None:
        return await self._executor.fetchrow(self._queries[name], *arguments)

    async def run(self, name: str, *arguments: Any) -> None:
        await self._executor.execute(self._queries[name], *arguments)
