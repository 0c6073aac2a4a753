"""Connections that come while the process behind a door is away."""

import asyncio
import os
import socket
import sys
from functools import partial
from pathlib import Path

import pytest

from deploy.local.launch import Launch
from deploy.local.listeners import Listeners, turn_away
from deploy.local.unit import CRASHES_BEFORE_TURNING_AWAY, Spec, Unit


async def always() -> bool:
    return True


@pytest.fixture
def door() -> Listeners:
    return Listeners.open({"gateway": ("127.0.0.1", 0)})


def came(door: Listeners) -> socket.socket:
    with socket.socket(fileno=os.dup(door.numbers["gateway"])) as listener:
        return socket.create_connection(listener.getsockname(), timeout=5)


async def test_for_a_door_that_crashes_again_and_again_nobody_waits_for_ever(
    door: Listeners, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deploy.local.restart.FIRST_SECONDS", 0.01)
    away, number = asyncio.Event(), door.numbers["gateway"]
    at: list[int] = []

    def told() -> None:
        at.append(unit.restarts)
        turn_away(number)
        away.set()

    launch = Launch(name="gateway", command=(sys.executable, "-c", "import time; time.sleep(0.2); raise SystemExit(1)"))
    unit = Unit(Spec(launch=launch, ready=always, turn_away=told), tmp_path / "log", lambda *_: None)
    with came(door) as client:
        unit.begin()
        async with asyncio.timeout(20):
            await away.wait()
        await unit.stop()
        assert client.recv(1) == b""
    assert at[0] == CRASHES_BEFORE_TURNING_AWAY
    door.close()


def test_who_comes_later_waits_again(door: Listeners) -> None:
    turn = partial(turn_away, door.numbers["gateway"])
    with came(door) as first:
        turn()
        assert first.recv(1) == b""
    with came(door) as second:
        second.settimeout(0.2)
        with pytest.raises(TimeoutError):
            second.recv(1)
    door.close()
