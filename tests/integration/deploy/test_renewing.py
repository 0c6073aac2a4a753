"""One process in the place of another, with real processes: beside each other where two may be, and across the exec of their supervisor."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from bus.errors import Unavailable
from deploy.local.data_folder import DataFolder
from deploy.local.handover import UpgradeRequest, rehearse, take
from deploy.local.listeners import Listeners
from deploy.local.state import ProcessState
from deploy.local.supervisor import Supervisor
from deploy.local.unit import Spec
from tests.integration.deploy.test_supervisor import Reports, pid, python, supervising

__all__ = ["Supervisor"]

SAYS = "import os, signal; print('up', os.getpid(), flush=True); signal.pause()"


class Disk:
    """What `version` finds: another one from time to time."""

    def __init__(self) -> None:
        self.version = "1"

    def __call__(self) -> str:
        return self.version


def says(log: Path) -> Callable[[int], Awaitable[None]]:
    async def wait(number: int) -> None:
        while f"up {number}\n" not in await asyncio.to_thread(log.read_text):
            await asyncio.sleep(0.01)

    return wait


def door(folder: Path, disk: Disk, *, alone: bool = False) -> Spec:
    spec = python("door", SAYS, folder)
    return replace(spec, version=disk, serves=None if alone else says(folder / "door.log"), ready_seconds=5)


@pytest.mark.parametrize("alone", [False, True])
async def test_a_newer_process_takes_the_place_of_one_and_no_crash_is_counted(tmp_path: Path, alone: bool) -> None:
    reports, disk, told = Reports(tmp_path), Disk(), list[tuple[str, bool]]()
    async with supervising(reports, [door(tmp_path, disk, alone=alone)]) as supervisor:
        await supervisor.start()
        await supervisor.renew(lambda *said: told.append(said))
        assert told == [], "nothing else is on the disk"
        before, disk.version = psutil.Process(pid(supervisor.statuses[0])), "2"
        await supervisor.renew(lambda *said: told.append(said))
        (after,) = supervisor.statuses
        assert (after.version, after.restarts, after.state, pid(after) != before.pid) == ("2", 0, ProcessState.RUNNING, True)
        assert not before.is_running()
        assert told == [("door", False), ("door", True)]
        os.kill(pid(after), signal.SIGKILL)
        await reports.until(lambda: len(reports.messages) == 1)
    assert reports.messages == ["door was ended by SIGKILL; it is started again in 0.2 s"]


async def test_where_two_may_be_the_older_serves_until_the_newer_does(tmp_path: Path) -> None:
    reports, disk, there = Reports(tmp_path), Disk(), list[int]()
    spec = door(tmp_path, disk)

    async def both(number: int) -> None:
        await says(tmp_path / "door.log")(number)
        there.extend(process.pid for process in psutil.Process().children())

    async with supervising(reports, [replace(spec, serves=both)]) as supervisor:
        await supervisor.start()
        before, disk.version = pid(supervisor.statuses[0]), "2"
        await supervisor.renew(lambda *_: None)
        assert {before, pid(supervisor.statuses[0])} <= set(there)


async def test_a_newer_process_that_does_not_begin_leaves_the_older_at_work(tmp_path: Path) -> None:
    reports, disk = Reports(tmp_path), Disk()
    broken = tmp_path / "broken"
    code = f"import pathlib\nif pathlib.Path({str(broken)!r}).exists(): raise SystemExit('the reason')\n{SAYS}"
    spec = replace(python("door", code, tmp_path), version=disk, serves=says(tmp_path / "door.log"), ready_seconds=5)
    async with supervising(reports, [spec]) as supervisor:
        await supervisor.start()
        before, disk.version = supervisor.statuses[0], "2"
        broken.touch()
        with pytest.raises(Unavailable, match=r"door ended with status 1.*the reason"):
            await supervisor.renew(lambda *_: None)
        assert supervisor.statuses[0] == before
        broken.unlink()
        await supervisor.renew(lambda *_: None)
        assert supervisor.statuses[0].version == "2"


ACROSS = """
import asyncio, os, pathlib, sys
from deploy.local.state import ProcessState, ProcessStatus
from tests.integration.deploy.test_renewing import Disk, Reports, Supervisor, door
folder, *inherited = sys.argv[1:]
async def main():
    folder_ = pathlib.Path(folder); reports = Reports(folder_); disk = Disk()
    supervisor = Supervisor([door(folder_, disk)], [], reports.log_of, reports)
    if not inherited:
        await supervisor.start()
        os.execv(sys.executable, [sys.executable, "-c", (folder_ / "code").read_text(), folder, str(supervisor.statuses[0].pid)])
    of_before = [ProcessStatus(name=name, pid=int(inherited[0]), state=ProcessState.RUNNING, restarts=3, version="1") for name in ("door",)]
    await supervisor.take_over(of_before)
    taken, disk.version = supervisor.statuses[0], "2"
    await supervisor.renew(lambda *_: None)
    print(inherited[0], taken.pid, taken.restarts, supervisor.statuses[0].pid, flush=True)
    await supervisor.stop()
