"""PostgreSQL by asyncpg: connections whose jsonb is pydantic's own JSON text, and migrations under a lock (docs/adr/0006)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import asyncpg

from bus import telemetry
from bus.errors import DatabaseUnavailable
from coordinator.sql import migrations, queries

logger = telemetry.log(__name__)

MIGRATION_LOCK: Final = 0x48495645  # "HIVE"
AWAY: Final = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    TimeoutError,
)
"""What asyncpg raises when the server is not there, or is just coming or going."""

SESSION: Final = {"tcp_keepalives_idle": "2", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "3"}
"""A dead coordinator's lock is gone within seconds, also over a network that swallowed its FIN."""
WRITER: Final = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""A leader's statements take their rows as arrays: planning them anew for each turn would cost more than running them. They
touch rows by key; a plan that was made while the tables were small would read the whole of them when they have grown."""


async def open_pool(url: str, connections: int) -> asyncpg.Pool:
    """DatabaseUnavailable when the server does not answer."""
    with available():
        return await asyncpg.create_pool(
            url, min_size=1, max_size=connections, timeout=5, command_timeout=30, server_settings=SESSION, reset=_as_it_is
        )


async def _as_it_is(connection: asyncpg.Connection) -> None:
    """No statement of Hive changes its session, so there is nothing to undo; asyncpg's way is a round trip after each read."""


async def open_connection(url: str, **settings: str) -> asyncpg.Connection:
    """`settings` are PostgreSQL's own, for this session."""
    with available():
        return await asyncpg.connect(url, timeout=5, command_timeout=30, server_settings={**SESSION, **settings})


async def migrate(url: str) -> None:
    """Bring the schema up to date. Safe when several coordinators start at once."""
    with available():
        connection = await open_connection(url)
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
            await connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (number INTEGER PRIMARY KEY)")
            done = {row["number"] for row in await connection.fetch("SELECT number FROM schema_migrations")}
            for number, text in migrations():
                if number not in done:
                    async with connection.transaction():
                        await connection.execute(text)
                        await connection.execute("INSERT INTO schema_migrations VALUES ($1)", number)
                    logger.info("migrated", number=number)
        finally:
            await connection.close()


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


class Statements:
    """A connection, or a pool, that runs the named statements of sql/queries.sql."""

    def __init__(self, executor: Any) -> None:
        self._executor = executor

    async def all(self, name: str, *arguments: Any) -> list[Any]:
        return list(await self._executor.fetch(queries()[name], *arguments))

    async def one(self, name: str, *arguments: Any) -> Any | None:
        return await self._executor.fetchrow(queries()[name], *arguments)

    async def run(self, name: str, *arguments: Any) -> None:
        await self._executor.execute(queries()[name], *arguments)
