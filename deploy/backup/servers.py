"""The PostgreSQL and the NATS of a hive: those that were named, those of the hive that runs, or embedded ones, started for as long as it takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import SecretStr

from bus.errors import Conflict, NotFound
from bus.nats_bus import NatsBus
from bus.nats_client import NatsClient
from deploy.backup.room import ELSEWHERE, Stores
from deploy.local.data_folder import DataFolder
from deploy.local.hive import LocalHive, spec_of
from deploy.local.launch import Part
from deploy.local.nats import unsynced
from deploy.local.ports import choose
from deploy.local.state import HiveState
from deploy.local.supervisor import Supervisor
from deploy.local.unit import Unit
from deploy.settings import DeploySettings

CONNECT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Servers:
    database_url: str
    nats_url: str
    nats_ca: Path | None = None
    stores: Stores = ELSEWHERE


@asynccontextmanager
async def of_any_hive(settings: DeploySettings) -> AsyncIterator[Servers]:
    """Whether it runs or not. NotFound where there is none, RestoreInterrupted where it is half restored."""
    folder = DataFolder(settings.data_dir)
    folder.require_restored()
    state = folder.read_state(HiveState) if folder.locked_by() else None
    if state is not None:
        yield Servers(
            database_url=settings.given_database_url or state.database_url,
            nats_url=settings.given_nats_url or state.nats.url,
            nats_ca=settings.nats_ca if settings.given_nats_url else state.nats.ca,
        )
        return
    lacking = [
        name
        for name, given in (("postgres", settings.given_database_url), ("nats", settings.given_nats_url))
        if given is None and not (folder.path / name).exists()
    ]
    if lacking:
        raise NotFound(
            f"There is no hive in {folder.path} ({' and '.join(lacking)} missing). Name its folder with HIVE_DATA_DIR, or its "
            "servers with HIVE_DATABASE_URL and NATS_URL."
        )
    async with started(settings, folder) as servers:
        yield servers


@asynccontextmanager
async def started(settings: DeploySettings, folder: DataFolder, *, synced: bool = True) -> AsyncIterator[Servers]:
    """Of a hive that does not run: Conflict when it does. Nobody else finds the embedded ones, which are on ports of their own.

    `synced` False: the embedded NATS syncs by time, which is a much quicker.
    """
    folder.create()
    folder.lock()
    try:
        alone = settings.model_copy(
            update=dict.fromkeys(("api_port", "gui_port", "nats_port", "nats_monitor_port", "nats_websocket_port"), 0)
            | {"host": "127.0.0.1", "nats_host": "127.0.0.1", "listen": None, "tls_cert": None, "nats_leaf_port": None}
        )
        hive = LocalHive(settings=alone, folder=folder, secrets=folder.secrets(), ports=await choose(alone))
        nats = hive.nats if synced else replace(hive.nats, configuration=unsynced(folder.path))
        parts: list[tuple[str | None, Part]] = [(settings.given_nats_url, nats), (settings.given_database_url, hive.postgres)]
        supervisor = Supervisor([spec_of(part) for given, part in parts if given is None], (), folder.log_of, _silent)
        try:
            await supervisor.start()
            state = hive.state()
            stores = Stores(
                postgres=None if settings.given_database_url else hive.postgres.folder,
                nats=None if settings.given_nats_url else nats.folder,
            )
            yield Servers(database_url=state.database_url, nats_url=state.nats.url, stores=stores)
        finally:
            await supervisor.stop()
            if nats.configuration is not None:
                nats.configuration.unlink(missing_ok=True)
    finally:
        folder.unlock()


@asynccontextmanager
async def nats_client(settings: DeploySettings, servers: Servers) -> AsyncIterator[NatsClient]:
    bus = await NatsBus.connect(
        settings.model_copy(update={"nats_url": SecretStr(servers.nats_url), "nats_ca": servers.nats_ca}),
        "backup",
        timeout=CONNECT_SECONDS,
    )
    try:
        yield bus.client
    finally:
        await bus.close()


def require_stopped(folder: DataFolder) -> None:
    if holder := folder.locked_by():
        raise Conflict(f"The hive on {folder.path} runs (process {holder}). Stop it with `hive down`, then restore.")


def _silent(_unit: Unit, _message: str) -> None:
    """Who waits for these servers is told when they do not start, by the error."""
