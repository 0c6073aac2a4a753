"""How the coordinator speaks to PostgreSQL."""

from coordinator.database import Statements, migrate, open_connection, open_pool


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
