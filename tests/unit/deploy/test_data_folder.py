import os
import stat
from pathlib import Path

import pytest

from bus.errors import Conflict, Unavailable
from deploy.local.data_folder import DataFolder


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_and_its_secrets_are_closed_to_others(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "new" / "hive").create()
    folder.secrets()
    assert [mode(path) for path in (folder.path, folder.logs, folder.path / "secrets.json")] == [0o700, 0o700, 0o600]


def test_secrets_are_made_once_and_passwords_begin_with_a_letter(tmp_path: Path) -> None:
    made = DataFolder(tmp_path).create().secrets()
    assert DataFolder(tmp_path).secrets() == made
    assert made.nats_password[0].isalpha()
    assert made.nats_sys_password[0].isalpha()
    assert made.nats_password != made.nats_sys_password


def test_a_shown_key_is_gone_for_good(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path).create()
    made = folder.secrets()
    assert made.first_key is not None
    folder.keep(made.model_copy(update={"first_key": None}))
    assert folder.secrets().first_key is None
    assert made.first_key not in (folder.path / "secrets.json").read_text()


def test_a_second_hive_on_a_folder_is_told_who_has_it_and_what_to_do(tmp_path: Path) -> None:
    first, second = DataFolder(tmp_path).create(), DataFolder(tmp_path)
    first.lock()
    with pytest.raises(Conflict, match=rf"process {os.getpid()}.*hive status.*hive down.*HIVE_DATA_DIR"):
        second.lock()
    assert second.locked_by() == os.getpid()
    first.unlock()
    assert second.locked_by() is None
    second.lock()
    second.unlock()


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="HIVE_DATA_DIR"):
        DataFolder(tmp_path / "file" / "hive").create()


def test_damaged_secrets_are_not_silently_replaced(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path).create()
    (tmp_path / "secrets.json").write_text("{")
    with pytest.raises(Unavailable, match=r"secrets\.json"):
        folder.secrets()
