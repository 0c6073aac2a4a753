"""The composition root of a sidecar process: one connection to the bus, and an agent for every backend."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from functools import partial

from agent_sidecar.addresses import agent_ids
from agent_sidecar.adoption import Adoption
from agent_sidecar.backends.opening import open_backend
from agent_sidecar.bus_finding import with_bus
from agent_sidecar.fleet import Fleet, OpenBackend, new_instance
from agent_sidecar.joined import identity_of
from agent_sidecar.presence import tell_presence
from agent_sidecar.settings import SidecarSettings
from agent_sidecar.upstreams import named_upstreams
from agent_sidecar.wishes import Wishes
from bus import heap, subjects, telemetry
from bus.errors import HiveError
from bus.exposition import exposed
from bus.nats_bus import NatsBus
from bus.nats_login import HostIdentity
from bus.nats_streams import declared
from bus.otlp import exporting
from bus.together import end

logger = telemetry.log(__name__)

Identify = Callable[[tuple[str, ...]], HostIdentity | None]
"""Who this host is on the bus, which speaks for these agents."""


def run(open_backend: OpenBackend = open_backend) -> None:
    """Until SIGTERM or SIGINT. A benchmark brings its own `open_backend`."""
    settings = SidecarSettings.read()
    telemetry.configure("sidecar", settings.log_level, settings.log_format, settings.log_refusals)
    heap.set_aside()
    try:
        with asyncio.Runner(loop_factory=_event_loop) as runner:
            found = runner.run(with_bus(settings))
            with exporting("sidecar", found):
                runner.run(until_stopped(found, partial(identity_of, settings), open_backend))
    except HiveError as error:
        sys.exit(f"error [{error.code}]: {error.message}")


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def until_stopped(settings: SidecarSettings, identify: Identify, open_backend: OpenBackend) -> None:
    """A stop before all agents are up ends the start; whatever is up by then drains before it goes."""
    asked = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    async with AsyncExitStack() as stack:
        starting = asyncio.create_task(start(settings, identify, open_backend, stack))
        stopping = asyncio.create_task(asked.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            await starting
            await stopping
        await end([starting])  # it may just be handing something to the stack
        logger.info("sidecar_drains")
    logger.info("sidecar_stopped")


async def start(settings: SidecarSettings, identify: Identify, open_backend: OpenBackend, stack: AsyncExitStack) -> None:
    """Waits for the bus for ever, for a backend never. `stack` takes what is to be stopped."""
    instance, upstreams = new_instance(), await named_upstreams(settings)
    host = identify(agent_ids(upstreams, settings.sidecar_name or socket.gethostname()))
    bus = await NatsBus.connect(settings, subjects.sidecar_connection(instance), host=host)
    stack.push_async_callback(bus.close)
    fleet = Fleet(bus, settings, instance=instance, open_backend=open_backend)
    stack.push_async_callback(fleet.stop)
    wishes = Wishes(bus, fleet.prefer)
    watching = asyncio.create_task(wishes.run())
    stack.push_async_callback(end, [watching])
    for upstream in upstreams:
        await fleet.add(upstream)
    if settings.sidecar_adopt:
        await declared(bus)
        adoption = Adoption(bus, fleet)
        stack.push_async_callback(adoption.close)
        await adoption.start()
    await stack.enter_async_context(exposed(settings, settings.sidecar_metrics_port, "sidecar", bus, fleet.samples))
    if host is not None:
        tell_presence(settings.data_dir)
    logger.info("sidecar_ready", instance=instance, agents=sorted(fleet.agents))
