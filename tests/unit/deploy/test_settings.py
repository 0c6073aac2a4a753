"""Flags > environment > YAML file > defaults, and what counts as given."""

from pathlib import Path

import pytest

from deploy.cli.command import flags_as_environment
from deploy.settings import DeploySettings, reachable

NAMES = ("NATS_URL", "HIVE_API_PORT", "HIVE_GUI_PORT", "HIVE_NATS_PORT", "HIVE_CONFIG", "HIVE_DATABASE_URL", "HIVE_ADMIN_KEY")


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back, whoever changes it
        monkeypatch.delenv(name)


def test_flags_beat_the_environment_which_beats_the_file_which_beats_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "hive.yaml"
    file.write_text("api_port: 1\ngui_port: 1\nnats_port: 1\n")
    monkeypatch.setenv("HIVE_API_PORT", "2")
    monkeypatch.setenv("HIVE_GUI_PORT", "2")
    flags_as_environment(HIVE_CONFIG=file, HIVE_API_PORT=3, HIVE_HOST=None)
    found = DeploySettings()
    assert (found.api_port, found.gui_port, found.nats_port, found.host) == (3, 2, 1, "127.0.0.1")


def test_ports_are_the_contracts() -> None:
    found = DeploySettings()
    assert (found.api_port, found.gui_port, found.nats_port) == (8420, 8430, 4222)


def test_only_what_was_named_replaces_an_embedded_server(monkeypatch: pytest.MonkeyPatch) -> None:
    found = DeploySettings()
    assert (found.given_nats_url, found.given_database_url, found.given_redis_url, found.given_admin_key) == (None,) * 4
    monkeypatch.setenv("NATS_URL", "")
    assert DeploySettings().given_nats_url is None
    monkeypatch.setenv("NATS_URL", "nats://bus:4222")
    assert DeploySettings().given_nats_url == "nats://bus:4222"


def test_a_secret_may_come_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgresql://secret@db/hive\n")
    monkeypatch.setenv("HIVE_DATABASE_URL_FILE", str(tmp_path / "url"))
    assert DeploySettings().given_database_url == "postgresql://secret@db/hive"


@pytest.mark.parametrize(("host", "reached"), [("0.0.0.0", "127.0.0.1"), ("::", "127.0.0.1"), ("10.0.0.7", "10.0.0.7")])
def test_what_listens_everywhere_is_reached_on_loopback(host: str, reached: str) -> None:
    assert reachable(host) == reached
