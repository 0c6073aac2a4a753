"""Runs code in a process of its own, and ends it where it takes too long, says too much, or dies."""

import os
import selectors
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from signal import SIGKILL, SIGXCPU, Signals
from typing import Final

from workflow.core.failure import LimitError, NodeError

_ROOT: Final = Path(__file__).resolve().parents[2]
_BEGIN: Final = f"""
import sys
sys.path.insert(0, {str(_ROOT)!r})
from workflow.python.program import main
sys.path.remove({str(_ROOT)!r})
for name in [name for name in sys.modules if name.partition(".")[0] == "workflow"]:
    del sys.modules[name]
main()
"""
"""Of the engine's own modules only those of `program` are loaded, and the code does not find them."""
_PIECE: Final = 1 << 16
_LAST_SECONDS: Final = 5.0
"""For a process to end that has closed its output."""


class Confinement(StrEnum):
    """What is done with code in Python: run where the kernel confines it, run wherever, or not run."""

    CONFINED = "confined"
    UNCONFINED = "unconfined"
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Of one run. `seconds`: of CPU time and by the clock. `output_bytes`: of what it returns."""

    seconds: float = 60
    memory_bytes: int = 512 * 1024 * 1024
    output_bytes: int = 64 * 1024 * 1024


class Python:
    """Safe for several threads: each call starts a process, which ends with the thread that waits for it."""

    def __init__(self, confinement: Confinement = Confinement.CONFINED, bounds: Bounds | None = None) -> None:
        self._confinement, self._bounds = confinement, bounds or Bounds()

    def run(self, call: bytes) -> bytes:
        """What `program` answers. LimitError for time, memory and output; NodeError where the process ended without a word."""
        if self._confinement is Confinement.OFF:
            raise NodeError(
                "Code in Python is not run here", description="An administrator turned it off (HIVE_WORKFLOW_PYTHON)"
            )
        child = self._start()
        try:
            found = self._exchange(child, call)
            if not found:
                raise self._ended(child.wait(_LAST_SECONDS))
            return found
        finally:
            _end(child)

    def _start(self) -> subprocess.Popen[bytes]:
        bounds = self._bounds
        numbers = (os.getpid(), bounds.memory_bytes, max(1, round(bounds.seconds)))
        program = getattr(sys, "_base_executable", None) or sys.executable
        return subprocess.Popen(
            [program, "-I", "-S", "-X", "utf8", "-c", _BEGIN, *map(str, numbers), self._confinement],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={},
            start_new_session=True,
            bufsize=0,
        )

    def _exchange(self, child: subprocess.Popen[bytes], call: bytes) -> bytes:
        """Writes the call and reads the answer, side by side. Empty where there is none."""
        until = time.monotonic() + self._bounds.seconds
        assert child.stdin is not None  # noqa: S101
        assert child.stdout is not None  # noqa: S101
        left, size = memoryview(call), 0
        pieces: list[bytes] = []
        for stream in (child.stdin, child.stdout):
            os.set_blocking(stream.fileno(), False)
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdin, selectors.EVENT_WRITE)
            selector.register(child.stdout, selectors.EVENT_READ)
            while (rest := until - time.monotonic()) > 0:
                for key, _ in selector.select(rest):
                    if key.fileobj is child.stdin:
                        left = left[_wrote(child.stdin.fileno(), left) :]
                        if not left:
                            selector.unregister(child.stdin)
                            child.stdin.close()
                        continue
                    piece = os.read(child.stdout.fileno(), _PIECE)
                    if not piece:
                        return b"".join(pieces)
                    pieces.append(piece)
                    size += len(piece)
                    if size > self._bounds.output_bytes:
                        raise LimitError(f"The result has more than {self._bounds.output_bytes:,} bytes.")
        raise self._too_long()

    def _too_long(self) -> LimitError:
        seconds = self._bounds.seconds
        return LimitError(f"It ran longer than {seconds:g} s. Look for a loop that does not end, or work on fewer items.")

    def _ended(self, code: int) -> NodeError:
        if -code == SIGXCPU:
            return self._too_long()
        if -code == SIGKILL:
            return LimitError(
                "The process of the code was killed, as it happens where memory is short. Work on fewer items at a time."
            )
        how = Signals(-code).name if code < 0 else f"exit code {code}"
        return NodeError(f"The code ended its process ({how}) without a result")


def _end(child: subprocess.Popen[bytes]) -> None:
    """With whatever it started, where it could start anything."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, SIGKILL)
    child.wait()
    for stream in (child.stdin, child.stdout):
        if stream is not None:
            stream.close()


def _wrote(place: int, content: memoryview) -> int:
    """All of it where nobody reads any more: the process ended, and its answer says why."""
    try:
        return os.write(place, content[:_PIECE])
    except BlockingIOError:
        return 0
    except BrokenPipeError:
        return len(content)
