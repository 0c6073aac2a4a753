"""Tracing an item back to the item of an earlier node that it was made of. Pure."""

from typing import Any, Final, TypeAlias

from workflow.core.execution import Execution, Source
from workflow.core.items import Item

Trace: TypeAlias = tuple[int, int, int] | tuple[str] | str | None
"""Output, run and index at the node asked for; the node whose item is not there or does not say what it was made of; a text that says
why there is no single one; None where it came by another way."""

_MOST_STEPS: Final = 10_000
AMBIGUOUS: Final = "Multiple matches found"


class Tracer:
    """Remembers what it found: the items of a node mostly share their way back."""

    def __init__(self, execution: Execution, target: str) -> None:
        self._execution = execution
        self._target = target
        self._found: dict[tuple[Source, int], Trace] = {}

    def trace(self, source: Source | None, index: int) -> Trace:
        """From item `index` of what `source` names."""
        way: list[tuple[Source, int]] = []
        result: Trace = None
        while source is not None and len(way) < _MOST_STEPS:
            if source.node == self._target:
                result = self._found_at(source, index)
                break
            if (source, index) in self._found:
                result = self._found[source, index]
                break
            way.append((source, index))
            steps = self._steps(source, index)
            if steps is None:
                result = (source.node,)
                break
            if len(steps) != 1:
                result = self._one_of([self.trace(*step) for step in steps])
                break
            source, index = steps[0]
        for step in way:
            self._found[step] = result
        return result

    def _one_of(self, found: list[Trace]) -> Trace:
        places = {trace for trace in found if isinstance(trace, tuple) and len(trace) > 1}
        if len(places) > 1:
            return AMBIGUOUS
        return next(iter(places), next((trace for trace in found if trace is not None), None))

    def _found_at(self, source: Source, index: int) -> Trace:
        there = 0 <= index < len(self._execution.items_of(source))
        return (source.output, source.run, index) if there else (source.node,)

    def _steps(self, source: Source, index: int) -> list[tuple[Source, int]] | None:
        """One step back: the items that this one is paired with. None where it is not there, or paired with nothing."""
        items = self._execution.items_of(source)
        pairs = _pairs(items[index]) if 0 <= index < len(items) else []
        if not pairs:
            return None
        sources = self._execution.runs[source.node][source.run].sources
        return [step for pair in pairs if (step := _step(pair, sources)) is not None]


def _pairs(item: Item) -> list[dict[str, Any]]:
    pair = item.get("pairedItem")
    pairs = pair if isinstance(pair, list) else [pair]
    return [each if isinstance(each, dict) else {"item": each} for each in pairs if each is not None]


def _step(pair: dict[str, Any], sources: tuple[Source | None, ...]) -> tuple[Source, int] | None:
    overwrite = pair.get("sourceOverwrite")
    number = pair.get("input") or 0
    if isinstance(overwrite, dict):
        source: Source | None = Source(
            overwrite["previousNode"], overwrite.get("previousNodeOutput") or 0, overwrite.get("previousNodeRun") or 0
        )
    else:
        source = sources[number] if isinstance(number, int) and number < len(sources) else None
    index = pair.get("item")
    return (source, index) if source is not None and isinstance(index, int) else None
