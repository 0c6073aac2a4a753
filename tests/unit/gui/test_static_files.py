"""What browsers load: named by what it holds, served so that it is kept for good, exported whole."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from nicegui import __version__, ui
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from gui.serving import MovedAddresses, ServedFiles
from gui.settings import GuiSettings
from gui.static_files import PLACE, StaticFiles, collected, export
from gui.web import policy

GUI = Path(__file__).parents[3] / "gui"
FOUND = collected()
CDN = "https://cdn.example.com/hive"
FILES: dict[str, Path | bytes] = {"elements/a.js": b"let a;", "hive/hive.css": b"a{}"}
MOVED = {"/_nicegui/1/components/k1/a.js": "elements/a.js", "/_hive/": "hive/"}


def test_everything_that_the_pages_are_drawn_by_is_there() -> None:
    sources = [
        path for folder in ("elements", "canvas") for path in (GUI / folder).rglob("*.js") if "node_modules" not in path.parts
    ]
    held = {path for path in FOUND.files.values() if isinstance(path, Path)}
    # `flow.js` is what `built/` is made of.
    assert {path.name for path in sources if path not in held} == {"flow.js"}
    assert {"hive/hive.css", "hive/workflows.css", "hive/inter-latin.woff2", "nicegui/nicegui.js"} <= FOUND.files.keys()


def test_styles_ask_for_nothing_that_is_elsewhere() -> None:
    for name in ("hive/hive.css", "hive/workflows.css"):
        asked = re.findall(r"url\(\"?([^)\"]+)", FOUND.content(name).decode())
        assert [url for url in asked if not url.startswith("data:") and f"hive/{url}" not in FOUND.files] == []


def test_the_hash_is_of_names_and_contents_and_not_of_where_they_lie(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"let a;")
    moved = StaticFiles(FILES | {"elements/a.js": tmp_path / "a.js"}, MOVED)
    assert moved.digest == StaticFiles(FILES, MOVED).digest
    others: list[dict[str, Path | bytes]] = [
        FILES | {"elements/a.js": b"let b;"},
        {"elements/b.js": b"let a;", "hive/hive.css": b"a{}"},
    ]
    assert len({StaticFiles(files, MOVED).digest for files in [FILES, *others]}) == 3


@pytest.mark.parametrize("base", [PLACE, CDN])
def test_a_page_names_them_by_where_they_are_and_nothing_else_is_changed(base: str) -> None:
    found = StaticFiles(FILES, MOVED)
    page = b'from "/_nicegui/1/components/k1/a.js" href="/_hive/hive.css" from "/_nicegui/1/components/k2/b.js" /_nicegui_ws/ <b>/hive/</b>'
    place = f"{base}/{found.digest}"
    assert found.in_page(page, base).decode() == (
        f'from "{place}/elements/a.js" href="{place}/hive/hive.css" from "/_nicegui/1/components/k2/b.js" /_nicegui_ws/ <b>/hive/</b>'
    )


def test_what_stays_with_the_dashboard_is_named_by_the_hash_too() -> None:
    found = StaticFiles(FILES, MOVED | {"/_hive/hive": "hive/hive"}, frozenset({"/_hive/hive"}))
    assert found.in_page(b'"/_hive/hive.css" "/_hive/a.css"', CDN).decode() == (
        f'"{PLACE}/{found.digest}/hive/hive.css" "{CDN}/{found.digest}/hive/a.css"'
    )


async def page(_request: Request) -> Response:
    return HTMLResponse('<link href="/_hive/hive.css">')


async def script(_request: Request) -> Response:
    return Response('"/_hive/hive.css"', media_type="text/javascript")


async def test_they_are_kept_for_a_year_and_another_version_s_are_not_to_be_had(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_bytes(b"let a;")
    found = StaticFiles(FILES | {"elements/a.js": tmp_path / "a.js"}, MOVED)
    pages = MovedAddresses(Starlette(routes=[Route("/", page), Route("/script", script)]), found, PLACE)
    app = ServedFiles(pages, found)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hive") as browser:
        first = await browser.get("/")
        assert first.text == f'<link href="{PLACE}/{found.digest}/hive/hive.css">'
        assert int(first.headers["content-length"]) == len(first.content)
        assert (await browser.get("/script")).text == '"/_hive/hive.css"'
        for name, media_type in {"elements/a.js": "text/javascript", "hive/hive.css": "text/css"}.items():
            answer = await browser.get(f"{PLACE}/{found.digest}/{name}")
            assert answer.content == found.content(name)
            assert answer.headers["content-type"].startswith(media_type)
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["access-control-allow-origin"] == "*"
            assert answer.headers.get("vary", "Accept-Encoding") == "Accept-Encoding"
        for path in (f"0000000000000000/{name}", f"{found.digest}/../{name}", f"{found.digest}/elements/b.js"):
            missing = await browser.get(f"{PLACE}/{path}")
            assert missing.status_code == 404
            assert "immutable" not in missing.headers.get("cache-control", "")


async def test_what_is_installed_over_a_running_dashboard_is_kept_by_nobody(tmp_path: Path) -> None:
    """Browsers and CDNs would have it for a year under the hash of the older version, also once that is back."""
    file = tmp_path / "a.js"
    file.write_bytes(b"let a;")
    found = StaticFiles({"a.js": file, "b.js": b"let b;"}, {})
    address = f"{PLACE}/{found.digest}"
    file.write_bytes(b"let newer;")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(ServedFiles(Starlette(), found)), base_url="http://hive"
    ) as browser:
        newer, same = await browser.get(f"{address}/a.js"), await browser.get(f"{address}/b.js")
    assert (newer.content, newer.headers["cache-control"]) == (b"let newer;", "no-store")
    assert "immutable" in same.headers["cache-control"]


def test_an_export_is_whole_and_beside_those_of_other_versions(tmp_path: Path) -> None:
    one, other = StaticFiles(FILES, MOVED), StaticFiles(FILES | {"hive/hive.css": b"b{}"}, MOVED)
    for found in (one, other, one):
        home = export(found, tmp_path / "cdn")
        assert home == tmp_path / "cdn" / found.digest
        assert {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()} == FILES.keys()
    assert len(list((tmp_path / "cdn").iterdir())) == 2


def test_a_browser_may_load_from_the_named_origin_and_from_no_other() -> None:
    assert "https:" not in policy(None)
    allowed = {part.split()[0]: part for part in policy(CDN).split("; ")}
    for directive in ("script-src", "style-src", "font-src", "img-src"):
        assert " https://cdn.example.com " in allowed[directive]
    for directive in ("default-src", "connect-src", "form-action", "base-uri"):
        assert "cdn" not in allowed[directive]


@pytest.mark.parametrize(
    "url", ["cdn.example.com", "https://cdn.example.com/;script-src *", 'https://cdn"', "https://cdn/a b", "https://u@cdn/"]
)
def test_an_address_that_would_say_more_in_a_page_or_a_policy_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="static_url"):
        GuiSettings(static_url=url)
    assert GuiSettings(static_url=f"{CDN}/").static_url == CDN


def test_no_address_of_nicegui_s_files_that_are_here_is_left_to_its_own() -> None:
    assert f"/_nicegui/{__version__}/static/" in FOUND.moved
    assert all(name in FOUND.files or any(file.startswith(name) for file in FOUND.files) for name in FOUND.moved.values())


def test_an_export_has_the_hash_of_the_dashboard_whatever_else_is_imported() -> None:
    """By another process, which has only what the command imports."""
    program = "from gui.static_files import collected; print(collected().digest)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ui.codemirror is not None  # imported by being named
    assert found.stdout.strip() == collected().digest
