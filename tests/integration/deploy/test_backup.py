"""A backup of a hive at work, restored: nothing that was acknowledged before it is missing, and what runs on goes on being given work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from bus import subjects
from bus.database import apply_migrations, open_connection
from bus.errors import BusUnavailable, Conflict, HiveNotEmpty, NotEnoughRoom, TaskNotFound
from bus.messages import TaskClass, TaskStatus
from bus.nats_bus import NatsBus
from bus.nats_streams import declare
from bus.streams import REPLICAS
from bus.together import end
from coordinator.leading import term
from coordinator.sql import migrations
from deploy.backup import archive, restoring, schema, streams, taking
from deploy.backup.manifest import Manifest, Stream
from deploy.backup.room import Stores
from deploy.local.data_folder import DataFolder
from deploy.local.nats import nats_conf
from tests.integration.coordinator.conftest import Hive
from tests.parts.hive import Hive as ByCommand
from tests.parts.nats import NatsServer
from tests.parts.nats_cluster import NatsCluster
from tests.parts.scripted_sidecar import ScriptedSidecar
from tests.parts.small_disk import small_disk

HELD = "this one runs for long"


@pytest.fixture
async def hive(
    nats_server: NatsServer, nats_bus: NatsBus, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Hive]:
    monkeypatch.setattr(term, "LISTEN_SECONDS", 0.25)
    hive = Hive(nats_server, nats_bus, database_url)
    yield hive
    await hive.close()


async def test_what_an_engine_adds_to_its_tables_is_left_to_it(database_url: str) -> None:
    """pgvector's column: the schema that a restore makes has none."""
    connection = await open_connection(database_url)
    try:
        await schema.create(connection, {"workflow_migrations": range(1000)})
        made = await schema.columns_of(connection, "workflow_documents")
        await connection.execute("ALTER TABLE workflow_documents ADD COLUMN IF NOT EXISTS embedding text")
        assert await schema.columns_of(connection, "workflow_documents") == made
        assert "vector" in made
    finally:
        await connection.close()


MOST_AHEAD = 50


class Load:
    """Submits without a pause, though never far ahead of a sidecar that completes all but what is `held`."""

    def __init__(self, hive: Hive, sidecar: ScriptedSidecar) -> None:
        self._hive, self._sidecar = hive, sidecar
        self.acknowledged: list[UUID] = []
        self.held: set[UUID] = set()
        self.epochs: list[int] = []
        self.holding = True
        self._completed = 0

    async def submit(self) -> None:
        while True:
            while len(self.acknowledged) - self._completed > MOST_AHEAD:
                await asyncio.sleep(0.01)
            self.acknowledged.append(await self._hive.submit())

    async def work(self) -> None:
        while True:
            offer = await self._sidecar.offers.get()
            self.epochs.append(offer.epoch)
            if self.holding and offer.task_id in self.held:
                continue
            self._sidecar.running.discard(offer.attempt_id)
            await self._sidecar.complete(offer)
            self._completed += 1

    async def reaches(self, number: int) -> None:
        async with asyncio.timeout(30):
            while len(self.acknowledged) < number:
                await asyncio.sleep(0.01)


