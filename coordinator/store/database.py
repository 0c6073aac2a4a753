"""The coordinator's PostgreSQL: bus/database.py with this room's statements and migrations."""

from typing import Any, Final

from bus.database import AWAY, MIGRATION_LOCK, SESSION, NamedStatements, available, migrate_by, open_connection, open_pool
from coordinator.sql import migrations, queries

__all__ = [
    "AWAY",
    "MIGRATION_LOCK",
    "SESSION",
    "WRITER",
    "Statements",
    "available",
    "migrate",
    "open_connection",
    "open_pool",
]

WRITER: Final = {
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}
"""A leader's statements take their rows as arrays: planning them anew for each turn would cost more than running them. They
touch rows by key; a plan that was made while the tables were small would read the whole of them when they have grown."""


async def migrate(url: str) -> None:
    """Bring the schema up to date. Safe when several coordinators start at once."""
    await migrate_by(url, migrations(), "schema_migrations")


class Statements(NamedStatements):
    """A connection, or a pool, that runs the named statements of sql/queries.sql."""

    def __init__(self, executor: Any) -> None:
        super().__init__(executor, queries())
