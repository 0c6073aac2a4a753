"""Notifications, as the watch over alerts uses them: whom a change is for, and what becomes of it."""

from collections.abc import Callable, Iterable

import asyncpg

from bus.errors import CredentialUnreadable, InvalidRequest
from bus.messages.alerts import Alert
from bus.messages.notifications import NotificationTarget, PutTarget, SentTest, TargetList
from bus.vault import FILE_NAME, Vault
from monitor.notifying.book import Book
from monitor.notifying.by_apprise import ByApprise
from monitor.notifying.record import NotificationRecord
from monitor.notifying.sender import Sender
from monitor.notifying.targets import Notice, Target, given, notices
from monitor.settings import MonitorSettings


class Notifier:
    """Between `start` and `close`. DatabaseUnavailable from all that reads or writes targets."""

    def __init__(
        self, pool: asyncpg.Pool, settings: MonitorSettings, targets: Iterable[Target], standing: Callable[[], Iterable[Alert]]
    ) -> None:
        self._record, self._apprise = NotificationRecord(pool), ByApprise()
        self._book = Book(self._record, _vault(settings), targets, self._apprise.check)
        self._sender = Sender(self._record, self._apprise, standing, settings.notifications_per_minute)

    async def start(self) -> None:
        await self._book.load()
        self._sender.use(self._book.targets)

    def close(self) -> None:
        self._apprise.close()

    async def run(self) -> None:
        await self._sender.run()

    async def forget(self) -> None:
        await self._record.forget()

    def notices(self, changed: Iterable[Alert]) -> list[Notice]:
        return notices(self._book.targets.values(), changed)

    def changed(self) -> None:
        self._sender.changed()

    @property
    def listed(self) -> TargetList:
        return TargetList(targets=tuple(map(self._shown, self._book.targets.values())))

    async def put(self, wanted: PutTarget, by: str) -> NotificationTarget:
        target = await self._book.put(wanted, by)
        self._sender.use(self._book.targets)
        return self._shown(target)

    async def remove(self, name: str, by: str) -> NotificationTarget:
        target = await self._book.remove(name, by)
        self._sender.use(self._book.targets)
        return self._shown(target)

    async def test(self, name: str) -> SentTest:
        """NotificationFailed."""
        return SentTest(name=name, seconds=await self._sender.test(self._book.named(name)))

    def _shown(self, target: Target) -> NotificationTarget:
        health = self._sender.health(target.name)
        return target.shown(health.waiting, health.sent_at, health.failure)


def given_targets(settings: MonitorSettings) -> tuple[Target, ...]:
    """InvalidRequest for settings that hold none, or no key to seal others with: a monitor that began with it would keep nothing at all."""
    try:
        _vault(settings)
    except CredentialUnreadable as error:
        raise InvalidRequest(error.message) from None
    return given(settings.alert_targets.get_secret_value() if settings.alert_targets else None)


def _vault(settings: MonitorSettings) -> Vault:
    keys = settings.credentials_key.get_secret_value() if settings.credentials_key else None
    return Vault(settings.data_dir / FILE_NAME, keys)
