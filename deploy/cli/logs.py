"""`hive logs`: what the processes of a hive wrote, in one reading."""

import json
import time
from collections import deque
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from bus.errors import NotFound
from deploy.cli.command import command, settings
from deploy.cli.screen import console
from deploy.local.data_folder import DataFolder
from deploy.local.log_file import rotated

POLL_SECONDS = 0.2
_LEVELS = {"warning": "yellow", "error": "red", "critical": "red", "debug": "dim"}
_SHOWN_FIRST = ("timestamp", "level", "service", "event")


@command
def logs(
    service: Annotated[
        str | None, typer.Argument(help="Such as coordinator, gateway, sidecar-local, nats; left out: all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is written from now on.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines of each.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print lines as they were written.")] = False,
) -> None:
    """Show logs; with -f as they come."""
    files = _files(DataFolder(settings().data_dir), service)
    with ExitStack() as stack:
        tails = {file.stem: stack.enter_context(closing(Tail(file, lines))) for file in files}
        while True:
            for name, tail in tails.items():
                for line in tail.new():
                    _show(name, line, as_json)
            if not follow:
                return
            time.sleep(POLL_SECONDS)


def _files(folder: DataFolder, service: str | None) -> list[Path]:
    files = sorted(folder.logs.glob("*.log"))
    names = [file.stem for file in files]
    found = [file for file in files if service is None or service in (file.stem, file.stem.partition("-")[0])]
    if not found:
        raise NotFound(f"There is no log of {service or 'anything'} in {folder.logs}; there are: {', '.join(names) or 'none'}.")
    return found


class Tail:
    """The last lines of a file, then what is added; it goes on in the new one when the file is rotated (deploy/local/log_file.py)."""

    def __init__(self, file: Path, lines: int) -> None:
        self._path, self._lines = file, lines
        self._file = file.open(errors="replace")
        self._older = self._youngest()
        self._first = True
        self._rest = ""

    def new(self) -> list[str]:
        older = self._youngest()
        if older != self._older:
            self._older = older
            found = [*self._read_on(rotated(self._path, 1)), *self._read()]
        else:
            found = self._read()
        if self._first:
            self._first = False
            return list(deque(found, maxlen=self._lines))
        return found

    def close(self) -> None:
        self._file.close()

    def _youngest(self) -> int | None:
        """What tells one rotated file from the next; None while there is none."""
        try:
            return rotated(self._path, 1).stat().st_ino
        except FileNotFoundError:
            return None

    def _read_on(self, older: Path) -> list[str]:
        """What had been written and was not read yet when the file was emptied."""
        with older.open(errors="replace") as file:
            file.seek(self._file.tell())
            self._file.seek(0)
            return self._lines_of(file.read())

    def _read(self) -> list[str]:
        return self._lines_of(self._file.read())

    def _lines_of(self, text: str) -> list[str]:
        *whole, self._rest = (self._rest + text).split("\n")
        return whole


def _show(name: str, line: str, as_json: bool) -> None:
    if as_json:
        print(line, flush=True)
    elif line.strip():
        console.print(readable(name, line), soft_wrap=True)


def readable(name: str, line: str) -> Text:
    """A JSON line as time, level, process, event and the rest; what is no JSON (PostgreSQL, NATS, Valkey) stays as it is."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return Text.assemble((f"{name:<13} ", "cyan"), line)
    level = str(entry.get("level", ""))
    rest = " ".join(f"{key}={value}" for key, value in entry.items() if key not in _SHOWN_FIRST and value is not None)
    return Text.assemble(
        (f"{name:<13} ", "cyan"),
        (f"{str(entry.get('timestamp', ''))[:23]} ", "dim"),
        (f"{level:<7} ", _LEVELS.get(level, "")),
        (f"{entry.get('event', '')} ", "bold"),
        rest,
    )
