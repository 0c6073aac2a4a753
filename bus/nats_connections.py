"""Ending the connections of one user of the bus, on all its servers: by what the system account lets a coordinator ask (nats.conf),
and on the buses of sites by what they have of it (deploy/leaf/leaf.conf).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from bus import subjects, telemetry
from bus.nats_bus import NatsBus
from bus.nats_errors import available

logger = telemetry.log(__name__)

ANSWER_SECONDS: Final = 0.5
"""That the servers of a cluster have."""
SITES_SECONDS: Final = 1.0
"""That the leaves have, where there are any: how many, nobody here knows. One that is away or too slow is missed."""
ROUNDS: Final = 5
_PAUSE_SECONDS: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Servers:
    """`ask` each of them, within `seconds`, and have one `kick` somebody."""

    ask: str
    kick: Callable[[str], str]
    seconds: float


_OWN: Final = _Servers(subjects.CONNECTIONS, subjects.kick, ANSWER_SECONDS)
_OF_SITES: Final = _Servers(subjects.SITES_CONNECTIONS, subjects.sites_kick, SITES_SECONDS)


async def end_connections(bus: NatsBus, user: str) -> int:
    """How many there were. Looks again until there is none: it may just have been coming back. BusUnavailable."""
    ended = 0
    with available():
        for _ in range(ROUNDS):
            found = sum(await asyncio.gather(_end(bus, user, _OWN), _end_at_sites(bus, user)))
            ended += found
            if not found:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
    return ended


async def _end_at_sites(bus: NatsBus, user: str) -> int:
    """Where a leaf goes away meanwhile, its hosts do too."""
    try:
        return await _end(bus, user, _OF_SITES)
    except (NatsError, TimeoutError) as error:
        logger.warning("site_silent", user=user, error=type(error).__name__)
        return 0


async def _end(bus: NatsBus, user: str, servers: _Servers) -> int:
    """As soon as each answers."""
    ended = 0
    async for answer in _answers(bus, user, servers):
        server, connections = answer.get("server", {}).get("id", ""), answer.get("data", {}).get("connections") or ()
        for number in (each["cid"] for each in connections if each.get("authorized_user") == user):
            # Answered once it is out; the server does nothing for whoever wants no answer.
            await bus.client.request(servers.kick(server), json.dumps({"cid": number}).encode(), timeout=2)
            ended += 1
    return ended


async def _answers(bus: NatsBus, user: str, servers: _Servers) -> AsyncIterator[dict[str, Any]]:
    """Of each, its connections. One alone is not waited for longer than it takes."""
    answers: asyncio.Queue[Msg] = asyncio.Queue()
    inbox, alone = bus.client.new_inbox(), servers is _OWN and not bus.clustered
    subscription = await bus.client.subscribe(inbox, cb=answers.put)
    until = monotonic() + servers.seconds
    try:
        await bus.client.publish(servers.ask, json.dumps({"auth": True, "user": user}).encode(), reply=inbox)
        with suppress(TimeoutError):
            while not _nobody(answer := await asyncio.wait_for(answers.get(), until - monotonic())):
                yield json.loads(answer.data)
                if alone:
                    break
    finally:
        await subscription.unsubscribe()


def _nobody(answer: Msg) -> bool:
    """The server's word that none of them is there."""
    return answer.headers is not None and answer.headers.get("Status") == "503"
