"""The process ids that `hive status --pid` gives to a shell."""

from datetime import UTC, datetime

import pytest

from bus.errors import NotFound, Unavailable
from deploy.cli.status import pid_of
from deploy.local.state import HiveState, NatsAddress, ProcessState, ProcessStatus

STATE = HiveState(
    api="http://127.0.0.1:1",
    gui="http://127.0.0.1:2",
    nats=NatsAddress(url="nats://hive:secret@127.0.0.1:3"),
    processes=(
        ProcessStatus(name="gui", pid=42, state=ProcessState.RUNNING),
        ProcessStatus(name="monitor", state=ProcessState.RESTARTING),
    ),
    database_url="",
    redis_url="",
    version="0",
    started_at=datetime(2026, 11, 23, tzinfo=UTC),
)


def test_a_process_is_found_by_its_name() -> None:
    assert pid_of(STATE, "gui") == 42


def test_a_process_that_is_not_there_now_has_no_number() -> None:
    with pytest.raises(Unavailable, match="restarting"):
        pid_of(STATE, "monitor")
    with pytest.raises(NotFound, match="gui, monitor"):
        pid_of(STATE, "mointor")
