"""The supervisor with real processes: crashes are mended, ends are clean, nobody is left behind."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bus.errors import Unavailable
from deploy.local import log_file, unit
from deploy.local.launch import Launch
from deploy.local.state import ProcessState, ProcessStatus
from deploy.local.supervisor import Supervisor
from deploy.local.unit import Spec, Unit
from deploy.local.valkey import Valkey

FOREVER = "import signal; print('up', flush=True); signal.pause()"


class Reports:
    """What the supervisor said, and a way to wait for it."""

    def __init__(self, log: Path) -> None:
        self.messages: list[str] = []
        self.order: list[tuple[str, ProcessState]] = []
        self._changed = asyncio.Event()
        self._log = log

    def log_of(self, name: str) -> Path:
        return self._log / f"{name}.log"

    def __call__(self, unit: Unit, message: str) -> None:
        self.order.append((unit.spec.name, unit.state))
        if message:
            self.messages.append(message)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(15):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


def python(name: str, code: str, log: Path, stop_seconds: float = 5) -> Spec:
    """A process that is ready once it has written `up`."""

    async def ready() -> bool:
        return "up" in (log / f"{name}.log").read_text()

    return Spec(launch=Launch(name=name, command=(sys.executable, "-c", code)), ready=ready, stop_seconds=stop_seconds)


def valkey(folder: Path) -> Spec:
    part = Valkey(folder=folder / "valkey")
    return Spec(launch=part.launch(), prepare=part.prepare, ready=lambda: asyncio.to_thread(part.ready))


@asynccontextmanager
async def supervising(reports: Reports, *stages: list[Spec]) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(stages[0], stages[1:], reports.log_of, reports)
    try:
        yield supervisor
    finally:
        await supervisor.stop()


def pid(status: ProcessStatus) -> int:
    assert status.pid is not None
    return status.pid


CHATTY = """
import pathlib, signal, sys
while not pathlib.Path(sys.argv[1] + ".1").exists():
    print("a line", flush=True)
print("up", flush=True)
signal.pause()
"""


async def test_the_log_of_a_process_that_runs_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(log_file, "MAX_LOG_BYTES", 10_000)
    reports, log = Reports(tmp_path), tmp_path / "chatty.log"
    spec = python("chatty", CHATTY, tmp_path)
    chatty = replace(spec, launch=replace(spec.launch, command=(*spec.launch.command, str(log))), ready_seconds=10)
    async with supervising(reports, [chatty]) as supervisor:
        await supervisor.start()
        assert supervisor.statuses[0].restarts == 0
    assert len(log.read_bytes()) < 10_000
    assert log.read_text().endswith("up\n")
    assert (tmp_path / "chatty.log.1").stat().st_size >= 10_000


async def test_a_killed_process_comes_back_and_is_told_about(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    async with supervising(reports, [valkey(tmp_path)]) as supervisor:
        await supervisor.start()
        first = pid(supervisor.statuses[0])
        os.kill(first, signal.SIGKILL)
        await reports.until(lambda: reports.order.count(("valkey", ProcessState.RUNNING)) == 2)
        (status,) = supervisor.statuses
        assert (status.restarts, status.pid != first) == (1, True)
        assert reports.messages == ["valkey was ended by SIGKILL; it is started again in 0.2 s"]
        second = psutil.Process(pid(status))
    assert not second.is_running()


async def test_what_was_asked_of_a_process_that_has_ended_says_nothing_of_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its question drops a cancel, as those do that wait by `asyncio.wait_for` of Python 3.11, and is answered later."""
    monkeypatch.setattr("bus.together.AGAIN_SECONDS", 0.01)
    later, asked = asyncio.Event(), 0

    async def ready() -> bool:
        nonlocal asked
        asked += 1
        if asked > 1:
            return False
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await later.wait()
        return True

    reports, spec = Reports(tmp_path), python("one", "raise SystemExit(3)", tmp_path)
    async with supervising(reports, [replace(spec, ready=ready)]) as supervisor:
        starting = asyncio.create_task(supervisor.start())
        await reports.until(lambda: asked > 1)
        later.set()
        with pytest.raises(Unavailable, match="ended with status 3"):
            await starting
    assert ("one", ProcessState.RUNNING) not in reports.order


