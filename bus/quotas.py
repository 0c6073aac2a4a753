"""Whether a quota lets one more task in: pure, for every door; and the copy of all quotas that a door decides by.

A door asks nobody. The monitor puts what is used into a bucket as it counts; while it is away, what it counted last holds for the rest of
its day or month, and no longer (docs/adr/0055).
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from math import ceil
from typing import Final
from uuid import UUID

from bus import subjects
from bus.client import Bus
from bus.errors import QuotaExceeded
from bus.messages import Claims
from bus.messages.usage import Quota, QuotaKind, QuotaPeriod, QuotaUnit
from bus.mirror import Mirror
from bus.tenancy import HOME, person, person_of

WARN_SHARE: Final = 0.8


def begins(period: QuotaPeriod, now: datetime) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if period is QuotaPeriod.DAY else midnight.replace(day=1)


def resets(period: QuotaPeriod, now: datetime) -> datetime:
    """When the next day or month begins."""
    begin = begins(period, now)
    if period is QuotaPeriod.DAY:
        return datetime.fromtimestamp(begin.timestamp() + 86_400, UTC)
    return begin.replace(year=begin.year + 1, month=1) if begin.month == 12 else begin.replace(month=begin.month + 1)


def used(quota: Quota, now: datetime) -> float:
    """What was counted in a day or month that is over is nothing."""
    return quota.used if quota.since >= begins(quota.period, now) else 0


def amount(value: float, unit: QuotaUnit) -> str:
    """As people read it: `1,000 tokens`, `2.5 watt hours`."""
    return f"{value:,.{1 if unit is QuotaUnit.WATT_HOURS else 0}f} {words(unit)}"


def words(unit: QuotaUnit) -> str:
    return unit.replace("_", " ")


def refusal(quotas: Iterable[Quota], now: datetime) -> QuotaExceeded | None:
    """None where each has something left; else of those that have not, the one that resets last."""
    gone = [quota for quota in quotas if used(quota, now) >= quota.most]
    if not gone:
        return None
    quota = max(gone, key=lambda found: resets(found.period, now))
    at = resets(quota.period, now)
    return QuotaExceeded(
        f"The quota of {quota.kind} {quota.name}, {amount(quota.most, quota.unit)} a {quota.period}, is used up ({amount(used(quota, now), quota.unit)}). "
        f"It resets at {at:%Y-%m-%dT%H:%M:%SZ}; an administrator can raise it (`hive usage set-quota`).",
        retry_after_seconds=max(1, ceil((at - now).total_seconds())),
    )


def bucket_key(kind: QuotaKind, name: str, unit: QuotaUnit, period: QuotaPeriod, tenant: str = HOME) -> str:
    """In KV_QUOTAS; names may hold what a key may not. The id of a key, or of a workflow, is one in all tenants."""
    name = person(tenant, name) if kind == QuotaKind.USER else name
    return f"{kind}.{name.encode().hex()}.{unit}.{period}"


def keys_of(claims: Claims, workflow_id: UUID | None = None) -> list[str]:
    """Of every quota that these claims may have, and the workflow that asks for them."""
    who = [(QuotaKind.USER, person_of(claims))]
    if claims.key_id is not None:
        who.append((QuotaKind.KEY, str(claims.key_id)))
    if workflow_id is not None:
        who.append((QuotaKind.WORKFLOW, str(workflow_id)))
    return [bucket_key(kind, name, unit, period) for kind, name in who for unit in QuotaUnit for period in QuotaPeriod]


class Quotas:
    """All quotas, as the bucket last spoke."""

    def __init__(self, bus: Bus) -> None:
        self._held = Mirror(bus, subjects.KV_QUOTAS, Quota.model_validate_json)

    async def start(self) -> None:
        await self._held.start()

    async def close(self) -> None:
        await self._held.close()

    def require(self, claims: Claims, now: datetime, workflow_id: UUID | None = None) -> None:
        """QuotaExceeded."""
        if not self._held.items:
            return
        found = (self._held.items.get(key) for key in keys_of(claims, workflow_id))
        error = refusal((quota for quota in found if quota is not None), now)
        if error is not None:
            raise error
