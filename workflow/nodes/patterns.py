"""Regular expressions that a workflow brings. V8 tries them: they mean there what they mean in n8n, and one that never comes to an end is stopped.

Python's own would hold up the whole engine meanwhile, and some take longer than anybody lives: `(a+)+$` for forty letters.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

from workflow.core.failure import LimitError, NodeError
from workflow.nodes.contract import NodeCall
from workflow.nodes.values import text_of

Matches: TypeAlias = Callable[[Any, str, bool], bool]
"""Of a pattern, a text, and whether large and small letters are the same. NodeError."""
Found = TypeVar("Found")
_WITH_FLAGS: Final = re.compile(r"/(.*)/([a-z]*)", re.DOTALL)


def settled(call: NodeCall, decide: Callable[[Matches], Found]) -> Found:
    """What `decide`, which changes nothing, gives for all items. What it asks is answered in one call of V8, and it decides anew by that: a
    call for each item would take a millisecond. NodeError, LimitError."""
    table = _Table(call)
    while True:
        try:
            found = decide(table.matches)
        except NodeError:
            if not table.asked:
                raise
        else:
            if not table.asked:
                return found
        table.answer()


class _Table:
    def __init__(self, call: NodeCall) -> None:
        self._call = call
        self._known: dict[tuple[str, str, str], bool | str] = {}
        self.asked: dict[tuple[str, str, str], str] = {}
        """What has no answer yet, with its pattern as it is written."""

    def matches(self, pattern: Any, text: str, ignore_case: bool) -> bool:
        """A pattern stands alone, or as `/pattern/flags`, as JavaScript writes it. False as long as it has no answer."""
        written = text_of(pattern)
        found = _WITH_FLAGS.fullmatch(written)
        body, flags = found.groups() if found else (written, "")
        key = (body, flags + ("i" if ignore_case and "i" not in flags else ""), text)
        answer = self._known.get(key)
        if answer is None:
            self.asked[key] = written
        if isinstance(answer, str):
            raise NodeError(f"The regular expression {written!r} is not valid: {answer}")
        return answer is True

    def answer(self) -> None:
        keys = list(self.asked)
        self.asked = {}
        self._known |= zip(keys, self._call.scripts.library(self._call, None, "__matches", keys), strict=True)


def replaced(call: NodeCall, texts: Iterable[str], pattern: str, replacement: str, *, ignore_case: bool) -> Mapping[str, str]:
    """Each text, and what it is with all that matches replaced. NodeError."""
    given = list(texts)
    asked = {"pattern": pattern, "flags": "gi" if ignore_case else "g", "texts": given, "replacement": replacement}
    try:
        return dict(zip(given, call.scripts.library(call, None, "__replaced", asked), strict=True))
    except LimitError:
        raise
    except NodeError as error:
        raise NodeError(f"The regular expression {pattern!r} is not valid: {error.message}") from None
