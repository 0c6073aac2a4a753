"""Where the keys of backends are kept, and who is sent one."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from agent_sidecar.keyring import Keyring
from bus.errors import Unavailable

KEY, URL = SecretStr("sk-1"), "http://gpu-host:8000"


def test_a_key_outlives_the_process_and_is_for_this_user_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    Keyring(folder, {}).keep("acacia", URL, KEY)
    assert Keyring(folder, {}).key("acacia", URL) == KEY
    assert (folder.stat().st_mode & 0o777, (folder / "acacia.json").stat().st_mode & 0o777) == (0o700, 0o600)


def test_a_key_is_for_the_url_that_it_was_given_for(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path, {})
    keyring.keep("acacia", URL, KEY)
    assert keyring.key("acacia", "http://elsewhere:8000") is None
    assert keyring.key("walnut", URL) is None


def test_a_key_that_was_dropped_is_gone(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path, {})
    keyring.keep("acacia", URL, KEY)
    keyring.drop("acacia")
    keyring.drop("acacia")
    assert keyring.key("acacia", URL) is None
    assert list(tmp_path.iterdir()) == []


def test_what_the_settings_name_goes_before(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path, {"acacia": SecretStr("sk-2")})
    keyring.keep("acacia", URL, KEY)
    assert keyring.key("acacia", URL) == SecretStr("sk-2")


def test_a_file_that_is_damaged_holds_no_key(tmp_path: Path) -> None:
    (tmp_path / "acacia.json").write_text("{")
    assert Keyring(tmp_path, {}).key("acacia", URL) is None


def test_a_key_that_cannot_be_kept_is_refused_without_naming_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="cannot be kept") as caught:
        Keyring(tmp_path / "file" / "keys", {}).keep("acacia", URL, KEY)
    assert "sk-1" not in caught.value.message
