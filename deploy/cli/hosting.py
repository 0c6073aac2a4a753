"""A whole hive in the foreground, until Ctrl-C: what `hive up` does once it knows what was asked for."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import partial

from bus import subjects
from bus.errors import HiveError
from bus.messages import LoginTicket, NoReply
from bus.messages.joining import CreateJoinToken, IssuedJoinToken
from bus.nats_complaints import without_password
from deploy.cli.screen import print_facts, say
from deploy.cli.supervising import Hosting, journal_at
from deploy.join_door import with_address
from deploy.local.certificates import Certificates, given, own
from deploy.local.data_folder import DataFolder
from deploy.local.handover import SIGNAL as HAND_OVER
from deploy.local.handover import Handover, take
from deploy.local.hive import LocalHive, names_of
from deploy.local.listeners import Listeners
from deploy.local.ports import choose
from deploy.local.services import BusProbe
from deploy.local.state import HiveState
from deploy.settings import DeploySettings
from deploy.settings_page import classes

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def host_hive(settings: DeploySettings) -> None:
    """Conflict when the folder or a port is another's; Unavailable when a process does not start; ValidationError for a service's setting."""
    signal.signal(HAND_OVER, signal.SIG_IGN)  # until it is heard (supervising.py): a file of the hive before may say that it is
    require_settings()
    folder = DataFolder(settings.data_dir).create()
    handed = take(folder)
    folder.lock(handed.lock if handed else None)
    try:
        folder.require_restored()
        tls = await asyncio.to_thread(certificates, settings, folder)
        ports = handed.ports if handed else await choose(settings)
        hive = LocalHive(settings=settings, folder=folder, secrets=folder.secrets(), ports=ports, tls=tls)
        with ending_signals() as ending:
            await run(hive, ending, handed)
    finally:
        folder.unlock()


def require_settings() -> None:
    """ValidationError for a setting of any service."""
    for read in classes().values():
        read()


def certificates(settings: DeploySettings, folder: DataFolder) -> Certificates | None:
    """Those that were named, else the hive's own where it serves a LAN. InvalidRequest."""
    if settings.tls_cert is not None:
        return given(settings.tls_cert, settings.tls_key, settings.tls_ca)
    return own(folder, names_of(settings), datetime.now(UTC)) if settings.wants_tls else None


async def run(hive: LocalHive, ending: asyncio.Event, handed: Handover | None = None) -> None:
    """Until `ending`, or until a process turns out not to start at all. `handed`: by the supervisor that this process was before."""
    listeners = Listeners.handed(handed.listeners) if handed else Listeners.open(hive.addresses())
    try:
        with journal_at(hive.folder.log_of("supervisor")) as journal:
            renewed = partial(certificates, hive.settings, hive.folder)
            await Hosting(hive, listeners, journal, _welcome, renewed).until(ending, handed)
    finally:
        listeners.close()


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
        if state.leaf is not None and state.lan_bus:
            facts.append(("Add a site", "hive leaf NAME --host ADDRESS   (a bus of its own behind NAT)"))
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
