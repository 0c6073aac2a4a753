"""How the MCP package makes its requests: to addresses that the guard was asked about, with a bound on what comes back."""

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

import httpcore2
import httpx2

from bus.errors import HiveError, RequestRefused

Refuse = Callable[[HiveError], None]


def bounded(
    resolve: Callable[[str, int], Awaitable[str]], take: Callable[[int], None], refuse: Refuse
) -> httpx2.AsyncBaseTransport:
    """`resolve` and `take` raise RequestRefused, which `refuse` is told too: the package's own tasks may swallow it."""
    transport = httpx2.AsyncHTTPTransport(verify=ssl.create_default_context(), trust_env=False)
    # there is no setting for it; the pool's own attribute is where every connection is made
    pool: Any = transport._pool
    pool._network_backend = _Guarded(resolve, refuse)
    return _Bounded(transport, take, refuse)


class _Guarded(httpcore2.AsyncNetworkBackend):
    def __init__(self, resolve: Callable[[str, int], Awaitable[str]], refuse: Refuse) -> None:
        self._resolve, self._refuse, self._backend = resolve, refuse, httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        try:
            address = await self._resolve(host, port)
        except RequestRefused as error:
            self._refuse(error)
            raise
        return await self._backend.connect_tcp(address, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.AsyncNetworkStream:
        raise RequestRefused("Workflows reach no unix sockets.")

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)


class _Bounded(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport, take: Callable[[int], None], refuse: Refuse) -> None:
        self._inner, self._take, self._refuse = inner, take, refuse

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await self._inner.handle_async_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            error = RequestRefused("The MCP server compresses its answer though it was asked not to.")
            self._refuse(error)
            await response.aclose()
            raise error
        stream: Any = response.stream
        response.stream = _Counted(stream, self._take, self._refuse)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, take: Callable[[int], None], refuse: Refuse) -> None:
        self._inner, self._take, self._refuse = inner, take, refuse

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._inner:
            try:
                self._take(len(piece))
            except RequestRefused as error:
                self._refuse(error)
                raise
            yield piece

    async def aclose(self) -> None:
        await self._inner.aclose()