async def test_what_was_acknowledged_before_is_there_and_ends(hive: Hive, tmp_path: Path) -> None:
    coordinator = hive.start_coordinator()
    sidecar = await hive.sidecar("oak", slots=8)
    load = Load(hive, sidecar)
    load.held = {await hive.submit(HELD) for _ in range(2)}
    working = [asyncio.create_task(load.work()), asyncio.create_task(load.submit())]
    for task_id in load.held:
        await hive.until(task_id, lambda record: record.assigned_agent_id is not None)
    await load.reaches(60)

    promised = [*load.acknowledged, *load.held]
    file = tmp_path / "hive.backup"
    manifest, size = await taking.take(
        file, hive.database_url, hive.bus.client, metrics=True, files={}, tell=lambda _line: None
    )
    assert size == file.stat().st_size
    await load.reaches(len(load.acknowledged) + 20)
    await end([working.pop()])
    too_late = load.acknowledged[-1]
    await hive.ended(too_late)
    await hive.stop(coordinator)

    assert archive.verify(file) == manifest
    await _restore(file, hive, tmp_path)
    known_epoch, load.holding = max(load.epochs), False
    load.epochs.clear()
    new = [await hive.submit() for _ in range(20)]  # before anybody leads: read by the restored positions
    hive.start_coordinator()
    await hive.leading()
    for task_id in (*promised, *new):
        assert (await hive.ended(task_id)).status is TaskStatus.COMPLETED
    assert min(load.epochs) > known_epoch
    with pytest.raises(TaskNotFound):
        await hive.call("get", too_late)
    await end(working)


async def _restore(file: Path, hive: Hive, folder: Path, *, replace: bool = True) -> None:
    manifest = archive.verify(file)
    data = DataFolder(folder / "data").create()
    await restoring.restore(file, manifest, hive.database_url, hive.bus.client, data, replace=replace, tell=lambda _line: None)


async def _taken(hive: Hive, file: Path) -> None:
    await taking.take(file, hive.database_url, hive.bus.client, metrics=True, files={}, tell=lambda _line: None)


async def test_a_hive_that_is_there_is_let_go_of_by_word_only(hive: Hive, tmp_path: Path) -> None:
    coordinator = hive.start_coordinator()
    await hive.leading()
    file = tmp_path / "hive.backup"
    await _taken(hive, file)
    with pytest.raises(Conflict, match="in use"):
        await _restore(file, hive, tmp_path)
    await hive.stop(coordinator)
    with pytest.raises(HiveNotEmpty, match="--replace"):
        await _restore(file, hive, tmp_path, replace=False)


async def test_who_is_just_leaving_the_database_is_waited_for(hive: Hive, tmp_path: Path) -> None:
    """A session is there for a moment after its client has closed it."""
    connection = await open_connection(hive.database_url)
    await schema.migrate(connection, schema.LEDGERS)
    file = tmp_path / "hive.backup"
    await _taken(hive, file)
    restored = asyncio.create_task(_restore(file, hive, tmp_path))
    asked_who_is_there = (
        "SELECT FROM pg_stat_activity WHERE state = 'idle' AND query LIKE '%pg_stat_activity%' AND pid <> pg_backend_pid()"
    )
    while not await connection.fetch(asked_who_is_there):
        assert not restored.done()
    await connection.close()
    await restored


