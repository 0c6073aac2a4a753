"""A dashboard whose scripts, styles and fonts come from another origin (HIVE_STATIC_URL), in a real browser."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.async_api import Page, expect
from typer.testing import CliRunner

from deploy.cli import app
from tests.e2e.processes import GuiProcess
from tests.e2e.scripted_hive import ADMIN, ScriptedHive
from tests.parts.nats import NatsServer

pytestmark = pytest.mark.slow

REFUSED = """
(address) => new Promise((resolve) => {
  addEventListener("securitypolicyviolation", (event) => resolve(`${event.effectiveDirective} ${event.blockedURI}`));
  const script = document.createElement("script");
  script.onload = () => resolve("loaded");
  script.src = address;
  document.head.append(script);
})
"""


class Cdn:
    """Serves a folder on a port of its own, and remembers what it was asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def end_headers(self) -> None:
                self.send_header("Access-Control-Allow-Origin", "*")
                super().end_headers()

            def log_message(self, _format: str, *_arguments: Any) -> None:
                asked.append(self.path)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exported = CliRunner().invoke(app, ["static", "export", str(tmp_path / "exported")])
    assert exported.exit_code == 0, exported.output
    return tmp_path / "exported"


@pytest.fixture
def cdn(folder: Path) -> Iterator[Cdn]:
    cdn = Cdn(folder)
    yield cdn
    cdn.close()


@pytest.fixture
def stranger(folder: Path) -> Iterator[Cdn]:
    """The same files, from an origin that nobody named."""
    stranger = Cdn(folder)
    yield stranger
    stranger.close()


async def test_the_dashboard_works_with_what_a_cdn_serves_and_with_no_other_s(
    page: Page, hive: ScriptedHive, nats_server: NatsServer, cdn: Cdn, stranger: Cdn, tmp_path: Path
) -> None:
    gui = GuiProcess(tmp_path, nats_server.url, {"HIVE_STATIC_URL": cdn.url})
    own: list[str] = []
    wrong: list[str] = []
    page.on("request", lambda request: own.append(urlsplit(request.url).path) if request.url.startswith(gui.url) else None)
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    await gui.start()
    try:
        hive.tickets["a-ticket"] = ADMIN
        await page.goto(f"{gui.url}/login?ticket=a-ticket")
        await page.wait_for_selector(".hv-connection[data-kind=good]")
        await page.goto(f"{gui.url}/workflows/{uuid4()}")  # nobody has it; what it would be drawn by comes all the same
        await expect(page.locator(".hv-canvas-page")).to_be_attached()
        await page.wait_for_selector(".hv-connection[data-kind=good]")
        await page.evaluate("document.fonts.ready")
        served = [path for path in cdn.asked if path.endswith((".js", ".css", ".mjs", ".woff2"))]
        assert len(served) > 30
        for name in ("hive/inter-latin.woff2", "hive/workflows.css", "modules/hive-flow/index.js"):
            assert any(path.endswith(name) for path in served), name
        stayed = {path.rpartition("/")[2] for path in own if path.startswith(("/_nicegui/", "/static/"))}
        assert stayed == {"quasar.important.prod.css", "quasar.unimportant.prod.css"}
        assert wrong == []
        found = next(path for path in served if path.endswith("nicegui/nicegui.js"))
        async with httpx.AsyncClient() as nobody:  # as a CDN that fetches what it lacks
            fetched = await nobody.get(f"{gui.url}/static{found}")
        assert fetched.content == (cdn.folder / found[1:]).read_bytes()
        assert fetched.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert fetched.headers["vary"] == "Accept-Encoding"
        assert "set-cookie" not in fetched.headers
        assert await page.evaluate(REFUSED, stranger.url + found) == f"script-src-elem {stranger.url}{found}"
        assert stranger.asked == []
    finally:
        gui.kill()
