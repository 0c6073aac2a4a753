"""`python -m tests.pictures`: every page, dark and light, on a desktop and a phone, into docs/images as WebP.

It starts a hive of its own, with a real Ollama and the built-in model. `python -m tests.pictures agents alerts` takes those pages alone.
"""

import asyncio
import base64
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from playwright.async_api import Browser, Page, async_playwright, expect

from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.parts.hive import Hive
from tests.parts.ollama import Ollama, ollama_binary
from tests.pictures.filling import Shown, fill

FOLDER: Final = Path(__file__).parents[2] / "docs/images"
KEY: Final = "sk-hive-pictures-0123456789abcdef0123456789abcdef"
QUALITY: Final = 55
SIZES: Final = {"desktop": (1440, 900), "phone": (390, 844)}
SCHEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
SETTLED_MS: Final = 1500
"""For charts and the canvas, which draw themselves once they have a size."""


def paths(shown: Shown) -> dict[str, str]:
    """The address of each page, by the name of its pictures."""
    plain = ("tasks", "agents", "models", "playground", "workflows", "mcp-servers", "alerts", "usage", "audit", "timeline")
    return {
        "overview": "/",
        **{name: f"/{name}" for name in (*plain, "users", "settings")},
        "task": f"/tasks/{shown.task}",
        "agent": "/agents/walnut",
        "workflow": f"/workflows/{shown.workflow}",
        "execution": f"/executions/{shown.execution}",
    }


@contextmanager
def running() -> Iterator[Hive]:
    with tempfile.TemporaryDirectory() as folder:
        ollama = Ollama(ollama_binary(), Path(folder) / "ollama")
        ollama.start()
        backends = f"walnut={ollama.url}?slots=2,acacia=builtin"
        # For the MCP server, whose command is shown: no path of this machine belongs into a picture.
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        hive = Hive(Path(folder) / "hive", HIVE_BACKENDS=backends, HIVE_ADMIN_KEY=KEY, HIVE_BENCHMARK_NEW="false", PATH=path)
        try:
            ollama.make_model()
            hive.start()
            yield hive
        finally:
            hive.stop()
            ollama.stop()


async def take(hive: Hive, shown: Shown, only: tuple[str, ...]) -> None:
    wanted = {name: path for name, path in paths(shown).items() if not only or name in only}
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        for size, (width, height) in SIZES.items():
            page = await (await browser.new_context(viewport={"width": width, "height": height})).new_page()
            if not only or "login" in only:
                base = await _log_in_page(browser, hive, size)
            base = await _enter(page, hive)
            for name, path in wanted.items():
                await page.goto(f"{base}{path}")
                await expect(page.locator(".hv-connection")).to_have_text("Live", timeout=30_000)
                await expect(page.locator(".hv-lines, .hvc-waits")).to_have_count(0, timeout=30_000)
                await _shoot(page, f"{name}-{size}")
        await browser.close()


def _link(hive: Hive) -> str:
    found = re.search(r"http\S+/login\?ticket=\S+", hive.run("login").stdout)
    assert found is not None
    return found.group()


async def _enter(page: Page, hive: Hive) -> str:
    link = _link(hive)
    await page.goto(link)
    await page.wait_for_selector(".hv-connection")
    return link.partition("/login")[0]


async def _log_in_page(browser: Browser, hive: Hive, size: str) -> str:
    """As somebody sees it who is not logged in."""
    base = _link(hive).partition("/login")[0]
    width, height = SIZES[size]
    page = await (await browser.new_context(viewport={"width": width, "height": height})).new_page()
    await page.goto(f"{base}/login")
    await page.wait_for_selector(".hv-login input")
    await _shoot(page, f"login-{size}")
    return base


async def _shoot(page: Page, name: str) -> None:
    devtools = await page.context.new_cdp_session(page)
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)
        await page.wait_for_timeout(SETTLED_MS)
        found = await devtools.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
        (FOLDER / f"{name}-{scheme}.webp").write_bytes(base64.b64decode(found["data"]))
    await devtools.detach()


if __name__ == "__main__":
    with running() as started:
        asyncio.run(take(started, fill(started, KEY), tuple(sys.argv[1:])))
