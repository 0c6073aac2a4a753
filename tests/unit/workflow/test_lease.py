"""What an engine has claimed is started, also where the database goes away before it is read."""

from typing import Any
from uuid import UUID

import pytest

from bus.errors import DatabaseUnavailable
from workflow.running.fence import Fence
from workflow.running.lease import Lease

ID = UUID(int=7)
ROW: dict[str, Any] = {"id": ID, "take_ups": 0, "document": None, "workflow_id": UUID(int=1), "workflow_version": 1}


class Rows:
    """The record: one execution, which can be claimed once."""

    def __init__(self) -> None:
        self.free = [{**ROW, "claims": '{"sub": "ada", "roles": []}'}]

    async def all(self, name: str, *_: Any) -> list[dict[str, Any]]:
        return [self.free.pop()] if name == "claim" and self.free else []

    async def one(self, name: str, *_: Any) -> dict[str, Any] | None:
        return self.free.pop() if name == "claim_one" and self.free else None


class Away:
    """Whoever asks this engine for a workflow hears that the database is away."""

    parked: Any = None

    def __init__(self) -> None:
        self.library = self.gate = self.store = self
        self.engine, self.free, self.asked = UUID(int=2), 10, 0

    async def graph_of(self, *_: Any) -> Any:
        self.asked += 1
        raise DatabaseUnavailable("away")


@pytest.fixture
def engine() -> Away:
    return Away()


@pytest.fixture
def lease(engine: Away) -> Lease:
    nobody: Any = None
    stands_in: Any = engine
    lease = Lease(nobody, stands_in, 1.0, 5, Fence())
    rows: Any = Rows()
    lease._statements = rows
    return lease


async def test_what_was_claimed_is_read_again(lease: Lease, engine: Away) -> None:
    for asked in (1, 2):
        with pytest.raises(DatabaseUnavailable):
            await lease._take_up()
        assert engine.asked == asked


async def test_what_a_call_claimed_is_started_once_it_can_be_read(lease: Lease, engine: Away) -> None:
    with pytest.raises(DatabaseUnavailable):
        await lease.claim_one(ID)
    with pytest.raises(DatabaseUnavailable):
        await lease._take_up()
    assert engine.asked == 2
