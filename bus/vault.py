"""Seals what credentials hold: AES-256-GCM, with a key that is in the environment or in a file of its own, and never in the database.

Several keys may be given: the first seals, the others still read what they sealed. So a key is replaced by putting a new one before it.
What is sealed is bound to its credential, type and owner: moved to another row it cannot be read.
"""

import base64
import binascii
import hashlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic_core import from_json, to_json

from bus import telemetry
from bus.errors import CredentialUnreadable

logger = telemetry.log(__name__)

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
FILE_NAME: Final = "credentials.key"


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def key_id_of(key: bytes) -> str:
    """Says which key it is, and nothing about it."""
    return hashlib.sha256(b"hive credentials key " + key).hexdigest()[:16]


def read_keys(text: str, origin: str) -> dict[str, bytes]:
    """Keys by id, in their order, of a text with one a line or by comma. CredentialUnreadable for what is no key; never shows it."""
    found: dict[str, bytes] = {}
    for number, word in enumerate(text.replace(",", " ").split(), 1):
        try:
            key = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise CredentialUnreadable(
                f"Key {number} of {origin} is none: a key is {KEY_BYTES} random bytes in base64. `hive credential key` makes one."
            )
        found[key_id_of(key)] = key
    return found


class Vault:
    """`given`: keys of the environment; without them those of `file`, which is made when the first credential is sealed."""

    def __init__(self, file: Path, given: str | None = None) -> None:
        self._file = file
        self._given = read_keys(given, "HIVE_CREDENTIALS_KEY") if given else None
        self._keys: dict[str, bytes] = self._given or {}

    def ids(self) -> list[str]:
        """Of all keys that there are now, the one that seals first. The file is read again: it may have got another one."""
        if self._given is None:
            self._keys = read_keys(self._text(), str(self._file))
        return list(self._keys)

    def sealing_id(self) -> str:
        """Makes the first key where there is none."""
        if not self.ids():
            self._make()
        return self.ids()[0]

    def seal(self, data: Mapping[str, Any], about: str) -> tuple[str, bytes]:
        """The key's id, and what to store. `about` must be the same when it is opened."""
        key_id, nonce = self.sealing_id(), secrets.token_bytes(_NONCE_BYTES)
        return key_id, nonce + AESGCM(self._keys[key_id]).encrypt(nonce, to_json(dict(data)), about.encode())

    def open(self, key_id: str, sealed: bytes, about: str) -> dict[str, Any]:
        """CredentialUnreadable without its key, or where it was changed."""
        if key_id not in self._keys and key_id not in self.ids():
            raise CredentialUnreadable(
                f"The credential was sealed with the key {key_id}, which this engine does not have. "
                "Give it in HIVE_CREDENTIALS_KEY, or enter the credential anew."
            )
        try:
            text = AESGCM(self._keys[key_id]).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about.encode())
        except InvalidTag:
            raise CredentialUnreadable("The credential was changed in the database. Enter it anew.") from None
        found: dict[str, Any] = from_json(text)
        return found

    def _text(self) -> str:
        try:
            if self._file.stat().st_mode & 0o077:
                logger.warning("key_file_open_to_others", file=str(self._file), remedy="chmod 600")
            return self._file.read_text()
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise CredentialUnreadable(f"The key file {self._file} cannot be read: {error.strerror}.") from None

    def _make(self) -> None:
        """Whole or not at all, and once: another engine may do the same at this moment."""
        making = self._file.with_name(f"{self._file.name}.{uuid4().hex}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:  # noqa: PTH123 - its mode from the first moment on
                out.write(f"{new_key()}\n")
                out.flush()
                os.fsync(out.fileno())
            try:
                os.link(making, self._file)
            except FileExistsError:
                return
            _sync_folder(self._file.parent)
        except OSError as error:
            raise CredentialUnreadable(f"The key file {self._file} cannot be made: {error.strerror}.") from None
        finally:
            making.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """A key that a power cut takes back would leave credentials that nobody can read."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
