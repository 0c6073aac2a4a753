"""What can be undone: the documents before and after the one that is shown. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

MOST: Final = 200
"""Steps back. Documents share what did not change, so that many are little more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    now: Mapping[str, Any]
    past: tuple[Mapping[str, Any], ...] = ()
    future: tuple[Mapping[str, Any], ...] = ()

    def then(self, document: Mapping[str, Any]) -> "History":
        """The same document again is no step."""
        if document == self.now:
            return self
        return History(now=document, past=(*self.past, self.now)[-MOST:])

    def undone(self) -> "History":
        if not self.past:
            return self
        return replace(self, now=self.past[-1], past=self.past[:-1], future=(self.now, *self.future))

    def redone(self) -> "History":
        if not self.future:
            return self
        return replace(self, now=self.future[0], past=(*self.past, self.now), future=self.future[1:])
