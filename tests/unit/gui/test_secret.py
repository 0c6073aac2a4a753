"""The secret behind the session cookies."""

from pathlib import Path

from gui.secret import storage_secret


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = storage_secret(tmp_path / "data")
    file = tmp_path / "data" / "gui.secret"
    assert len(first) == 64
    assert storage_secret(tmp_path / "data") == first
    assert file.stat().st_mode & 0o777 == 0o600
