"""How a supervisor of another version takes the place of the one that runs (docs/adr/0069): the process stays and becomes that program.

So its children stay its children, and no port, lock or process changes hands in between. `hive upgrade` writes what is asked for into
the data folder and sends SIGNAL; the supervisor tries whether the other version starts here at all, writes down what it has, and becomes it.
"""

import asyncio
import os
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import Final, NoReturn

from bus.errors import Unavailable
from bus.messages import Message
from deploy.local.data_folder import DataFolder
from deploy.local.ports import Ports
from deploy.local.state import ProcessStatus

SIGNAL: Final = signal.SIGUSR2
REQUEST: Final = "upgrade.json"
HANDOVER: Final = "handover.json"
_VARIABLE: Final = "HIVE_HANDOVER"
_TRY_SECONDS: Final = 60.0


class UpgradeRequest(Message):
    """`python`: the interpreter that the other version is installed for."""

    asked_at: datetime
    python: Path


class Handover(Message):
    """`lock` and `listeners` are numbers of open files, which the next program finds open."""

    asked_at: datetime
    ports: Ports
    lock: int
    listeners: dict[str, int]
    processes: tuple[ProcessStatus, ...]


def take(folder: DataFolder) -> Handover | None:
    """What the supervisor left that this process was until now; None at an ordinary start. Unavailable."""
    if os.environ.pop(_VARIABLE, None) != str(os.getpid()):
        return None
    found = folder.read(HANDOVER, Handover)
    (folder.path / HANDOVER).unlink(missing_ok=True)
    return found


def request(folder: DataFolder, supervisor: int, asked: UpgradeRequest) -> None:
    """OSError when the process has ended meanwhile."""
    folder.write(REQUEST, asked)
    os.kill(supervisor, SIGNAL)


def requested(folder: DataFolder) -> UpgradeRequest | None:
    """Unavailable for what cannot be read."""
    return folder.read(REQUEST, UpgradeRequest)


async def rehearse(asked: UpgradeRequest) -> None:
    """Whether the other version starts with the settings of this process. Unavailable, with its complaint."""
    command = (str(asked.python), "-P", "-m", "deploy.cli.rehearsal")
    try:
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
    except OSError as error:
        raise Unavailable(f"{asked.python} cannot be run: {error.strerror}.") from None
    try:
        async with asyncio.timeout(_TRY_SECONDS):
            _, said = await process.communicate()
    except TimeoutError:
        process.kill()
        raise Unavailable(f"The other version was not ready within {_TRY_SECONDS:.0f} s.") from None
    if process.returncode:
        last = (said.decode(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
        raise Unavailable(f"The other version does not start with this hive's settings: {last}")


def become(folder: DataFolder, asked: UpgradeRequest, handover: Handover) -> NoReturn:
    """From the main thread, which is what the kernel takes for the parent of the children. OSError, and then nothing has changed."""
    folder.write(HANDOVER, handover)
    heard = signal.signal(
        SIGNAL, signal.SIG_IGN
    )  # one that comes before the other version listens would end it, and all with it
    sys.stdout.flush()
    sys.stderr.flush()
    environment = {**os.environ, _VARIABLE: str(os.getpid())}
    try:
        os.execve(asked.python, [str(asked.python), "-P", "-m", "deploy.entry", "up"], environment)  # noqa: S606
    finally:
        signal.signal(SIGNAL, heard)
