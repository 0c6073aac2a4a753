"""Runs a stdio server and leaves nothing of it behind: `python warden.py PARENT BYTES COMMAND ARGUMENT…`.

Input and output are the server's own; this process only watches. It ends everything that the server started, also what left its process
group, when the server ends, when it is told to (SIGTERM), or when the engine is gone, however that died. BYTES: of memory that each of its
processes may have, where it is not 0. Nothing of Hive is imported here.
"""

import ctypes
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from time import monotonic

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
LOOK_SECONDS = 0.5
"""Between looks at the engine, where the kernel does not tell of its death."""
_END_SECONDS = 5.0


class _Asked(Exception):
    pass


def main(parent: int, memory_bytes: int, command: list[str]) -> int:
    """The server's exit status; 127 where there is no such command."""
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    signal.signal(signal.SIGTERM, _ask)
    if libc is not None:
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1)  # what the server leaves behind becomes ours, and is found
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    code = 1
    try:
        if os.getppid() == parent:
            server = subprocess.Popen(command, preexec_fn=_before(libc, memory_bytes))
            code = _watched(server, parent)
    except _Asked:
        pass
    except OSError as error:
        print(f"{command[0]} cannot be started: {error.strerror}", file=sys.stderr)
        code = 127
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_all()
    return code


def _ask(*_: object) -> None:
    raise _Asked


def _before(libc: ctypes.CDLL | None, memory_bytes: int) -> Callable[[], None]:
    """In the server's process. Should this one be killed, the server goes with it; and memory is counted where the kernel does so (Linux)."""

    def before() -> None:
        if libc is None:
            return
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if memory_bytes:
            resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))

    return before


def _watched(server: "subprocess.Popen[bytes]", parent: int) -> int:
    for stream in (0, 1):  # the server's alone: its end is seen at once by who reads
        with suppress(OSError):
            os.close(stream)
    while os.getppid() == parent:
        with suppress(subprocess.TimeoutExpired):
            return server.wait(LOOK_SECONDS)
    return 1


def _end_all() -> None:
    """Again and again: one that is ended may have left others, which are ours then."""
    until = monotonic() + _END_SECONDS
    while (left := psutil.Process().children(recursive=True)) and monotonic() < until:
        for each in left:
            with suppress(psutil.Error):
                each.kill()
        psutil.wait_procs(left, timeout=0.2)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
