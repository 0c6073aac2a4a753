"""What HTTP doors have against those who mean ill: other sites, frames, slow clients, endless heads, floods."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import uvicorn
from starlette.types import Message, Receive, Scope, Send
from structlog.testing import capture_logs

from bus.web.hardening import NO_PAGE, hardened, secured
from bus.web.origins import from_elsewhere
from bus.web.pace import MESSAGES, SECONDS, MessagePace
from bus.web.paths import climbs
from bus.web.same_origin import SameOrigin
from bus.web.slow_clients import BODY_SECONDS, HEAD_SECONDS, MOST_HEAD_BYTES, BoundedProtocol, cut_off


@pytest.mark.parametrize(
    ("headers", "elsewhere"),
    [
        ({}, False),
        ({"origin": "http://hive:8430"}, False),
        ({"origin": "http://hive:3000"}, True),
        ({"origin": "null"}, True),
        ({"origin": "http://["}, True),
        ({"sec-fetch-site": "same-origin"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "https://hive:443"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"sec-fetch-site": "same-site"}, True),
        ({"sec-fetch-site": "cross-site", "origin": "http://hive:8430"}, True),
    ],
)
def test_what_another_site_made_a_browser_send_is_known(headers: dict[str, str], elsewhere: bool) -> None:
    assert from_elsewhere({"host": "hive:8430", **headers}) is elsewhere


def test_headers_are_added_where_an_answer_says_nothing_itself() -> None:
    plain = dict(hardened([(b"Content-Security-Policy", b"default-src 'self'")], "http", NO_PAGE))
    assert plain[b"Content-Security-Policy"] == b"default-src 'self'"
    assert b"content-security-policy" not in plain
    assert (plain[b"x-content-type-options"], plain[b"referrer-policy"]) == (b"nosniff", b"no-referrer")
    assert b"strict-transport-security" not in plain
    assert b"max-age" in dict(hardened([], "https", NO_PAGE))[b"strict-transport-security"]


def test_cookies_are_secure_over_tls_alone() -> None:
    cookie = [(b"set-cookie", b"hive_gui=1; httponly; samesite=lax")]
    assert secured(cookie, "http") == cookie
    assert secured(secured(cookie, "https"), "https") == [(b"set-cookie", b"hive_gui=1; httponly; samesite=lax; secure")]


def test_messages_of_a_connection_have_a_pace() -> None:
    pace = MessagePace()
    assert all(pace.allows(0.0) for _ in range(MESSAGES))
    assert not pace.allows(SECONDS - 0.1)
    assert all(pace.allows(SECONDS) for _ in range(MESSAGES))


@pytest.mark.parametrize(
    ("path", "climbing"),
    [
        ("/assets/hive.css", False),
        ("/webhook/a..b/...", False),
        ("/", False),
        ("/..", True),
        ("/assets/../../etc/passwd", True),
        ("/assets/..\\..\\etc", True),
    ],
)
def test_a_path_that_leads_upwards_is_known(path: str, climbing: bool) -> None:
    assert climbs(path) is climbing


async def _app(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        while (await receive())["type"] != "websocket.disconnect":
            continue
        return
    while (await receive()).get("more_body"):
        continue
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"done"})


async def _asked(path: str, method: str, **headers: str) -> int:
    """The status, or the code of a WebSocket's end."""
    sent: list[Message] = []
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in {"host": "hive", **headers}.items()]
    kind = "websocket" if method == "WS" else "http"
    heard = iter([{"type": "websocket.receive", "text": "x"}] * (MESSAGES + 1))

    async def receive() -> Message:
        return next(heard, {"type": "websocket.disconnect"}) if kind == "websocket" else {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "method": method, "headers": raw, "client": ("10.0.0.9", 1)}
    await SameOrigin(_app, always="/_socket", now=lambda: 0.0)(scope, receive, send)
    return int(next((m["status"] for m in sent if "status" in m), 0) or next((m["code"] for m in sent if "code" in m), 0))


async def test_a_dashboard_refuses_what_other_sites_send_and_logs_it() -> None:
    with capture_logs() as logs:
        assert await _asked("/upload", "POST", origin="http://evil") == 403
        assert await _asked("/upload", "POST", origin="http://hive") == 200
        assert await _asked("/", "GET", sec_fetch_site="cross-site") == 200, "a link from elsewhere"
        assert await _asked("/_socket/", "GET", sec_fetch_site="same-site") == 403
        assert await _asked("/_socket/", "WS", origin="http://evil") == 1008
    assert [log["event"] for log in logs] == ["foreign_request_refused"] * 3
    assert logs[0]["address"] == "10.0.0.9"


