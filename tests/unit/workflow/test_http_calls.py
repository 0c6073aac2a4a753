"""What the connections of workflows have in common, and what not."""

import asyncio

from workflow.effects import CallHttp
from workflow.guard import Guard
from workflow.http_calls import HttpCalls


async def test_a_cookie_that_one_request_was_given_is_not_sent_by_the_next() -> None:
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: session=anna; path=/\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    calls = HttpCalls(Guard.of(["127.0.0.1"]), 1000)
    async with server, asyncio.timeout(10):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for key in ("of-anna", "of-bert"):
            reply = await calls.carry_out(CallHttp(key=key, url=url))
            assert reply.failure is None
        own = await calls.carry_out(CallHttp(key="of-carl", url=url, headers={"cookie": "session=carl"}))
        assert own.failure is None
    await calls.close()
    assert b"anna" not in heard[1]
    assert b"cookie: session=carl\r\n" in heard[2]
    assert b"anna" not in heard[2]
