"""What rooms are asked at a scrape: each tells what it alone knows, and one that does not answer is left out."""

import asyncio
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import BaseModel

from bus import auth, subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import NoReply
from bus.messages.readings import MonitorReadings, StoreReadings, WorkflowsCreated

logger = telemetry.log(__name__)
M = TypeVar("M", bound=BaseModel)

ANSWER_SECONDS: Final = 2.0
"""Well within the ten that Prometheus gives a scrape."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Readings:
    monitor: MonitorReadings | None = None
    stores: StoreReadings | None = None
    workflows: WorkflowsCreated | None = None


async def ask_rooms(bus: Bus) -> Readings:
    """Within ANSWER_SECONDS."""
    if not bus.connected:
        return Readings()
    monitor, stores, workflows = await asyncio.gather(
        _ask(bus, subjects.SERVICE_METRICS, "readings", MonitorReadings),
        _ask(bus, subjects.SERVICE_STATUS, "stores", StoreReadings),
        _ask(bus, subjects.SERVICE_WORKFLOWS, "created", WorkflowsCreated),
    )
    return Readings(monitor=monitor, stores=stores, workflows=workflows)


async def _ask(bus: Bus, service: str, verb: str, answer: type[M]) -> M | None:
    subject = subjects.service_verb(service, verb)
    try:
        return await bus.request(subject, NoReply(), answer, claims=auth.BUS_OPERATOR, timeout=ANSWER_SECONDS, patient=False)
    except HiveError as error:
        logger.debug("not_in_this_scrape", service=service, verb=verb, reason=error.message)
        return None
