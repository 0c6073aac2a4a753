"""`python -m coordinator.gateway.main`: the doors as one process. Any number of them may run."""

import asyncio
import sys
from functools import partial

from bus import heap, telemetry
from bus.errors import HiveError
from bus.nats_streams import connected
from bus.otlp import exporting
from bus.stopping import unless, until_stopped
from bus.together import end
from bus.vitals import telling_vitals
from bus.web.handed import handed_listener
from bus.web.renewal import renew_tls
from bus.web.slow_clients import cut_off_slow
from coordinator.gateway.advertising import advertise
from coordinator.gateway.aliases import alias_service
from coordinator.gateway.app import create_app
from coordinator.gateway.gateway import open_gateway
from coordinator.gateway.mcp.endpoint import open_mcp
from coordinator.gateway.server import Server, listen
from coordinator.gateway.service import submit_service
from coordinator.gateway.settings import GatewaySettings

logger = telemetry.log(__name__)


async def serve(settings: GatewaySettings, stopping: asyncio.Event) -> None:
    """Until `stopping` is set. The port is taken first: a second gateway on it says so at once, whatever else is missing."""
    listener = handed_listener() or listen(settings.host, settings.api_port)
    logger.info("gateway_awaits_bus", host=settings.host, port=settings.api_port)
    bus = await unless(stopping, connected(settings, "gateway"))
    if bus is None:
        return
    try:
        async with (
            open_gateway(bus, settings) as gateway,
            open_mcp(gateway) as mcp,
            telling_vitals(bus, "gateway", lambda: gateway.sockets.number),
        ):
            services = (submit_service(gateway.submission), alias_service(gateway.aliases))
            served = [await bus.serve(service) for service in services]
            server = Server(create_app(gateway, mcp), settings, gateway.stop)
            port = listener.getsockname()[1]
            beside = [
                asyncio.create_task(server.stop_when(stopping)),
                asyncio.create_task(cut_off_slow(server.server_state.connections)),
                asyncio.create_task(advertise(settings, port, gateway.overview)),
                asyncio.create_task(renew_tls(server.config, settings)),
            ]
            heap.set_aside()
            logger.info("gateway_listens", host=settings.host, port=port)
            await server.serve(sockets=[listener])
            await end(beside)
            for service in served:
                await service.close()
    finally:
        await bus.close()


def main() -> None:
    settings = GatewaySettings.read()
    telemetry.configure("gateway", settings.log_level, settings.log_format, settings.log_refusals)
    try:
        import uvloop
    except ImportError:
        runner = asyncio.run
    else:
        runner = uvloop.run
    try:
        with exporting("gateway", settings):
            runner(until_stopped(partial(serve, settings), graceful=settings.graceful_seconds, at_most=settings.end_seconds))
    except HiveError as error:
        logger.error("gateway_cannot_serve", reason=error.message)
        sys.exit(1)


if __name__ == "__main__":
    main()
