"""A name that changes its mind: allowed when the guard is asked about it, internal when it is asked for again."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from bus.errors import RequestRefused
from tests.integration.workflow.witness import Witness
from workflow.core.effects import CallHttp
from workflow.core.execution import Reply
from workflow.outside.guard import Guard
from workflow.outside.http_calls import HttpCalls
from workflow.outside.reaching import address_of

NAME = "rebind.example"
OUTSIDE, INSIDE = "127.0.0.2", "127.0.0.1"
"""Both are of this machine, so that a connection that should not be would come to be; the one stands for an address outside."""
GUARD = Guard.of([f"{OUTSIDE}/32"])


class Resolver:
    """Of the name it gives `answers`, one after the other, and the last one for ever. `asked`: how often."""

    def __init__(self, ask_others: Any) -> None:
        self._ask_others = ask_others
        self.answers: list[tuple[str, ...]] = []
        self.asked = 0

    async def getaddrinfo(self, host: str, port: int, **more: Any) -> Any:
        if host != NAME:
            return await self._ask_others(host, port, **more)
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]


@pytest.fixture
async def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    loop = asyncio.get_running_loop()
    resolver = Resolver(loop.getaddrinfo)
    monkeypatch.setattr(loop, "getaddrinfo", resolver.getaddrinfo)
    return resolver


@pytest.fixture
async def outside() -> AsyncIterator[Witness]:
    async with Witness(host=OUTSIDE) as witness:
        yield witness


@pytest.fixture
async def inside(outside: Witness) -> AsyncIterator[Witness]:
    """What must not be reached, at the port of what may."""
    async with Witness(host=INSIDE, port=outside.port) as witness:
        yield witness


@pytest.fixture
def logs() -> Iterator[list[Any]]:
    with capture_logs() as logs:
        yield logs


async def call(calls: HttpCalls, key: str, port: int) -> Reply:
    return await calls.carry_out(
        CallHttp(key=key, url=f"http://{NAME}:{port}/", timeout_seconds=20, headers={"connection": "close"})
    )


def refusals(logs: list[Any]) -> list[tuple[str, str]]:
    return [(log["host"], log["address"]) for log in logs if log["event"] == "address_refused"]


async def test_between_check_and_connection_a_name_is_not_asked_for_again(
    resolver: Resolver, outside: Witness, inside: Witness, logs: list[Any]
) -> None:
    """Then each connection is looked at anew: the second answer is refused, before anything is sent."""
    resolver.answers = [(OUTSIDE,), (INSIDE,)]
    calls = HttpCalls(GUARD, max_bytes=1000)
    first = await call(calls, "first", outside.port)
    assert (first.failure, resolver.asked, outside.keys) == (None, 1, {"first": 1})
    second = await call(calls, "second", outside.port)
    await calls.close()
    assert second.failure is not None
    assert (second.failure.code, resolver.asked) == ("request_refused", 2)
    assert (outside.keys, inside.keys) == ({"first": 1}, {})
    assert refusals(logs) == [(NAME, INSIDE)]


async def test_an_internal_address_among_others_is_refused_though_another_would_be_connected_to(
    resolver: Resolver, outside: Witness, inside: Witness, logs: list[Any]
) -> None:
    resolver.answers = [(OUTSIDE, INSIDE)]
    calls = HttpCalls(GUARD, max_bytes=1000)
    reply = await call(calls, "k", outside.port)
    await calls.close()
    assert reply.failure is not None
    assert reply.failure.code == "request_refused"
    assert not outside.keys
    assert not inside.keys
    assert refusals(logs) == [(NAME, INSIDE)]


async def test_databases_mail_and_mcp_servers_get_the_address_that_was_looked_at(resolver: Resolver, logs: list[Any]) -> None:
    """They connect to what this gives, and never to the name."""
    resolver.answers = [(OUTSIDE,), (INSIDE,)]
    assert await address_of(GUARD, NAME, 5432) == OUTSIDE
    assert resolver.asked == 1
    with pytest.raises(RequestRefused):
        await address_of(GUARD, NAME, 5432)
    assert refusals(logs) == [(NAME, INSIDE)]
