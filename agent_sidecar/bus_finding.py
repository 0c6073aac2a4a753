"""Which bus a sidecar belongs to: the one that is named, else that of the hive which its host joined, else the one of this machine.

mDNS finds a hive, and not the right to be let in: a sidecar that has none says what it found, and how to join that.
"""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

from agent_sidecar.joined import names_bus, read_joined, with_joined
from agent_sidecar.settings import SidecarSettings
from bus import mdns, telemetry
from bus.errors import HiveError, HiveNotFound
from bus.settings import DEFAULT_NATS_URL

logger = telemetry.log(__name__)

HERE_SECONDS = 1.0


async def with_bus(settings: SidecarSettings) -> SidecarSettings:
    """HiveNotFound, in words, when nothing says where the bus is."""
    if names_bus(settings):
        return settings
    if (joined := read_joined(settings.data_dir)) is not None:
        logger.info("sidecar_has_joined", hive_id=str(joined.hive_id), name=joined.name)
        return with_joined(settings)
    if await _listens(DEFAULT_NATS_URL):
        return settings
    raise HiveNotFound(await _advice(settings))


async def _listens(url: str) -> bool:
    parts = urlsplit(url)
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(HERE_SECONDS):
            _, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.close()
        return True
    return False


async def _advice(settings: SidecarSettings) -> str:
    """What a person can do, by what answers on the LAN."""
    start = "This host has joined no hive, and no NATS_URL is set."
    join = "Make a token on the hive's machine (hive join-token create), and run here:"
    try:
        found = await mdns.look(mdns.interfaces(settings.mdns_interfaces))
    except HiveError as error:
        return f"{start} {error.message} {join} hive join TOKEN"
    if not found:
        return f"{start} No hive answers on this network by mDNS either. {join} hive join TOKEN"
    shown = "; ".join(map(str, found))
    there = "There is a hive on this network" if len(found) == 1 else f"There are {len(found)} hives on this network"
    choice = "" if len(found) == 1 else " --url URL, with the one that is meant"
    return f"{start} {there}: {shown}. {join} hive join TOKEN{choice}"
