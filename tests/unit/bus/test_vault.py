"""The vault: what it seals only its key opens, only in its place, and keys can be replaced."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import CredentialUnreadable
from bus.vault import Vault, new_key, read_keys

HELD = {"user": "ada", "password": "correct-horse"}


def test_what_is_sealed_is_opened_in_its_place_and_in_no_other(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "k")
    key_id, sealed = vault.seal(HELD, "here")
    assert vault.open(key_id, sealed, "here") == HELD
    assert b"correct-horse" not in sealed
    with pytest.raises(CredentialUnreadable, match="changed in the database"):
        vault.open(key_id, sealed, "elsewhere")


@given(st.data())
def test_a_changed_byte_is_noticed(data: st.DataObject) -> None:
    vault = Vault(Path("/nowhere"), new_key())
    key_id, sealed = vault.seal(HELD, "here")
    place = data.draw(st.integers(0, len(sealed) - 1))
    changed = sealed[:place] + bytes([sealed[place] ^ data.draw(st.integers(1, 255))]) + sealed[place + 1 :]
    with pytest.raises(CredentialUnreadable):
        vault.open(key_id, changed, "here")


def test_the_same_is_never_sealed_the_same() -> None:
    vault = Vault(Path("/nowhere"), new_key())
    assert len({vault.seal(HELD, "here")[1] for _ in range(50)}) == 50


def test_the_first_key_seals_and_all_read(tmp_path: Path) -> None:
    old, new = new_key(), new_key()
    before = Vault(tmp_path, old)
    key_id, sealed = before.seal(HELD, "x")
    both = Vault(tmp_path, f"{new},{old}")
    assert both.open(key_id, sealed, "x") == HELD
    later_id, later = both.seal(HELD, "x")
    assert later_id != key_id
    assert Vault(tmp_path, new).open(later_id, later, "x") == HELD
    with pytest.raises(CredentialUnreadable, match=f"the key {key_id}, which this engine does not have"):
        Vault(tmp_path, new).open(key_id, sealed, "x")


def test_the_file_is_made_when_it_is_first_needed_closed_to_others_and_once(tmp_path: Path) -> None:
    file = tmp_path / "data" / "credentials.key"
    vaults = [Vault(file) for _ in range(16)]
    assert not vaults[0].ids()
    assert not file.exists()
    with ThreadPoolExecutor(16) as threads:
        ids = set(threads.map(lambda vault: vault.seal(HELD, "x")[0], vaults))
    assert len(ids) == 1
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["credentials.key"]


def test_a_key_that_is_put_into_the_file_is_found(tmp_path: Path) -> None:
    file = tmp_path / "credentials.key"
    vault, other = Vault(file), Vault(tmp_path, new := new_key())
    vault.seal(HELD, "x")
    key_id, sealed = other.seal(HELD, "x")
    file.write_text(f"{new}\n{file.read_text()}")
    assert vault.open(key_id, sealed, "x") == HELD
    assert vault.sealing_id() == key_id


@pytest.mark.parametrize("bad", ["short", "a" * 43, "not base64 at all!", "QUFB" * 10])
def test_what_is_no_key_is_refused_and_not_shown(bad: str) -> None:
    with pytest.raises(CredentialUnreadable, match="is none") as told:
        read_keys(f"{new_key()} {bad}", "HIVE_CREDENTIALS_KEY")
    assert bad not in str(told.value)


def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialUnreadable, match="cannot be"):
        Vault(tmp_path / "file" / "credentials.key").seal(HELD, "x")
