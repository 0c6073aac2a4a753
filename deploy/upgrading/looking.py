"""Finds out what runs, on this machine and on the bus, and how the hive stands before an upgrade."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from bus import subjects
from bus.client import Bus, Received
from bus.database import open_connection, read_migrations
from bus.errors import HiveError
from bus.messages import AgentList, AgentRecord, NoReply, UpstreamList
from bus.messages.readings import MonitorReadings, ServiceVitals
from bus.version import code_on_disk
from bus.vitals import EVERY_SECONDS
from deploy.backup.schema import LEDGERS, done
from deploy.cli.connection import operator_bus
from deploy.cli.doctor import examine
from deploy.cli.screen import note
from deploy.local.data_folder import DataFolder
from deploy.local.finding import Finding, Level, fail, warn
from deploy.local.hive import PACKAGES, package_version, server_version
from deploy.local.state import HiveState
from deploy.settings import DeploySettings
from deploy.upgrading import plan
from deploy.upgrading.plan import Step, UpgradePlan

LISTEN_SECONDS: Final = EVERY_SECONDS + 1.0
"""Within which every process tells of itself."""
REQUEST_SECONDS: Final = 5.0
NEEDED: Final = frozenset({"data folder", "disk", "nats", "streams", "postgres"})
"""What `hive doctor` may not find amiss. That no agent is online, say, is no reason not to upgrade; nor is a stream that is not there, which
the version that runs may not know: the first of the new coordinators makes it.
"""
LEAST_BYTES: Final = 256 * 1024 * 1024


async def of_machine(
    settings: DeploySettings, folder: DataFolder, state: HiveState, *, backup: Path | None, back: bool
) -> UpgradePlan:
    """Of a hive that `hive up` runs here, and what else is on its bus. `backup`: where one would be written."""
    installed, packages = code_on_disk(), {name: server_version(name) for name in PACKAGES}
    parts = plan.local_parts(state, installed, packages)
    findings = [plan.takes_over(state), plan.all_run(state, back=back)]
    own = [process.pid for process in state.processes if process.pid]
    async with _found(installed, own) as (vitals, agents):
        others = plan.bus_parts(vitals, agents, installed, own)
    parts = (*parts, *(part for part in others if part.step is Step.THERE))
    findings += [plan.versions((*parts, *others), back=back)]
    findings += await _database(settings.given_database_url or state.database_url, folder, backup)
    findings += (
        [plan.postgres_release(_pg_version(folder), package_version(PACKAGES["postgres"]))]
        if settings.given_database_url is None
        else []
    )
    amiss = [each for each in await examine(settings) if each.level is not Level.OK]
    findings += [each for each in amiss if each.what in NEEDED or each.level is Level.WARN]
    findings += [
        each.model_copy(update={"level": Level.WARN}) for each in amiss if each.level is Level.FAIL and each.what not in NEEDED
    ]
    return UpgradePlan(installed=installed, parts=parts, findings=tuple(findings))


async def of_bus() -> UpgradePlan:
    """Of a hive whose parts run elsewhere, as under Compose, which only tell what they run."""
    installed = code_on_disk()
    async with _found(installed, ()) as (vitals, agents):
        parts = plan.bus_parts(vitals, agents, installed)
    return UpgradePlan(installed=installed, parts=parts, findings=(plan.versions(parts, back=False),))


@asynccontextmanager
async def _found(installed: str, own: Sequence[int]) -> AsyncIterator[tuple[Sequence[ServiceVitals], Sequence[AgentRecord]]]:
    """What tells of itself on the bus. `own`: numbers of this machine's processes, whose versions are known; none where it has no hive."""
    async with operator_bus() as bus:
        vitals = await _remembered(bus)
        if not vitals or any(found.version != installed for found in vitals if found.pid is None or found.pid not in own):
            vitals = await _heard(bus)
        yield vitals, await agents_elsewhere(bus, own_sidecar=bool(own))


async def _remembered(bus: Bus) -> Sequence[ServiceVitals]:
    """By the monitor, also of processes that have just ended; an older one leaves versions out. Nothing where none answers."""
    try:
        verb = subjects.service_verb(subjects.SERVICE_METRICS, "readings")
        return (await bus.request(verb, NoReply(), MonitorReadings, timeout=REQUEST_SECONDS, patient=False)).services
    except HiveError:
        return ()


async def _heard(bus: Bus) -> Sequence[ServiceVitals]:
    heard: dict[str, ServiceVitals] = {}

    async def hear(received: Received) -> None:
        vitals = received.decode(ServiceVitals)
        heard[vitals.instance] = vitals

    note(f"Listening for {LISTEN_SECONDS:.0f} s to what runs …")
    subscription = await bus.subscribe(subjects.ALL_VITALS, hear)
    await asyncio.sleep(LISTEN_SECONDS)
    await subscription.close()
    return list(heard.values())


async def agents_elsewhere(bus: Bus, *, own_sidecar: bool = True) -> tuple[AgentRecord, ...]:
    """Those of other hosts. `own_sidecar`: one of this machine speaks for the upstreams, and tells its version as a process."""
    agents, upstreams = (subjects.service_verb(name, "list") for name in (subjects.SERVICE_AGENTS, subjects.SERVICE_UPSTREAMS))
    try:
        found = (await bus.request(agents, NoReply(), AgentList, timeout=REQUEST_SECONDS)).agents
        if not own_sidecar:
            return found
        spoken_for = (await bus.request(upstreams, NoReply(), UpstreamList, timeout=REQUEST_SECONDS)).upstreams
    except HiveError:  # the doctor tells of who does not answer
        return ()
    own = {upstream.agent_id for upstream in spoken_for}
    return tuple(agent for agent in found if agent.agent_id not in own)


async def _database(url: str, folder: DataFolder, backup: Path | None) -> list[Finding]:
    known = {ledger: [number for number, _ in read_migrations(package)] for ledger, package in LEDGERS.items()}
    try:
        connection = await open_connection(url)
    except (HiveError, ValueError, asyncpg.PostgresError) as error:
        return [fail("migrations", f"the database does not say: {error}", "hive logs postgres, or check HIVE_DATABASE_URL.")]
    try:
        size = int(await connection.fetchval("SELECT pg_database_size(current_database())"))
        found = [plan.migrations(await done(connection), known)]
    finally:
        await connection.close()
    if backup is None:
        return [*found, warn("backup", "none is made (--no-backup)", "Leave that out, unless you have one from just now.")]
    wanted = LEAST_BYTES + size + await asyncio.to_thread(_size, folder.path / "nats")
    return [*found, plan.room(await asyncio.to_thread(_free, backup), wanted)]


def _free(file: Path) -> int:
    """Bytes on the disk where the file would lie. Blocking."""
    return shutil.disk_usage(next(parent for parent in file.absolute().parents if parent.exists())).free


def _size(folder: Path) -> int:
    """Bytes of the files that are there. Blocking."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.lstat().st_size
        except OSError:  # it has gone meanwhile
            continue
    return total


def _pg_version(folder: DataFolder) -> str | None:
    try:
        return (folder.path / "postgres" / "PG_VERSION").read_text()
    except OSError:
        return None
