"""A hive that this process supervises: what it tells of itself meanwhile, and how another version takes it over."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import structlog

from bus.errors import HiveError, Unavailable
from bus.together import end
from deploy.cli.screen import say
from deploy.cli.starting import Starting
from deploy.local.certificates import Certificates
from deploy.local.data_folder import DataFolder
from deploy.local.handover import SIGNAL, Handover, become, rehearse, requested
from deploy.local.hive import LocalHive
from deploy.local.listeners import Listeners
from deploy.local.log_file import rotate
from deploy.local.renewal import keep_renewed
from deploy.local.services import BusProbe
from deploy.local.state import HiveState, UpgradeStage, UpgradeState
from deploy.local.supervisor import Supervisor
from deploy.local.unit import Unit

Welcome = Callable[[LocalHive, HiveState, BusProbe], Awaitable[None]]
"""What is said when all of it runs."""


class Hosting:
    """A hive that this process supervises. `renewed` makes its certificates anew where it is time (deploy/local/renewal.py)."""

    def __init__(
        self,
        hive: LocalHive,
        listeners: Listeners,
        journal: structlog.typing.FilteringBoundLogger,
        welcome: Welcome,
        renewed: Callable[[], Certificates | None],
    ) -> None:
        self._hive, self._listeners, self._journal, self._welcome, self._renewed = hive, listeners, journal, welcome, renewed
        self._state = hive.state().model_copy(update={"upgrades": True})
        self._upgrade = UpgradeState(asked_at=datetime.now(UTC))
        self._probe, self._starting = BusProbe(self._state.nats), Starting()
        services = hive.services(self._probe, listeners.numbers)
        self._supervisor = Supervisor(hive.servers(), services, hive.folder.log_of, self._changed)

    async def until(self, ending: asyncio.Event, handed: Handover | None) -> None:
        asked = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(SIGNAL, asked.set)  # before a file says that it is understood
        if handed is not None and asked_since(self._hive.folder, handed):
            asked.set()
        try:
            with self._starting:
                ready = await first(ending, self._take_over(handed) if handed else self._supervisor.start())
            if ready and handed is None:
                await self._welcome(self._hive, self._state, self._probe)
            if ready:
                renewing = asyncio.create_task(self._keep_certificates())
                await first(ending, self._hand_over_when(asked))
                await end([renewing])
                with suppress(OSError):
                    say("Stopping …")
        finally:
            await self._supervisor.stop()
            await self._probe.close()

    async def _keep_certificates(self) -> None:
        """Until cancelled: they are good for as long as the hive runs."""
        hive = self._hive
        if hive.tls is not None:
            await keep_renewed(
                hive.tls, self._renewed, self._tell_bus, lambda event, about: self._journal.info(event, about=about)
            )

    def _tell_bus(self) -> None:
        """That its certificate may be another."""
        self._supervisor.send(self._hive.nats.name, signal.SIGHUP)

    def _changed(self, unit: Unit, message: str) -> None:
        self._journal.info("process", name=unit.spec.name, state=unit.state, pid=unit.status.pid, reason=message or None)
        self._write()
        self._starting.show(self._supervisor.statuses, message)

    def _write(self) -> None:
        self._hive.folder.write_state(self._state.model_copy(update={"processes": self._supervisor.statuses}))

    async def _take_over(self, handed: Handover) -> None:
        """A part that does not become ready is told, and what runs goes on."""
        self._journal.info("took_over", version=self._state.version)
        self._upgraded(UpgradeState(asked_at=handed.asked_at))
        try:
            await self._supervisor.take_over(handed.processes)
            if self._hive.tls is not None:
                self._tell_bus()  # this start may have made its certificate anew
            await self._supervisor.renew(self._renewing)
        except Unavailable as error:
            self._upgraded(self._upgrade.model_copy(update={"stage": UpgradeStage.FAILED, "message": error.message}))
        else:
            self._upgraded(self._upgrade.model_copy(update={"stage": UpgradeStage.DONE, "doing": None}))
            with suppress(OSError):
                say(f"Hive is {self._state.version} now. Ctrl-C stops it.", "bold green")

    def _renewing(self, name: str, done: bool) -> None:
        finished = (*self._upgrade.done, name) if done else self._upgrade.done
        self._upgraded(self._upgrade.model_copy(update={"doing": None if done else name, "done": finished}))

    def _upgraded(self, upgrade: UpgradeState) -> None:
        self._upgrade = upgrade
        self._state = self._state.model_copy(update={"upgrade": upgrade})
        self._journal.info("upgrade", stage=upgrade.stage, doing=upgrade.doing, reason=upgrade.message or None)
        self._write()

    async def _hand_over_when(self, asked: asyncio.Event) -> None:
        """Does not return: when it is asked, this process becomes another program. What stands in the way is told in the state."""
        while True:
            await asked.wait()
            asked.clear()
            try:
                await self._hand_over()
            except (HiveError, OSError) as error:
                said = error.message if isinstance(error, HiveError) else str(error)
                failed = UpgradeState(asked_at=_asked_at(self._hive), stage=UpgradeStage.FAILED, message=said)
                self._upgraded(failed)

    async def _hand_over(self) -> None:
        folder = self._hive.folder
        if (asked := requested(folder)) is None:
            return
        await rehearse(asked)
        handover = Handover(
            asked_at=asked.asked_at,
            ports=self._hive.ports,
            lock=folder.hand_over(),
            listeners=self._listeners.hand_over(),
            processes=self._supervisor.statuses,
        )
        become(folder, asked, handover)


def asked_since(folder: DataFolder, handed: Handover) -> bool:
    """Whether another upgrade was asked for while nobody heard signals, since the supervisor became this program."""
    try:
        found = requested(folder)
    except HiveError:
        return False
    return found is not None and found.asked_at > handed.asked_at


def _asked_at(hive: LocalHive) -> datetime:
    with suppress(HiveError):
        if found := requested(hive.folder):
            return found.asked_at
    return datetime.now(UTC)


async def first(ending: asyncio.Event, work: "asyncio._CoroutineLike[None]") -> bool:
    """Whether the work was done before the end came."""
    working, waiting = asyncio.create_task(work), asyncio.create_task(ending.wait())
    done, left = await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await end(left)
    if working in done:
        working.result()
    return working in done


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
