"""Two gateways as a load balancer stands in front of them: a refused connection goes to the other one. What comes after that has failed."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

DEADLINE_SECONDS = 10.0
"""A client's patience for one request, whatever happens on the other side."""


class Failed(Exception):
    """A request failed for the client; the text is a HiveError's code or the name of what broke the connection."""


class Doors:
    """`fresh`: a new connection for every request; else those that are open are used again, as clients with a pool do.

    `connect_seconds`: a gateway that does not even take the connection for so long counts as one that refuses it.
    """

    def __init__(self, urls: list[str], key: str, *, fresh: bool = True, connect_seconds: float = DEADLINE_SECONDS) -> None:
        limits = httpx.Limits(max_keepalive_connections=0 if fresh else 4)
        headers = {"Authorization": f"Bearer {key}"}
        timeout = httpx.Timeout(DEADLINE_SECONDS, connect=connect_seconds)
        self._clients = [httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, limits=limits) for url in urls]
        self._turn = itertools.count()

    async def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        """An answer below 500, within the deadline. Failed."""
        async with self.stream(method, path, **more) as response:
            return response

    @asynccontextmanager
    async def stream(self, method: str, path: str, *, whole: bool = True, **more: Any) -> AsyncIterator[httpx.Response]:
        """With the body read when `whole`; else the deadline is for the head alone."""
        try:
            async with asyncio.timeout(DEADLINE_SECONDS):
                response = await self._send(method, path, **more)
                if whole or response.status_code >= 500:
                    await response.aread()
        except TimeoutError:
            raise Failed("no answer in time") from None
        except httpx.TransportError as error:
            raise Failed(type(error).__name__) from error
        try:
            if response.status_code >= 500:
                raise Failed(_code(response))
            yield response
        finally:
            await response.aclose()

    async def _send(self, method: str, path: str, **more: Any) -> httpx.Response:
        first = next(self._turn)
        refused: httpx.TransportError | None = None
        for number in range(len(self._clients)):
            client = self._clients[(first + number) % len(self._clients)]
            try:
                return await client.send(client.build_request(method, path, **more), stream=True)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                refused = error
        assert refused is not None
        raise refused

    async def close(self) -> None:
        for client in self._clients:
            await client.aclose()


def _code(response: httpx.Response) -> str:
    try:
        return str(response.json()["code"])
    except (ValueError, KeyError):
        return f"HTTP {response.status_code}"
