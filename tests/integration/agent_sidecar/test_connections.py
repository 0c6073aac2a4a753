"""Connections to a backend are kept, and what a kept one does wrong costs no request, and sends none twice."""

import asyncio
from contextlib import suppress

import psutil
import pytest

from agent_sidecar.addresses import parse_address
from agent_sidecar.backends.backend import Ask, Result
from agent_sidecar.backends.http import HttpClient
from agent_sidecar.backends.ollama import OllamaBackend
from bus.errors import BackendUnreachable
from bus.messages import ChatMessage
from tests.integration.agent_sidecar.keeping import WELL, Keeping
from tests.integration.agent_sidecar.misbehaving import STREAM, Exchange
from tests.integration.agent_sidecar.test_misbehaviour import Make
from tests.parts.ollama import MODEL, Ollama

SMUGGLED = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
DONE = b'{"message":{"role":"assistant","content":"Hello"},"done":true,"done_reason":"stop"}\n'
ASK = Ask(model=MODEL, messages=(ChatMessage(role="user", content="Hi"),), options={"num_predict": 4})


async def test_requests_one_after_the_other_share_a_connection(keeping: Keeping) -> None:
    client = HttpClient(keeping.address, keeps=True)
    for _ in range(3):
        assert await client.request("POST", "/", b"{}") == b"well"
    assert (keeping.connections, keeping.requests) == (1, 3)


async def test_requests_at_once_have_one_each(keeping: Keeping) -> None:
    client = HttpClient(keeping.address, keeps=True)
    async with client.stream("GET", "/") as one, client.stream("GET", "/") as other:
        assert (await one.read(), await other.read()) == (b"well", b"well")
    await asyncio.gather(*(client.request("GET", "/") for _ in range(2)))
    assert (keeping.connections, keeping.requests) == (2, 4)


async def test_a_backend_that_is_not_known_to_keep_them_is_asked_to_close_them(keeping: Keeping) -> None:
    client = HttpClient(keeping.address)
    for _ in range(3):
        assert await client.request("GET", "/") == b"well"
    assert (keeping.connections, keeping.requests) == (3, 3)


async def test_one_that_the_backend_closed_is_not_written_to(keeping: Keeping) -> None:
    client = HttpClient(keeping.address, keeps=True)
    for _ in range(20):
        await client.request("POST", "/", b"{}")
        keeping.hang_up()  # and the loop has had no turn since
    assert (keeping.connections, keeping.requests) == (20, 20)


async def test_one_that_was_long_idle_is_not_written_to(keeping: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_sidecar.backends.connections.IDLE_SECONDS", -1.0)
    client = HttpClient(keeping.address, keeps=True)
    for _ in range(2):
        await client.request("GET", "/")
    assert keeping.connections == 2


async def test_a_request_that_was_not_sent_is_sent_again(keeping: Keeping) -> None:
    keeping.answers = lambda connection: (WELL, Keeping.RESET) if connection == 1 else ()
    client = HttpClient(keeping.address, keeps=True)
    await client.request("GET", "/")
    assert await client.request("POST", "/", b"x" * 15_000_000, timeout=20) == b"well"  # more than the socket takes at once
    assert (keeping.connections, keeping.requests) == (2, 2)


async def test_a_request_that_was_sent_is_not_sent_again(keeping: Keeping) -> None:
    keeping.answers = lambda connection: (WELL, None)
    client = HttpClient(keeping.address, keeps=True)
    await client.request("GET", "/")
    with pytest.raises(BackendUnreachable, match="without an answer"):
        await client.request("POST", "/", b"{}")
    assert (keeping.connections, keeping.requests) == (1, 2)


CLOSING = WELL.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize("answer", [WELL + SMUGGLED, WELL + b"no HTTP", CLOSING + b"no HTTP"])
async def test_what_comes_behind_an_answer_is_nobodys(keeping: Keeping, answer: bytes) -> None:
    keeping.answers = lambda connection: (answer,)
    client = HttpClient(keeping.address, keeps=True)
    for _ in range(3):
        assert await client.request("GET", "/") == b"well"
    assert keeping.connections == 3


@pytest.mark.parametrize("upgrade", [b"", b"Connection: Upgrade\r\nUpgrade: websocket\r\n"])
async def test_another_protocol_is_no_answer(keeping: Keeping, upgrade: bytes) -> None:
    keeping.answers = lambda connection: (b"HTTP/1.1 101 Switching Protocols\r\n" + upgrade + b"\r\n" + WELL,)
    with pytest.raises(BackendUnreachable):
        await HttpClient(keeping.address, keeps=True).request("GET", "/")


@pytest.mark.parametrize("answer", [WELL.replace(b"1.1", b"1.0"), CLOSING])
async def test_a_backend_that_keeps_none_is_asked_by_a_new_one(keeping: Keeping, answer: bytes) -> None:
    keeping.answers = lambda connection: (answer,)
    client = HttpClient(keeping.address, keeps=True)
    for _ in range(2):
        assert await client.request("GET", "/") == b"well"
    assert keeping.connections == 2


async def test_an_answer_that_is_left_closes_its_connection(keeping: Keeping) -> None:
    keeping.answers = lambda connection: (b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf",) if connection == 1 else ()
    client = HttpClient(keeping.address, keeps=True)
    with suppress(LookupError):
        async with client.stream("GET", "/") as response:
            assert await response.part() == b"half"
            raise LookupError
    assert await client.request("GET", "/") == b"well"
    assert keeping.connections == 2


async def test_an_answer_that_is_complete_and_does_not_end_holds_nobody_up(misbehaving: Make) -> None:
    left = asyncio.Event()

    async def goes_on(exchange: Exchange) -> None:
        await exchange.raw(STREAM)
        await exchange.chunk(DONE)
        await exchange.left()
        left.set()

    server = misbehaving(MODEL)
    server.chat = goes_on
    backend = OllamaBackend(await server.start())
    async with asyncio.timeout(20):
        items = [item async for item in backend.generate(ASK)]
        await left.wait()
    assert isinstance(items[-1], Result)
    assert items[-1].finish_reason == "stop"


@pytest.mark.slow
async def test_attempts_on_ollama_share_a_connection(ollama: Ollama) -> None:
    backend, ports = OllamaBackend(parse_address(ollama.url)), set[int]()
    for _ in range(3):
        items = [item async for item in backend.generate(ASK)]
        assert isinstance(items[-1], Result)
        ports |= ports_to(ollama.port)
    await backend.models()
    assert len(ports | ports_to(ollama.port)) == 1
    await backend.aclose()


def ports_to(port: int) -> set[int]:
    """This process's ends of its connections to it."""
    found = psutil.Process().net_connections("tcp")
    return {
        each.laddr.port for each in found if each.raddr and each.raddr.port == port and each.status == psutil.CONN_ESTABLISHED
    }
