"""Where a sidecar's settings come from."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent_sidecar.settings import SidecarSettings
from bus.codec import explain
from bus.messages import Capability, Upstream
from coordinator.agents.registry import SILENCE_SECONDS
from coordinator.leading.term import LISTEN_SECONDS


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HIVE_BACKENDS", "HIVE_BACKEND_KEYS", "OLLAMA_HOST", "HIVE_CONFIG", "HIVE_SIDECAR_ADOPT"):
        monkeypatch.delenv(name, raising=False)


def test_backends_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_BACKENDS", "acacia=http://a:11434?slots=2,http://b:8080")
    monkeypatch.setenv("OLLAMA_HOST", "c:1")
    settings = SidecarSettings()
    assert settings.backends == (
        Upstream(url="http://a:11434", name="acacia", agent_id="acacia", slots=2),
        Upstream(url="http://b:8080"),
    )
    assert settings.ollama_host == "c:1"


def test_backends_from_a_yaml_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "hive.yaml"
    file.write_text(
        """
backends:
  - http://b:8080
  - url: http://a:11434
    agent_id: acacia
    slots: 2
    specialization: devops
    capabilities: [{name: devops, proficiency: 0.95}]
"""
    )
    monkeypatch.setenv("HIVE_CONFIG", str(file))
    plain, full = SidecarSettings().backends
    assert plain == Upstream(url="http://b:8080")
    assert (full.agent_id, full.specialization) == ("acacia", "devops")
    assert full.capabilities == (Capability(name="devops", proficiency=0.95),)


def test_a_backend_that_is_no_address_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_BACKENDS", "acacia")
    with pytest.raises(ValidationError, match="`acacia` is not an address"):
        SidecarSettings()


def test_nothing_set_means_the_ollama_of_this_machine() -> None:
    settings = SidecarSettings()
    assert (settings.backends, settings.ollama_host, settings.builtin_model) == ((), "http://127.0.0.1:11434", "auto")


def test_keys_stand_beside_the_backends_and_show_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HIVE_BACKENDS", "acacia=http://a:8000,Wal Nut=http://b:8000,http://c:8000")
    file = tmp_path / "keys"
    file.write_text("acacia=sk-1=a, Wal Nut=sk-2\n")
    monkeypatch.setenv("HIVE_BACKEND_KEYS_FILE", str(file))
    settings = SidecarSettings()
    assert {name: key.get_secret_value() for name, key in settings.backend_keys.items()} == {
        "acacia": "sk-1=a",
        "wal-nut": "sk-2",
    }
    assert "sk-" not in repr(settings)


@pytest.mark.parametrize("keys", ["walnut=sk-1", "acacia", "acacia=", "acacia=sk 1"])
def test_a_key_without_an_owner_or_a_form_is_refused(monkeypatch: pytest.MonkeyPatch, keys: str) -> None:
    monkeypatch.setenv("HIVE_BACKENDS", "acacia=http://a:8000")
    monkeypatch.setenv("HIVE_BACKEND_KEYS", keys)
    with pytest.raises(ValidationError) as caught:
        SidecarSettings()
    assert "sk" not in explain(caught.value).message


def test_a_key_in_ollama_host_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://:sk-1@gpu-host")
    with pytest.raises(ValidationError) as caught:
        SidecarSettings()
    assert "holds no user, password, key" in explain(caught.value).message
    assert "sk-1" not in explain(caught.value).message


def test_an_agent_that_is_well_is_heard_by_a_new_leader_and_often_within_the_silence_that_would_end_it() -> None:
    heartbeat_seconds = SidecarSettings().heartbeat_seconds
    assert 1.5 * heartbeat_seconds <= LISTEN_SECONDS
    assert 6 * heartbeat_seconds <= SILENCE_SECONDS
