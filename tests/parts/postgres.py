"""A real PostgreSQL, and databases in it that live as long as one test."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import asyncpg

from deploy.local.postgres import DATABASE, ROLE, Postgres
from deploy.local.postgres_user import let_pass
from tests.parts.server import Server

PROGRAMS: Final = os.environ.get("HIVE_TEST_POSTGRES_BIN")
"""A folder of an older PostgreSQL's programs: every test then runs on that one (`make oldest`)."""


class PostgresServer(Server):
    """`kill()` and `start()` keep the data. `synced=False` saves a test session the wait for its disk; kill -9 loses nothing either way."""

    def __init__(
        self, folder: Path, *, synced: bool = True, settings: Mapping[str, str] | None = None, programs: str | None = PROGRAMS
    ) -> None:
        others = {"programs": Path(programs), "locale": ("--locale=C.UTF-8",)} if programs else {}
        self.postgres = Postgres(folder / "data", {**({} if synced else {"fsync": "off"}), **(settings or {})}, **others)  # type: ignore[arg-type]
        super().__init__(self.postgres, folder / "postgres.log")
        self.url = self.postgres.url()

    def follow(self, primary: "PostgresServer") -> None:
        """Before its first start: a streaming replica of one that runs."""
        folder, user = self.postgres.folder, primary.postgres._user
        folder.mkdir(mode=0o700)
        if user is not None:
            let_pass(folder)
            os.chown(folder, *user)
        source = f"host={primary.postgres._socket_folder} user={ROLE} dbname={DATABASE}"
        primary.postgres._run(primary.postgres.folder, "pg_basebackup", "-D", str(folder), "-R", "-c", "fast", "-d", source)

    @asynccontextmanager
    async def database(self, template: str = "template1") -> AsyncIterator[str]:
        """The URL of a new database, a copy of `template`; dropped at the end, whoever is still connected."""
        name = f"test_{uuid4().hex}"
        await self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.postgres.url(name)
        finally:
            await self.execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
