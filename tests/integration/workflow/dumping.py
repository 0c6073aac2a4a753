"""All that a database holds, as text."""

from typing import Any

import asyncpg


async def dump(url: str) -> str:
    """Every row of every table as text; what is compressed or base64 in a frame stands there as it is read."""
    connection = await asyncpg.connect(url)
    try:
        names = [
            row["tablename"] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        ]
        rows: list[str] = []
        for name in names:
            for row in await connection.fetch(f'SELECT * FROM "{name}"'):
                rows.extend(_text(value) for value in row.values())
        return "\n".join(rows)
    finally:
        await connection.close()


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
