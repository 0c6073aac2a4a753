"""What the connections of workflows have in common, and what not."""

import asyncio

from workflow.core.effects import CallHttp
from workflow.outside.guard import Guard
from workflow.outside.http_calls import MOST_OF_ONE, HttpCalls


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


async def test_one_whose_services_are_slow_takes_no_connections_from_others() -> None:
    asked, slow = asyncio.Semaphore(0), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if b"/slow" in await reader.readuntil(b"\r\n\r\n"):
            asked.release()
            await slow.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=500)
    calls = HttpCalls(Guard.of(["127.0.0.1"]), 1000)
    async with server, asyncio.timeout(60):
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        wanted = [CallHttp(key=str(number), url=f"{url}/slow", timeout_seconds=60) for number in range(2 * MOST_OF_ONE)]
        waiting = [asyncio.create_task(calls.carry_out(each, owner="anna")) for each in wanted]
        for _ in range(MOST_OF_ONE):
            await asked.acquire()
        reply = await calls.carry_out(CallHttp(key="of-bert", url=f"{url}/fast"), owner="bert")
        assert reply.failure is None
        assert asked.locked(), "nobody has more than a share"
        slow.set()
        assert all(reply.failure is None for reply in await asyncio.gather(*waiting))
    await calls.close()


async def test_a_proxy_leaves_nothing_behind() -> None:
    """Workflows make up names at a proxy, one for each request."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
        ended.put_nowait(await reader.read())
        writer.close()

    ended: asyncio.Queue[bytes] = asyncio.Queue()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    calls = HttpCalls(Guard.of(["127.0.0.1"]), 1000)
    async with server, asyncio.timeout(20):
        place = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        for number in range(3):
            effect = CallHttp(key=str(number), url="http://127.0.0.1:1/", proxy=f"http://session-{number}:x@{place}")
            assert (await calls.carry_out(effect)).failure is None
            await ended.get()
    await calls.close()
