"""What tests of alerts ask of a monitor, and tell it."""

import asyncio
from contextlib import suppress
from typing import TypeVar

from pydantic import BaseModel

from bus import subjects
from bus.errors import DeadlineExceeded, Unavailable
from bus.messages import AgentRecord, AgentStatus, Claims
from bus.nats_bus import NatsBus

M = TypeVar("M", bound=BaseModel)


async def ask(bus: NatsBus, verb: str, body: BaseModel, answer: type[M], claims: Claims | None = None) -> M:
    subject = subjects.service_verb(subjects.SERVICE_ALERTS, verb)
    return await bus.request(subject, body, answer, claims=claims, timeout=90)


async def ask_anew(bus: NatsBus, verb: str, body: BaseModel, answer: type[M]) -> M:
    """Reads from a monitor begun anew: what is asked before the server has noticed the old one's end goes to that one, and is lost."""
    async with asyncio.timeout(120):
        while True:
            with suppress(DeadlineExceeded, Unavailable):
                return await bus.request(subjects.service_verb(subjects.SERVICE_ALERTS, verb), body, answer, timeout=40)


async def agent_is(bus: NatsBus, status: AgentStatus, agent_id: str = "acacia") -> None:
    record = AgentRecord(agent_id=agent_id, name=agent_id, endpoint="http://host:11434", status=status)
    await bus.put(subjects.KV_AGENTS, agent_id, record)
