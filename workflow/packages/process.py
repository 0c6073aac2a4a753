"""Processes of Node.js that run the nodes of packages, each one call at a time: what ends or hangs one touches no other call.

One that answered is kept for the next call. A warden watches over each, so that none outlives the engine, nor leaves anything behind.
"""

import asyncio
import json
import os
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from bus.errors import EvaluationLimit, NodeJsUnavailable, OutcomeUnknown, RequestRefused
from workflow.credentials.http_auth import HttpAuth
from workflow.mcp import warden
from workflow.outside.guard import Guard
from workflow.outside.reaching import require

HOST: Final = Path(__file__).parent / "host" / "main.js"
MEMORY_MB: Final = 512
"""Of a process's JavaScript heap: over it, V8 ends the process."""
BESIDE_BYTES: Final = 1024**3
"""For what Node.js keeps outside of that heap (buffers, its own code, stacks): over it, an allocation fails."""
MOST: Final = 4
"""Processes at once; more calls wait."""
KEPT: Final = 2
START_SECONDS: Final = 60.0
END_SECONDS: Final = 7.0
"""Longer than a warden takes to end all."""
QUIET_SECONDS: Final = 2.0
_TAIL_BYTES: Final = 2048
_SLOW_BYTES: Final = 65_536
Stamp = tuple[int, int] | None


def environment(home: Path) -> dict[str, str]:
    """Nothing of Hive's."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "NODE_ENV": "production"}


class NodeProcess:
    """`max_bytes`: of one line that it writes. `mark`: what stands before each line of the host; what a node prints lacks it."""

    def __init__(self, process: asyncio.subprocess.Process, guard: Guard, stamp: Stamp, mark: str) -> None:
        self._process, self._guard, self.stamp, self._mark = process, guard, stamp, mark.encode()
        self._tail = b""
        self._errors = asyncio.create_task(self._drain())

    @classmethod
    async def start(cls, program: str, folder: Path, guard: Guard, max_bytes: int, stamp: Stamp) -> "NodeProcess":
        """NodeJsUnavailable where it does not begin."""
        home, mark = folder / "home", secrets.token_hex(16)
        await asyncio.to_thread(home.mkdir, mode=0o700, parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", warden.__file__, str(os.getpid()), str(MEMORY_MB * 1024**2 + BESIDE_BYTES), program),
            *(f"--max-old-space-size={MEMORY_MB}", str(HOST), str(folder), mark),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=home,
            env=environment(home),
            start_new_session=True,
            limit=max_bytes,
        )
        started = cls(process, guard, stamp, mark)
        try:
            async with asyncio.timeout(START_SECONDS):
                ready = await started._read()
        except BaseException:
            await started.end()
            raise
        if ready is None or "ready" not in ready:
            await started.end()
            raise NodeJsUnavailable(f"Node.js ({program}) did not begin{started.told()}. Check HIVE_WORKFLOW_NODE.")
        return started

    async def call(self, message: Mapping[str, Any], seconds: float, owners: Sequence[HttpAuth] = ()) -> dict[str, Any]:
        """`outputs` and `staticData`, or `error`. `owners`: of its credentials, who say which hosts may get them.

        OutcomeUnknown where it ends, or the time does, before it has answered; EvaluationLimit for an answer that is too large. After an
        error it can be used no more."""
        try:
            async with asyncio.timeout(seconds):
                await self._send({"call": message})
                return await self._answered(owners)
        except TimeoutError:
            raise OutcomeUnknown(
                f"The node did not end within {seconds:g} s (HIVE_WORKFLOW_NODE_SECONDS) and was stopped. What it did by then is not known."
            ) from None
        except (BrokenPipeError, ConnectionResetError):
            raise await self._died() from None

    async def _answered(self, owners: Sequence[HttpAuth]) -> dict[str, Any]:
        while (found := await self._read()) is not None:
            if "ask" not in found:
                return found
            await self._send({"allowed": found["ask"], "error": self._refusal(found, owners)})
        raise await self._died()

    def _refusal(self, asked: Mapping[str, Any], owners: Sequence[HttpAuth]) -> str | None:
        try:
            for owner in owners:
                owner.require_host(str(asked["host"]))
            require(self._guard, str(asked["host"]), str(asked["address"]))
        except RequestRefused as error:
            return error.message
        return None

    async def _died(self) -> OutcomeUnknown:
        with suppress(TimeoutError):
            async with asyncio.timeout(END_SECONDS):
                await self._process.wait()
                await asyncio.shield(self._errors)
        return OutcomeUnknown(f"The node's process ended while it ran{self.told()}. What it did by then is not known.")

    async def _send(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None  # noqa: S101
        line = await asyncio.to_thread(json.dumps, message)
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def _read(self) -> dict[str, Any] | None:
        """None at its end."""
        assert self._process.stdout is not None  # noqa: S101
        line = b""
        try:
            while not line:
                _, _, line = (await self._process.stdout.readuntil(b"\n")).partition(self._mark)
        except asyncio.LimitOverrunError:
            raise EvaluationLimit(
                "The node returned more than HIVE_WORKFLOW_MAX_ANSWER_BYTES. Ask for less at a time."
            ) from None
        except asyncio.IncompleteReadError:
            return None
        try:
            found = json.loads(line) if len(line) < _SLOW_BYTES else await asyncio.to_thread(json.loads, line)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    async def _drain(self) -> None:
        assert self._process.stderr is not None  # noqa: S101
        while piece := await self._process.stderr.read(_SLOW_BYTES):
            self._tail = (self._tail + piece)[-_TAIL_BYTES:]

    def told(self) -> str:
        """What V8 said of its end. No more of what a node printed: it may be a secret."""
        lines = self._tail.decode(errors="replace").splitlines()
        return next(
            (f" ({line.strip()[:200]})" for line in lines if "heap out of memory" in line or "cannot be started" in line), ""
        )

    async def is_quiet(self) -> bool:
        """Whether it lives, and nothing of a node that was run is still going on: what that does later would happen in the next one's call."""
        if self._process.returncode is not None:
            return False
        with suppress(TimeoutError, ConnectionError, EvaluationLimit):
            async with asyncio.timeout(QUIET_SECONDS):
                await self._send({"quiet": True})
                found = await self._read()
                return found is not None and found.get("quiet") is True
        return False

    async def end(self) -> None:
        """It and all that it started."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            try:
                async with asyncio.timeout(END_SECONDS):
                    await self._process.wait()
            except TimeoutError:
                with suppress(ProcessLookupError):
                    self._process.kill()
                await self._process.wait()
        self._errors.cancel()
        with suppress(asyncio.CancelledError):
            await self._errors
