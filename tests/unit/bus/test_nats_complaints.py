"""Why there is no bus, in words."""

import socket

import pytest
from nats.errors import Error
from structlog.testing import capture_logs

from bus.nats_complaints import REFUSED, Complaints, in_words, without_password

URL = "nats://hive:secret@bus:4222"


def waiting() -> Complaints:
    return Complaints("sidecar/one", URL, lambda: False)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Error("nats: 'Authorization Violation'"), REFUSED),
        (socket.gaierror(-2, "Name or service not known"), "its name is not known"),
        (ConnectionRefusedError(111, "Connect call failed"), "nothing listens there"),
        (ConnectionResetError(104, "reset"), None),
        (TimeoutError(), "no answer in time"),
    ],
)
def test_each_way_of_not_being_let_in_has_its_words(error: Exception, words: str | None) -> None:
    assert in_words(error) == words


async def test_who_waits_is_told_each_new_reason_once_and_no_password() -> None:
    complaints = waiting()
    with capture_logs() as logs:
        for error in (
            ConnectionRefusedError(),
            ConnectionRefusedError(),
            Error("nats: 'Authorization Violation'"),
            ConnectionResetError(),
        ):
            await complaints.heard(error)
    assert [entry["reason"] for entry in logs] == ["nothing listens there", REFUSED]
    assert "secret" not in str(logs) + complaints.sentence
    assert f"nats://bus:4222: {REFUSED}." in complaints.sentence


async def test_a_loss_after_a_return_is_told_again() -> None:
    complaints = waiting()
    with capture_logs() as logs:
        await complaints.heard(ConnectionRefusedError())
        complaints.forget()
        await complaints.heard(ConnectionRefusedError())
    assert len(logs) == 2


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
