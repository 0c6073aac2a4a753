"""Where a sidecar's settings come from."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from agent_sidecar.settings import SidecarSettings
from bus.messages import Capability, Upstream


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HIVE_BACKENDS", "OLLAMA_HOST", "HIVE_CONFIG", "HIVE_SIDECAR_ADOPT"):
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
