"""A whole hive in the foreground, until Ctrl-C: what `hive up` does once it knows what was asked for."""

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from bus import subjects
from bus.errors import HiveError
from bus.messages import LoginTicket, NoReply
from bus.messages.joining import CreateJoinToken, IssuedJoinToken
from bus.nats_complaints import without_password
from bus.together import end
from deploy.cli.screen import print_facts, say
from deploy.cli.starting import Starting
from deploy.join_door import with_address
from deploy.local.certificates import Certificates, given, own
from deploy.local.data_folder import DataFolder
from deploy.local.hive import LocalHive, names_of
from deploy.local.log_file import rotate
from deploy.local.ports import choose
from deploy.local.renewal import keep_renewed
from deploy.local.services import BusProbe
from deploy.local.state import HiveState
from deploy.local.supervisor import Supervisor
from deploy.local.unit import Unit
from deploy.settings import DeploySettings
from deploy.settings_page import classes

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def host_hive(settings: DeploySettings) -> None:
    """Conflict when the folder or a port is another's; Unavailable when a process does not start; ValidationError for a service's setting."""
    for read in classes().values():
        read()
    folder = DataFolder(settings.data_dir).create()
    folder.lock()
    try:
        folder.require_restored()
        tls = await asyncio.to_thread(certificates, settings, folder)
        hive = LocalHive(settings=settings, folder=folder, secrets=folder.secrets(), ports=await choose(settings), tls=tls)
        with ending_signals() as ending:
            await run(hive, ending)
    finally:
        folder.unlock()


def certificates(settings: DeploySettings, folder: DataFolder) -> Certificates | None:
    """Those that were named, else the hive's own where it serves a LAN. InvalidRequest."""
    if settings.tls_cert is not None:
        return given(settings.tls_cert, settings.tls_key, settings.tls_ca)
    return own(folder, names_of(settings), datetime.now(UTC)) if settings.wants_tls else None


async def run(hive: LocalHive, ending: asyncio.Event) -> None:
    """Until `ending`, or until a process turns out not to start at all."""
    with journal_at(hive.folder.log_of("supervisor")) as journal:
        await _supervise(hive, ending, journal)


async def _supervise(hive: LocalHive, ending: asyncio.Event, journal: structlog.typing.FilteringBoundLogger) -> None:
    state = hive.state()
    probe = BusProbe(state.nats)
    starting = Starting()

    def changed(unit: Unit, message: str) -> None:
        journal.info("process", name=unit.spec.name, state=unit.state, pid=unit.status.pid, reason=message or None)
        hive.folder.write_state(state.model_copy(update={"processes": supervisor.statuses}))
        starting.show(supervisor.statuses, message)

    supervisor = Supervisor(hive.servers(), hive.services(probe), hive.folder.log_of, changed)
    try:
        with starting:
            ready = await _unless(ending, supervisor.start())
        if ready:
            await _welcome(hive, state, probe)
            renewing = asyncio.create_task(_renew(hive, supervisor, journal))
            await ending.wait()
            await end([renewing])
            with suppress(OSError):
                say("Stopping …")
    finally:
        await supervisor.stop()
        await probe.close()


async def _renew(hive: LocalHive, supervisor: Supervisor, journal: structlog.typing.FilteringBoundLogger) -> None:
    """Until cancelled: the certificates are good for as long as the hive runs."""
    if hive.tls is None:
        return
    await keep_renewed(
        hive.tls,
        partial(certificates, hive.settings, hive.folder),
        partial(supervisor.send, hive.nats.name, signal.SIGHUP),
        lambda event, about: journal.info(event, about=about),
    )


async def _unless(ending: asyncio.Event, work: "asyncio._CoroutineLike[None]") -> bool:
    """Whether the work was done before the end came."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(ending.wait())
    done, left = await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await end(left)
    if working in done:
        working.result()
    return working in done


async def _welcome(hive: LocalHive, state: HiveState, probe: BusProbe) -> None:
    facts = [
        ("Dashboard", await login_link(state.gui, probe)),
        ("API", state.api),
        ("NATS", without_password(state.nats.url)),
    ]
    with suppress(OSError):
        say("Hive is ready. Ctrl-C stops it.", "bold green")
        if hive.settings.given_admin_key is None and hive.secrets.first_key is not None:
            facts.append(("Admin key", f"{hive.secrets.first_key}  (shown only now; keep it)"))
        if state.lan_api is not None:
            facts.append(("Add a host", await _join_command(state, probe)))
        print_facts(facts)
        if hive.settings.given_admin_key is None and hive.secrets.first_key is None:
            say("  A new key: `hive keys create NAME --role admin`. A new link to the dashboard: `hive login`.", "dim")
    if hive.secrets.first_key is not None:
        hive.folder.keep(hive.secrets.model_copy(update={"first_key": None}))


async def _join_command(state: HiveState, probe: BusProbe) -> str:
    """What another host runs, where that is safe to type on a LAN; else how to get it."""
    if state.fingerprint is None:
        return "hive join-token create"
    try:
        verb = subjects.service_verb(subjects.SERVICE_JOIN_TOKENS, "create")
        issued = await (await probe.bus()).request(verb, CreateJoinToken(name="of hive up"), IssuedJoinToken)
    except HiveError:
        return "hive join-token create"
    return f"hive join {with_address(issued.token, state.lan_api or state.api, state.fingerprint)}   (one host, within a day; more: hive join-token create)"


async def login_link(gui: str, probe: BusProbe) -> str:
    """The dashboard's address; with a one-time ticket when the coordinator gives one."""
    try:
        bus = await probe.bus()
        ticket = await bus.request(subjects.service_verb(subjects.SERVICE_KEYS, "ticket"), NoReply(), LoginTicket)
    except HiveError:
        return f"{gui}  (a link that logs you in: `hive login`)"
    return f"{gui}/login?ticket={ticket.ticket}"


@contextmanager
def ending_signals() -> Iterator[asyncio.Event]:
    """The first of them sets the event; more change nothing, since the end is on its way already. `nohup` is respected."""
    ending, loop = asyncio.Event(), asyncio.get_running_loop()
    heard = [number for number in ENDING if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN]
    for number in heard:
        loop.add_signal_handler(number, ending.set)
    yield ending
    for number in heard:
        loop.remove_signal_handler(number)
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def journal_at(path: Path) -> Iterator[structlog.typing.FilteringBoundLogger]:
    """The supervisor's own log, in the format and within the bound of the others: a process that crashes for ever is told of for ever."""

    def bound(_logger: object, _name: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        with suppress(OSError):
            rotate(path)
        return event

    processors: list[structlog.typing.Processor] = [
        bound,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(),
    ]
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "a") as file:
        logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            structlog.WriteLogger(file),
            wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
            processors=processors,
        )
        yield logger.bind(service="supervisor")
