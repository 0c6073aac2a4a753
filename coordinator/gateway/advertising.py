"""Tells the LAN where this gateway is, where it may: an advertisement that fails stops nothing else."""

import asyncio

from bus import mdns, telemetry
from bus.errors import HiveError
from bus.overview import Overview
from coordinator.gateway.settings import GatewaySettings

logger = telemetry.log(__name__)

WAIT_SECONDS = 1.0
AGAIN_SECONDS = 30.0


def wanted(settings: GatewaySettings) -> bool:
    """Beyond loopback, unless the administrator says otherwise."""
    return settings.mdns == "always" or (settings.mdns == "auto" and not settings.on_loopback)


async def advertise(settings: GatewaySettings, port: int, overview: Overview) -> None:
    """Until cancelled. Which hive this is a leader tells first."""
    if not wanted(settings):
        return
    while (hive_id := overview.hive_id) is None:
        await asyncio.sleep(WAIT_SECONDS)
    while True:
        try:
            on = mdns.interfaces(settings.mdns_interfaces, settings.host)
            async with mdns.advertised(port=port, hive_id=hive_id, on=on, secure=settings.tls_cert is not None):
                await asyncio.Event().wait()
        except (HiveError, OSError) as error:
            logger.warning("mdns_not_advertised", reason=str(error))
        await asyncio.sleep(AGAIN_SECONDS)
