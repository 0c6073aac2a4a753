"""Ending the connections of one user of the bus, on all its servers: by what the system account lets a coordinator ask (nats.conf),
and on the buses of sites by what they have of it (deploy/leaf/leaf.conf).
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Annotated, Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic import BaseModel, Field

from bus import subjects, telemetry
from bus.codec import decode
from bus.errors import InvalidRequest
from bus.nats_bus import NatsBus
from bus.nats_errors import available
from bus.together import end

logger = telemetry.log(__name__)

ANSWER_SECONDS: Final = 0.5
"""That the servers of a cluster have."""
SITES_SECONDS: Final = 1.0
"""That the leaves have, where there are any: how many, nobody here knows. One that is away or too slow is missed."""
SITES_DEADLINE_SECONDS: Final = 3.0
"""For all that is asked of leaves, whatever they answer. A request may need a little longer to end."""
KICK_SECONDS: Final = 2.0
MOST_OF_A_SITE: Final = 64
"""Connections that one answer of a leaf may have ended: more than a host has."""
MOST_OF_SITES: Final = 1024
"""Of all leaves' answers together."""
ROUNDS: Final = 5
_PAUSE_SECONDS: Final = 0.2


class _Server(BaseModel):
    id: Annotated[str, Field(pattern=r"^N[A-Z2-7]{55}$")]
    """It becomes part of a subject."""


class _Connection(BaseModel):
    cid: Annotated[int, Field(ge=0, lt=2**64)]
    authorized_user: str | None = None


class _Connections(BaseModel):
    connections: tuple[_Connection, ...] | None = None


class _Answer(BaseModel):
    """To `ask`, by one server."""

    server: _Server
    data: _Connections

    def of(self, user: str) -> list[int]:
        return [each.cid for each in self.data.connections or () if each.authorized_user == user]


@dataclass(frozen=True, slots=True)
class _Servers:
    """`ask` each of them, within `seconds`, and have one `kick` somebody."""

    ask: str
    kick: Callable[[str], str]
    seconds: float


_OWN: Final = _Servers(subjects.CONNECTIONS, subjects.kick, ANSWER_SECONDS)
_OF_SITES: Final = _Servers(subjects.SITES_CONNECTIONS, subjects.sites_kick, SITES_SECONDS)


async def end_connections(bus: NatsBus, user: str) -> int:
    """How many there were. Looks again until there is none: it may just have been coming back. BusUnavailable, by the hive's own servers
    alone: whatever leaves answer raises nothing, and takes no longer than SITES_DEADLINE_SECONDS.
    """
    ended, until = 0, monotonic() + SITES_DEADLINE_SECONDS
    with available():
        for _ in range(ROUNDS):
            found = sum(await asyncio.gather(_end(bus, user), _end_at_sites(bus, user, until)))
            ended += found
            if not found:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
    return ended


async def _end(bus: NatsBus, user: str) -> int:
    """By the hive's own servers, as soon as each answers."""
    ended = 0
    async with aclosing(_answers(bus, user, _OWN, monotonic() + _OWN.seconds)) as answers:
        async for answer in answers:
            for number in answer.of(user):
                await _kick(bus, subjects.kick(answer.server.id), number, KICK_SECONDS)
                ended += 1
    return ended


async def _end_at_sites(bus: NatsBus, user: str, until: float) -> int:
    """By leaves, who may have been taken over: each is asked whatever others answer. Where one goes away meanwhile, its hosts do too."""
    kicks = list[asyncio.Task[int]]()
    if monotonic() >= until:
        return 0
    try:
        async with aclosing(_answers(bus, user, _OF_SITES, min(until, monotonic() + _OF_SITES.seconds))) as answers:
            async for answer in answers:
                subject = subjects.sites_kick(answer.server.id)
                for number in answer.of(user)[: min(MOST_OF_A_SITE, MOST_OF_SITES - len(kicks))]:
                    kicks.append(asyncio.create_task(_kick_at_site(bus, subject, number, until)))
        return sum(await asyncio.gather(*kicks))
    except (NatsError, TimeoutError) as error:
        logger.warning("site_silent", user=user, error=type(error).__name__)
        return 0
    finally:
        await end(kicks)


async def _kick_at_site(bus: NatsBus, subject: str, number: int, until: float) -> int:
    """One, or none where it was not answered."""
    seconds = min(KICK_SECONDS, until - monotonic())
    if seconds <= 0:
        return 0
    try:
        await _kick(bus, subject, number, seconds)
    except (NatsError, TimeoutError) as error:
        logger.warning("site_silent", subject=subject, error=type(error).__name__)
        return 0
    return 1


async def _kick(bus: NatsBus, subject: str, number: int, seconds: float) -> None:
    """Answered once it is out; the server does nothing for whoever wants no answer."""
    await bus.client.request(subject, json.dumps({"cid": number}).encode(), timeout=seconds)


async def _answers(bus: NatsBus, user: str, servers: _Servers, until: float) -> AsyncGenerator[_Answer, None]:
    """Of each, its connections. One alone is not waited for longer than it takes. What is none is left out."""
    answers: asyncio.Queue[Msg] = asyncio.Queue()
    inbox, alone = bus.client.new_inbox(), servers is _OWN and not bus.clustered
    subscription = await bus.client.subscribe(inbox, cb=answers.put)
    try:
        await bus.client.publish(servers.ask, json.dumps({"auth": True, "user": user}).encode(), reply=inbox)
        while (message := await _next(answers, until)) is not None and not _nobody(message):
            try:
                yield decode(_Answer, message.data)
            except InvalidRequest as error:
                logger.warning("message_refused", subject=servers.ask, reason=error.message)
            if alone:
                break
    finally:
        await subscription.unsubscribe()


async def _next(answers: asyncio.Queue[Msg], until: float) -> Msg | None:
    """None once the time is over, also while more come."""
    left = until - monotonic()
    if left <= 0:
        return None
    with suppress(TimeoutError):
        async with asyncio.timeout(left):
            return await answers.get()
    return None


def _nobody(answer: Msg) -> bool:
    """The server's word that none of them is there."""
    return answer.headers is not None and answer.headers.get("Status") == "503"
