"""The search for near documents by pgvector, where the database has it: whether it does, and vectors as it writes them.

The vectors themselves stay where they were, so that a database without the extension, or one that loses it, finds them all the same.
"""

import math
from typing import Final

import asyncpg

from bus import telemetry
from bus.database import NamedStatements
from workflow.outside.vectors import numbers

logger = telemetry.log(__name__)

MOST_NUMBERS: Final = 16_000
"""Of a vector of pgvector."""
_LOCK: Final = 0x48495645_0004


async def prepare(pool: asyncpg.Pool, queries: dict[str, str]) -> bool:
    """Whether documents can be searched by pgvector from now on: it is there, or may be installed. Raises what a database raises that is away."""
    found = await NamedStatements(pool, queries).one("vector_extension")
    if found is None:
        return False
    try:
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
            if not found["installed"]:
                await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
            await connection.execute("ALTER TABLE workflow_documents ADD COLUMN IF NOT EXISTS embedding vector")
            await _embed(NamedStatements(connection, queries))
    except (asyncpg.InsufficientPrivilegeError, asyncpg.FeatureNotSupportedError) as error:
        logger.warning("pgvector_not_used", reason=str(error))
        return False
    return True


async def _embed(statements: NamedStatements) -> None:
    """What was added before pgvector was there."""
    while rows := await statements.all("documents_without_embedding"):
        columns = [[row[name] for row in rows] for name in ("tenant", "owner", "store", "id")]
        await statements.run("embed_documents", *columns, [written(row["vector"]) for row in rows])


def written(packed: bytes) -> str:
    """As pgvector reads it. It has no numbers that are none, which a model does not make."""
    return "[" + ",".join(repr(each) if math.isfinite(each) else "0" for each in numbers(packed)) + "]"
