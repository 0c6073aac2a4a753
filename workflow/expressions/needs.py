"""What a text of expressions or code mentions, so that only this is sent to V8. Found by its letters: too much is sent at worst."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_QUOTED: Final = r"""(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|`((?:[^`\\]|\\.)*)`)"""
_NODE: Final = re.compile(rf"\$(?:items)?\(\s*{_QUOTED}|\$node\s*\[\s*{_QUOTED}\s*\]")
_NODE_DOT: Final = re.compile(r"\$node\.(\w+)")
_ANY_NODE: Final = re.compile(
    r"""\$\(\s*[^"'`)\s]|\$items\(\s*[^"'`)\s]|\$node\s*(?!\s*\[\s*["'`])(?!\.)[\[;,)\s]|\$evaluateExpression"""
)
_PAIRED: Final = re.compile(r"\.item\b|pairedItem|itemMatching|\[\s*[\"'`](?:item|pairedItem)")
_RUNS: Final = re.compile(r"\.(?:all|first|last)\(\s*[^)\s]|\$items\([^,()]+,")
_WORD: Final = re.compile(r"\$[A-Za-z]\w*")
_ESCAPE: Final = re.compile(r"\\(.)")
_WHOLE_INPUT: Final = frozenset({"$input", "$items", "$item", "$evaluateExpression"})


@dataclass(frozen=True, slots=True)
class Needs:
    nodes: frozenset[str] = frozenset()
    every_node: bool = False
    paired: bool = False
    every_run: bool = False
    words: frozenset[str] = frozenset()

    @property
    def whole_input(self) -> bool:
        """Whether it may look at items beside the one under way."""
        return bool(self.words & _WHOLE_INPUT)


@lru_cache(maxsize=4096)
def needs_of(sources: tuple[str, ...]) -> Needs:
    text = "\n".join(sources)
    if "$" not in text:
        return Needs()
    names = {
        _ESCAPE.sub(r"\1", next(part for part in found if part is not None))
        for found in map(re.Match.groups, _NODE.finditer(text))
        if any(found)
    }
    return Needs(
        nodes=frozenset(names | set(_NODE_DOT.findall(text))),
        every_node=_ANY_NODE.search(text) is not None,
        paired=_PAIRED.search(text) is not None,
        every_run=_RUNS.search(text) is not None,
        words=frozenset(_WORD.findall(text)),
    )
