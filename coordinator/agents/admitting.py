"""Lets hosts that have joined in on the bus: each coordinator answers, whether or not it leads, also while PostgreSQL is away.

While none answers, who is in stays in, and whoever wants in is refused after two seconds and tries again.
"""

from datetime import UTC, datetime

from bus import subjects, telemetry
from bus.admission import Admission, admitted, refused
from bus.client import Bus, Closing, Received
from bus.messages.joining import AdmittedHost
from bus.mirror import Mirror
from bus.permissions import host_user, of_host
from coordinator.agents.enrolment import agents_of

logger = telemetry.log(__name__)


class Admitting:
    """`start` and `close` it. `seed`: of the account key that nats.conf names."""

    def __init__(self, bus: Bus, seed: str) -> None:
        self._bus, self._seed = bus, seed
        self._hosts = Mirror(bus, subjects.KV_HOSTS, AdmittedHost.model_validate_json)
        self._answering: list[Closing] = []

    async def start(self) -> None:
        await self._hosts.start()
        for subject in (subjects.ADMISSIONS, subjects.SITES_ADMISSIONS):
            self._answering.append(await self._bus.answer(subject, self._asked))

    async def close(self) -> None:
        for each in self._answering:
            await each.close()
        await self._hosts.close()

    async def _asked(self, received: Received) -> bytes:
        asked, now = Admission.parse(received.data), datetime.now(UTC)
        host = await self._hosts.find(asked.key) if asked.proven else None
        if host is None:
            reason = "its key belongs to no host that has joined" if asked.proven else "it shows no key"
            logger.warning("host_refused", address=asked.address, connection=asked.name, key=asked.key or None, reason=reason)
            return refused(asked, reason, self._seed, now)
        agents = agents_of(host, asked.agents, self._hosts.items.values())
        if strangers := [agent for agent in asked.agents if agent not in agents]:
            logger.warning("agents_refused", host=host.name, address=asked.address, agents=strangers)
        logger.info("host_admitted", host=host.name, address=asked.address, agents=agents)
        return admitted(asked, host_user(host.name), of_host(host.name, agents), self._seed, now)
