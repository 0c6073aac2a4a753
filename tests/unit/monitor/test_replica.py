"""A replica that many ask at once is opened once, and one that is away keeps nobody waiting twice."""

import asyncio
from typing import Any

import pytest

from bus.errors import DatabaseUnavailable
from monitor.replica import Reading


class _Pool:
    async def fetch(self, _statement: str, *_arguments: object) -> list[dict[str, Any]]:
        return []

    async def fetchrow(self, _statement: str, *_arguments: object) -> dict[str, Any]:
        return {"seconds": 0.0}


@pytest.mark.parametrize("away", [False, True])
async def test_those_who_read_at_once_open_one_pool(away: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = 0

    async def open_pool(_url: str, _connections: int) -> _Pool:
        nonlocal opened
        opened += 1
        await asyncio.sleep(0)
        if away:
            raise DatabaseUnavailable("away", retry_after_seconds=1)
        return _Pool()

    monkeypatch.setattr("monitor.replica.open_pool", open_pool)
    read = Reading(_Pool(), "postgresql:///replica", 30)  # type: ignore[arg-type]
    await asyncio.gather(*(read.all("quotas") for _ in range(5)))
    assert opened == 1
