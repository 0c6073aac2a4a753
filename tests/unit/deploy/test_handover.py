"""What passes between a supervisor, the program that it becomes, and whoever asked for that."""

import os
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bus.errors import Conflict, UpgradeFailed
from deploy.cli import rehearsal
from deploy.cli.supervising import asked_since
from deploy.cli.upgrade import _take_backup
from deploy.local.data_folder import DataFolder
from deploy.local.handover import REQUEST, SIGNAL, Handover, UpgradeRequest, become
from deploy.local.ports import Ports
from deploy.local.state import HiveState, NatsAddress, UpgradeStage, UpgradeState
from deploy.settings import DeploySettings
from deploy.upgrading.following import follow

NOW = datetime(2026, 11, 27, tzinfo=UTC)
LATER = NOW + timedelta(seconds=1)
PORTS = Ports(api=1, gui=2, nats=3, nats_monitor=4, nats_websocket=5)
HANDOVER = Handover(asked_at=NOW, ports=PORTS, lock=0, listeners={}, processes=())


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    return DataFolder(tmp_path / "data").create()


def asked(at: datetime, python: Path = Path("/nowhere/python")) -> UpgradeRequest:
    return UpgradeRequest(asked_at=at, python=python)


def test_a_supervisor_that_cannot_become_another_still_hears_the_next_request(folder: DataFolder) -> None:
    def heard(*_: object) -> None: ...

    before = signal.signal(SIGNAL, heard)
    try:
        with pytest.raises(OSError, match="nowhere"):
            become(folder, asked(NOW), HANDOVER)
        assert signal.getsignal(SIGNAL) is heard
    finally:
        signal.signal(SIGNAL, before)


@pytest.mark.parametrize(("at", "missed"), [(NOW, False), (LATER, True)])
def test_what_was_asked_while_nobody_heard_is_known(folder: DataFolder, at: datetime, missed: bool) -> None:
    assert not asked_since(folder, HANDOVER)
    folder.write(REQUEST, asked(at))
    assert asked_since(folder, HANDOVER) is missed


async def test_of_two_upgrades_the_earlier_is_told_that_the_later_goes_on(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And does not wait a quarter of an hour for an end that nobody tells."""
    monkeypatch.setattr(os, "kill", lambda *_: None)
    state = HiveState(
        api="",
        gui="",
        nats=NatsAddress(url=""),
        database_url="",
        redis_url="",
        version="",
        started_at=NOW,
        upgrade=UpgradeState(asked_at=LATER),
    )
    folder.write_state(state)
    folder.lock()
    with pytest.raises(UpgradeFailed, match="Another `hive upgrade`"):
        await follow(folder, os.getpid(), NOW, lambda _: None)
    unread = UpgradeState(asked_at=LATER, stage=UpgradeStage.FAILED, message="cannot be read")
    folder.write_state(state.model_copy(update={"upgrade": unread}))
    assert await follow(folder, os.getpid(), NOW, lambda _: None) == unread
    folder.unlock()


@pytest.fixture
def rehearsed(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    for name in ("NATS_URL", "HIVE_CONFIG", "HIVE_DATABASE_URL", "HIVE_REDIS_URL", "HIVE_TLS_CERT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HIVE_DATA_DIR", str(folder.path))
    return folder


def test_a_version_that_has_all_its_parts_may_take_over(rehearsed: DataFolder) -> None:
    rehearsed.secrets()
    rehearsal.main()


def test_an_environment_without_the_servers_does_not(rehearsed: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever became it would end, and the hive with it."""
    monkeypatch.setattr("deploy.local.nats.shutil.which", lambda *_, **__: None)
    with pytest.raises(SystemExit, match="nats-server is not installed"):
        rehearsal.main()


def test_nor_does_one_that_finds_its_certificate_broken(rehearsed: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HIVE_TLS_CERT", "HIVE_TLS_KEY"):
        file = rehearsed.path / name
        file.write_text("half a certificate")
        monkeypatch.setenv(name, str(file))
    with pytest.raises(SystemExit, match="cannot be used"):
        rehearsal.main()


async def test_the_backup_from_before_an_upgrade_that_failed_is_not_written_over(tmp_path: Path) -> None:
    file = tmp_path / "before.backup"
    file.write_text("all that was")
    with pytest.raises(Conflict, match="is there already"):
        await _take_backup(DeploySettings(), file)
    assert file.read_text() == "all that was"
