"""The one folder that holds all state of a hive on this machine: who may use it, and what lies where."""

import fcntl
import json
import os
import secrets
import tempfile
from pathlib import Path
from typing import IO, Self, TypeVar

from pydantic import BaseModel, Field, ValidationError

from bus import auth
from bus.errors import Conflict, RestoreInterrupted, Unavailable
from bus.messages import Message

M = TypeVar("M", bound=BaseModel)

RESTORING = "restoring.json"


def _password() -> str:
    return "h" + secrets.token_hex(24)


class Secrets(Message):
    """Made at the first start. Passwords begin with a letter, since nats.conf's parser reads digits as a number."""

    nats_password: str = Field(default_factory=_password)
    nats_sys_password: str = Field(default_factory=_password)
    first_key: str | None = Field(default_factory=auth.new_key)
    """The first admin key, until it has been shown: from then on only its hash exists."""


class Restoring(Message):
    """The backup whose restore has begun and not ended."""

    backup: str


class DataFolder:
    """`HIVE_DATA_DIR`, closed to others."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self._lock: IO[str] | None = None

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def state_file(self) -> Path:
        return self.path / "hive.json"

    def log_of(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def create(self) -> Self:
        """Unavailable when the folder cannot be made or written to."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.logs.mkdir(mode=0o700, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.path):
                return self
        except OSError as error:
            raise Unavailable(
                f"The data folder {self.path} cannot be used: {error.strerror}. Mend it, or choose another with HIVE_DATA_DIR."
            ) from None

    def lock(self, handed: int | None = None) -> None:
        """Conflict while another `hive up` has the folder. The kernel lets go of it when this process ends, however it ends.

        `handed`: the number of the file that is locked already, by the supervisor that this process was before.
        """
        if handed is not None:
            os.set_inheritable(handed, False)
            self._lock = os.fdopen(handed, "a+")
            return
        file = (self.path / "lock").open("a+")
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                holder = self.locked_by()
            if holder:  # else it was somebody who only looked whether it is locked
                file.close()
                raise Conflict(
                    f"A hive already runs on {self.path} (process {holder}). "
                    "See it with `hive status`, stop it with `hive down`, or choose another folder with HIVE_DATA_DIR."
                )
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        self._lock = file

    def hand_over(self) -> int:
        """The number of the locked file, which stays when this process becomes another program."""
        if self._lock is None:
            raise RuntimeError("what is handed over must be locked")
        os.set_inheritable(self._lock.fileno(), True)
        return self._lock.fileno()

    def unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def locked_by(self) -> int | None:
        """The process id of the supervisor that has the folder now."""
        try:
            with (self.path / "lock").open() as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    return int(file.read().strip() or 0)
        except OSError:
            return None
        return None

    def secrets(self) -> Secrets:
        """Made when there are none."""
        found = self.read("secrets.json", Secrets)
        if found is None:
            found = Secrets()
            self.keep(found)
        return found

    def mark_restoring(self, backup: Path) -> None:
        """Until `unmark_restoring` the streams are neither the old ones nor the new ones."""
        self.write(RESTORING, Restoring(backup=str(backup.absolute())), synced=True)

    def unmark_restoring(self) -> None:
        (self.path / RESTORING).unlink(missing_ok=True)

    def require_restored(self) -> None:
        """RestoreInterrupted while a mark is there."""
        if found := self.read(RESTORING, Restoring):
            raise RestoreInterrupted(
                f"A restore of {found.backup} into {self.path} was interrupted. Do it again: `hive restore --replace {found.backup}`."
            )

    def keep(self, value: Secrets) -> None:
        self.write("secrets.json", value, synced=True)

    def read_state(self, model: type[M]) -> M | None:
        return self.read(self.state_file.name, model)

    def write_state(self, value: BaseModel) -> None:
        self.write(self.state_file.name, value)

    def read(self, name: str, model: type[M]) -> M | None:
        """None where there is no such file. Unavailable for what is none of Hive's."""
        try:
            return model.model_validate_json((self.path / name).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise Unavailable(f"{self.path / name} cannot be read: {type(error).__name__}. Mend it or move it away.") from None

    def write(self, name: str, value: BaseModel, *, synced: bool = False) -> None:
        """As `place`."""
        self.place(name, (json.dumps(value.model_dump(mode="json"), indent=2) + "\n").encode(), synced=synced)

    def place(self, name: str, content: bytes, *, synced: bool = True) -> None:
        """Readable by this user only, and never half."""
        place = self.path / name
        handle, temporary = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            if synced:
                os.fsync(file.fileno())
        Path(temporary).replace(place)
