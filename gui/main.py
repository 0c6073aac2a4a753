"""The dashboard's process: `python -m gui.main`."""

import asyncio
import socket
from collections.abc import Iterable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import uvicorn
import uvloop

from bus import heap, telemetry
from bus.auditing.attempts import told_attempt
from bus.exposition import Sample, exposed
from bus.guarding.guard import Guard
from bus.limits.counting import Counting
from bus.limits.limits import Limits
from bus.nats_streams import connected
from bus.open_sockets import OpenSockets
from bus.otlp import exporting
from bus.standing import Standings
from bus.stopping import unless, until_stopped
from bus.together import end
from bus.vitals import telling_vitals
from bus.web.handed import handed_listener
from bus.web.leaving import LeavingServer
from bus.web.renewal import renew_tls
from bus.web.slow_clients import BoundedProtocol, cut_off_slow
from gui.counted import counted
from gui.feed import Feed
from gui.keyring import Keyring
from gui.logouts import Logouts
from gui.pages.dashboard import Dashboard
from gui.remembered import Remembered
from gui.secret import secret_of
from gui.sessions import drop_old
from gui.settings import GuiSettings
from gui.state import HiveState
from gui.web import build

logger = telemetry.log(__name__)

STOP_SECONDS = 2
"""For open pages to be told; what is still open then is closed."""
GRACEFUL_SECONDS = 4.0
"""With what it leaves the bus and the stores in; what hangs is cut off then."""
END_SECONDS = 4.5
"""Whatever hangs."""

DROP_SECONDS: Final = 3600.0
MOST_MESSAGE_BYTES: Final = 4_000_000
"""Of a page: the million characters that engine.io beneath NiceGUI takes, each of up to four bytes. uvicorn would first put together 16 MiB of
whoever has the login page open."""


async def serve(settings: GuiSettings, stopping: asyncio.Event) -> None:
    """Until `stopping` is set."""
    bus = await unless(stopping, connected(settings, "gui"))
    if bus is None:
        return
    async with AsyncExitStack() as stack:
        stack.push_async_callback(bus.close)
        keyring = Keyring()
        stack.push_async_callback((await keyring.watch(bus)).close)
        feed = Feed(bus, HiveState())
        await feed.start()
        stack.push_async_callback(feed.close)
        people = await Standings(bus).start()
        stack.push_async_callback(people.close)
        redis_url = (settings.redis_url.get_secret_value() if settings.redis_url else None) or None
        guard = Guard(redis_url, told=partial(told_attempt, bus.auditor))
        stack.push_async_callback(guard.close)
        limits = Limits(settings.rate_limits, Counting(redis_url))
        stack.push_async_callback(limits.close)
        lasts = timedelta(hours=settings.gui_session_hours)
        remembered = Remembered(redis_url, lasts, secret_of(settings))
        stack.push_async_callback(remembered.close)
        logouts = Logouts(bus, remembered, settings.data_dir / "gui" / "logouts", lasts)
        old = _drop_old_logins(settings.data_dir / "gui", lasts)
        stack.push_async_callback(end, [asyncio.create_task(each) for each in (logouts.run(), old)])
        shared = Dashboard(
            bus=bus,
            feed=feed,
            keyring=keyring,
            guard=guard,
            take=counted(limits, bus.auditor),
            people=people,
            remembered=remembered,
            logouts=logouts,
            lasts=lasts,
        )
        web = build(shared, settings)
        listener, sockets = _listen(settings), OpenSockets()
        exposing = exposed(settings, settings.gui_metrics_port, "gui", bus, partial(_samples, sockets))
        async with telling_vitals(bus, "gui", lambda: sockets.number), exposing:
            await _run(LeavingServer(_config(sockets.around(web), settings)), listener, settings, stopping)


def _samples(sockets: OpenSockets) -> Iterable[Sample]:
    yield Sample("gui_open_pages", "gauge", "Pages that are open, each with a WebSocket connection.", sockets.number)


def _config(web: object, settings: GuiSettings) -> uvicorn.Config:
    """No access log: it would hold login tickets."""
    return uvicorn.Config(
        web,  # type: ignore[arg-type]
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=STOP_SECONDS,
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE_BYTES,
        http=BoundedProtocol,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )


def _listen(settings: GuiSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = handed_listener() or socket.create_server((settings.host, settings.gui_port), family=family)
    logger.info("listening", host=settings.host, port=listener.getsockname()[1])
    return listener


async def _drop_old_logins(folder: Path, lasts: timedelta) -> None:
    """Those that are over, and marks of logouts that nobody could undo any more."""
    while True:
        await asyncio.to_thread(drop_old, folder, datetime.now(UTC) - lasts)
        await asyncio.sleep(DROP_SECONDS)


async def _run(server: LeavingServer, listener: socket.socket, settings: GuiSettings, stopping: asyncio.Event) -> None:
    beside = [
        asyncio.create_task(server.stop_when(stopping)),
        asyncio.create_task(cut_off_slow(server.server_state.connections)),
        asyncio.create_task(renew_tls(server.config, settings)),
    ]
    try:
        await server.serve(sockets=[listener])
    finally:
        await end(beside)


def main() -> None:
    settings = GuiSettings.read()
    telemetry.configure("gui", settings.log_level, settings.log_format, settings.log_refusals)
    heap.set_aside()
    with exporting("gui", settings):
        uvloop.run(until_stopped(partial(serve, settings), graceful=GRACEFUL_SECONDS, at_most=END_SECONDS))


if __name__ == "__main__":
    main()
