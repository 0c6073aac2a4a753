"""What `hive join` keeps on a host, who may read it, and when it counts."""

import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from agent_sidecar.joined import HostKey, Joined, read_joined, read_key, with_joined, write_joined, write_key
from agent_sidecar.settings import SidecarSettings
from agent_sidecar.upstreams import named_upstreams
from bus.errors import Unavailable

JOINED = Joined(
    hive_id=uuid4(),
    api="http://10.0.0.5:8420",
    name="walnut",
    labels={"site": "basement"},
    backends=("http://127.0.0.1:11434?slots=4",),
    nats_url=SecretStr("nats://hive:secret-word@10.0.0.5:4222"),
)


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith(("HIVE_", "NATS_", "OLLAMA_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HIVE_DATA_DIR", str(tmp_path))


def test_it_comes_back_as_it_was_and_is_this_users_alone(tmp_path: Path) -> None:
    assert (read_joined(tmp_path), read_key(tmp_path)) == (None, None)
    file, key = write_joined(tmp_path, JOINED), HostKey(seed=SecretStr("SUA"))
    write_key(tmp_path, key)
    assert (read_joined(tmp_path), read_key(tmp_path)) == (JOINED, key)
    for kept in file.parent.iterdir():
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "secret-word" not in repr(read_joined(tmp_path))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_writes_for_whoever_the_data_folder_belongs_to(tmp_path: Path) -> None:
    os.chown(tmp_path, 12345, 12345)
    file = write_joined(tmp_path, JOINED)
    assert (file.stat().st_uid, file.parent.stat().st_uid) == (12345, 12345)


def test_what_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    write_joined(tmp_path, JOINED).write_text("{")
    with pytest.raises(Unavailable, match="join again"):
        read_joined(tmp_path)


async def test_it_stands_for_the_settings_that_nobody_gave(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_joined(tmp_path, JOINED)
    settings = with_joined(SidecarSettings())
    assert settings.nats_servers == ["nats://hive:secret-word@10.0.0.5:4222"]
    assert settings.sidecar_name == "walnut"
    [upstream] = await named_upstreams(settings)
    assert (upstream.slots, upstream.labels) == (4, {"site": "basement"})
    monkeypatch.setenv("HIVE_SIDECAR_LABELS", "room=7")
    monkeypatch.setenv("HIVE_BACKENDS", "acacia=http://127.0.0.1:8000")
    [upstream] = await named_upstreams(with_joined(SidecarSettings()))
    assert (upstream.agent_id, upstream.labels) == ("acacia", {"room": "7"})


def test_whoever_names_a_bus_means_that_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_joined(tmp_path, JOINED)
    monkeypatch.setenv("NATS_URL", "nats://elsewhere:4222")
    settings = with_joined(SidecarSettings())
    assert (settings.nats_servers, settings.sidecar_name, settings.backends) == (["nats://elsewhere:4222"], None, ())
    monkeypatch.setenv("NATS_URL", "")
    assert with_joined(SidecarSettings()).sidecar_name == "walnut"


@pytest.mark.parametrize("labels", ["site", "site=basement,room", "=x"])
def test_labels_that_are_none_are_refused(labels: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_SIDECAR_LABELS", labels)
    with pytest.raises(ValueError, match="sidecar_labels"):
        SidecarSettings()
