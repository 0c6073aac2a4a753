"""A node type that calls the witness, for workflows whose effects are counted, and the witness: an HTTP server that counts idempotency keys."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable


class Witness:
    """`hold` keeps answers back until it is set. `keys`: how often each idempotency key came; `answered`: those that got an answer.

    `most`: how many calls were under way at once, from when they came until they were answered, or their engine died.
    `paths`: the keys that came for each path. `look` is awaited with each key before it is answered. `host` and `port` are where it
    listens.
    """

    def __init__(self, look: Callable[[str], Awaitable[None]] | None = None, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._host = host
        self.keys: Counter[str] = Counter()
        self.paths: defaultdict[str, set[str]] = defaultdict(set)
        self.came = asyncio.Event()
        """Set with each request; whoever waits for the next one clears it."""
        self._look = look
        self.after_answer: Counter[str] = Counter()
        self.answered: set[str] = set()
        self.hold = asyncio.Event()
        self.hold.set()
        self.most = 0
        self._calls: set[asyncio.StreamReader] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.port = port

    async def __aenter__(self) -> "Witness":
        self._server = await asyncio.start_server(self._accept, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self.hold.set()
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def url(self) -> str:
        return f"http://{self._host}:{self.port}/"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Not a coroutine: asyncio's own task for one complains when it is cancelled."""
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                asked, *lines = head.decode().split("\r\n")
                fields = dict(line.split(": ", 1) for line in lines if line)
                found = {name.lower(): value for name, value in fields.items()}
                await reader.readexactly(int(found.get("content-length", "0")))
                key = found["idempotency-key"]
                self.keys[key] += 1
                self._calls.add(reader)
                self.most = max(self.most, sum(not each.at_eof() for each in self._calls))
                self.paths[asked.split(" ")[1]].add(key)
                self.came.set()
                if self._look is not None:
                    await self._look(key)
                if key in self.answered:
                    self.after_answer[key] += 1
                await self.hold.wait()
                body = b'{"ok":true}'
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
                )
                self._calls.discard(reader)
                await writer.drain()
                self.answered.add(key)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._calls.discard(reader)
            writer.close()

    async def heard(self, count: int, seconds: float = 60) -> None:
        """Until so many different keys came."""
        async with asyncio.timeout(seconds):
            while len(self.keys) < count:
                await asyncio.sleep(0.02)
