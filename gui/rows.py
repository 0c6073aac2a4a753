"""Rows that know when they changed, so that each page is sent only what it has not seen."""

from collections.abc import Iterator
from typing import Generic, TypeVar

R = TypeVar("R")

MAX_GONE = 1000


class Revision:
    """Counts the changes of everything that a page shows."""

    def __init__(self) -> None:
        self.number = 0

    def next(self) -> int:
        self.number += 1
        return self.number


class Rows(Generic[R]):
    """By key; each with the revision of its last change. What went is remembered for a while."""

    def __init__(self, revision: Revision) -> None:
        self._revision = revision
        self._rows: dict[str, tuple[int, R]] = {}
        self._gone: dict[str, int] = {}
        self.forgotten = 0
        """Who has seen nothing newer than this revision must be sent everything."""

    def put(self, key: str, row: R) -> bool:
        """Whether anything changed."""
        if key in self._rows and self._rows[key][1] == row:
            return False
        self._rows[key] = (self._revision.next(), row)
        self._gone.pop(key, None)
        return True

    def drop(self, key: str) -> None:
        if self._rows.pop(key, None) is None:
            return
        self._gone[key] = self._revision.next()
        while len(self._gone) > MAX_GONE:
            self.forgotten = self._gone.pop(next(iter(self._gone)))

    def get(self, key: str) -> R | None:
        held = self._rows.get(key)
        return held[1] if held else None

    def changed_at(self, key: str) -> int:
        """The revision of its last change; 0 for what is not held."""
        held = self._rows.get(key)
        return held[0] if held else 0

    def values(self) -> Iterator[R]:
        return (row for _, row in self._rows.values())

    def since(self, revision: int) -> tuple[R, ...]:
        return tuple(row for changed, row in self._rows.values() if changed > revision)

    def gone_since(self, revision: int) -> tuple[str, ...]:
        return tuple(key for key, changed in self._gone.items() if changed > revision)

    def __len__(self) -> int:
        return len(self._rows)
