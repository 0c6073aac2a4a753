"""When somebody is told that a quota nears its end: once at four fifths and once at the end, in each day or month."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bus import subjects
from bus.messages.usage import QuotaRef
from bus.testing import InMemoryBus
from monitor.usage.quotas import QuotaBook, share_to_tell
from tests.unit.bus.test_quotas import quota


@pytest.mark.parametrize(
    ("used", "told", "tell"),
    [(79, 0, None), (80, 0, 0.8), (99, 0.8, None), (100, 0.8, 1.0), (250, 0, 1.0), (250, 1.0, None)],
)
def test_each_share_is_told_once(used: float, told: float, tell: float | None) -> None:
    found = quota(used)
    assert share_to_tell(found, told, found.since) == tell


def test_what_was_told_yesterday_is_told_again_today() -> None:
    found = quota(85)
    assert share_to_tell(found, 0.8, found.since - timedelta(days=1)) == 0.8
    assert share_to_tell(found, 0.8, datetime(2020, 1, 1, tzinfo=UTC)) == 0.8


class _Rows:
    """One quota, which is read slowly."""

    def __init__(self) -> None:
        self.stored: list[dict[str, Any]] = []
        self.reading, self.on = asyncio.Event(), asyncio.Event()

    async def all(self, _name: str, *_arguments: object) -> list[dict[str, Any]]:
        found = list(self.stored)
        self.reading.set()
        await self.on.wait()
        return found

    async def one(self, _name: str, *_arguments: object) -> dict[str, Any]:
        return self.stored.pop()


async def test_a_quota_that_is_removed_while_all_are_renewed_stays_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    bus, rows, found = InMemoryBus(), _Rows(), quota(1)
    rows.stored = [
        {**found.model_dump(), "tokens": 1.0, "seconds": 1.0, "owner": "anna", "told_share": 0.0, "told_since": None}
    ]
    book = QuotaBook(bus, None)  # type: ignore[arg-type]
    monkeypatch.setattr(book, "_sql", rows)
    renewing = asyncio.create_task(book.renew())
    await rows.reading.wait()
    removing = asyncio.create_task(
        book.remove(QuotaRef(kind=found.kind, name=found.name, unit=found.unit, period=found.period))
    )
    for _ in range(5):
        await asyncio.sleep(0)
    rows.on.set()
    await asyncio.gather(renewing, removing)
    assert list(await bus.keys(subjects.KV_QUOTAS)) == []
