"""Which processes a hive has, told from what it was given."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bus import telemetry
from bus.database import OLDEST, require_version
from bus.errors import DatabaseTooOld
from deploy.cli import app
from deploy.local.data_folder import DataFolder
from deploy.local.doctor import cache_version
from deploy.local.hive import LocalHive
from deploy.local.ports import Ports
from deploy.local.services import BusProbe
from deploy.local.state import NatsAddress
from deploy.settings import DeploySettings

PORTS = Ports(api=1, gui=2, nats=3, nats_monitor=4, nats_websocket=5)
URLS = {"NATS_URL": "nats://u:p@bus:4222", "HIVE_DATABASE_URL": "postgresql://db/hive", "HIVE_REDIS_URL": "redis://cache"}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*URLS, "HIVE_ADMIN_KEY", "HIVE_CONFIG", "HIVE_HOST"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def local_hive(folder: Path) -> LocalHive:
    data = DataFolder(folder).create()
    return LocalHive(settings=DeploySettings(), folder=data, secrets=data.secrets(), ports=PORTS)


def test_nothing_given_means_every_server_is_embedded(tmp_path: Path) -> None:
    hive = local_hive(tmp_path)
    assert [spec.name for spec in hive.servers()] == ["nats", "postgres", "valkey"]
    assert hive.state().nats.url == f"nats://hive:{hive.secrets.nats_password}@127.0.0.1:3"


def test_what_has_a_url_is_not_started_and_every_service_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, url in URLS.items():
        monkeypatch.setenv(name, url)
    hive = local_hive(tmp_path)
    assert hive.servers() == []
    assert hive.environment().items() >= URLS.items()
    assert hive.state().nats.url == URLS["NATS_URL"]


def test_addresses_of_ipv6_stand_in_brackets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_HOST", "::1")
    monkeypatch.setenv("HIVE_NATS_HOST", "::1")
    state = local_hive(tmp_path).state()
    assert (state.api, state.gui) == ("http://[::1]:1", "http://[::1]:2")
    assert state.nats.url.endswith("@[::1]:3")


async def test_services_end_in_the_opposite_order_of_their_dependence(tmp_path: Path) -> None:
    stages = local_hive(tmp_path).services(BusProbe(NatsAddress(url="nats://nobody")))
    assert [[spec.name for spec in stage] for stage in stages] == [
        ["coordinator", "workflow", "monitor"],
        ["gateway", "gui"],
        ["sidecar-local"],
    ]


async def test_only_the_coordinator_is_given_the_first_key(tmp_path: Path) -> None:
    hive = local_hive(tmp_path)
    stages = hive.services(BusProbe(NatsAddress(url="nats://nobody")))
    given = {spec.name: spec.launch.environment.get("HIVE_ADMIN_KEY") for stage in stages for spec in stage}
    assert given.pop("coordinator") == hive.secrets.first_key
    assert set(given.values()) == {None}


def test_a_given_first_key_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_ADMIN_KEY", "sk-hive-mine")
    local_hive(tmp_path).services(BusProbe(NatsAddress(url="nats://nobody")))
    assert "sk-hive-mine" not in (tmp_path / "secrets.json").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot be read"),
        ("api_port: [", "is not YAML"),
        ("- api_port", "no file of settings"),
        ("api_port: x", "`api_port`"),
    ],
)
def test_a_file_of_settings_that_cannot_be_used_is_told_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, said: str
) -> None:
    monkeypatch.setattr(telemetry, "configure", lambda *_: None)
    file = tmp_path / "hive.yaml"
    if text is not None:
        file.write_text(text)
    result = CliRunner().invoke(app, ["--config", str(file), "status"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error [invalid_request]: ")
    assert said in result.stderr


def test_the_doctor_says_what_to_do_without_a_hive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "configure", lambda *_: None)
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    for name in ("HIVE_API_PORT", "HIVE_GUI_PORT", "HIVE_NATS_PORT"):
        monkeypatch.setenv(name, "0")
    result = CliRunner().invoke(app, ["doctor", "--json"])
    findings = {finding["what"]: finding for finding in json.loads(result.stdout)}
    assert result.exit_code == 0
    assert (findings["hive"]["level"], findings["ollama"]["level"]) == ("warn", "warn")
    assert "hive up" in findings["hive"]["remedy"]
    assert "HIVE_BACKENDS" in findings["ollama"]["remedy"]
    assert not [what for what in findings if what.startswith("port")], "a port of 0 is whichever is free"


def test_servers_that_are_too_old_are_told_of_by_name() -> None:
    require_version(OLDEST)
    with pytest.raises(DatabaseTooOld, match=rf"PostgreSQL {OLDEST - 1}.*{OLDEST} or newer.*HIVE_DATABASE_URL"):
        require_version(OLDEST - 1)
    levels = {"6.2.14": "warn", "7.0.15": "ok", "10.0.0": "ok"}
    assert {version: cache_version({"redis_version": version}).level for version in levels} == levels
    assert cache_version({"redis_version": "7.2.4", "valkey_version": "8.1.1"}).found == "version 8.1.1"


def test_the_bus_is_another_where_its_configuration_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a service of a newer version would be refused what only the newer nats.conf allows it."""
    other = tmp_path / "nats.conf"
    other.write_text("# other permissions\n")
    version = next(spec for spec in local_hive(tmp_path / "data").servers() if spec.name == "nats").version
    before = version()
    monkeypatch.setattr("deploy.local.hive.nats_conf", lambda: other)
    assert before.partition("+")[0] == version().partition("+")[0] != ""
    assert before != version()
