"""The monitor's SQL: every statement named in queries.sql, every change of its tables a numbered file in migrations/."""

from functools import cache

from bus.database import read_migrations, read_queries


@cache
def queries() -> dict[str, str]:
    return read_queries(__name__)


def migrations() -> list[tuple[int, str]]:
    """Number and text of each, in order."""
    return read_migrations(__name__)
