"""What `hive join` left on this host: the key that it is known by, and all that its sidecar needs. For this user's eyes only.

It stands for settings that nobody gave otherwise, and counts only while no NATS_URL is named: whoever names a bus means that one.
"""

import os
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError, field_serializer

from agent_sidecar.addresses import parse_upstream
from agent_sidecar.settings import SidecarSettings
from bus.errors import Unavailable
from bus.messages.base import Slug

M = TypeVar("M", bound=BaseModel)

JOINED_FILE = "joined.json"
KEY_FILE = "host_key.json"


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
    """`backends` are as they were given to `hive join`, each `name=URL?slots=N`."""

    hive_id: UUID
    api: str
    name: Slug
    labels: dict[str, str] = {}
    backends: tuple[str, ...] = ()
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
    said = {
        "sidecar_name": joined.name,
        "sidecar_labels": joined.labels,
        "backends": tuple(parse_upstream(backend) for backend in joined.backends),
    }
    missing = {name: value for name, value in said.items() if name not in settings.model_fields_set}
    return settings.model_copy(update={**missing, "nats_url": joined.nats_url})


def names_bus(settings: SidecarSettings) -> bool:
    """Whether somebody named one. An empty NATS_URL names none, as it does for a shell."""
    return "nats_url" in settings.model_fields_set and bool(settings.nats_url.get_secret_value())


def _read(data_dir: Path, name: str, model: type[M]) -> M | None:
    file = data_dir.expanduser() / "sidecar" / name
    try:
        return model.model_validate_json(file.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not what `hive join` wrote"
        raise Unavailable(f"{file} cannot be read: {reason}. Mend that, or move it away and join again.") from None


def _write(data_dir: Path, name: str, value: BaseModel) -> Path:
    """Never half, and its data folder's owner's: `sudo hive join` writes for a sidecar that runs as somebody else."""
    folder = data_dir.expanduser() / "sidecar"
    new = folder / f".{name}.new"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        new.unlink(missing_ok=True)
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(value.model_dump_json(indent=2) + "\n")
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
