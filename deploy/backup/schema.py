"""Which of a database's tables, types and functions are Hive's: those that its migrations make. And how to make them, and remove them."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cache
from graphlib import TopologicalSorter
from typing import Final

import asyncpg

from bus.database import apply_migrations, read_migrations
from bus.errors import BackupUnusable
from deploy.backup.manifest import Manifest, Partition

LEDGERS: Final[Mapping[str, str]] = {
    "schema_migrations": "coordinator.sql",
    "workflow_migrations": "workflow.sql",
    "monitor_migrations": "monitor.sql",
}
"""The rooms' own tables of the migrations that are done, and where those are."""
METRICS: Final = ("agent_metrics", "agent_metrics_minutes", "agent_metrics_hours")
"""Cut by time; what `--without-metrics` leaves out."""
ADDED: Final[Mapping[str, frozenset[str]]] = {"workflow_documents": frozenset({"embedding"})}
"""By table, columns that no migration makes: an engine adds and fills them where pgvector is (workflow/outside/nearest.py), after a restore too."""

_MADE: Final = re.compile(r"^CREATE (?:OR REPLACE )?(TABLE|TYPE|FUNCTION) (?:IF NOT EXISTS )?(\w+)", re.MULTILINE)
_REFERENCES: Final = """
    SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent FROM pg_constraint
    WHERE contype = 'f' AND conrelid <> confrelid AND connamespace = current_schema()::regnamespace"""
_COLUMNS: Final = """
    SELECT attname FROM pg_attribute
    WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"""
_PARTITIONS: Final = """
    SELECT relname AS name, inhparent::regclass::text AS parent, pg_get_expr(relpartbound, pg_class.oid) AS bounds
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent = ANY ($1::text[]::regclass[]) AND NOT inhdetachpending ORDER BY 1"""
_BOUNDS: Final = re.compile(r"FOR VALUES FROM \('([^']+)'\) TO \('([^']+)'\)")
_FUNCTIONS: Final = """
    SELECT oid::regprocedure::text FROM pg_proc WHERE proname = ANY ($1) AND pronamespace = current_schema()::regnamespace"""
_THERE: Final = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY ($1)"


@cache
def made(kind: str) -> tuple[str, ...]:
    """Names of what migrations ever made. `kind`: TABLE, TYPE or FUNCTION."""
    texts = "\n".join(text for package in LEDGERS.values() for _, text in read_migrations(package))
    names = [name for found, name in _MADE.findall(texts) if found == kind]
    return tuple(dict.fromkeys([*names, *(LEDGERS if kind == "TABLE" else ())]))


async def tables_there(connection: asyncpg.Connection) -> tuple[str, ...]:
    """Hive's, in an order in which each comes after those that it refers to."""
    there = {row["tablename"] for row in await connection.fetch(_THERE, made("TABLE"))}
    sorter = TopologicalSorter({name: set[str]() for name in sorted(there)})
    for row in await connection.fetch(_REFERENCES):
        if row["child"] in there:
            sorter.add(row["child"], row["parent"])
    return tuple(sorter.static_order())


async def columns_of(connection: asyncpg.Connection, table: str) -> tuple[str, ...]:
    """Without those that PostgreSQL computes, and those that are ADDED: the schema that a restore makes has none."""
    added = ADDED.get(table, frozenset())
    return tuple(row["attname"] for row in await connection.fetch(_COLUMNS, table) if row["attname"] not in added)


async def done(connection: asyncpg.Connection) -> dict[str, tuple[int, ...]]:
    """By ledger, the numbers of the migrations that were done."""
    there = {row["tablename"] for row in await connection.fetch(_THERE, list(LEDGERS))}
    return {
        ledger: tuple(row["number"] for row in await connection.fetch(f"SELECT number FROM {ledger} ORDER BY number"))  # noqa: S608
        for ledger in LEDGERS
        if ledger in there
    }


async def partitions(connection: asyncpg.Connection) -> tuple[Partition, ...]:
    there = [row["tablename"] for row in await connection.fetch(_THERE, METRICS)]
    await connection.execute("SET LOCAL timezone = 'UTC'")
    found = [(row, _BOUNDS.match(row["bounds"])) for row in await connection.fetch(_PARTITIONS, there)]
    return tuple(
        Partition(name=row["name"], table=row["parent"], begin=datetime.fromisoformat(at[1]), end=datetime.fromisoformat(at[2]))
        for row, at in found
        if at
    )


def require_known(manifest: Manifest) -> None:
    """BackupUnusable for a schema that this Hive does not have yet."""
    for ledger, numbers in manifest.schema_numbers.items():
        known = {number for number, _ in read_migrations(LEDGERS[ledger])} if ledger in LEDGERS else set()
        if newer := sorted(set(numbers) - known):
            raise BackupUnusable(
                f"The backup was made by Hive {manifest.hive_version}, whose schema is newer than this one's "
                f"({ledger}: {', '.join(map(str, newer))}). Upgrade this Hive, then restore."
            )


async def create(connection: asyncpg.Connection, numbers: Mapping[str, Iterable[int]]) -> None:
    """The schema as it was when these migrations had been done."""
    for ledger, wanted in numbers.items():
        these = set(wanted)
        chosen = [each for each in read_migrations(LEDGERS[ledger]) if each[0] in these]
        await apply_migrations(connection, chosen, ledger)


async def migrate(connection: asyncpg.Connection, ledgers: Iterable[str]) -> None:
    """On to the present schema, of the rooms that the backup knows; the others make theirs when they start."""
    for ledger in ledgers:
        await apply_migrations(connection, read_migrations(LEDGERS[ledger]), ledger)


async def drop(connection: asyncpg.Connection) -> None:
    """All that is Hive's, and nothing else in the database."""
    await connection.execute(f"DROP TABLE IF EXISTS {', '.join(made('TABLE'))} CASCADE")
    for row in await connection.fetch(_FUNCTIONS, made("FUNCTION")):
        await connection.execute(f"DROP ROUTINE {row['oid']} CASCADE")
    await connection.execute(f"DROP TYPE IF EXISTS {', '.join(made('TYPE'))} CASCADE")
