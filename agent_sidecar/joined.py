"""What `hive join` left on this host: the key that it is known by, and all that its sidecar needs. For this user's eyes only.

It stands for settings that nobody gave otherwise, and counts only while no NATS_URL is named: whoever names a bus means that one.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from agent_sidecar.addresses import parse_upstream
from agent_sidecar.settings import SidecarSettings
from bus import telemetry
from bus.errors import Unavailable
from bus.messages.base import Slug
from bus.nats_login import HostIdentity

logger = telemetry.log(__name__)
M = TypeVar("M", bound=BaseModel)

JOINED_FILE = "joined.json"
KEY_FILE = "host_key.json"
CA_FILE = "hive_ca.pem"


class _Kept(BaseModel):
    """With its secrets in clear: what must be sent as it is cannot be kept otherwise."""

    model_config = ConfigDict(frozen=True)


class HostKey(_Kept):
    """Made once, before the first join, so that a host whose answer was lost is still the same host."""

    seed: SecretStr

    @field_serializer("seed", when_used="json")
    def _clear(self, seed: SecretStr) -> str:
        return seed.get_secret_value()


class Joined(_Kept):
    """`backends` are as they were given to `hive join`, each `name=URL?slots=N`; `agents` those of them that have names of their own."""

    hive_id: UUID
    api: str
    name: Slug
    labels: dict[str, str] = {}
    backends: tuple[str, ...] = ()
    agents: tuple[Slug, ...] = ()
    nats_url: SecretStr

    @field_serializer("nats_url", when_used="json")
    def _clear(self, nats_url: SecretStr) -> str:
        return nats_url.get_secret_value()


def read_joined(data_dir: Path) -> Joined | None:
    """None when the host has not joined. Unavailable for a file that cannot be read."""
    return _read(data_dir, JOINED_FILE, Joined)


def write_joined(data_dir: Path, joined: Joined) -> Path:
    """Unavailable when the disk does not take it."""
    return _write(data_dir, JOINED_FILE, joined)


def read_key(data_dir: Path) -> HostKey | None:
    """None before the first join. Unavailable."""
    return _read(data_dir, KEY_FILE, HostKey)


def write_key(data_dir: Path, key: HostKey) -> None:
    """Unavailable."""
    _write(data_dir, KEY_FILE, key)


def with_joined(settings: SidecarSettings) -> SidecarSettings:
    """The settings, and where the host has joined what that says of those that nobody gave. Unavailable."""
    if names_bus(settings):
        return settings
    joined = read_joined(settings.data_dir)
    if joined is None:
        return settings
    said: dict[str, object] = {
        "sidecar_name": joined.name,
        "sidecar_labels": joined.labels,
        "backends": tuple(parse_upstream(backend) for backend in joined.backends),
    }
    if (authority := folder_of(settings.data_dir) / CA_FILE).exists():
        said["nats_ca"] = authority
    missing = {name: value for name, value in said.items() if name not in settings.model_fields_set}
    return settings.model_copy(update={**missing, "nats_url": joined.nats_url})


def identity_of(settings: SidecarSettings, agents: tuple[str, ...]) -> HostIdentity | None:
    """How the bus knows this host, whose sidecar speaks for these agents. None where it has joined no hive, or means another. Unavailable."""
    joined, key = read_joined(settings.data_dir), read_key(settings.data_dir)
    if names_bus(settings) or joined is None or key is None:
        return None
    if strangers := foreign_agents(joined, agents):
        logger.error(
            "agents_of_another_name", agents=strangers, advice="join again and name them: hive join TOKEN --backend NAME=URL"
        )
    return HostIdentity(name=joined.name, agents=agents, seed=key.seed.get_secret_value())


def foreign_agents(joined: Joined, agents: Iterable[str]) -> tuple[str, ...]:
    """Those that the hive does not let this host speak for: neither called after it, nor named when it joined."""
    own = (joined.name, *joined.agents)
    return tuple(agent for agent in agents if agent not in own and not agent.startswith(f"{joined.name}-"))


def write_authority(data_dir: Path, certificate: str | None) -> None:
    """Whom this host believes that it is the hive; None: whomever this machine trusts. Unavailable."""
    if certificate is None:
        (folder_of(data_dir) / CA_FILE).unlink(missing_ok=True)
    else:
        _place(data_dir, CA_FILE, certificate)


def folder_of(data_dir: Path) -> Path:
    return data_dir.expanduser() / "sidecar"


def names_bus(settings: SidecarSettings) -> bool:
    """Whether somebody named one. An empty NATS_URL names none, as it does for a shell."""
    return "nats_url" in settings.model_fields_set and bool(settings.nats_url.get_secret_value())


def _read(data_dir: Path, name: str, model: type[M]) -> M | None:
    file = folder_of(data_dir) / name
    try:
        return model.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not what `hive join` wrote"
        raise Unavailable(f"{file} cannot be read: {reason}. Mend that, or move it away and join again.") from None


def _write(data_dir: Path, name: str, value: BaseModel) -> Path:
    return _place(data_dir, name, value.model_dump_json(indent=2) + "\n")


def _place(data_dir: Path, name: str, content: str) -> Path:
    """Never half, and its data folder's owner's: `sudo hive join` writes for a sidecar that runs as somebody else."""
    folder = folder_of(data_dir)
    new = folder / f".{name}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        _hand_over(folder, new)
        new.replace(folder / name)
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be written to: {error.strerror}. Make room or give the folder to this user, or choose another data "
            "folder with HIVE_DATA_DIR."
        ) from None
    return folder / name


def _hand_over(folder: Path, file: Path) -> None:
    if os.geteuid() == 0:
        owner = folder.parent.stat()
        os.chown(folder, owner.st_uid, owner.st_gid)
        os.chown(file, owner.st_uid, owner.st_gid)
