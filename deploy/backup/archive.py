"""The file of a backup: a tar in gzip, in which every section is cut into members that fit in memory, and the manifest is the last.

A tar wants to know how long a member is before it begins, and neither COPY nor a snapshot knows. Cut into chunks, both are written as they
come and read as they are wanted, whatever their size.
"""

import gzip
import hashlib
import io
import os
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from pydantic import ValidationError

from bus.errors import BackupUnusable, Unavailable
from deploy.backup.manifest import FORMAT, Manifest, Section

CHUNK_BYTES: Final = 4 * 1024 * 1024
LEVEL: Final = 1
"""Of gzip: three times as quick as its default, and a tenth larger."""
MANIFEST: Final = "manifest.json"
MOST_MEMBER_BYTES: Final = 64 * 1024 * 1024
"""A manifest may be as long. What says that it is longer was not written here, and would be read into memory whole."""
_SECTION: Final = re.compile(r"(postgres|streams|files)(/(?!\.)[\w.-]+){1,2}")


class Writer:
    """Beside `path`, under another name, until `finish`: what has the name is whole and on the disk. Readable by this user only."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with _writing(path):
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._temporary = Path(temporary)
        self._file: IO[bytes] = os.fdopen(handle, "wb")
        self._gzip = gzip.GzipFile(fileobj=self._file, mode="wb", compresslevel=LEVEL, filename="", mtime=0)
        self._tar = tarfile.open(fileobj=self._gzip, mode="w|")  # noqa: SIM115 - closed below
        self._section: _Section | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with suppress(OSError):  # a full disk, of which the caller knows
            self._tar.close()
            self._gzip.close()
            self._file.close()
        self._temporary.unlink(missing_ok=True)

    def begin(self, name: str) -> None:
        self._section = _Section(name)

    def write(self, data: bytes) -> None:
        section = self._open_section
        section.digest.update(data)
        section.size_bytes += len(data)
        section.waiting += data
        while len(section.waiting) >= CHUNK_BYTES:
            self._put(section, bytes(section.waiting[:CHUNK_BYTES]))
            del section.waiting[:CHUNK_BYTES]

    def end(self) -> Section:
        section = self._open_section
        if section.waiting:
            self._put(section, bytes(section.waiting))
        self._section = None
        return Section(name=section.name, size_bytes=section.size_bytes, sha256=section.digest.hexdigest())

    def finish(self, manifest: Manifest) -> int:
        """The file's size in bytes."""
        self._member(MANIFEST, manifest.model_dump_json(indent=2).encode())
        with _writing(self._path):
            self._tar.close()
            self._gzip.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            size = self._file.tell()
            self._temporary.replace(self._path)
            _sync_folder(self._path.parent)
        return size

    @property
    def _open_section(self) -> "_Section":
        if self._section is None:
            raise RuntimeError("no section was begun")
        return self._section

    def _put(self, section: "_Section", data: bytes) -> None:
        self._member(f"{section.name}/{section.chunks:06}", data)
        section.chunks += 1

    def _member(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size, info.mode = len(data), 0o600
        with _writing(self._path):
            self._tar.addfile(info, io.BytesIO(data))


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(f"{path} cannot be written: {error.strerror}. Make room, or choose another file.") from None


class _Section:
    def __init__(self, name: str) -> None:
        self.name, self.size_bytes, self.chunks = name, 0, 0
        self.waiting, self.digest = bytearray(), hashlib.sha256()


def sections(path: Path) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Each section's name and its chunks, in the order of the file, the manifest among them. BackupUnusable, from the chunks too."""
    for name, chunks in groupby(_members(path), lambda member: member[0].rpartition("/")[0] or member[0]):
        yield name, (data for _, data in chunks)


def _members(path: Path) -> Iterator[tuple[str, bytes]]:
    try:
        with gzip.open(path, "rb") as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
            for member in tar:
                file = tar.extractfile(member) if _is_ours(member) else None
                if file is None:
                    raise BackupUnusable(f"{path} has {member.name[:200]!r}, which no backup of a hive has. Use another one.")
                yield member.name, file.read()
            while plain.read(CHUNK_BYTES):  # to its end, where gzip's checksum is
                pass
    except FileNotFoundError:
        raise BackupUnusable(f"There is no file {path}.") from None
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise BackupUnusable(f"{path} is damaged, or no backup of a hive ({error}). Use another one.") from None


def _is_ours(member: tarfile.TarInfo) -> bool:
    """Nothing is ever unpacked by its name; what has another name, is a link, or is too long, was made by somebody else all the same."""
    section = member.name.rpartition("/")[0]
    return (
        member.isreg()
        and member.size <= MOST_MEMBER_BYTES
        and (member.name == MANIFEST or _SECTION.fullmatch(section) is not None)
    )


def verify(path: Path) -> Manifest:
    """Reads all of it. BackupUnusable where a byte is not what was written."""
    found: dict[str, Section] = {}
    manifest: Manifest | None = None
    for name, chunks in sections(path):
        if name == MANIFEST:
            manifest = _manifest(path, b"".join(chunks))
            continue
        digest, size = hashlib.sha256(), 0
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
        found[name] = Section(name=name, size_bytes=size, sha256=digest.hexdigest())
    if manifest is None:
        raise BackupUnusable(f"{path} was not written to its end. Use another one.")
    for section in manifest.sections:
        empty = Section(name=section.name, size_bytes=0, sha256=hashlib.sha256().hexdigest())
        there = found.pop(section.name, empty)
        if (there.size_bytes, there.sha256) != (section.size_bytes, section.sha256):
            raise BackupUnusable(f"{section.name} in {path} is not what was written there. Use another backup.")
    if found:
        raise BackupUnusable(f"{path} holds what its manifest does not name: {', '.join(found)}. Use another backup.")
    return manifest


def _manifest(path: Path, text: bytes) -> Manifest:
    try:
        manifest = Manifest.model_validate_json(text)
    except ValidationError:
        raise BackupUnusable(f"The manifest of {path} cannot be read. Was it made by a newer Hive? Upgrade this one.") from None
    if manifest.format > FORMAT:
        raise BackupUnusable(f"{path} was made by Hive {manifest.hive_version}, in a newer form. Upgrade this one first.")
    return manifest


def _sync_folder(folder: Path) -> None:
    """So that the new name is on the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
