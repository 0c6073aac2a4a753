"""Requests of workflows against internal addresses, with real name resolution, redirects, a proxy and an engine."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from tests.integration.workflow.parts import EngineProcess, Workflows, chain, node
from tests.integration.workflow.witness import Witness
from workflow.core.effects import CallHttp
from workflow.core.execution import Reply
from workflow.outside.guard import Guard
from workflow.outside.http_calls import HttpCalls


class Redirecting:
    """Answers whatever is asked with a redirect to `target`. `asked`: first lines of requests."""

    def __init__(self, target: str) -> None:
        self._target = target
        self.asked: list[str] = []
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> "Redirecting":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head.decode().splitlines()[0])
        answer = f"HTTP/1.1 302 Found\r\nLocation: {self._target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(answer.encode())
        await writer.drain()
        writer.close()


@pytest.fixture
async def witness() -> AsyncIterator[Witness]:
    async with Witness() as witness:
        yield witness


async def call(guard: Guard, url: str, *, proxy: str | None = None) -> Reply:
    calls = HttpCalls(guard, max_bytes=1_000_000)
    try:
        return await calls.carry_out(CallHttp(key="k", url=url, timeout_seconds=20, proxy=proxy))
    finally:
        await calls.close()


def code_of(reply: Reply) -> str | None:
    return None if reply.failure is None else reply.failure.code


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
async def test_whatever_it_is_called_an_internal_address_is_refused_before_anything_is_sent(
    host: str, witness: Witness
) -> None:
    reply = await call(Guard.of([]), f"http://{host}:{witness.port}/")
    assert code_of(reply) == "request_refused", reply
    assert not witness.keys


@pytest.mark.parametrize("allowed", ["localhost", "127.0.0.0/8"])
async def test_what_the_administrator_allows_is_reached(allowed: str, witness: Witness) -> None:
    reply = await call(Guard.of([allowed, "::1"]), f"http://localhost:{witness.port}/")
    assert reply.failure is None
    assert witness.keys == {"k": 1}


@pytest.mark.parametrize("allowed", [["localhost"], ["localhost", "127.0.0.0/8"]])
async def test_a_redirect_is_asked_about_anew(allowed: list[str], witness: Witness) -> None:
    async with Redirecting(f"http://127.0.0.1:{witness.port}/") as front:
        with capture_logs() as logs:
            reply = await call(Guard.of(allowed), f"http://localhost:{front.port}/")
        assert len(front.asked) == 1
    told = [(log["code"], log["host"], log["address"]) for log in logs if log["event"] == "address_refused"]
    assert told == ([("request_refused", "127.0.0.1", "127.0.0.1")] if len(allowed) == 1 else [])
    if len(allowed) == 1:
        assert code_of(reply) == "request_refused", reply
        assert not witness.keys
    else:
        assert reply.failure is None
        assert witness.keys == {"k": 1}


async def test_a_redirect_through_a_proxy_is_asked_about_too() -> None:
    """The target is an address of documentation, allowed here, so that nothing but the proxy is ever connected to."""
    async with Redirecting("http://169.254.169.254/latest") as proxy:
        allowed = Guard.of(["localhost", "192.0.2.0/24"])
        reply = await call(allowed, "http://192.0.2.1/", proxy=f"http://localhost:{proxy.port}")
        assert code_of(reply) == "request_refused", reply
        assert proxy.asked == ["GET http://192.0.2.1/ HTTP/1.1"]


async def test_an_internal_proxy_is_refused_itself(witness: Witness) -> None:
    reply = await call(Guard.of(["192.0.2.0/24"]), "http://192.0.2.1/", proxy=f"http://127.0.0.1:{witness.port}")
    assert code_of(reply) == "request_refused", reply
    assert not witness.keys


async def test_a_workflow_s_request_and_its_bomb_are_refused_by_a_running_engine_and_logged(
    engine: EngineProcess, workflows: Workflows, witness: Witness
) -> None:
    request = node("Ask", "httpRequest", {"url": f"http://localhost:{witness.port}/", "options": {}}, 4.2)
    made = await workflows.create(chain(node("Start", "manualTrigger"), request))
    record = await workflows.execute(made.id, wait=30)
    assert record.status == "error"
    assert record.data is not None
    error = record.data["resultData"]["runData"]["Ask"][0]["error"]
    assert error["code"] == "request_refused", error
    assert not witness.keys
    await engine.logged("address_refused")
    bomb = node("Bomb", "code", {"jsCode": "const all = []; for (;;) all.push(new Array(100000).fill(1.5))"}, 2)
    made = await workflows.create(chain(node("Start", "manualTrigger"), bomb))
    record = await workflows.execute(made.id, wait=60)
    assert record.data is not None
    error = record.data["resultData"]["error"]
    assert (error["code"], error["node"]) == ("evaluation_limit", {"name": "Bomb"})
    await engine.logged("evaluation_stopped")
    step = await workflows.create(chain(node("Start", "manualTrigger"), node("Step", "code", {"jsCode": "return []"}, 2)))
    assert (await workflows.execute(step.id, wait=30)).status == "success", "the same engine goes on"
    assert engine.process.poll() is None
