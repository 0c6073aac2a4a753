"""Installing packages of nodes by the real npm: what is refused, and that nothing of a package runs that was not asked for."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from bus.errors import InvalidRequest, NodePackageFailed
from deploy.node_packages import Folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(shutil.which(each) is None for each in ("node", "npm", "git")), reason="npm or git is not on the PATH"
    ),
]

PACKAGE = Path(__file__).parents[2] / "data" / "n8n-nodes-tried"
SECRET = "correct-horse-battery-staple"


def package(folder: Path, **more: Any) -> Path:
    shutil.copytree(PACKAGE, folder)
    manifest = folder / "package.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | more))
    return folder


def repository(folder: Path, **files: str) -> str:
    """Its address for npm."""
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    who = ("-c", "user.email=a@example.org", "-c", "user.name=a")
    for words in (("init", "-q"), ("add", "-A"), (*who, "commit", "-qm", "first")):
        subprocess.run(("git", *words), cwd=folder, check=True)
    return f"git+{folder.as_uri()}"


@pytest.mark.parametrize(
    "wish",
    ["", " ", "-g", "git+https://example.org/x.git", "github:a/b", "a/b", "x@npm:y", "https://example.org/x.tgz", "./none"],
)
def test_what_is_no_name_and_no_file_is_refused(tmp_path: Path, wish: str) -> None:
    with pytest.raises(InvalidRequest, match="is no name of a package"):
        Folder(tmp_path).install(wish)


def test_a_package_from_git_could_name_a_program_to_run_and_is_not_fetched(tmp_path: Path) -> None:
    witness, program = tmp_path / "ran", tmp_path / "program"
    program.write_text(f'#!/bin/sh\ntouch {witness}\nexec git "$@"\n')
    program.chmod(0o700)
    inner = repository(tmp_path / "inner", package_json='{"name": "inner", "version": "1.0.0"}')
    manifest = json.dumps({"name": "outer", "version": "1.0.0", "dependencies": {"inner": inner}})
    outer = repository(tmp_path / "outer", package_json=manifest, _npmrc=f"git={program}\n")
    with pytest.raises(NodePackageFailed, match="npm failed"):
        Folder(tmp_path / "data").install(str(package(tmp_path / "tried", dependencies={"outer": outer})))
    assert not witness.exists()
    assert Folder(tmp_path / "data").installed() == ()


def test_scripts_run_where_that_is_asked_for_and_see_no_key_of_hive_s(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_CREDENTIALS_KEY", SECRET)
    witness = tmp_path / "environment"
    folder = package(tmp_path / "tried", scripts={"install": f"env > {witness}"})
    Folder(tmp_path / "without").install(str(folder))
    assert not witness.exists()
    Folder(tmp_path / "with").install(str(folder), allow_scripts=True)
    assert "npm_lifecycle_event=install" in witness.read_text()
    assert SECRET not in witness.read_text()
