"""The built file of the canvas is what its sources make."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gui.canvas.parts import FOLDER

SOURCES = ("package.json", "package-lock.json", ".npmrc", "flow.js", "build.mjs")
BUILT = ("index.js", "index.css", "LICENSES.txt")

pytestmark = pytest.mark.slow


def test_the_bundle_is_made_of_the_versions_that_are_locked(tmp_path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    for name in SOURCES:
        shutil.copy(FOLDER / name, tmp_path)
    found = subprocess.run([npm, "ci", "--silent"], cwd=tmp_path, capture_output=True, text=True, timeout=180, check=False)
    if found.returncode and any(word in found.stderr for word in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN")):
        pytest.skip("the packages of npm are out of reach")
    assert found.returncode == 0, found.stderr
    subprocess.run([npm, "run", "--silent", "build"], cwd=tmp_path, check=True, timeout=60)
    for name in BUILT:
        assert (tmp_path / "built" / name).read_bytes() == (FOLDER / "built" / name).read_bytes(), f"run `make canvas`: {name}"
