"""What a backup of 100,000 tasks takes, and its restore: `python -m tests.bench.backup [TASKS]`. Real servers; NATS syncs by time,
as the one that `hive restore` starts, so that filling its streams takes no hour."""

import asyncio
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from time import monotonic, process_time
from uuid import uuid4

import asyncpg

from bus import subjects
from bus.nats_bus import NatsBus
from deploy.backup import archive, restoring, schema, taking
from deploy.local.data_folder import DataFolder
from deploy.local.nats import unsynced
from tests.conftest import folder_for_others
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer

PROMPT_BYTES, OUTPUT_BYTES, EVENT_BYTES = 1_000, 2_000, 600
AT_ONCE = 2_000
_TASKS = """
    INSERT INTO tasks (id, tenant, owner, priority, status, created_at, completed_at, sequence, model, request, output, attempts)
    SELECT gen_random_uuid(), 'default', 'admin', 3, 'completed', now(), now(), number, 'qwen3:8b',
      jsonb_build_object('prompt', (SELECT string_agg(md5(number::text || 'in' || part), '') FROM generate_series(1, $2 / 32) AS part)),
      jsonb_build_object('text', (SELECT string_agg(md5(number::text || 'out' || part), '') FROM generate_series(1, $3 / 32) AS part)), 1
    FROM generate_series(1, $1) AS number"""
_AGENT = "INSERT INTO agents (slug, name, endpoint, registration) VALUES ('oak', 'oak', 'builtin', '{}')"
_ATTEMPTS = """
    INSERT INTO attempts (id, task_id, number, agent_id, instance, epoch, model, status, offered_at)
    SELECT gen_random_uuid(), tasks.id, 1, agents.id, 'one', 1, 'qwen3:8b', 'completed', now() FROM tasks, agents"""


async def _fill(connection: asyncpg.Connection, bus: NatsBus, number: int) -> None:
    async with connection.transaction():
        await schema.migrate(connection, schema.LEDGERS)
        await connection.execute(_TASKS, number, PROMPT_BYTES, OUTPUT_BYTES, timeout=600)
        await connection.execute(_AGENT)
        await connection.execute(_ATTEMPTS, timeout=600)
    body = os.urandom(EVENT_BYTES // 2).hex().encode()
    for begin in range(0, number, AT_ONCE):
        await asyncio.gather(*(_publish(bus, body) for _ in range(min(AT_ONCE, number - begin))))


async def _publish(bus: NatsBus, body: bytes) -> None:
    subject = f"hive.events.default.task.completed.{uuid4()}"
    await bus.publish_durable(subject, body, message_id=uuid4().hex, timeout=60)


async def _measure(number: int, server: NatsServer, other: NatsServer, postgres: PostgresServer, folder: Path) -> None:
    """Restored into `other`."""
    bus = await server.connect()
    connection = await asyncpg.connect(postgres.url)
    await _fill(connection, bus, number)
    size = await connection.fetchval("SELECT pg_database_size(current_database())")
    stored = (await bus.client.jetstream().stream_info(subjects.EVENTS)).state.bytes
    await connection.close()
    file, clock = folder / "hive.backup", _Clock()
    _, written = await taking.take(file, postgres.url, bus.client, metrics=True, files={}, tell=lambda _line: None)
    clock.tell(
        f"backup of {number:,} tasks ({size / 1e6:.0f} MB of database, {stored / 1e6:.0f} MB of events): {written / 1e6:.1f} MB"
    )
    manifest = await asyncio.to_thread(archive.verify, file)
    clock.tell("check")
    data = DataFolder(folder / "data").create()
    await bus.close()
    bus = await other.connect()
    await restoring.restore(file, manifest, postgres.url, bus.client, data, replace=True, tell=lambda _line: None)
    clock.tell("restore")
    await bus.close()
    print(
        f"most memory of this process: {getrusage(RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB; load average {os.getloadavg()[0]:.1f}"
    )


class _Clock:
    def __init__(self) -> None:
        self._began, self._cpu = monotonic(), process_time()

    def tell(self, what: str) -> None:
        print(
            f"{what}: {monotonic() - self._began:.1f} s, {process_time() - self._cpu:.1f} s of CPU of this process", flush=True
        )
        self.__init__()  # type: ignore[misc]


def main() -> None:
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        server = NatsServer(folder / "nats", unsynced(folder))
        postgres = PostgresServer(stack.enter_context(folder_for_others("bench")) / "postgres")
        other = NatsServer(folder / "other", unsynced(folder))
        for part in (server, other, postgres):
            part.start()
            stack.callback(part.stop)
        asyncio.run(_measure(number, server, other, postgres, folder))


if __name__ == "__main__":
    main()
