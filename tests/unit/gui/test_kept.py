"""Scripts are read and compressed once."""

import gzip

import httpx
import pytest
from nicegui import __version__
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from gui import kept
from gui.kept import KeptAnswers

SCRIPT = f"/_nicegui/{__version__}/static/vue.js"
PAGE = "/agents"
WORDS = "let bees = 1;\n" * 200


class Counted:
    """An app that counts how often it is asked for each path."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        routes = [Route(path, self._answer) for path in (SCRIPT, PAGE)]
        self.app = KeptAnswers(GZipMiddleware(Starlette(routes=routes)))

    async def _answer(self, request: Request) -> Response:
        self.asked.append(request.url.path)
        response = PlainTextResponse(WORDS, status_code=500 if "broken" in request.headers else 200)
        response.set_cookie("hive_gui", "somebody's login")
        return response

    def browser(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://hive")


async def test_a_script_is_made_once_and_alike_for_everybody() -> None:
    counted = Counted()
    async with counted.browser() as browser:
        first, second = [await browser.get(SCRIPT) for _ in range(2)]
    assert first.text == second.text == WORDS
    assert second.headers["content-encoding"] == "gzip"
    assert int(second.headers["content-length"]) == len(gzip.compress(WORDS.encode())) < len(WORDS)
    assert counted.asked == [SCRIPT]


async def test_nobody_is_given_another_one_s_cookie() -> None:
    counted = Counted()
    async with counted.browser() as browser:
        first = await browser.get(SCRIPT)
    async with counted.browser() as other:
        second = await other.get(SCRIPT)
    assert "set-cookie" in first.headers
    assert "set-cookie" not in second.headers


async def test_who_cannot_unpack_is_given_the_plain_text() -> None:
    async with Counted().browser() as browser:
        await browser.get(SCRIPT)
        plain = await browser.get(SCRIPT, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == WORDS


async def test_pages_questions_parts_and_failures_are_made_each_time() -> None:
    counted = Counted()
    async with counted.browser() as browser:
        for path, headers in ((PAGE, {}), (f"{SCRIPT}?a=1", {}), (SCRIPT, {"Range": "bytes=0-9"}), (SCRIPT, {"broken": "1"})):
            for _ in range(2):
                await browser.get(path, headers=headers)
    assert len(counted.asked) == 8


async def test_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_BYTES", 10)
    counted = Counted()
    async with counted.browser() as browser:
        for _ in range(2):
            assert (await browser.get(SCRIPT)).text == WORDS
    assert len(counted.asked) == 2
