"""The record in PostgreSQL: its tables read in one snapshot, and written in one transaction."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg

from bus.errors import BackupUnusable
from deploy.backup import schema
from deploy.backup.manifest import Manifest, Table

COPY_SECONDS: Final = 24 * 3600.0
"""Of one table: there is no telling how large it is."""
OUTCOMES: Final = "outcomes"
"""How the leader calls that stream's position; the others it calls by their class."""
_SEQUENCES: Final = (
    "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = current_schema() AND last_value IS NOT NULL"
)
_SEALED: Final = """
    SELECT table_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND column_name = 'key_id' AND data_type = 'text' AND is_nullable = 'NO'"""
_NOBODY_RUNS: Final = "UPDATE attempts SET instance = 'restored' WHERE status IN ('offered', 'running')"
"""A sidecar that ran on may have ended them, and told a leader of which nothing is left: they are of an instance that is no more, so the next leader begins others."""
_LEADER: Final = "SELECT epoch, positions FROM leadership"

Write = Callable[[bytes], None]


async def copy_out(connection: asyncpg.Connection, table: str, columns: tuple[str, ...], write: Write) -> int:
    """The number of rows."""

    async def output(data: bytes) -> None:
        write(data)

    listed = ", ".join(f'"{column}"' for column in columns)
    query = f"SELECT {listed} FROM {table}"  # noqa: S608 - names of PostgreSQL's own catalogue
    done = await connection.copy_from_query(query, output=output, format="text", timeout=COPY_SECONDS)
    return int(done.rpartition(" ")[2])


async def sequences(connection: asyncpg.Connection) -> dict[str, int]:
    return {row["sequencename"]: row["last_value"] for row in await connection.fetch(_SEQUENCES)}


async def credential_keys(connection: asyncpg.Connection) -> tuple[str, ...]:
    """Ids of the keys that anything in the record is sealed with: credentials, their tokens, MCP servers, targets of alerts."""
    sealed = [row["table_name"] for row in await connection.fetch(_SEALED) if row["table_name"] in schema.made("TABLE")]
    found: set[str] = set()
    for table in sealed:
        found |= {row["key_id"] for row in await connection.fetch(f"SELECT DISTINCT key_id FROM {table}")}  # noqa: S608 - a name of Hive's own
    return tuple(sorted(found))


async def make_room(connection: asyncpg.Connection, manifest: Manifest) -> None:
    """Empty tables of the backup's own schema."""
    await schema.create(connection, manifest.schema_numbers)
    there = await schema.tables_there(connection)
    if unknown := {table.name.partition("/")[2] for table in manifest.tables} - set(there):
        raise BackupUnusable(f"The backup has tables that Hive does not: {', '.join(sorted(unknown))}. Use another one.")
    await connection.execute(f"TRUNCATE {', '.join(name for name in there if name not in schema.LEDGERS)}")
    for partition in manifest.partitions:
        if partition.table not in schema.METRICS or not partition.name.isidentifier():
            raise BackupUnusable(f"The backup has a partition that Hive does not make: {partition.name}. Use another one.")
        begin, end = partition.begin.isoformat(), partition.end.isoformat()
        await connection.execute(
            f"CREATE TABLE {partition.name} PARTITION OF {partition.table} FOR VALUES FROM ('{begin}') TO ('{end}')"
        )


async def copy_in(connection: asyncpg.Connection, table: Table, chunks: Iterator[bytes]) -> None:
    """BackupUnusable when PostgreSQL took other rows than were written."""
    name = table.name.partition("/")[2]
    if name in schema.LEDGERS:
        return  # which migrations were done is known from the manifest, and they were
    done = await connection.copy_to_table(
        name, source=_each(chunks), columns=table.columns, format="text", timeout=COPY_SECONDS
    )
    if int(done.rpartition(" ")[2]) != table.rows:
        raise BackupUnusable(f"{name} has {table.rows} rows by the manifest, and {done} were there. Use another backup.")


async def settle(connection: asyncpg.Connection, manifest: Manifest, last_sequences: Mapping[str, int], now: datetime) -> int:
    """What must not be as it was: numbers that PostgreSQL gives next, the epoch, and positions ahead of their streams. The new epoch's floor.

    `last_sequences`: of the restored streams, by the leader's name for a position.
    """
    for name, last in manifest.sequences.items():
        await connection.execute("SELECT setval(to_regclass($1), $2) WHERE to_regclass($1) IS NOT NULL", name, last)
    await connection.execute(_NOBODY_RUNS)
    row = await connection.fetchrow(_LEADER)
    if row is None:
        return 0
    epoch = restored_epoch(row["epoch"], now)
    positions = restored_positions(json.loads(row["positions"]), last_sequences)
    await connection.execute("UPDATE leadership SET epoch = $1, positions = $2, instance = NULL", epoch, json.dumps(positions))
    return epoch


def restored_epoch(found: int, now: datetime) -> int:
    """Above any that a sidecar may have heard since the backup was taken, from this hive or from an earlier restore of the same file.

    Terms last longer than a second, so no hive's epochs overtake the seconds since 1970 that a restore set them to.
    """
    return max(found, int(now.astimezone(UTC).timestamp())) + 1


def restored_positions(found: dict[str, Any], last_sequences: Mapping[str, int]) -> dict[str, Any]:
    """None beyond its stream's last message: the stream was taken first, and what comes next has the number after that one.

    When the streams were made (`stores`) is left out. The restored ones are younger, and the leader would take them for empty ones.
    """
    return {name: min(value, last_sequences[name]) for name, value in found.items() if name in last_sequences}


async def _each(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk
