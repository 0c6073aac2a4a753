"""Where to begin to read a stream: behind what was committed last, and from its beginning where the bus has made it anew."""

from typing import Final

from bus.client import StreamState
from bus.database import NamedStatements, available

FIRST: Final = 1


async def begin(sql: NamedStatements, name: str, state: StreamState) -> int:
    """`name` is under which the position is kept. DatabaseUnavailable."""
    with available():
        row = await sql.one("position", name)
    if row is None or row["created_at"] != state.created_at or row["position"] > state.last_sequence:
        return FIRST
    return int(row["position"]) + 1
