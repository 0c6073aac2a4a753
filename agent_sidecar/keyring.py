"""The keys of backends that ask for one: named in the settings, or given to `hive agents add` and kept on this machine alone.

A key is bound to the URL that it was given for, so that whoever renames an upstream on the bus is not sent it.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, SecretStr, ValidationError

from bus import telemetry
from bus.errors import Unavailable
from bus.messages import BackendKey

logger = telemetry.log(__name__)


class _Kept(BaseModel):
    url: str
    key: BackendKey


class Keyring:
    """HIVE_DATA_DIR/sidecar/keys/<agent id>.json, for this user's eyes only; `configured` go before."""

    def __init__(self, folder: Path, configured: Mapping[str, SecretStr]) -> None:
        self._folder, self._configured = folder, configured

    def key(self, agent_id: str, url: str) -> SecretStr | None:
        """For this backend at this URL; None when there is none."""
        if agent_id in self._configured:
            return self._configured[agent_id]
        try:
            kept = _Kept.model_validate_json(self._file(agent_id).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            logger.warning("key_not_read", agent_id=agent_id, reason=type(error).__name__)
            return None
        return kept.key if kept.url == url else None

    def keep(self, agent_id: str, url: str, key: SecretStr) -> None:
        """Unavailable when the disk does not take it: a key that a restart forgets is worse than none."""
        file = self._file(agent_id)
        new = file.with_suffix(".new")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(_Kept(url=url, key=key).model_dump_json())
            new.replace(file)
        except OSError as error:
            raise Unavailable(
                f"The key cannot be kept in {self._folder}: {error.strerror}. Make room or give the folder to this user, then add the host again."
            ) from None

    def drop(self, agent_id: str) -> None:
        try:
            self._file(agent_id).unlink(missing_ok=True)
        except OSError as error:
            logger.warning("key_not_removed", agent_id=agent_id, reason=error.strerror)

    def _file(self, agent_id: str) -> Path:
        return self._folder / f"{agent_id}.json"
