"""The version that every service, answer and document names, and the one by which an upgrade tells processes apart."""

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
"""A checkout, or the folder of installed packages."""
PACKAGES: Final = ("agent_sidecar", "bus", "coordinator", "deploy", "gui", "monitor", "workflow")
_CODE: Final = (".css", ".js", ".py", ".sql")
_NOT_OURS: Final = frozenset({"__pycache__", "node_modules"})
"""Nor what begins with a dot, as an editor's locks: `.#main.py` leads nowhere."""


@cache
def hive_version() -> str:
    """Of the installed package; `0.0.0` in a checkout that was never installed."""
    return _installed()


@cache
def code_version() -> str:
    """What this process runs. Asked at its start, since the files may be others later."""
    return code_on_disk()


def code_on_disk(root: Path = ROOT) -> str:
    """`0.1.0+3ad8eec2`: the version, and a digest of the code, by which two states of a checkout differ too. Blocking, some 20 ms.

    The same for a checkout and for a wheel that was made of it.
    """
    digest = hashlib.sha256()
    for path in _code(root):
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # it went while git or pip replace what is there: another state anyhow
            continue
        digest.update(str(path.relative_to(root)).encode())
        digest.update(content)
    return f"{_installed()}+{digest.hexdigest()[:8]}"


def _installed() -> str:
    try:
        return version("hive")
    except PackageNotFoundError:
        return "0.0.0"


def _code(root: Path) -> Iterator[Path]:
    for package in PACKAGES:
        for folder, below, names in os.walk(root / package):
            below[:] = sorted(name for name in below if name not in _NOT_OURS and not name.startswith("."))
            yield from (Path(folder, name) for name in sorted(names) if name.endswith(_CODE) and not name.startswith("."))
