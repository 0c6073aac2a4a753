"""Hosts that have joined, shown to every coordinator on the bus, and cut off again. The record is PostgreSQL's, and its leader's.

A host comes in by its own key (coordinator/agents/admitting.py), so whoever is taken from the bucket comes in no more; who is in then
is put out by the server.
"""

from collections.abc import Iterable
from typing import Any, Final

from bus import subjects, telemetry
from bus.client import Bus
from bus.errors import HiveError
from bus.messages import NoReply, UpstreamList
from bus.messages.joining import AdmittedHost
from bus.nats_bus import NatsBus
from bus.nats_connections import end_connections
from bus.permissions import host_user
from coordinator.agents.enrolment import is_removed
from coordinator.store.database import Statements, available

logger = telemetry.log(__name__)

MOST_HOSTS: Final = 10_000
OWN_SECONDS: Final = 1.0


class Hosts:
    """`admits`: whether hosts have identities of their own here; else they come by an address that the gateway was given, and nobody cuts them off."""

    def __init__(self, bus: Bus, statements: Statements, *, admits: bool) -> None:
        self._bus, self._sql, self.admits = bus, statements, admits

    async def known(self) -> dict[str, AdmittedHost]:
        """By key. DatabaseUnavailable."""
        with available():
            return {row["key"]: admitted(row) for row in await self._sql.all("joined_hosts", MOST_HOSTS)}

    async def mirror(self) -> None:
        """Make the bucket equal to the record. The leader's, who alone changes either."""
        known = await self.known()
        for key, host in known.items():
            await self.show(key, host)
        for stale in set(await self._bus.keys(subjects.KV_HOSTS)) - known.keys():
            await self._bus.delete(subjects.KV_HOSTS, stale)

    async def show(self, key: str, host: AdmittedHost) -> None:
        await self._bus.put(subjects.KV_HOSTS, key, host)

    async def removed(self, agents: Iterable[str]) -> set[str]:
        """Those of hosts that were removed, unless the hive's own sidecar speaks for them by now. A leaf that was away then has kept
        their connections, so they may still be heard. DatabaseUnavailable, BusUnavailable.
        """
        if not self.admits:
            return set()
        asked = list(agents)
        gone = await self._gone(asked)
        if not gone:
            return set()
        known = (await self.known()).values()
        found = {agent for agent in asked if is_removed(agent, gone, known)}
        return found - await self._own() if found else found

    async def end_removed(self, agent: str) -> None:
        """What removed hosts that spoke for it have open after all: on a leaf, or a server, that was away as they were removed.
        DatabaseUnavailable, BusUnavailable.
        """
        names = {host.name for host in (await self.known()).values()}
        for host in await self._gone([agent]):
            if host.name not in names:
                await self.end(host.name)

    async def _gone(self, agents: list[str]) -> list[AdmittedHost]:
        """Removed hosts that may have spoken for one of these."""
        with available():
            return [admitted(row) for row in await self._sql.all("removed_hosts", agents)]

    async def heard(self, agent_id: str) -> None:
        """Of a removed one: it is kept in mind before others. DatabaseUnavailable."""
        with available():
            await self._sql.run("removed_host_heard", agent_id)

    async def _own(self) -> set[str]:
        """Agents that the hive's own sidecar speaks for: those that it took on, and while it answers those that its settings name. BusUnavailable."""
        taken_on = set(await self._bus.keys(subjects.KV_UPSTREAMS))
        verb = subjects.service_verb(subjects.SERVICE_UPSTREAMS, "list")
        try:
            said = await self._bus.request(verb, NoReply(), UpstreamList, timeout=OWN_SECONDS, patient=False)
        except HiveError as error:
            logger.debug("own_sidecar_silent", code=error.code)
            return taken_on
        return taken_on | {upstream.agent_id for upstream in said.upstreams if upstream.agent_id is not None}

    async def cut_off(self, key: str, name: str) -> None:
        """Comes in no more, and is out when this returns. BusUnavailable."""
        await self._bus.delete(subjects.KV_HOSTS, key)
        await self.end(name)

    async def end(self, name: str) -> None:
        """What it has open under that name; it may come in again as what the bucket says now. BusUnavailable."""
        if self.admits and isinstance(self._bus, NatsBus):
            ended = await end_connections(self._bus, host_user(name))
            # One that is still heard is looked for every second, also behind a leaf that lets nobody end anything.
            if ended:
                logger.warning("host_cut_off", host=name, connections=ended)


def admitted(row: Any) -> AdmittedHost:
    return AdmittedHost(name=row["name"], agents=tuple(row["agents"]))
