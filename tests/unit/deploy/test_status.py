"""What `hive status` says to a shell and to whoever looks over one's shoulder."""

from datetime import UTC, datetime

import pytest

from bus.errors import NotFound, Unavailable
from deploy.cli.status import pid_of, without_password
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


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("nats://hive:secret@127.0.0.1:3", "nats://127.0.0.1:3"),
        ("tls://bus:4222", "tls://bus:4222"),
        ("nats://u:p@a:1,nats://u:p@b:2", "nats://a:1,nats://b:2"),
    ],
)
def test_the_bus_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
