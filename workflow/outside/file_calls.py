"""Carries out `HandleFiles`, within folders that an administrator allows. A link that leads out of them is as far outside as its target."""

import asyncio
import base64
import glob
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from bus import telemetry
from bus.errors import RequestRefused
from workflow.core.effects import HandleFiles
from workflow.core.execution import Reply
from workflow.core.failure import Failure
from workflow.nodes.binary import MAX_BYTES

logger = telemetry.log(__name__)

MAX_FILES: Final = 1000


class FileCalls:
    """`folders` are absolute; none of them: files are no business of workflows."""

    def __init__(self, folders: Iterable[Path]) -> None:
        self._folders = [folder.resolve() for folder in folders]

    async def carry_out(self, effect: HandleFiles) -> Reply:
        """Never raises: what goes wrong is the reply's failure."""
        try:
            return Reply(value=await asyncio.to_thread(self._done, effect))
        except RequestRefused as error:
            logger.warning("file_refused", code=error.code, operation=effect.operation, path=effect.path[:500])
            return Reply(failure=Failure(message=error.message, code=error.code))
        except (OSError, ValueError) as error:
            words = getattr(error, "strerror", None) or str(error)
            return Reply(failure=Failure(message=f"{effect.path} cannot be {_WORDS[effect.operation]}: {words}"))

    def _done(self, effect: HandleFiles) -> Any:
        if not self._folders:
            raise RequestRefused(
                "Workflows reach no files of this machine. An administrator may allow folders with HIVE_WORKFLOW_FILES."
            )
        if effect.operation == "read":
            return self._read(effect.path)
        self._write(effect)
        return None

    def _read(self, pattern: str) -> list[dict[str, str]]:
        if ".." in pattern.split("/"):
            raise RequestRefused(f"{pattern} leads upwards by `..`. Name the folder itself.")
        self._require(Path(_fixed_part(pattern)))
        found: list[dict[str, str]] = []
        size = 0
        for name in sorted(glob.iglob(pattern, recursive=True)):  # noqa: PTH207 - the pattern is a whole path
            path = self._require(Path(name))
            if not path.is_file():
                continue
            size += path.stat().st_size
            if size > MAX_BYTES or len(found) >= MAX_FILES:
                raise RequestRefused(
                    f"{pattern} means more than {MAX_FILES:,} files or {MAX_BYTES:,} bytes. Read fewer at a time."
                )
            found.append({"path": name, "content": base64.b64encode(path.read_bytes()).decode()})
        if not found and not glob.has_magic(pattern):
            raise FileNotFoundError(2, "there is no such file")
        return found

    def _write(self, effect: HandleFiles) -> None:
        """A whole file is there whole, or as it was before; who may read it, may as before."""
        path, content = self._require(Path(effect.path)), base64.b64decode(effect.content)
        if effect.append:
            with path.open("ab") as out:
                out.write(content)
                _sync(out.fileno())
            return
        making = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with making.open("xb") as out:
                with suppress(FileNotFoundError):
                    os.fchmod(out.fileno(), stat.S_IMODE(path.stat().st_mode))
                out.write(content)
                _sync(out.fileno())
            making.replace(path)
        finally:
            making.unlink(missing_ok=True)

    def _require(self, path: Path) -> Path:
        """Where it really is. RequestRefused outside of what is allowed."""
        if not path.is_absolute():
            raise RequestRefused(f"{path} is no absolute path. Name the file from the root on.")
        real = path.resolve()
        if not any(real.is_relative_to(folder) for folder in self._folders):
            raise RequestRefused(f"{path} is in no folder that workflows may reach (HIVE_WORKFLOW_FILES).")
        return real


_WORDS: Final = {"read": "read", "write": "written"}


def _fixed_part(pattern: str) -> str:
    """The folders of a pattern before the first part with a wildcard: where looking begins."""
    parts: list[str] = []
    for part in pattern.split("/"):
        if glob.has_magic(part):
            break
        parts.append(part)
    return "/".join(parts) or "/"


def _sync(handle: int) -> None:
    os.fsync(handle)