async def test_stages_start_after_the_servers_and_end_before_them_the_last_first(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    stages = [[python(name, FOREVER, tmp_path)] for name in ("server", "brain", "door")]
    async with supervising(reports, *stages) as supervisor:
        await supervisor.start()
        started = [name for name, state in reports.order if state is ProcessState.STARTING]
        assert started[0] == "server"
        assert reports.order.index(("server", ProcessState.RUNNING)) < reports.order.index(("brain", ProcessState.STARTING))
        reports.order.clear()
    assert [name for name, state in reports.order if state is ProcessState.STOPPED] == ["door", "brain", "server"]


async def test_a_process_that_never_starts_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    broken = python("broken", "raise SystemExit('the reason')", tmp_path)
    async with supervising(reports, [broken]) as supervisor:
        with pytest.raises(Unavailable, match=r"broken ended with status 1.*broken\.log.*the reason"):
            await supervisor.start()


async def test_a_program_that_is_not_there_is_told_and_not_tried_for_ever(tmp_path: Path) -> None:
    reports = Reports(tmp_path)

    async def never() -> bool:
        return False

    async with supervising(
        reports, [Spec(launch=Launch(name="absent", command=("/nowhere/absent",)), ready=never)]
    ) as supervisor:
        with pytest.raises(Unavailable, match="absent could not be started"):
            await supervisor.start()


async def test_who_does_not_end_when_asked_is_ended(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile True: signal.pause()"
    async with supervising(reports, [python("deaf", deaf, tmp_path, stop_seconds=0.1)]) as supervisor:
        await supervisor.start()
        process = psutil.Process(pid(supervisor.statuses[0]))
    assert not process.is_running()


async def test_what_a_killed_process_had_started_itself_goes_with_it(tmp_path: Path) -> None:
    reports = Reports(tmp_path)
    parent = (
        "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()'])\n"
        "print(child.pid, 'up', flush=True); child.wait()"
    )
    async with supervising(reports, [python("parent", parent, tmp_path)]) as supervisor:
        await supervisor.start()
        grandchild = psutil.Process(int((tmp_path / "parent.log").read_text().split()[0]))
        os.kill(pid(supervisor.statuses[0]), signal.SIGKILL)
        await reports.until(lambda: bool(reports.messages))
        gone, alive = await asyncio.to_thread(psutil.wait_procs, [grandchild], 5)
        assert (gone, alive) == ([grandchild], [])


def test_nobody_outlives_a_supervisor_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import asyncio, pathlib, sys\n"
        "from tests.integration.deploy.test_supervisor import Reports, Supervisor, valkey, python, FOREVER\n"
        "async def main():\n"
        "    folder = pathlib.Path(sys.argv[1]); reports = Reports(folder)\n"
        "    supervisor = Supervisor([valkey(folder)], [[python('door', FOREVER, folder)]], reports.log_of, reports)\n"
        "    await supervisor.start()\n"
        "    print(*[status.pid for status in supervisor.statuses], flush=True)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert supervisor.stdout is not None
    with supervisor.stdout:
        children = [psutil.Process(int(word)) for word in supervisor.stdout.readline().split()]
        supervisor.kill()
        supervisor.wait()
    assert len(children) == 2
    assert psutil.wait_procs(children, timeout=5)[1] == []


async def test_who_looks_on_is_told_what_a_slow_start_waits_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deploy.local.unit.NOTICE_SECONDS", 0.2)
    waiting = "import signal; print('the database is away', flush=True); signal.pause()"
    reports = Reports(tmp_path)
    async with supervising(reports, [python("one", waiting, tmp_path)]) as supervisor:
        starting = asyncio.create_task(supervisor.start())
        await reports.until(lambda: bool(reports.messages))
        starting.cancel()
        await asyncio.wait({starting})
    assert reports.messages[0].startswith("one is still starting. Its log ends with: ")
