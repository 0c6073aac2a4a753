"""Which version of each workflow counts now, and which webhooks. What another engine saved is told by a notice; one that is lost costs FRESH_SECONDS."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, Protocol
from uuid import UUID

from bus.database import available
from bus.errors import DatabaseUnavailable
from workflow.doors.webhooks import Route, Table

FRESH_SECONDS: Final = 2.0


class Statements(Protocol):
    async def one(self, name: str, *arguments: Any) -> Mapping[str, Any] | None: ...

    async def all(self, name: str, *arguments: Any) -> Sequence[Mapping[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Current:
    version: int
    active: bool


class Currents:
    """`seconds` is monotonic time."""

    def __init__(self, statements: Statements, seconds: Callable[[], float] = monotonic) -> None:
        self._statements, self._seconds = statements, seconds
        self._known: dict[UUID, tuple[Current, float]] = {}

    def forget(self, workflow_id: UUID | None = None) -> None:
        """None: all of them."""
        if workflow_id is None:
            self._known.clear()
        else:
            self._known.pop(workflow_id, None)

    async def of(self, workflow_id: UUID) -> Current | None:
        """None where there is no such workflow. While the database is away, what was known counts on."""
        known = self._known.get(workflow_id)
        if known is None:
            return await self._look(workflow_id)
        if self._seconds() < known[1]:
            return known[0]
        # one that looks is enough: the others go on with what is known
        self._known[workflow_id] = (known[0], self._seconds() + FRESH_SECONDS)
        try:
            return await self._look(workflow_id)
        except DatabaseUnavailable:
            return known[0]

    async def _look(self, workflow_id: UUID) -> Current | None:
        with available():
            row = await self._statements.one("current_version", workflow_id)
        if row is None:
            self.forget(workflow_id)
            return None
        found = Current(row["version"], row["active"])
        self._known[workflow_id] = (found, self._seconds() + FRESH_SECONDS)
        return found


class Routes:
    """The webhooks of active workflows."""

    def __init__(self, statements: Statements, seconds: Callable[[], float] = monotonic) -> None:
        self._statements, self._seconds = statements, seconds
        self._table: Table | None = None
        self._until = 0.0

    def forget(self) -> None:
        self._table = None

    async def table(self, *, fresh: bool = False) -> Table:
        """`fresh`: as it is at this moment. While the database is away, what was known counts on."""
        known = self._table
        if known is None or fresh:
            return await self._look()
        if self._seconds() < self._until:
            return known
        self._until = self._seconds() + FRESH_SECONDS
        with suppress(DatabaseUnavailable):
            return await self._look()
        return known

    async def _look(self) -> Table:
        with available():
            rows = await self._statements.all("webhooks")
        self._table = found = Table(
            Route(row["method"], row["path"], row["workflow_id"], row["node"], row["version"]) for row in rows
        )
        self._until = self._seconds() + FRESH_SECONDS
        return found
