"""Quotas: PostgreSQL has what may be used, the bus what of it is, for the doors; and who comes near one is told, once in its day or month."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

import asyncpg

from bus import subjects, telemetry
from bus.client import Bus
from bus.database import NamedStatements, available
from bus.errors import NotFound
from bus.messages import EventType
from bus.messages.events import QuotaEvent
from bus.messages.usage import PutQuota, Quota, QuotaChange, QuotaKind, QuotaList, QuotaPeriod, QuotaRef, QuotaUnit
from bus.quotas import WARN_SHARE, begins, bucket_key, resets, words
from bus.tenancy import HOME
from monitor.sql import queries

logger = telemetry.log(__name__)

_IDS: Final = UUID("0f3f4a54-9d27-5c0b-8c53-6f1d1f0a9e77")
"""Of the UUIDv5 by which events name a quota."""


def share_to_tell(quota: Quota, told_share: float, told_since: datetime | None) -> float | None:
    """0.8 or 1, where so much is used and nobody was told of it in this day or month; else None. Pure."""
    before = told_share if told_since == quota.since else 0.0
    reached = max((share for share in (WARN_SHARE, 1.0) if quota.used >= share * quota.most), default=0.0)
    return reached if reached > before else None


class QuotaBook:
    """Tells the bus what it has not told before. One at a time changes the bucket: what was read before a quota was removed is not put after it."""

    def __init__(self, bus: Bus, pool: asyncpg.Pool) -> None:
        self._bus, self._sql = bus, NamedStatements(pool, queries())
        self._shown: dict[str, Quota] = {}
        self._foreign: frozenset[str] = frozenset()
        """By their key, those of a later version that were told of: it was here before, or is beside this one, and its doors hold them."""
        self._turn = asyncio.Lock()

    async def begin(self) -> None:
        """What the bucket holds and PostgreSQL does not was removed while no monitor was there. DatabaseUnavailable."""
        await self.renew()
        for key in filter(_ours, set(await self._bus.keys(subjects.KV_QUOTAS)) - set(self._shown)):
            await self._bus.delete(subjects.KV_QUOTAS, key)

    async def renew(self) -> None:
        """DatabaseUnavailable."""
        async with self._turn:
            await self._renew()

    async def _renew(self) -> None:
        now = datetime.now(UTC)
        with available():
            rows = await self._sql.all("quotas", now.date())
        self._set_aside(frozenset(_key(row) for row in rows if not _known(row)))
        for row in filter(_known, rows):
            quota = _quota(row, now)
            key = bucket_key(*_place(quota), quota.tenant)
            if self._shown.get(key) != quota:
                await self._bus.put(subjects.KV_QUOTAS, key, quota)
                self._shown[key] = quota
            if (share := share_to_tell(quota, row["told_share"], row["told_since"])) is not None:
                await self._tell(key, quota, share, row["owner"], now)

    def _set_aside(self, foreign: frozenset[str]) -> None:
        if foreign - self._foreign:
            logger.warning("quotas_of_a_later_version", count=len(foreign), next="they hold again once every service runs it")
        self._foreign = foreign

    async def listed(self, tenant: str | None = None) -> QuotaList:
        """Of one tenant, or of all."""
        now = datetime.now(UTC)
        with available():
            quotas = [_quota(row, now) for row in await self._sql.all("quotas", now.date()) if _known(row)]
        return QuotaList(quotas=tuple(quota for quota in quotas if tenant in (None, quota.tenant)))

    async def put(self, wanted: PutQuota, by: str) -> Quota:
        """It holds at every door as soon as the bucket has it."""
        place, tenant = _place(wanted), _tenant(wanted)
        async with self._turn:
            with available():
                await self._sql.run("put_quota", tenant, *place, wanted.most, by)
            await self._renew()
            return self._shown[bucket_key(*place, tenant)]

    async def remove(self, wanted: QuotaRef) -> QuotaList:
        """NotFound. Returns those that are left."""
        place, tenant = _place(wanted), _tenant(wanted)
        async with self._turn:
            with available():
                gone = await self._sql.one("remove_quota", tenant, *place)
            if gone is None:
                raise NotFound(
                    f"There is no quota of {wanted.kind} {wanted.name} in {words(wanted.unit)} a {wanted.period}. `hive usage quotas` shows them."
                )
            self._shown.pop(bucket_key(*place, tenant), None)
            await self._bus.delete(subjects.KV_QUOTAS, bucket_key(*place, tenant))
        return await self.listed()

    async def _tell(self, key: str, quota: Quota, share: float, owner: str | None, now: datetime) -> None:
        """The event first: told twice it is one, by its id, and not told would be worse."""
        kind = EventType.QUOTA_WARNING if share < 1 else EventType.QUOTA_EXCEEDED
        owners = await self._who_ran(quota) if quota.kind is QuotaKind.WORKFLOW else ()
        quota_id = uuid5(_IDS, key)
        event = QuotaEvent(
            id=f"{quota_id}.{quota.since:%Y%m%d}.{kind.partition('.')[2]}",
            type=kind,
            source="monitor",
            timestamp=now,
            data=QuotaChange(
                owner=quota.name if quota.kind is QuotaKind.USER else owner,
                owners=owners,
                quota=quota,
                resets_at=resets(quota.period, now),
            ),
        )
        subject = subjects.event(quota.tenant, kind, quota_id)
        await self._bus.publish_durable(subject, event, message_id=event.id)
        with available():
            await self._sql.run("told_quota", _tenant(quota), *_place(quota), share, quota.since)
        logger.info("quota_told", kind=quota.kind, name=quota.name, share=share)

    async def _who_ran(self, quota: Quota) -> tuple[str, ...]:
        with available():
            rows = await self._sql.all("who_ran", UUID(quota.name), quota.since.date())
        return tuple(row["owner"] for row in rows)


def _place(quota: QuotaRef | Quota) -> tuple[QuotaKind, str, QuotaUnit, QuotaPeriod]:
    return quota.kind, quota.name, quota.unit, quota.period


def _tenant(quota: QuotaRef | Quota) -> str:
    """Under which it is kept."""
    return quota.tenant if quota.kind is QuotaKind.USER else HOME


def _known(row: Mapping[str, Any]) -> bool:
    """Whether this version has a word for it."""
    return row["kind"] in set(QuotaKind) and row["unit"] in set(QuotaUnit) and row["period"] in set(QuotaPeriod)


def _ours(key: str) -> bool:
    """Whether this version could have put it there; what a later one did is left."""
    kind, _, rest = key.partition(".")
    unit, _, period = rest.partition(".")[2].partition(".")
    return kind in set(QuotaKind) and unit in set(QuotaUnit) and period in set(QuotaPeriod)


def _key(row: Mapping[str, Any]) -> str:
    return bucket_key(row["kind"], row["name"], row["unit"], row["period"], row["tenant"])


def _quota(row: Mapping[str, Any], now: datetime) -> Quota:
    unit, period = QuotaUnit(row["unit"]), QuotaPeriod(row["period"])
    kind = QuotaKind(row["kind"])
    return Quota(
        tenant=row["tenant"] if kind is QuotaKind.USER else row["used_in"] or HOME,
        kind=kind,
        name=row["name"],
        unit=unit,
        period=period,
        most=row["most"],
        used=row[unit.value] or 0.0,
        since=begins(period, now),
        set_by=row["set_by"],
    )
