"""The composition root of a sidecar process: one connection to the bus, and an agent for every backend."""

import asyncio
import signal
import sys

from pydantic import ValidationError

from agent_sidecar.adoption import Adoption
from agent_sidecar.backends.opening import open_backend
from agent_sidecar.fleet import Fleet, OpenBackend, new_instance
from agent_sidecar.settings import SidecarSettings
from agent_sidecar.upstreams import named_upstreams
from bus import subjects, telemetry
from bus.codec import explain
from bus.nats_bus import NatsBus, declare

logger = telemetry.log(__name__)


def run(open_backend: OpenBackend = open_backend) -> None:
    """Until SIGTERM or SIGINT. A benchmark brings its own `open_backend`."""
    try:
        settings = SidecarSettings()
    except ValidationError as error:
        sys.exit(f"A setting is wrong. {explain(error).message}")
    telemetry.configure("sidecar", settings.log_level, settings.log_format)
    with asyncio.Runner(loop_factory=_event_loop) as runner:
        runner.run(until_stopped(settings, open_backend))


def _event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # there is none for Windows
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


async def until_stopped(settings: SidecarSettings, open_backend: OpenBackend) -> None:
    """A stop before all agents are up ends the start; after it, they drain first."""
    instance = new_instance()
    serving, asked = asyncio.create_task(start(settings, instance, open_backend)), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    stopping = asyncio.create_task(asked.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    if not serving.done():
        serving.cancel()
        return
    bus, fleet = await serving
    await asked.wait()
    logger.info("sidecar_drains", agents=len(fleet.agents))
    await fleet.stop()
    await bus.close()
    logger.info("sidecar_stopped")


async def start(settings: SidecarSettings, instance: str, open_backend: OpenBackend) -> tuple[NatsBus, Fleet]:
    """Waits for the bus for ever, for a backend never."""
    bus = await NatsBus.connect(settings, subjects.sidecar_connection(instance))
    fleet = Fleet(bus, settings, instance=instance, open_backend=open_backend)
    for upstream in await named_upstreams(settings):
        await fleet.add(upstream)
    if settings.sidecar_adopt:
        await declare(bus)
        await Adoption(bus, fleet).start()
    logger.info("sidecar_ready", instance=instance, agents=sorted(fleet.agents))
    return bus, fleet
