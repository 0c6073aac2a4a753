"""Brings a hive back as a backup has it.

PostgreSQL is one transaction, which is committed when the streams are there: whatever fails before leaves the record as it was. Streams have
no transaction. So a mark lies in the data folder from the first of them until the commit; `hive up` refuses while it is there, and the
same restore again, with --replace, makes it good.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import asyncpg

from bus import subjects
from bus.database import MIGRATION_LOCK, available, open_connection
from bus.errors import Conflict, HiveNotEmpty
from bus.messages import JsonObject, TaskClass
from bus.nats_client import NatsClient
from coordinator.leading.leader import LEADER_LOCK
from deploy.backup import archive, record, room, schema, streams
from deploy.backup.manifest import Manifest
from deploy.backup.taking import SECRETS, Tell
from deploy.local.data_folder import DataFolder

_OTHERS: Final = """
    SELECT coalesce(nullif(application_name, ''), 'without a name') AS name FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""
_LOCK_SECONDS: Final = "10s"
# A session is there for a moment after its client has closed it, or was ended.
_LEAVING_SECONDS: Final = 2.0


async def restore(
    path: Path,
    manifest: Manifest,
    database_url: str,
    client: NatsClient,
    folder: DataFolder,
    *,
    replace: bool,
    tell: Tell,
    stores: room.Stores = room.ELSEWHERE,
) -> None:
    """`manifest` as `archive.verify` gave it. HiveNotEmpty, NotEnoughRoom, Conflict while a hive is at work there."""
    schema.require_known(manifest)
    with available():
        connection = await open_connection(database_url, lock_timeout=_LOCK_SECONDS)
        try:
            await _require_alone(connection)
            async with connection.transaction():
                await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATION_LOCK)
                await _clear(connection, client, replace=replace)
                configs = _configs(manifest, client)
                await room.require(manifest, configs, client, stores)
                await streams.require_kept(client, configs.values())
                await _load_record(path, manifest, connection, tell)
                folder.mark_restoring(path)
                last = await _load_streams(path, manifest, client, tell)
                await asyncio.to_thread(_sync_files, folder.path / "nats")
                positions = {record.OUTCOMES: last[0], **{each.value: last[1] for each in TaskClass}}
                await record.settle(connection, manifest, positions, datetime.now(UTC))
                await _place_secrets(path, manifest, folder)
            folder.unmark_restoring()
        finally:
            await connection.close()


async def _require_alone(connection: asyncpg.Connection) -> None:
    """And hold the lock that leads, so that no coordinator begins meanwhile. Who is just leaving is waited for."""
    clock = asyncio.get_running_loop().time
    latest, leads = clock() + _LEAVING_SECONDS, False
    while True:
        leads = leads or await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK)
        others = await connection.fetch(_OTHERS)
        if leads and not others:
            return
        if clock() > latest:
            names = ", ".join(sorted({row["name"] for row in others})) or "a leader"
            raise Conflict(
                f"The database is in use ({len(others)} other sessions: {names}). "
                "Stop every service of the hive (sidecars may go on), and whoever else is connected, then restore."
            )
        await asyncio.sleep(0.05)


def _configs(manifest: Manifest, client: NatsClient) -> dict[str, JsonObject]:
    """Of the streams, by the names of their sections."""
    clustered = client.cluster is not None
    return {stream.name: streams.fitting(stream.config, clustered=clustered) for stream in manifest.streams}


async def _clear(connection: asyncpg.Connection, client: NatsClient, *, replace: bool) -> None:
    """The record goes when this transaction is committed; streams go one by one, each just before it is restored."""
    tables, found = await schema.tables_there(connection), await streams.there(client)
    if (tables or found) and not replace:
        raise HiveNotEmpty(
            f"There is a hive already ({len(tables)} tables, {len(found)} streams). Restore into an empty data folder (HIVE_DATA_DIR), "
            "or let go of what is there with --replace."
        )
    await schema.drop(connection)


async def _load_record(path: Path, manifest: Manifest, connection: asyncpg.Connection, tell: Tell) -> None:
    await record.make_room(connection, manifest)
    async for name, chunks in _only(path, "postgres/"):
        table = manifest.table(name)
        if table is not None:
            await record.copy_in(connection, table, chunks)
            tell(f"{name.partition('/')[2]}: {table.rows:,} rows")
    await schema.migrate(connection, manifest.schema_numbers)


async def _load_streams(path: Path, manifest: Manifest, client: NatsClient, tell: Tell) -> tuple[int, int]:
    """The last sequences of outcomes and of tasks; 0 of one that there was not."""
    for name in await streams.there(client):
        await streams.delete(client, name)
    configs, last = _configs(manifest, client), dict[str, int]()
    known = {stream.name: stream for stream in manifest.streams}
    async for name, chunks in _only(path, "streams/"):
        stream = known[name]
        last[stream.config_name] = await streams.restore(client, configs[name], stream.state, chunks)
        tell(f"{stream.config_name}: {stream.messages:,} messages")
    return last.get(subjects.OUTCOMES, 0), last.get(subjects.TASKS, 0)


def _sync_files(store: Path) -> None:
    """Of an embedded NATS, which leaves it to us meanwhile (`servers.started`)."""
    for path in [store, *store.rglob("*")] if store.exists() else ():
        with suppress(FileNotFoundError):  # the server's own temporary files come and go
            handle = os.open(path, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


async def _place_secrets(path: Path, manifest: Manifest, folder: DataFolder) -> None:
    """The keys of the backup open the restored hive, so it needs no first one."""
    async for name, chunks in _only(path, "files/"):
        if (secret := name.partition("/")[2]) in SECRETS:
            (folder.path / secret).parent.mkdir(mode=0o700, exist_ok=True)
            folder.place(secret, b"".join(chunks))
    keys = manifest.table("postgres/api_keys")
    if keys is not None and keys.rows:
        folder.keep(folder.secrets().model_copy(update={"first_key": None}))


async def _only(path: Path, prefix: str) -> AsyncIterator[tuple[str, Iterator[bytes]]]:
    """Passing over what lies between may take long, and NATS wants to be answered meanwhile."""
    found = archive.sections(path)
    while (section := await asyncio.to_thread(next, found, None)) is not None:
        if section[0].startswith(prefix):
            yield section
