"""How fast agents' metrics go into PostgreSQL, and what that costs: `python -m tests.bench.metrics_ingest [SAMPLES]`

The samples lie on the stream already, as after an absence of the monitor; a sample is one message of one agent, with a card. Nothing
else runs in this process while the archive does. PostgreSQL syncs, as everywhere.
"""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final

import asyncpg
import psutil
import uvloop
from pydantic import SecretStr

from agent_sidecar.metrics import compose
from bus import subjects
from bus.database import migrate_by, open_pool
from bus.nats_bus import NatsBus
from bus.together import end
from monitor.archive import Archive
from monitor.settings import MonitorSettings
from monitor.sql import migrations
from monitor.upkeep import Upkeep
from tests.bench.load import cpu_seconds
from tests.bench.simulated_sidecars import READING, RECENT
from tests.conftest import folder_for_others
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer
from tests.parts.server import Server

AGENTS: Final = 200
SAMPLES: Final = 40_000
WINDOW: Final = 500
TURNS: Final = 3


async def fill(bus: NatsBus, samples: int) -> int:
    """Position of the last one."""
    for number in range(samples):
        agent_id = f"host-{number % AGENTS:04}"
        await bus.publish(subjects.metrics(agent_id), compose(agent_id, datetime.now(UTC), number % 3, RECENT, READING))
        if number % WINDOW == 0:
            await bus.flush()
    await bus.flush()
    while (last := (await bus.stream_state(subjects.METRICS)).last_sequence) % samples:
        await asyncio.sleep(0.05)
    return last


async def until_stored(pool: asyncpg.Pool, position: int) -> None:
    while not await pool.fetchval("SELECT position >= $1 FROM monitor_positions", position):
        await asyncio.sleep(0.1)


async def turn(bus: NatsBus, pool: asyncpg.Pool, processes: dict[str, psutil.Process], samples: int) -> None:
    position = await fill(bus, samples)
    before, began = cpu_seconds(processes), perf_counter()
    archiving = asyncio.create_task(Archive(bus, pool).run())
    await until_stored(pool, position)
    wall = perf_counter() - began
    used = {name: seconds - before[name] for name, seconds in cpu_seconds(processes).items()}
    await end([archiving])
    own = used["monitor"] + used["postgresql"]
    each = ", ".join(f"{name} {1e6 * seconds / samples:.0f}" for name, seconds in used.items())
    print(
        f"{samples / wall:8,.0f} samples/s; {samples / own:8,.0f} a second of monitor and PostgreSQL; CPU a sample, µs: {each}"
    )


async def run(nats: NatsServer, postgres: PostgresServer, samples: int) -> None:
    async with postgres.database() as url:
        await migrate_by(url, migrations(), "monitor_migrations")
        pool, bus = await open_pool(url, 4), await nats.connect()
        upkeep = Upkeep(pool, MonitorSettings(database_url=SecretStr(url)), lambda: True)
        await upkeep.once(datetime.now(UTC))
        processes = {"monitor": psutil.Process(), "postgresql": process_of(postgres), "nats-server": process_of(nats)}
        for _ in range(TURNS):
            await turn(bus, pool, processes, samples)
        await told(pool, upkeep)
        await bus.close()
        pool.terminate()


def process_of(server: Server) -> psutil.Process:
    if server.process is None:
        raise RuntimeError("it was not started")
    return psutil.Process(server.process.pid)


async def told(pool: asyncpg.Pool, upkeep: Upkeep) -> None:
    rows = await pool.fetchval("SELECT count(*) FROM agent_metrics")
    size = await pool.fetchval("SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('agent_metrics')")
    began = perf_counter()
    await upkeep.once(datetime.now(UTC))
    minutes = await pool.fetchval("SELECT count(*) FROM agent_metrics_minutes")
    print(
        f"{rows:,} rows of {size / rows:.0f} bytes with their indexes; a round of upkeep {perf_counter() - began:.2f} s, {minutes:,} minutes"
    )


def main() -> None:
    samples = int(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    with TemporaryDirectory() as folder, folder_for_others("postgres") as data:
        nats, postgres = NatsServer(Path(folder)), PostgresServer(data)
        nats.start()
        postgres.start()
        try:
            uvloop.run(run(nats, postgres, samples))
        finally:
            postgres.stop()
            nats.kill()


if __name__ == "__main__":
    main()
