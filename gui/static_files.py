"""What browsers load beside pages, under addresses that hold a hash of all of it: a browser, a proxy or a CDN keeps each for good.

NiceGUI's own addresses are made of paths and times of files, so they differ from machine to machine, and of a folder of modules stay as they
are when a module changes. Pages are written with them, and with `theme.OWN` for what is Hive's; `StaticFiles.in_page` puts the others in their place.
"""

import re
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import nicegui
from nicegui import __version__, ui
from nicegui.dependencies import Component, esm_modules, js_components

from gui import theme
from gui.canvas import parts as canvas
from gui.elements import parts, sheets

PLACE: Final = "/static"
"""Where the dashboard serves them; behind it the hash."""
NICEGUI: Final = f"/_nicegui/{__version__}"
DIGITS: Final = 16
"""Of the hash, in hexadecimal."""
QUASAR: Final = frozenset(f"{NICEGUI}/static/quasar.{part}." for part in ("important", "unimportant"))
"""How the addresses of Quasar's styles begin. NiceGUI's script reads their rules, which a browser allows it with those of the page's own
origin alone."""
_GUI: Final = Path(__file__).parent
_ELEMENTS: Final = (canvas, parts, sheets)
"""Imported so that NiceGUI knows every element and every module of theirs."""
_NICEGUIS: Final = (ui.html,)
"""Elements of NiceGUI that pages have. Others that happen to be imported are left out: the hash would depend on it."""


@dataclass(frozen=True)
class StaticFiles:
    """`files` by name, such as `elements/hive_queue.js`: where each lies, or what it holds.

    `moved`: an address as pages are written with it, or how several begin, and the same of their names. Those that `stay` are the
    dashboard's own wherever the others are.
    """

    files: Mapping[str, Path | bytes]
    moved: Mapping[str, str]
    stay: frozenset[str] = frozenset()

    @cached_property
    def digest(self) -> str:
        """Of names and contents, and so the same wherever the same version is installed."""
        hasher = sha256()
        for name, content in self._hashes.items():
            hasher.update(f"{name}\0".encode())
            hasher.update(content)
        return hasher.hexdigest()[:DIGITS]

    def is_in_digest(self, name: str, content: bytes) -> bool:
        """Whether the file is still what the hash is of: another version may have been installed over it."""
        return sha256(content).digest() == self._hashes[name]

    @cached_property
    def _hashes(self) -> Mapping[str, bytes]:
        return {name: sha256(self.content(name)).digest() for name in sorted(self.files)}

    def content(self, name: str) -> bytes:
        found = self.files[name]
        return found if isinstance(found, bytes) else found.read_bytes()

    def in_page(self, page: bytes, base: str) -> bytes:
        """The page with addresses below `base`, which ends before the hash."""

        def place(found: re.Match[bytes]) -> bytes:
            address = found[0].decode()
            return f"{PLACE if address in self.stay else base}/{self.digest}/{self.moved[address]}".encode()

        return self._addresses.sub(place, page)

    @cached_property
    def _addresses(self) -> re.Pattern[bytes]:
        return re.compile("|".join(map(re.escape, sorted(self.moved, key=len, reverse=True))).encode())


def collected() -> StaticFiles:
    """Of this install: NiceGUI's own, Hive's elements and the modules that they share, styles and pictures."""
    own: list[Component] = [component for component in js_components.values() if component.path.is_relative_to(_GUI)]
    own += [element.component for element in _NICEGUIS if element.component is not None]
    files: dict[str, Path | bytes] = {f"elements/{component.path.name}": component.path for component in own}
    moved = {f"{NICEGUI}/components/{component.key}": f"elements/{component.path.name}" for component in own}
    folders = {f"{NICEGUI}/static/": ("nicegui", Path(nicegui.__file__).parent / "static"), theme.OWN: ("hive", theme.ASSETS)}
    for key, module in esm_modules.items():
        if module.path.is_relative_to(_GUI):
            folders[f"{NICEGUI}/esm/{key}/"] = (f"modules/{module.name}", module.path)
    for address, (name, folder) in folders.items():
        moved[address] = f"{name}/"
        files.update({f"{name}/{path.relative_to(folder).as_posix()}": path for path in _within(folder)})
    moved |= {address: f"nicegui/{address.rpartition('/')[2]}" for address in QUASAR}
    files[f"hive/{theme.STYLESHEET}"] = theme.stylesheet().encode()
    files[f"hive/{canvas.STYLESHEET}"] = canvas.stylesheet().encode()
    return StaticFiles(files, moved, QUASAR)


def _within(folder: Path) -> Iterable[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def export(found: StaticFiles, folder: Path) -> Path:
    """A folder with them all, named by their hash, beside those of other versions; it is there as a whole or not at all. OSError."""
    home = folder / found.digest
    if home.exists():
        return home
    folder.mkdir(parents=True, exist_ok=True)
    making = Path(mkdtemp(prefix=f".{found.digest}-", dir=folder))
    try:
        for name in found.files:
            path = making / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(found.content(name))
        making.chmod(0o755)  # a web server is another user
        making.rename(home)
    except OSError:
        shutil.rmtree(making, ignore_errors=True)
        if not home.exists():  # another may have been quicker
            raise
    return home
