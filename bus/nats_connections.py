"""Ending the connections of one user of the bus, on all its servers: by what the system account lets a coordinator ask (nats.conf)."""

import asyncio
import json
from contextlib import suppress
from typing import Any, Final

from nats.aio.msg import Msg

from bus import subjects, telemetry
from bus.nats_bus import NatsBus
from bus.nats_errors import available

logger = telemetry.log(__name__)

ANSWER_SECONDS: Final = 0.5
"""That the servers of a cluster have; one alone is not waited for longer than it takes."""
ROUNDS: Final = 5
_PAUSE_SECONDS: Final = 0.2


async def end_connections(bus: NatsBus, user: str) -> int:
    """How many there were. Looks again until there is none: it may just have been coming back. BusUnavailable."""
    ended = 0
    with available():
        for _ in range(ROUNDS):
            found = await _connections(bus, user)
            for server, number in found:
                # Answered once it is out; the server does nothing for whoever wants no answer.
                await bus.client.request(subjects.kick(server), json.dumps({"cid": number}).encode(), timeout=2)
            ended += len(found)
            if not found:
                break
            await asyncio.sleep(_PAUSE_SECONDS)
    return ended


async def _connections(bus: NatsBus, user: str) -> list[tuple[str, int]]:
    """By server, their numbers there."""
    answers: asyncio.Queue[Msg] = asyncio.Queue()
    inbox = bus.client.new_inbox()
    subscription = await bus.client.subscribe(inbox, cb=answers.put)
    found: list[tuple[str, int]] = []
    try:
        await bus.client.publish(subjects.CONNECTIONS, json.dumps({"auth": True, "user": user}).encode(), reply=inbox)
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    found += _named(json.loads((await answers.get()).data), user)
                    if not bus.clustered:
                        break
    finally:
        await subscription.unsubscribe()
    return found


def _named(answer: dict[str, Any], user: str) -> list[tuple[str, int]]:
    server, connections = answer.get("server", {}).get("id", ""), answer.get("data", {}).get("connections") or ()
    return [(server, each["cid"]) for each in connections if each.get("authorized_user") == user]
