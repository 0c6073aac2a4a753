"""Takes a backup of a hive, at work or not.

In this order (docs/adr/0057): what the leader reads from and purges, then the record, then what the record's outbox is emptied into.
Whatever moves from one to the next while it is taken is found where it came from, where it went, or in both; never in neither.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Final

import asyncpg
from nats.aio.client import Client

from bus.database import available, open_connection
from bus.errors import NotFound
from deploy.backup import record, schema, streams
from deploy.backup.archive import Writer
from deploy.backup.manifest import Manifest, Section, Stream, Table

Tell = Callable[[str], None]

SECRETS: Final = ("secrets.json", "credentials.key", "gui.secret", "tls/ca.pem", "tls/ca.key")
"""Files of the data folder that open what a backup has only sealed, or not at all, and the authority by which hosts that joined know the
hive; in one only where it is asked for."""
_HIVE_ID: Final = "SELECT hive_id::text FROM leadership"


def secret_files(data_dir: Path) -> dict[str, Path]:
    return {name: path for name in SECRETS if (path := data_dir.expanduser() / name).exists()}


@dataclass
class _Taken:
    tables: list[Table] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    files: list[Section] = field(default_factory=list)


async def take(
    path: Path, database_url: str, client: Client, *, metrics: bool, files: Mapping[str, Path], tell: Tell
) -> tuple[Manifest, int]:
    """Writes the file; its manifest and size in bytes. `files` go along under these names. NotFound where there is no hive."""
    began, taken = datetime.now(UTC), _Taken()
    with Writer(path) as writer:
        await _streams(writer, client, streams.FEED_THE_RECORD, taken, tell)
        with available():
            connection = await open_connection(database_url)
            try:
                async with connection.transaction(isolation="repeatable_read"):
                    manifest = await _record(writer, connection, metrics, taken, tell)
            finally:
                await connection.close()
        await _streams(writer, client, streams.TELL_THE_RECORD, taken, tell)
        for name, source in files.items():
            writer.begin(f"files/{name}")
            writer.write(source.read_bytes())
            taken.files.append(writer.end())
        manifest = manifest.model_copy(update={"taken_at": began, "streams": tuple(taken.streams), "files": tuple(taken.files)})
        return manifest, writer.finish(manifest)


async def _streams(writer: Writer, client: Client, names: tuple[str, ...], taken: _Taken, tell: Tell) -> None:
    for name in names:
        found = await streams.snapshot(client, name)
        if found is None:
            continue
        writer.begin(f"streams/{name}")
        async for chunk in found.chunks():
            writer.write(chunk)
        messages = int(found.state["messages"])
        section = writer.end().model_dump()
        taken.streams.append(Stream(**section, config=found.config, state=found.state, messages=messages))
        tell(f"{name}: {messages:,} messages")


async def _record(writer: Writer, connection: asyncpg.Connection, metrics: bool, taken: _Taken, tell: Tell) -> Manifest:
    """Its own part of the manifest."""
    tables = await schema.tables_there(connection)
    numbers = await schema.done(connection)
    if "leadership" not in tables:
        raise NotFound(
            "The database holds no hive. Name the right one with HIVE_DATABASE_URL, or its folder with HIVE_DATA_DIR."
        )
    for name in tables:
        if name in schema.LEDGERS or (name in schema.METRICS and not metrics):
            continue
        columns = await schema.columns_of(connection, name)
        writer.begin(f"postgres/{name}")
        rows = await record.copy_out(connection, name, columns, writer.write)
        taken.tables.append(Table(**writer.end().model_dump(), columns=columns, rows=rows))
        if rows:
            tell(f"{name}: {rows:,} rows")
    return Manifest(
        hive_version=metadata.version("hive"),
        hive_id=await connection.fetchval(_HIVE_ID) if (12 in numbers["schema_migrations"]) else "",
        taken_at=datetime.now(UTC),
        schema_numbers=numbers,
        sequences=await record.sequences(connection),
        partitions=await schema.partitions(connection) if metrics else (),
        tables=tuple(taken.tables),
        streams=(),
        files=(),
        metrics=metrics,
        credential_keys=await record.credential_keys(connection),
    )
