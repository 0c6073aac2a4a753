"""The embedded servers: they start from nothing, survive kill -9, and keep what they promised to keep."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import redis.asyncio

from deploy.local.postgres import Postgres
from tests.conftest import folder_for_others
from tests.parts.nats import NatsServer
from tests.parts.postgres import PostgresServer
from tests.parts.valkey import ValkeyServer


async def test_postgres_keeps_what_was_committed_through_kill_nine(own_postgres: PostgresServer) -> None:
    await own_postgres.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    own_postgres.kill()
    own_postgres.start()
    connection = await asyncpg.connect(own_postgres.url)
    assert await connection.fetchval("SELECT answer FROM kept") == 42
    await connection.close()


async def test_postgres_starts_while_backends_of_a_killed_one_are_still_there(own_postgres: PostgresServer) -> None:
    connection = await asyncpg.connect(own_postgres.url)
    backend = psutil.Process(await connection.fetchval("SELECT pg_backend_pid()"))
    backend.suspend()  # so that it cannot notice that its server died
    own_postgres.kill()
    await asyncio.to_thread(own_postgres.start)
    assert not backend.is_running()
    connection.terminate()


async def test_postgres_starts_when_its_pid_file_names_somebody_else(own_postgres: PostgresServer) -> None:
    own_postgres.stop()
    stale = own_postgres.postgres.folder / "postmaster.pid"
    stale.write_text(f"{os.getppid()}\n{own_postgres.postgres.folder}\n1\n5432\n/nowhere\n\n  1 1\nready\n")
    assert own_postgres.postgres.ready()
    own_postgres.start()
    assert own_postgres.process is not None
    assert int(stale.read_text().splitlines()[0]) == own_postgres.process.pid


def test_postgres_has_no_tcp_port_and_a_closed_folder(postgres: PostgresServer) -> None:
    assert postgres.process is not None
    assert not psutil.Process(postgres.process.pid).net_connections("tcp")
    assert postgres.postgres.folder.stat().st_mode & 0o077 == 0


def test_postgres_works_below_a_path_too_long_for_a_socket() -> None:
    with folder_for_others("long") as folder:
        server = PostgresServer(folder / ("long-" * 20))
        server.start()
        server.stop()
    short = Path(server.url.partition("host=")[2])
    assert len(str(short)) < 50
    assert short.stat().st_mode & 0o077 == 0
    short.rmdir()


def test_an_initialization_that_was_interrupted_is_begun_again() -> None:
    with folder_for_others("half") as folder:
        half = folder / "data.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
        Postgres(folder / "data").prepare()
        assert (folder / "data" / "global" / "pg_control").exists()
        assert not half.exists()


async def test_each_test_has_a_database_of_its_own(postgres: PostgresServer, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    assert await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    await connection.close()


async def test_valkey_answers_on_its_socket_and_comes_back_empty(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path)
    server.start()
    async with redis.asyncio.from_url(server.url) as client:
        await client.set("key", "value")
    server.kill()
    server.start()
    async with redis.asyncio.from_url(server.url) as client:
        assert await client.get("key") is None
    server.kill()


def test_nats_is_ready_only_while_it_runs(own_nats_server: NatsServer) -> None:
    assert own_nats_server.part.ready()
    own_nats_server.kill()
    assert not own_nats_server.part.ready()


def test_no_part_outlives_a_parent_that_was_killed() -> None:
    code = (
        "import sys, pathlib; from tests.parts.postgres import PostgresServer\n"
        "s = PostgresServer(pathlib.Path(sys.argv[1])); s.start(); print(s.process.pid, flush=True); sys.stdin.read()"
    )
    with folder_for_others("parent") as folder:
        parent = subprocess.Popen([sys.executable, "-c", code, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert parent.stdin
        assert parent.stdout
        with parent.stdin, parent.stdout:
            child = psutil.Process(int(parent.stdout.readline()))
            family = [child, *child.children(recursive=True)]
            parent.send_signal(signal.SIGKILL)
            parent.wait()
        assert psutil.wait_procs(family, timeout=5)[1] == []