async def test_a_restore_that_fails_leaves_the_record_and_says_so_at_the_next_start(
    hive: Hive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    coordinator = hive.start_coordinator()
    await hive.sidecar("oak")
    kept = await hive.submit()
    await hive.stored(kept)
    file = tmp_path / "hive.backup"
    await _taken(hive, file)
    later = await hive.submit()
    await hive.stored(later)
    await hive.stop(coordinator)

    with monkeypatch.context() as broken:
        broken.setattr("deploy.backup.streams.restore", _breaks)
        with suppress(RuntimeError):
            await _restore(file, hive, tmp_path)
    assert await hive.sql("SELECT FROM tasks WHERE id = $1", later), "the record is as it was"
    data = DataFolder(tmp_path / "data")
    with pytest.raises(Conflict, match=f"hive restore --replace {file}"):
        data.require_restored()
    await _restore(file, hive, tmp_path)
    data.require_restored()
    assert [row["id"] for row in await hive.sql("SELECT id FROM tasks")] == [kept]


async def _breaks(*_: object) -> int:
    raise RuntimeError("NATS went away")


@pytest.mark.slow
async def test_what_a_cluster_kept_is_restored_into_one_server(
    own_nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    """Which refuses three copies, and had nothing left of what was there by then."""
    connection = await open_connection(database_url)
    await schema.migrate(connection, schema.LEDGERS)
    await connection.close()
    cluster, file = NatsCluster(tmp_path / "cluster"), tmp_path / "hive.backup"
    try:
        await cluster.come_up()
        taken = await cluster.connect()
        for number in range(10):
            subject = subjects.submit("default", TaskClass.MEDIUM, UUID(int=number))
            await taken.publish_durable(subject, b"{}", message_id=str(number))
        await taken.put(subjects.KV_ALIASES, "small", b"{}")
        await taking.take(file, database_url, taken.client, metrics=True, files={}, tell=lambda _line: None)
        await taken.close()
    finally:
        cluster.kill()
    bus = await own_nats_server.connect()
    before = await kept(bus)
    manifest, data = archive.verify(file), DataFolder(tmp_path / "data").create()
    assert {stream.config["num_replicas"] for stream in manifest.streams} == {REPLICAS}
    await restoring.restore(file, manifest, database_url, bus.client, data, replace=True, tell=lambda _line: None)
    data.require_restored()
    await declare(bus)
    assert await kept(bus) == before
    assert (await bus.stream_state(subjects.TASKS)).last_sequence == 10
    assert await bus.get(subjects.KV_ALIASES, "small") == b"{}"
    await bus.close()


async def kept(bus: NatsBus) -> dict[str, object]:
    """How many copies of each stream there are, and whether it is synced."""
    js = bus.client.jetstream()
    found = {name: (await js.stream_info(name)).config for name in streams.ALL}
    return {name: (config.num_replicas, config.persist_mode) for name, config in found.items()}


async def test_what_the_server_will_not_keep_is_refused_before_anything_is_gone(
    own_nats_server: NatsServer, database_url: str, tmp_path: Path
) -> None:
    connection = await open_connection(database_url)
    await schema.migrate(connection, schema.LEDGERS)
    await connection.close()
    bus, file = await own_nats_server.connect(), tmp_path / "hive.backup"
    await bus.publish_durable(subjects.submit("default", TaskClass.LOW, UUID(int=1)), b"{}", message_id="1")
    await taking.take(file, database_url, bus.client, metrics=True, files={}, tell=lambda _line: None)
    manifest, data = archive.verify(file), DataFolder(tmp_path / "data").create()
    strange = tuple(each.model_copy(update={"config": {**each.config, "storage": "tape"}}) for each in manifest.streams)
    there = await streams.there(bus.client)
    changed = manifest.model_copy(update={"streams": strange})
    with pytest.raises(BusUnavailable, match="nothing was changed"):
        await restoring.restore(file, changed, database_url, bus.client, data, replace=True, tell=lambda _line: None)
    data.require_restored()
    assert await streams.there(bus.client) == there
    assert (await bus.stream_state(subjects.TASKS)).last_sequence == 1
    await bus.close()


async def test_what_the_disk_cannot_hold_is_refused_before_anything_is_gone(hive: Hive, tmp_path: Path) -> None:
    coordinator = hive.start_coordinator()
    await hive.sidecar("oak")
    kept = await hive.submit()
    await hive.stored(kept)
    await hive.stop(coordinator)
    file, data = tmp_path / "hive.backup", DataFolder(tmp_path / "data").create()
    await _taken(hive, file)
    manifest, there = archive.verify(file), await streams.there(hive.bus.client)
    large = manifest.model_copy(update={"streams": _each(manifest, state={"bytes": 1024**3})})
    with small_disk(tmp_path / "disk", 1) as disk:
        disk.fill()
        for held, stores in ((manifest, Stores(postgres=disk.folder)), (large, Stores(nats=disk.folder))):
            with pytest.raises(NotEnoughRoom, match=r"needs about \S+ MiB on the disk of \S+, and 0\.0 MiB are free"):
                await restoring.restore(
                    file, held, hive.database_url, hive.bus.client, data, replace=True, tell=_nobody, stores=stores
                )
    data.require_restored()
    assert await streams.there(hive.bus.client) == there
    assert await hive.sql("SELECT FROM tasks WHERE id = $1", kept)


async def test_what_the_account_on_the_bus_may_not_hold_is_refused_before_anything_is_gone(
    database_url: str, tmp_path: Path
) -> None:
    limited, file = tmp_path / "limited.conf", tmp_path / "hive.backup"
    limited.write_text(nats_conf().read_text().replace("jetstream: enabled", "jetstream: { max_file: 6GB, max_mem: 64MB }"))
    server, data = NatsServer(tmp_path, limited), DataFolder(tmp_path / "data").create()
    await asyncio.to_thread(server.start)
    try:
        connection = await open_connection(database_url)
        await schema.migrate(connection, schema.LEDGERS)
        await connection.close()
        bus = await server.connect()
        await taking.take(file, database_url, bus.client, metrics=True, files={}, tell=_nobody)
        manifest, there = archive.verify(file), await streams.there(bus.client)
        large = manifest.model_copy(update={"streams": _each(manifest, state={"bytes": 1024**3})})
        with pytest.raises(NotEnoughRoom, match=r"the account on the bus has \S+ MiB for them"):
            await restoring.restore(file, large, database_url, bus.client, data, replace=True, tell=_nobody)
        data.require_restored()
        assert await streams.there(bus.client) == there
        await restoring.restore(file, manifest, database_url, bus.client, data, replace=True, tell=_nobody)
        await bus.close()
    finally:
        server.kill()


def _each(manifest: Manifest, **more: object) -> tuple[Stream, ...]:
    return tuple(each.model_copy(update=more) for each in manifest.streams)


def _nobody(_line: str) -> None:
    """Is told how far a restore is."""


def test_a_half_restored_hive_does_not_start(tmp_path: Path) -> None:
    DataFolder(tmp_path / "data").create().mark_restoring(tmp_path / "hive.backup")
    hive = ByCommand(tmp_path / "data")
    for words in (("up",), ("backup", str(tmp_path / "another"))):
        done = hive.run(*words, check=False)
        assert done.returncode == 1
        assert f"error [restore_interrupted]: A restore of {tmp_path / 'hive.backup'}" in done.stderr
    assert not (tmp_path / "another").exists()


async def test_an_older_schema_is_migrated(hive: Hive, tmp_path: Path) -> None:
    connection = await open_connection(hive.database_url)
    await apply_migrations(connection, [each for each in migrations() if each[0] < 9], "schema_migrations")
    await connection.execute("INSERT INTO models (name) VALUES ('qwen3:8b')")
    await connection.close()
    file = tmp_path / "hive.backup"
    await _taken(hive, file)
    await _restore(file, hive, tmp_path)
    assert [row["name"] for row in await hive.sql("SELECT name FROM models")] == ["qwen3:8b"]
    numbers = {row["number"] for row in await hive.sql("SELECT number FROM schema_migrations")}
    assert numbers == {number for number, _ in migrations()}


async def test_all_that_migrations_make_is_known_and_goes(database_url: str) -> None:
    connection: asyncpg.Connection = await open_connection(database_url)
    await schema.migrate(connection, schema.LEDGERS)
    tables = [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert sorted(tables) == sorted(await schema.tables_there(connection))
    order = await schema.tables_there(connection)
    assert order.index("users") < order.index("api_keys")
    await connection.execute("CREATE TABLE of_somebody_else (id INT)")
    await schema.drop(connection)
    left = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
    assert [row[0] for row in await connection.fetch(left)] == ["of_somebody_else"]
    left = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
    assert not [row for row in await connection.fetch(left) if "commit" in row[0]]
    await connection.close()


def test_what_is_taken_before_the_record_and_after_it() -> None:
    assert set(streams.FEED_THE_RECORD) == {subjects.TASKS, subjects.OUTCOMES, subjects.AUDIT}
    assert set(streams.FEED_THE_RECORD) | set(streams.TELL_THE_RECORD) < set(streams.ALL)
