"""How the coordinator speaks to PostgreSQL."""

from coordinator.store.database import Statements, migrate, open_connection, open_pool


async def test_a_read_from_the_pool_is_one_round_trip(database_url: str) -> None:
    """asyncpg would undo, after each, what a session might have changed; the last thing that a session was asked shows it."""
    await migrate(database_url)
    pool, watcher = await open_pool(database_url, connections=1), await open_connection(database_url)
    try:
        pid = await pool.fetchval("SELECT pg_backend_pid()")
        await Statements(pool).all("models")
        last = await watcher.fetchval("SELECT query FROM pg_stat_activity WHERE pid = $1", pid)
    finally:
        await pool.close()
        await watcher.close()
    assert last == "SELECT name FROM models"


async def test_the_session_of_a_host_that_vanished_ends_within_seconds(database_url: str) -> None:
    """And with it its lock: nobody would close the connection."""
    session = await open_connection(database_url)
    try:
        rows = await session.fetch("SELECT name, reset_val::int FROM pg_settings WHERE name LIKE 'tcp_keepalives%'")
    finally:
        await session.close()
    asked = {row["name"].removeprefix("tcp_keepalives_"): row["reset_val"] for row in rows}  # in force where it goes by TCP
    assert 0 < asked["idle"] + asked["interval"] * asked["count"] <= 5
