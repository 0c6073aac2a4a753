"""How the gateway asks another room: on the caller's behalf, and with patience while a coordinator is replaced."""

import asyncio
from time import monotonic
from typing import Final, TypeVar

from pydantic import BaseModel

from bus import subjects
from bus.client import Bus
from bus.errors import DatabaseUnavailable, DeadlineExceeded, NoLeader, NotReady
from bus.messages import Claims

M = TypeVar("M", bound=BaseModel)

READ_SECONDS: Final = 8.0
READ_TRY_SECONDS: Final = 2.0
AGAIN_SECONDS: Final = 0.2
ORDER_SECONDS: Final = 10.0


async def ask(
    bus: Bus, service: str, verb: str, body: BaseModel, answer: type[M], claims: Claims, *, seconds: float = READ_SECONDS
) -> M:
    """A question that changes nothing, or an order that may be given twice: one that was lost with the room that had it, or that
    a leader got who hangs and is being replaced, is asked again.

    So is one that met a coordinator without its database: another may have it, or it may be back in a moment; and one that met a
    service that has just begun.
    """
    deadline = monotonic() + seconds
    while True:
        left = deadline - monotonic()
        try:
            subject = subjects.service_verb(service, verb)
            return await bus.request(subject, body, answer, claims=claims, timeout=min(READ_TRY_SECONDS, max(0.05, left)))
        except (DeadlineExceeded, NoLeader):
            if left <= READ_TRY_SECONDS:
                raise
        except (DatabaseUnavailable, NotReady):
            if left <= READ_TRY_SECONDS:
                raise
            await asyncio.sleep(AGAIN_SECONDS)


async def order(
    bus: Bus,
    service: str,
    verb: str,
    body: BaseModel | bytes,
    answer: type[M],
    claims: Claims,
    *,
    seconds: float = ORDER_SECONDS,
) -> M:
    """A change that must not be made twice: sent once. DeadlineExceeded leaves open whether it was made.

    `seconds` are for the answer of who takes it; that nobody is there to do so is said after the usual time, however many they are.
    """
    subject, patience = subjects.service_verb(service, verb), min(seconds, ORDER_SECONDS)
    return await bus.request(subject, body, answer, claims=claims, timeout=seconds, patience=patience)
