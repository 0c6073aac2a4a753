"""`hive run`: flags become settings, and nothing that is mistyped is silently dropped."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bus.identities import admission_seed, password_of
from bus.permissions import COORDINATOR, ROOMS
from deploy.known_settings import known_variables
from deploy.run import found_addresses, given, main, variables


def test_flags_are_the_variables_that_they_stand_for() -> None:
    flags = ["--api-port", "1", "--nats-url=nats://x", "--ollama-host", "http://y", "--hive-host", "::"]
    assert variables(flags) == {
        "HIVE_API_PORT": "1",
        "NATS_URL": "nats://x",
        "OLLAMA_HOST": "http://y",
        "HIVE_HOST": "::",
    }


@pytest.mark.parametrize("flags", [["--api-port"], ["api-port", "1"], ["-p", "1"]])
def test_a_flag_without_a_value_and_a_word_that_is_no_flag_are_refused(flags: list[str]) -> None:
    with pytest.raises(ValueError, match=flags[0]):
        variables(flags)


def test_a_setting_that_a_service_does_not_have_is_refused() -> None:
    assert given("nats", ["--nats-port", "1"]) == {"HIVE_NATS_PORT": "1"}
    with pytest.raises(ValueError, match="HIVE_NATS_PROT"):
        given("nats", ["--nats-prot", "1"])


@pytest.mark.parametrize("service", ["coordinator", "gateway", "workflow", "monitor", "gui", "sidecar", "nats"])
def test_every_service_knows_the_bus(service: str) -> None:
    assert {"NATS_URL", "HIVE_DATA_DIR", "HIVE_CONFIG"} <= known_variables(service)


def test_an_unknown_service_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["coordinater"])
    assert str(exit_.value.code).startswith("error [invalid_request]: there is no service coordinater; there are coordinator,")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    addresses = {"nats": {"url": "nats://found"}, "database_url": "postgresql://found", "redis_url": "unix://found"}
    (tmp_path / "hive.json").write_text(json.dumps(addresses))
    for name in ("NATS_URL", "HIVE_DATABASE_URL", "HIVE_REDIS_URL", "HIVE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path))
    return tmp_path


def test_a_service_finds_the_hive_of_its_machine(state: Path) -> None:
    assert found_addresses("sidecar") == {
        "NATS_URL": "nats://found",
        "HIVE_DATABASE_URL": "postgresql://found",
        "HIVE_REDIS_URL": "unix://found",
    }


def test_what_was_named_in_any_way_is_not_looked_up(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (state / "config.yaml").write_text("redis_url: redis://mine\n")
    monkeypatch.setenv("HIVE_CONFIG", str(state / "config.yaml"))
    monkeypatch.setenv("NATS_URL", "nats://mine")
    monkeypatch.setenv("HIVE_DATABASE_URL_FILE", "/run/secrets/database")
    assert found_addresses("sidecar") == {}


def test_a_service_is_on_its_hive_s_bus_as_itself_and_a_coordinator_lets_hosts_in(state: Path) -> None:
    found = json.loads((state / "hive.json").read_text()) | {"nats": {"url": "nats://hive:hsecret@127.0.0.1:4222"}}
    (state / "hive.json").write_text(json.dumps(found))
    (state / "secrets.json").write_text(json.dumps({"nats_password": "hsecret", "nats_sys_password": "hroot"}))
    for service in ROOMS:
        told = found_addresses(service)
        assert told["NATS_URL"] == f"nats://{service}:{password_of('hroot', service)}@127.0.0.1:4222"
        assert told.get("HIVE_NATS_ADMISSION_SEED") == (admission_seed("hroot") if service == COORDINATOR else None)
    (state / "secrets.json").write_text(json.dumps({"nats_password": "hother", "nats_sys_password": "hroot"}))
    assert found_addresses("coordinator")["NATS_URL"] == "nats://hive:hsecret@127.0.0.1:4222"  # a bus of somebody else's
    assert "HIVE_NATS_ADMISSION_SEED" not in found_addresses("coordinator")


def test_without_a_hive_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path))
    assert found_addresses("sidecar") == {}


def test_running_a_sidecar_needs_neither_typer_nor_rich_nor_a_server() -> None:
    code = "import sys, deploy.entry, deploy.run; print([m for m in ('typer', 'rich', 'asyncpg', 'fastapi', 'pydantic') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
