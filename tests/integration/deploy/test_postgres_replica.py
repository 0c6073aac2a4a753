"""The scripts of deploy/compose/postgres on a real PostgreSQL: the primary lets itself be copied, and the copy follows it, also after it was stopped."""

import asyncio
import os
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from deploy.local.launch import Launch, start
from deploy.local.ports import free_port
from deploy.local.postgres_user import system_user
from tests.conftest import folder_for_others
from tests.parts.postgres import PostgresServer

SCRIPTS = Path(__file__).parents[3] / "deploy" / "compose" / "postgres"
HOST = "127.0.0.1"
SECONDS = 40


@pytest.mark.slow
async def test_a_replica_is_copied_once_and_follows() -> None:
    with folder_for_others("replica") as folder:
        folder.chmod(0o755)
        port = free_port()
        server = PostgresServer(folder / "primary", synced=False, settings={"listen_addresses": HOST, "port": str(port)})
        server.start()
        try:
            binaries = Path(server.postgres.launch().command[0]).parent
            environment = {"PATH": f"{binaries}:{os.environ['PATH']}", "REPLICATION_PASSWORD": "a-password"}
            prepare(environment, port, server.postgres.folder)
            primary = await asyncpg.connect(host=HOST, port=port, user="hive", database="hive")
            await primary.execute("CREATE TABLE told (word text)")
            for word in ("before", "after"):
                async with replica(folder, environment, port) as copy:
                    await primary.execute("INSERT INTO told VALUES ($1)", word)
                    await says(copy, word)
                    assert await copy.fetchval("SELECT pg_is_in_recovery()")
                (folder / "replica" / "kept").touch()  # a second copy would remove it
            assert (folder / "replica" / "kept").exists()
            await primary.close()
        finally:
            server.stop()


def prepare(environment: dict[str, str], port: int, data: Path) -> None:
    """As the image of PostgreSQL runs it, once."""
    told = {"PGHOST": HOST, "PGPORT": str(port), "PGDATA": str(data), "POSTGRES_USER": "hive", "POSTGRES_DB": "hive"}
    script = str(SCRIPTS / "primary.sh")
    done = subprocess.run(
        ["bash", script], env=environment | told, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr


@asynccontextmanager
async def replica(folder: Path, environment: dict[str, str], primary_port: int) -> AsyncIterator[asyncpg.Connection]:
    """A connection to it."""
    data, port, user = folder / "replica", free_port(), system_user(folder)
    data.mkdir(exist_ok=True, mode=0o700)
    script = folder / "replica.sh"
    script.write_bytes((SCRIPTS / "replica.sh").read_bytes())  # whoever PostgreSQL runs as may read it here
    script.chmod(0o644)
    if user is not None:
        os.chown(data, *user)
    options = ("-c", f"port={port}", "-c", f"listen_addresses={HOST}", "-c", f"unix_socket_directories={data}")
    told = {"PRIMARY": HOST, "PRIMARY_PORT": str(primary_port), "PGDATA": str(data)}
    launch = Launch(name="replica", command=("bash", str(script), *options), environment=environment | told, user=user)
    process = start(launch, folder / "replica.log")
    try:
        connection = await connected(port, process, folder / "replica.log")
        yield connection
        await connection.close()
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)


async def connected(port: int, process: "subprocess.Popen[bytes]", log: Path) -> asyncpg.Connection:
    async with asyncio.timeout(SECONDS):
        while True:
            assert process.poll() is None, await asyncio.to_thread(log.read_text)
            try:
                return await asyncpg.connect(host=HOST, port=port, user="hive", database="hive")
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.05)


async def says(copy: asyncpg.Connection, word: str) -> None:
    async with asyncio.timeout(SECONDS):
        while word not in [row["word"] for row in await copy.fetch("SELECT word FROM told")]:
            await asyncio.sleep(0.02)
