"""The targets that there are: those of the settings, and those that somebody put, whose addresses are sealed at rest."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace

from bus import telemetry
from bus.errors import Conflict, CredentialUnreadable, InvalidRequest, NotFound
from bus.messages.notifications import MOST_TARGETS, PutTarget, Routing, TargetSource
from bus.vault import Vault
from monitor.notifying import alertmanager
from monitor.notifying.record import NotificationRecord, SealedTarget
from monitor.notifying.targets import Target, kind_of, merged

logger = telemetry.log(__name__)


class Book:
    """`check` raises InvalidRequest for an address that apprise does not understand."""

    def __init__(
        self,
        record: NotificationRecord,
        vault: Vault,
        given: Iterable[Target],
        check: Callable[[str], Awaitable[None]],
    ) -> None:
        self._record, self._vault, self._given, self._check = record, vault, tuple(given), check
        self._stored: dict[str, Target] = {}

    @property
    def targets(self) -> Mapping[str, Target]:
        return merged(self._given, self._stored.values())

    def named(self, name: str) -> Target:
        """NotFound."""
        found = self.targets.get(name)
        if found is None:
            raise NotFound(f"There is no target {name}. `hive alerts targets` lists them.")
        return found

    async def load(self) -> None:
        """DatabaseUnavailable. What an older key sealed is sealed anew."""
        self._stored = {}
        for stored in await self._record.targets():
            target = self._stored[stored.name] = self._opened(stored)
            if target.url != _unreadable(stored) and stored.key_id != self._vault.sealing_id():
                await self._keep(target, "monitor")

    async def put(self, wanted: PutTarget, by: str) -> Target:
        """InvalidRequest for an address that leads nowhere; Conflict for a target of the settings, or one too many."""
        self._require_own(wanted.name)
        before = self._stored.get(wanted.name)
        if before is None and len(self.targets) >= MOST_TARGETS:
            raise Conflict(f"There are {MOST_TARGETS} targets, which is all that there may be. Remove one first.")
        routing = Routing(**wanted.model_dump(exclude={"name", "url"}))
        if wanted.url is None:
            if before is None:
                raise InvalidRequest(f"`url`: there is no target {wanted.name} yet, so say where it is.")
            target = replace(before, routing=routing)
        else:
            target = Target(wanted.name, await self._checked(wanted.url.get_secret_value().strip()), routing)
        await self._keep(target, by)
        self._stored[target.name] = target
        logger.info("target_put", target=target.name, kind=target.kind, by=by)
        return target

    async def remove(self, name: str, by: str) -> Target:
        """NotFound; Conflict for a target of the settings."""
        self._require_own(name)
        target = self.named(name)
        await self._record.remove(name)
        del self._stored[name]
        logger.info("target_removed", target=name, by=by)
        return target

    def _require_own(self, name: str) -> None:
        if any(target.name == name for target in self._given):
            raise Conflict(f"The target {name} is one of HIVE_ALERT_TARGETS. Change it there.")

    async def _checked(self, url: str) -> str:
        if kind_of(url) in ("alertmanager", "alertmanagers"):
            alertmanager.address(url)
        else:
            await self._check(url)
        return url

    async def _keep(self, target: Target, by: str) -> None:
        key_id, sealed = self._vault.seal({"url": target.url}, _about(target.name))
        await self._record.put(SealedTarget(target.name, key_id, sealed, target.kind, target.routing), by)

    def _opened(self, stored: SealedTarget) -> Target:
        """One that cannot be read stays, and says so when something is sent to it."""
        try:
            url = str(self._vault.open(stored.key_id, stored.sealed, _about(stored.name))["url"])
        except CredentialUnreadable as error:
            logger.error("target_unreadable", target=stored.name, reason=error.message)
            url = _unreadable(stored)
        return Target(stored.name, url, stored.routing, TargetSource.STORED)


def _unreadable(stored: SealedTarget) -> str:
    return f"{stored.kind}://"


def _about(name: str) -> str:
    """What the seal is bound to."""
    return f"alert target {name}"
