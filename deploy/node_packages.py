"""Installs packages of nodes by npm, into the data folder, and writes the index that engines read.

npm keeps `package.json` and `package-lock.json` there, with exact versions and hashes: the same two files, taken to another machine,
install the same. Install scripts are not run unless that is asked for, nor are packages taken from git. Nothing is fetched but by npm.
"""

import fcntl
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from pydantic import ValidationError

from bus.errors import InvalidRequest, NodeJsUnavailable, NodePackageFailed
from workflow.packages.installed import FOLDER, INDEX, Index, Installed, Package
from workflow.packages.process import HOST, environment
from workflow.settings import WorkflowSettings

OLDEST: Final = 20
"""Major version of Node.js."""
INSTALL_SECONDS: Final = 1800.0
_DESCRIBE_SECONDS: Final = 300.0
_NAMED: Final = re.compile(r"(?:@[a-z0-9~_][a-z0-9~_.-]*/)?[a-zA-Z0-9~_][a-zA-Z0-9~_.-]*(?:@[^\s:/@]+)?")
_BY_NPM: Final = ("--omit=dev", "--no-audit", "--no-fund", "--save-exact", "--install-links", "--loglevel=error")


class Folder:
    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir.absolute() / FOLDER

    def installed(self) -> tuple[Package, ...]:
        return Installed(self.path).packages

    def install(self, package: str | None, *, allow_scripts: bool = False) -> tuple[Package, ...]:
        """What is installed then. NodeJsUnavailable, NodePackageFailed, InvalidRequest."""
        node = node_program()
        with self._changing():
            before = self._names()
            if package is None:
                if not (self.path / "package-lock.json").exists():
                    raise InvalidRequest(f"Name a package: {self.path} has no package-lock.json to install from.")
                self._npm("ci", allow_scripts=allow_scripts)
            else:
                self._npm("install", _wished(package), allow_scripts=allow_scripts)
            try:
                return self._index(node)
            except NodePackageFailed:
                if new := [each for each in self._names() if each not in before]:
                    self._npm("uninstall", *new)
                raise

    def remove(self, package: str) -> None:
        """NodePackageFailed for one that is not installed."""
        node = node_program()
        with self._changing():
            if package not in self._names():
                raise NodePackageFailed(f"No package {package!r} is installed. `hive nodes list` shows them.")
            self._npm("uninstall", package)
            self._index(node)

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """One at a time."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self.path / "home").mkdir(mode=0o700, exist_ok=True)
        with (self.path / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            manifest = self.path / "package.json"
            if not manifest.exists():
                manifest.write_text('{"private": true}\n')
            yield

    def _names(self) -> list[str]:
        """NodePackageFailed for a package.json that somebody spoiled."""
        try:
            found = json.loads((self.path / "package.json").read_text()).get("dependencies", {})
        except (OSError, ValueError, AttributeError):
            raise NodePackageFailed(f"{self.path / 'package.json'} cannot be read. Correct it, or delete the folder.") from None
        return sorted(found)

    def _npm(self, *words: str, allow_scripts: bool = False) -> None:
        npm = shutil.which("npm")
        if npm is None:
            raise NodeJsUnavailable("npm is not on the PATH; packages of nodes are installed by it. Install Node.js with npm.")
        # a package from git can name the program that npm runs as git (its .npmrc), whatever is said of scripts
        scripts = () if allow_scripts else ("--ignore-scripts", "--allow-git=none")
        command = [npm, *words[:1], "--prefix", str(self.path), *_BY_NPM, *scripts, "--", *words[1:]]
        done = _run(command, INSTALL_SECONDS, _without_hive(os.environ) | {"NO_UPDATE_NOTIFIER": "1"})
        if done.returncode:
            raise NodePackageFailed(f"npm failed: {_words(done.stderr)}")

    def _index(self, node: str) -> tuple[Package, ...]:
        found = [self._described(node, name) for name in self._names()]
        for each in found:
            if not each.nodes and not each.credentials:
                why = f" ({each.problems[0]})" if each.problems else ""
                raise NodePackageFailed(
                    f"{each.name} has no nodes that can be loaded{why}. A package of n8n's nodes lists them under `n8n` in its package.json."
                )
        with NamedTemporaryFile("w", dir=self.path, delete=False) as file:
            file.write(Index(packages=tuple(found)).model_dump_json())
        Path(file.name).replace(self.path / INDEX)
        return tuple(found)

    def _described(self, node: str, name: str) -> Package:
        """In a process without Hive's environment: what a package does when it is loaded is its own."""
        command = [node, str(HOST.with_name("describe.js")), str(self.path), name]
        done = _run(command, _DESCRIBE_SECONDS, environment(self.path / "home"))
        try:
            return Package.model_validate_json(done.stdout)
        except ValidationError as error:
            if not done.stdout:
                raise NodePackageFailed(f"{name} cannot be loaded: {_words(done.stderr)}") from None
            where = ".".join(str(each) for each in error.errors()[0]["loc"])
            raise NodePackageFailed(f"{name} describes its nodes in a form that Hive does not know, at {where}.") from None


def node_program() -> str:
    """The program of Node.js. NodeJsUnavailable where it is missing or too old."""
    program = WorkflowSettings().workflow_node
    found = shutil.which(program)
    if found is None:
        raise NodeJsUnavailable(
            f"There is no program {program!r}. Nodes of packages run in Node.js {OLDEST} or newer: install it, or name it in HIVE_WORKFLOW_NODE."
        )
    told = _run([found, "--version"], 30, dict(os.environ)).stdout.strip()
    major = told.removeprefix("v").partition(".")[0]
    if not major.isdigit() or int(major) < OLDEST:
        raise NodeJsUnavailable(
            f"{found} is Node.js {told or 'of an unknown version'}, and nodes of packages need {OLDEST} or newer. Name another in HIVE_WORKFLOW_NODE."
        )
    return found


def _wished(package: str) -> str:
    """InvalidRequest for what npm would take for an option, an address or a place in git: the lock file holds no hash of those."""
    path = Path(package).expanduser()
    if (package.startswith((".", "/", "~")) or path.suffix == ".tgz") and path.exists():
        return str(path.absolute())  # a name alone is never a folder that happens to be here
    if not _NAMED.fullmatch(package):
        raise InvalidRequest(
            f"{package!r} is no name of a package, and no file. Write NAME, NAME@VERSION, or the path of a tarball or ./FOLDER."
        )
    return package


def _without_hive(environment: Mapping[str, str]) -> dict[str, str]:
    """What npm starts needs the way to its registry, and no key of Hive's."""
    return {name: value for name, value in environment.items() if not name.startswith(("HIVE_", "NATS_"))}


def _run(command: Sequence[str], seconds: float, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=env, check=False)
    except subprocess.TimeoutExpired:
        raise NodePackageFailed(f"{Path(command[0]).name} did not end within {seconds:g} s.") from None
    except OSError as error:
        raise NodeJsUnavailable(f"{command[0]} cannot be started: {error.strerror}.") from None


def _words(text: str) -> str:
    lines = [line.removeprefix("npm error").strip() for line in text.splitlines()]
    return " ".join(line for line in lines if line and not line.startswith("A complete log"))[:500] or "it said nothing"
