"""A certificate that is made anew while servers run: who connects from then on is given the new one, and nobody is sent away for it."""

import asyncio
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import uvicorn
from starlette.responses import PlainTextResponse

from bus.settings import HiveSettings
from bus.together import end
from bus.web.renewal import renew_tls
from deploy.local.certificates import RENEW_DAYS, SERVER_DAYS, Certificates, own
from deploy.local.data_folder import DataFolder
from deploy.local.doctor import certificate
from deploy.local.finding import Level
from deploy.local.nats import Nats
from deploy.local.ports import free_port
from deploy.local.renewal import keep_renewed
from tests.parts.server import Server

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=SERVER_DAYS - RENEW_DAYS + 1)
NAMES = ["127.0.0.1"]
WITHIN_SECONDS = 20
OFTEN = 0.01


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "hive").create()


@pytest.fixture
def made(folder: DataFolder) -> Certificates:
    return own(folder, NAMES, NOW)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not await asyncio.to_thread(holds):
            pass


async def test_a_door_serves_what_its_files_hold_and_survives_files_that_do_not_fit(
    folder: DataFolder, made: Certificates
) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        PlainTextResponse("well"), ssl_certfile=made.certificate, ssl_keyfile=made.key, lifespan="off", log_config=None
    )
    server = uvicorn.Server(config)
    settings = HiveSettings(tls_cert=made.certificate, tls_key=made.key)
    tasks = [asyncio.create_task(renew_tls(config, settings, OFTEN)), asyncio.create_task(server.serve([listener]))]
    try:
        first = made.certificate.read_text()
        await until(lambda: shown(port) == first)
        await asyncio.to_thread(own, folder, NAMES, LATER)
        second = made.certificate.read_text()
        assert second != first
        await until(lambda: shown(port) == second)
        made.key.write_text((folder.path / "tls" / "ca.key").read_text())  # another's
        for _ in range(3):
            await asyncio.sleep(OFTEN)
            assert await asyncio.to_thread(shown, port) == second
    finally:
        server.should_exit = True
        await end(tasks)
        listener.close()


def shown(port: int) -> str:
    with suppress(OSError):
        return ssl.get_server_certificate(("127.0.0.1", port), timeout=5)
    return ""


@pytest.fixture
def nats(folder: DataFolder, made: Certificates) -> Iterator[Server]:
    part = Nats(
        folder=folder.path / "nats",
        port=free_port(),
        monitor_port=free_port(),
        websocket_port=free_port(),
        password="test-bus-password",
        sys_password="test-sys-password",
        tls=made,
        leaf_port=free_port(),
    )
    server = Server(part, folder.path / "nats.log")
    server.start()
    yield server
    server.kill()


async def test_the_bus_is_told_of_what_was_made_anew_and_only_then(
    folder: DataFolder, made: Certificates, nats: Server
) -> None:
    clock, looked, journal = SimpleNamespace(now=NOW), asyncio.Event(), list[str]()
    assert nats.process is not None
    assert isinstance(nats.part, Nats)
    process, port = nats.process, nats.part.port
    loop = asyncio.get_running_loop()

    def renewed() -> Certificates:
        loop.call_soon_threadsafe(looked.set)
        return own(folder, NAMES, clock.now)

    def told(event: str, _about: str) -> None:
        journal.append(event)

    first = shown_by_nats(port)
    keeping = asyncio.create_task(keep_renewed(made, renewed, lambda: process.send_signal(signal.SIGHUP), told, OFTEN))
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            await looked.wait()
        assert journal == []
        clock.now = LATER
        await until(lambda: shown_by_nats(port) != first)
        assert journal == ["certificate_renewed"]
        assert shown_by_nats(port) == ssl.PEM_cert_to_DER_cert(made.certificate.read_text())
        assert shown_by_nats(nats.part.leaf_port) == shown_by_nats(port)
    finally:
        await end([keeping])
    assert process.poll() is None


async def test_an_authority_that_cannot_be_read_is_told_of_again_and_again(folder: DataFolder, made: Certificates) -> None:
    journal, told = list[str](), asyncio.Event()
    (folder.path / "tls" / "ca.key").write_text("no key")

    def note(event: str, _about: str) -> None:
        journal.append(event)
        if len(journal) == 2:
            told.set()

    keeping = asyncio.create_task(keep_renewed(made, lambda: own(folder, NAMES, LATER), lambda: None, note, OFTEN))
    try:
        async with asyncio.timeout(WITHIN_SECONDS):
            await told.wait()
    finally:
        await end([keeping])
    assert set(journal) == {"certificate_not_renewed"}


def shown_by_nats(port: int) -> bytes:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), timeout=5) as plain:
        plain.recv(65536)  # what it says of itself comes before TLS
        with context.wrap_socket(plain) as secure:
            return secure.getpeercert(binary_form=True) or b""


def test_who_does_not_renew_is_told_by_hive_doctor(made: Certificates, tmp_path: Path) -> None:
    days = {0: Level.OK, SERVER_DAYS - 31: Level.OK, SERVER_DAYS - 29: Level.WARN, SERVER_DAYS + 1: Level.FAIL}
    assert {day: certificate(made.certificate, NOW + timedelta(days=day), "").level for day in days} == days
    assert certificate(tmp_path / "none.pem", NOW, "").level is Level.FAIL