async def test_a_dashboard_refuses_paths_that_lead_upwards_and_logs_it() -> None:
    with capture_logs() as logs:
        assert await _asked("/assets/../../secrets.json", "GET") == 404
        assert await _asked("/assets/hive.css", "GET") == 200
    assert [(log["event"], log["address"]) for log in logs] == [("path_refused", "10.0.0.9")]


async def test_a_flood_is_closed_and_logged() -> None:
    with capture_logs() as logs:
        assert await _asked("/_socket/", "WS") == 1008
    assert [log["event"] for log in logs] == ["flood_closed"]


@pytest.fixture
async def server() -> AsyncIterator[uvicorn.Server]:
    server = uvicorn.Server(uvicorn.Config(_app, port=0, http=BoundedProtocol, log_config=None, lifespan="off"))
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:
            await asyncio.sleep(0.01)
    yield server
    server.should_exit = True
    await serving


def _no_signals() -> Any:
    from contextlib import nullcontext

    return nullcontext()


Opened = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _open(server: uvicorn.Server, sent: bytes, until: Callable[[BoundedProtocol], bool]) -> Opened:
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    async with asyncio.timeout(10):
        while not any(isinstance(each, BoundedProtocol) and until(each) for each in server.server_state.connections):
            await asyncio.sleep(0.01)
    return reader, writer


@pytest.mark.parametrize(
    ("sent", "in_head", "seconds"),
    [
        (b"", True, HEAD_SECONDS),
        (b"POST / HTTP/1.1\r\nHost: hive\r\nX-Slow: ", True, HEAD_SECONDS),
        (b"POST / HTTP/1.1\r\nHost: hive\r\nContent-Length: 10\r\n\r\nabc", False, BODY_SECONDS),
    ],
)
async def test_who_sends_too_slowly_is_cut_off(server: uvicorn.Server, sent: bytes, in_head: bool, seconds: float) -> None:
    reader, writer = await _open(
        server,
        sent,
        lambda each: each.since is not None and each.in_head is in_head and (each.head_bytes > 0) is (in_head and bool(sent)),
    )
    now = asyncio.get_running_loop().time()
    cut_off(server.server_state.connections, now + seconds - 5, HEAD_SECONDS, BODY_SECONDS)
    with capture_logs() as logs:
        cut_off(server.server_state.connections, now + seconds + 1, HEAD_SECONDS, BODY_SECONDS)
    async with asyncio.timeout(10):
        assert (await reader.read()).startswith(b"HTTP/1.1 408 ")
    assert [log["event"] for log in logs] == ["request_cut_off"]
    writer.close()


async def test_a_head_without_end_is_cut_off(server: uvicorn.Server) -> None:
    reader, writer = await _open(server, b"GET / HTTP/1.1\r\nHost: hive\r\nX-Long: ", lambda each: each.in_head)
    with capture_logs() as logs:
        writer.write(b"a" * (MOST_HEAD_BYTES + 1))
        async with asyncio.timeout(10):
            assert (await reader.read()).startswith(b"HTTP/1.1 431 ")
    assert [(log["event"], log["status"]) for log in logs] == [("request_cut_off", 431)]
    writer.close()


async def test_who_is_answered_and_rests_is_left_alone(server: uvicorn.Server) -> None:
    reader, writer = await _open(server, b"GET / HTTP/1.1\r\nHost: hive\r\n\r\n", lambda each: each.since is None)
    async with asyncio.timeout(10):
        await reader.readuntil(b"done")
    cut_off(server.server_state.connections, asyncio.get_running_loop().time() + 1000, HEAD_SECONDS, BODY_SECONDS)
    writer.write(b"POST / HTTP/1.1\r\nHost: hive\r\nContent-Length: 3\r\n\r\nabc")
    async with asyncio.timeout(10):
        assert await reader.readuntil(b"done")
    writer.close()


async def test_a_request_right_behind_a_long_body_is_answered(server: uvicorn.Server) -> None:
    reader, writer = await _open(server, b"", lambda _each: True)
    [connection] = server.server_state.connections
    body, asked = b"a" * (MOST_HEAD_BYTES + 1), b"POST / HTTP/1.1\r\nHost: hive\r\nContent-Length: "
    connection.data_received(asked + str(len(body)).encode() + b"\r\n\r\n" + body + asked)  # type: ignore[union-attr]
    writer.write(b"3\r\n\r\nabc")
    async with asyncio.timeout(10):
        for _ in range(2):
            assert b" 200 " in await reader.readuntil(b"done")
    writer.close()