asyncio.run(main())
"""


def test_children_stay_those_of_a_supervisor_that_becomes_another_program(tmp_path: Path) -> None:
    (tmp_path / "code").write_text(ACROSS)
    done = subprocess.run([sys.executable, "-c", ACROSS, str(tmp_path)], capture_output=True, text=True, timeout=30, check=True)
    first, taken, restarts, renewed = done.stdout.split()
    assert (first, restarts, first != renewed) == (taken, "3", True)
    assert not psutil.pid_exists(int(first))
    assert not psutil.pid_exists(int(renewed))


def test_who_comes_while_a_door_is_away_waits_and_is_not_refused() -> None:
    listeners = Listeners.open({"gateway": ("127.0.0.1", 0)})
    try:
        (number,) = listeners.numbers.values()
        with socket.socket(fileno=os.dup(number)) as door, socket.create_connection(door.getsockname(), timeout=5) as client:
            client.sendall(b"hello")
            taken, _ = door.accept()
            with taken:
                assert taken.recv(5) == b"hello"
    finally:
        listeners.close()


def test_a_lock_is_handed_over_with_its_file(tmp_path: Path) -> None:
    before, after = DataFolder(tmp_path).create(), DataFolder(tmp_path)
    before.lock()
    after.lock(os.dup(before.hand_over()))
    before.unlock()
    assert after.locked_by() == os.getpid(), "the kernel holds it for as long as one of them has the file"
    after.unlock()
    assert after.locked_by() is None


async def test_a_version_that_does_not_start_here_is_never_become(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked = UpgradeRequest.model_validate({"asked_at": "2026-01-01T00:00:00Z", "python": sys.executable})
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("HIVE_MAX_ATTEMPTS", "3")
    await rehearse(asked)
    monkeypatch.setenv("HIVE_API_PORT", "none")
    with pytest.raises(Unavailable, match=r"does not start with this hive's settings.*api_port"):
        await rehearse(asked)
    with pytest.raises(Unavailable, match="cannot be run"):
        await rehearse(asked.model_copy(update={"python": tmp_path / "python"}))


BECOMES = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from deploy.local.data_folder import DataFolder
from deploy.local.handover import Handover, UpgradeRequest, become
from deploy.local.ports import Ports
folder, now = DataFolder(Path(sys.argv[1])).create(), datetime.now(UTC)
folder.lock()
ports = Ports(api=1, gui=2, nats=3, nats_monitor=4, nats_websocket=5)
handover = Handover(asked_at=now, ports=ports, lock=folder.hand_over(), listeners={"gateway": 7}, processes=())
become(folder, UpgradeRequest(asked_at=now, python=folder.path / "python"), handover)
"""


def test_what_a_supervisor_has_is_there_for_the_one_that_it_becomes_and_for_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python"
    program.write_text('#!/bin/sh\necho "$HIVE_HANDOVER" $$ "$@"\n')
    program.chmod(0o700)
    done = subprocess.run([sys.executable, "-c", BECOMES, tmp_path], capture_output=True, text=True, timeout=30, check=True)
    told, became, *arguments = done.stdout.split()
    assert (told, arguments) == (became, ["-P", "-m", "deploy.entry", "up"])
    monkeypatch.setenv("HIVE_HANDOVER", told)
    assert take(DataFolder(tmp_path)) is None, "this process is another"
    monkeypatch.setenv("HIVE_HANDOVER", str(os.getpid()))
    found = take(DataFolder(tmp_path))
    assert found is not None
    assert (found.ports.gui, found.listeners) == (2, {"gateway": 7})
    assert "HIVE_HANDOVER" not in os.environ
    assert not (tmp_path / "handover.json").exists()
