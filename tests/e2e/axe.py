"""axe-core, as npm gives it, on a page of the dashboard."""

import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from playwright.async_api import Page

from gui.canvas.parts import FOLDER

_RUN = """async () => (await axe.run()).violations
    .filter((each) => ["serious", "critical"].includes(each.impact))
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`)"""


@cache
def _script() -> str | None:
    """None where npm or its packages are out of reach."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    with TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(FOLDER / name, folder)
        done = subprocess.run([npm, "ci", "--silent", "--ignore-scripts"], cwd=folder, check=False, timeout=120)
        file = Path(folder) / "node_modules" / "axe-core" / "axe.min.js"
        return file.read_text() if done.returncode == 0 else None


async def serious(page: Page) -> list[str]:
    """What axe-core finds serious or critical. Skips where it cannot be had."""
    script = _script()
    if script is None:
        pytest.skip("axe-core cannot be had from npm")
    await page.evaluate(script)
    found: list[str] = await page.evaluate(_RUN)
    return found
