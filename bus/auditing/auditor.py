"""Writes the audit log. A change is told before it is made, and waits until that is on disk; what came of it is told before its answer.

So no change is without a record, whatever dies when; and while the bus does not take records nothing is changed (docs/adr/0062).
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from math import ceil
from time import monotonic
from typing import Final
from uuid import uuid4

from pydantic import BaseModel

from bus import subjects, telemetry
from bus.auditing.describing import about, summary
from bus.errors import AuditUnavailable, HiveError, PermissionDenied, RateLimited, TooManyAttempts, Unauthenticated
from bus.guarding.network import network
from bus.messages import Claims
from bus.messages.audit import AuditRecord, AuditResult

logger = telemetry.log(__name__)

WRITE_SECONDS: Final = 3.0
AGAIN_SECONDS: Final = 60.0
"""For so long the same refusal is counted, and told with the next: who asks in a loop fills no disk."""
MOST_REFUSALS: Final = 1000
IN_VAIN: Final = 120
IN_VAIN_SECONDS: Final = 60.0
"""So many changes may come to nothing in so many seconds, at one verb, of one person at one address: each costs two records. Who asks on
is refused, which is counted as above. Whoever gives no address is a room of the hive's, or its operator.
"""
REFUSALS: Final = (PermissionDenied, Unauthenticated, TooManyAttempts, RateLimited)
Write = Callable[[str, BaseModel, str], Awaitable[object]]
"""To a stream: subject, message, id for the server's dedup. HiveError."""


class Auditor:
    """`write` is the bus's durable publish."""

    def __init__(self, write: Write, now: Callable[[], float] = monotonic) -> None:
        self._write, self._now = write, now
        self._refused: dict[tuple[str, ...], tuple[float, int]] = {}
        self._in_vain: dict[tuple[str, ...], tuple[float, int]] = {}
        """Since when in this minute, and how often by now."""

    async def begin(self, action: str, claims: Claims, body: BaseModel) -> AuditRecord:
        """AuditUnavailable, RateLimited: then nothing may be changed."""
        self._require_sense(action, claims)
        record = _record(action, claims).model_copy(update={"object_id": about(body), "summary": summary(body)})
        try:
            await self._store(record)
        except HiveError as error:
            raise AuditUnavailable(
                f"The audit log cannot be written ({error.message}) Nothing was changed.", retry_after_seconds=2
            ) from error
        return record

    async def end(self, begun: AuditRecord, seconds: float, answer: BaseModel | None, error: HiveError | None) -> None:
        """The record of the change is on disk already; where this one is not written, it stays `begun`."""
        if error is not None and error.http_status < 500 and begun.address:
            self._count_in_vain(_asker(begun.action, begun.sub, begun.tenant, begun.address))
        told: dict[str, object] = {"result": _result(error), "seconds": round(seconds, 4)}
        if begun.object_id is None:
            told["object_id"] = about(None, answer)
        if error is not None:
            told |= {"code": error.code, "message": error.message[:500]}
        try:
            await self._store(begun.model_copy(update=told))
        except HiveError as unwritten:
            logger.warning("audit_end_not_written", action=begun.action, id=str(begun.id), reason=unwritten.message)

    async def happened(self, action: str, claims: Claims, summary: str = "") -> None:
        """What changes nothing and is worth knowing, such as a login. Never raises."""
        done = {"result": AuditResult.DONE, "summary": summary}
        try:
            await self._store(_record(action, claims).model_copy(update=done))
        except HiveError as unwritten:
            logger.warning("audit_not_written", action=action, reason=unwritten.message)

    async def refused(self, action: str, claims: Claims, error: HiveError, object_id: str | None = None) -> None:
        """Nothing was changed. Never raises; the same again within a minute is counted and told with the next."""
        times = self._times((*_asker(action, claims.sub, claims.tenant, claims.address), error.code))
        if times == 0:
            return
        record = _record(action, claims).model_copy(
            update={
                "result": AuditResult.REFUSED,
                "code": error.code,
                "message": error.message[:500],
                "object_id": object_id and object_id[:255],
                "times": times,
            }
        )
        logger.warning("refused", action=action, sub=claims.sub, address=claims.address, code=error.code, times=times)
        try:
            await self._store(record)
        except HiveError as unwritten:
            logger.warning("audit_refusal_not_written", action=action, reason=unwritten.message)

    def _times(self, same: tuple[str, ...]) -> int:
        """How often by now, itself included; 0: told a moment ago."""
        now = self._now()
        told_at, since = self._refused.get(same, (None, 0))
        if told_at is not None and now - told_at < AGAIN_SECONDS:
            self._refused[same] = (told_at, since + 1)
            return 0
        self._refused.pop(same, None)
        self._refused[same] = (now, 0)
        _make_room(self._refused)
        return since + 1

    def _require_sense(self, action: str, claims: Claims) -> None:
        """RateLimited for who asks again and again for what comes to nothing."""
        since, times = self._in_vain.get(_asker(action, claims.sub, claims.tenant, claims.address), (0.0, 0))
        left = since + IN_VAIN_SECONDS - self._now()
        if times >= IN_VAIN and left > 0:
            raise RateLimited(
                f"{claims.sub or 'Somebody'} asked for {action} {times} times within a minute, and it came to nothing each time. "
                f"See what the answers say, and try again in {ceil(left)} s.",
                retry_after_seconds=ceil(left),
            )

    def _count_in_vain(self, asker: tuple[str, ...]) -> None:
        now = self._now()
        since, times = self._in_vain.pop(asker, (now, 0))
        self._in_vain[asker] = (since, times + 1) if now - since < IN_VAIN_SECONDS else (now, 1)
        _make_room(self._in_vain)

    async def _store(self, record: AuditRecord) -> None:
        await self._write(subjects.audit(record.tenant, record.action), record, f"{record.id}.{record.result}")


def _asker(action: str, sub: str, tenant: str, address: str | None) -> tuple[str, ...]:
    return (action, sub, tenant, network(address or ""))


def _make_room(counts: dict[tuple[str, ...], tuple[float, int]]) -> None:
    """The oldest goes."""
    while len(counts) > MOST_REFUSALS:
        del counts[next(iter(counts))]


def _result(error: HiveError | None) -> AuditResult:
    if error is None:
        return AuditResult.DONE
    return AuditResult.REFUSED if isinstance(error, REFUSALS) else AuditResult.FAILED


def _record(action: str, claims: Claims) -> AuditRecord:
    trace = telemetry.current_traceparent()
    return AuditRecord(
        id=uuid4(),
        at=datetime.now(UTC),
        action=action,
        sub=claims.sub,
        roles=claims.roles,
        tenant=claims.tenant,
        key_id=claims.key_id,
        address=claims.address,
        via=claims.via,
        result=AuditResult.BEGUN,
        trace_id=trace[3:35] if trace else None,
    )
