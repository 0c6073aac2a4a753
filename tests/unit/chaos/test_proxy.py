"""The line that chaos tests break: cut, frozen and whole again."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.parts.proxy import Proxy

SOON = 5


class Echo:
    """Says back what it is told; counts who came and who left."""

    def __init__(self) -> None:
        self.came = self.left = 0
        self.heard: asyncio.Queue[bytes] = asyncio.Queue()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        try:
            while data := await reader.read(1000):
                self.heard.put_nowait(data)
                writer.write(data)
        except ConnectionError:
            self.heard.put_nowait(b"")
        self.left += 1
        writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def line(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    proxy = Proxy.to_port(server.sockets[0].getsockname()[1])
    await proxy.start()
    yield proxy
    await proxy.close()
    server.close()


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def to(cls, proxy: Proxy) -> "Client":
        return cls(*await asyncio.open_connection("127.0.0.1", proxy.port))

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def hears(self, seconds: float = SOON) -> bytes:
        return await asyncio.wait_for(self.reader.read(1000), seconds)

    async def leave(self) -> None:
        self.writer.close()


async def test_a_whole_line_carries_both_ways(line: Proxy) -> None:
    client = await Client.to(line)
    client.say(b"hello")
    assert await client.hears() == b"hello"
    await client.leave()


async def test_a_cut_resets_both_ends_and_whoever_comes(line: Proxy, echo: Echo) -> None:
    client = await Client.to(line)
    client.say(b"hello")
    assert await client.hears() == await echo.heard.get() == b"hello"
    line.cut()
    with pytest.raises(ConnectionResetError):
        await client.hears()
    assert await asyncio.wait_for(echo.heard.get(), SOON) == b""
    late = await Client.to(line)
    with pytest.raises(ConnectionResetError):
        await late.hears()
    assert echo.came == 1
    line.heal()
    again = await Client.to(line)
    again.say(b"hello")
    assert await again.hears() == b"hello"
    for each in (client, late, again):
        await each.leave()


async def test_a_frozen_line_says_nothing_until_it_thaws(line: Proxy, echo: Echo) -> None:
    client = await Client.to(line)
    client.say(b"one")
    assert await client.hears() == await echo.heard.get() == b"one"
    line.freeze()
    client.say(b"two")
    with pytest.raises(TimeoutError):
        await client.hears(0.2)
    assert echo.heard.empty()
    line.heal()
    assert await client.hears() == b"two"
    await client.leave()


async def test_that_one_end_left_is_no_news_on_a_frozen_line(line: Proxy, echo: Echo) -> None:
    client = await Client.to(line)
    client.say(b"one")
    assert await client.hears() == b"one"
    await echo.heard.get()
    line.freeze()
    await client.leave()
    late = await Client.to(line)
    with pytest.raises(TimeoutError):
        await late.hears(0.2)
    assert (echo.came, echo.left) == (1, 0)
    line.heal()
    late.say(b"late")
    assert await late.hears() == b"late"
    await late.leave()


async def test_the_far_end_gives_up_a_frozen_line_as_its_kernel_would(echo: Echo) -> None:
    server = await asyncio.start_server(echo.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy = Proxy(lambda: asyncio.open_connection("127.0.0.1", port), keepalive_seconds=0.1)
    await proxy.start()
    client = await Client.to(proxy)
    client.say(b"one")
    assert await client.hears() == await echo.heard.get() == b"one"
    proxy.freeze()
    assert await asyncio.wait_for(echo.heard.get(), SOON) == b""
    await client.leave()
    await proxy.close()
    server.close()
