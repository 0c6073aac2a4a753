"""`hive agents add`: backends that this sidecar took on while it ran. They stand in a bucket of the bus and outlive a restart."""

import asyncio
from collections import defaultdict
from functools import partial

from agent_sidecar import __version__
from agent_sidecar.addresses import BUILTIN_URL, ollama_url, parse_address
from agent_sidecar.backends.detect import detect
from agent_sidecar.fleet import Fleet
from bus import subjects, telemetry
from bus.auth import Permission
from bus.client import Bus, Closing
from bus.codec import decode
from bus.errors import AgentNotFound, Conflict, HiveError, InvalidRequest
from bus.messages import AddUpstream, AgentRef, NoReply, Upstream, UpstreamList
from bus.service import Call, Endpoint, Service, TaskSet

logger = telemetry.log(__name__)


class Adoption:
    """`start` it once the configured agents of the fleet are up: their ids are taken."""

    def __init__(self, bus: Bus, fleet: Fleet) -> None:
        self._bus, self._fleet = bus, fleet
        self._configured = {agent_id: agent.upstream for agent_id, agent in fleet.agents.items()}
        self._wanted: dict[str, Upstream] = {}
        self._settling: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._work = TaskSet()
        self._open: list[Closing] = []

    async def start(self) -> None:
        self._open.append(await self._bus.watch(subjects.KV_UPSTREAMS, self._changed))
        self._open.append(await self._bus.serve(self._service()))

    async def close(self) -> None:
        for closing in reversed(self._open):
            await closing.close()
        await self._work.finish(timeout=0)

    def _service(self) -> Service:
        endpoint = partial(Endpoint, permission=Permission.AGENTS_MANAGE)
        return Service(
            name=subjects.SERVICE_UPSTREAMS,
            version=__version__,
            description="Backends that the local sidecar speaks for",
            endpoints=(
                endpoint(
                    verb="add",
                    body=AddUpstream,
                    handler=self._add,
                    description="speak for a backend; its address is tried first",
                ),
                endpoint(
                    verb="list", body=NoReply, handler=self._list, description="every backend that the local sidecar speaks for"
                ),
                endpoint(verb="remove", body=AgentRef, handler=self._remove, description="stop speaking for a backend"),
            ),
        )

    async def _add(self, call: Call[AddUpstream]) -> Upstream:
        wanted = call.body
        if wanted.kind == "builtin" or wanted.url == BUILTIN_URL:
            raise InvalidRequest("The built-in model is switched on by HIVE_BUILTIN_MODEL=always, not added as a host.")
        url = wanted.url if "://" in wanted.url else ollama_url(wanted.url)
        known = next((id_ for id_, other in self._wanted.items() if other.url == url), None)
        agent_id = wanted.agent_id or known or self._fleet.agent_id(wanted.model_copy(update={"url": url}))
        self._refuse_taken(agent_id, url)
        key = wanted.key or self._fleet.keyring.key(agent_id, url)
        kind = await detect(parse_address(url, key.get_secret_value() if key else None))
        if wanted.key is not None:
            self._fleet.keyring.keep(agent_id, url, wanted.key)
        told = wanted.model_dump(exclude={"key"}, exclude_unset=True)
        upstream = Upstream.model_validate({**told, "url": url, "kind": kind, "agent_id": agent_id})
        await self._bus.put(subjects.KV_UPSTREAMS, agent_id, upstream)
        return upstream

    def _refuse_taken(self, agent_id: str, url: str) -> None:
        if agent_id in self._configured:
            raise Conflict(
                f"{agent_id} is named by this sidecar's own settings. Choose another agent_id, or change HIVE_BACKENDS."
            )
        other = self._wanted.get(agent_id)
        if other is not None and other.url != url:
            raise Conflict(f"{agent_id} speaks for {other.url}. Remove it first, or choose another agent_id.")

    async def _list(self, _call: Call[NoReply]) -> UpstreamList:
        named = [upstream.model_copy(update={"agent_id": id_}) for id_, upstream in self._configured.items()]
        return UpstreamList(upstreams=(*named, *self._wanted.values()))

    async def _remove(self, call: Call[AgentRef]) -> NoReply:
        agent_id = call.body.agent_id
        if agent_id in self._configured:
            raise Conflict(f"{agent_id} is named by this sidecar's own settings. Remove it from HIVE_BACKENDS and restart.")
        if agent_id not in self._wanted and await self._bus.get(subjects.KV_UPSTREAMS, agent_id) is None:
            raise AgentNotFound(f"The local sidecar does not speak for {agent_id}. `hive agents` lists whom it speaks for.")
        await self._bus.delete(subjects.KV_UPSTREAMS, agent_id)
        return NoReply()

    async def _changed(self, agent_id: str, value: bytes | None) -> None:
        """Returns at once: a drain must not hold up what else changes."""
        if value is None:
            self._wanted.pop(agent_id, None)
            self._fleet.keyring.drop(agent_id)
        elif agent_id in self._configured:
            logger.warning("upstream_ignored", agent_id=agent_id, reason="the sidecar's settings name an agent of this id")
            return
        else:
            try:
                self._wanted[agent_id] = decode(Upstream, value)
            except HiveError as error:
                logger.warning("upstream_ignored", agent_id=agent_id, reason=error.message)
                return
        await self._work.start(lambda: self._settle(agent_id))

    async def _settle(self, agent_id: str) -> None:
        """Makes the fleet what is wanted by now; changes of one agent one after the other."""
        async with self._settling[agent_id]:
            wanted = self._wanted.get(agent_id)
            if wanted is None:
                await self._fleet.remove(agent_id)
            elif not self._fleet.speaks(agent_id, wanted):
                try:
                    await self._fleet.add(wanted)
                except HiveError as error:
                    logger.warning("upstream_ignored", agent_id=agent_id, reason=error.message)
