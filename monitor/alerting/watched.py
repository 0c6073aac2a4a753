"""What the watch sees of models, workflows, the queue and agents' ended tasks, as pages that dry runs read (docs/adr/0067). Pure.

A page has what changed since the page before it, and a whole one everything. Where there is no page, nobody watched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, TypeAlias

from bus.messages.alerts import DAY_SECONDS, LONGEST_DRY_RUN, AlertScope
from monitor.alerting.conditions import AGENT_COUNTS, METRICS
from monitor.alerting.replay import Point
from monitor.alerting.samples import Key, Samples, Value

EVERY: Final = timedelta(seconds=15)
WHOLE_EVERY: Final = timedelta(hours=1)
KEPT: Final = LONGEST_DRY_RUN + timedelta(seconds=DAY_SECONDS) + 2 * WHOLE_EVERY
"""A rule looks further back than the span by its `for`, at most a day, and its windows, at most an hour; and reading begins at a whole page."""
STORED: Final[Mapping[AlertScope, frozenset[str]]] = {**METRICS, AlertScope.AGENT: frozenset(AGENT_COUNTS)}
"""What an agent measures itself is stored already."""

Values: TypeAlias = Mapping[str, Value]
Told: TypeAlias = Mapping[str, Values | None]
"""By entity; None: it is gone."""


@dataclass(frozen=True, slots=True)
class Page:
    """Of all scopes, as it is stored."""

    at: datetime
    whole: bool
    told: Mapping[AlertScope, Told]


@dataclass(frozen=True, slots=True)
class Leaf:
    """Of a page what it says of one scope."""

    at: datetime
    whole: bool
    told: Told


class Pages:
    """Writes one after the other, the first of them whole: a watch that begins knows nothing of what another wrote."""

    def __init__(self) -> None:
        self._before: dict[Key, Values] = {}
        self._whole_at: datetime | None = None

    def next(self, samples: Samples, now: datetime) -> Page:
        seen = {key: values for key in _keys(samples) if (values := _present(samples, key, now.timestamp()))}
        whole = self._whole_at is None or now - self._whole_at >= WHOLE_EVERY
        told: dict[AlertScope, dict[str, Values | None]] = {}
        for scope, entity in seen if whole else seen.keys() | self._before.keys():
            now_seen = seen.get((scope, entity))
            if whole or now_seen != self._before.get((scope, entity)):
                told.setdefault(scope, {})[entity] = now_seen
        self._before, self._whole_at = seen, now if whole else self._whole_at
        return Page(now, whole, told)


def _keys(samples: Samples) -> list[Key]:
    return [(scope, entity) for scope in AlertScope for entity in samples.keys(scope)]


def _present(samples: Samples, key: Key, at: float) -> Values:
    found = {name: samples.last(key, name, at) for name in sorted(STORED[key[0]])}
    return {name: value for name, value in found.items() if value is not None}


def entities(leaves: Iterable[Leaf]) -> list[str]:
    return sorted({entity for leaf in leaves for entity, values in leaf.told.items() if values is not None})


def course(entity: str, leaves: Sequence[Leaf], since: datetime, width: timedelta) -> list[Point]:
    """How it stood at each page from `since` on, oldest first; of those within one `width` the last."""
    points: list[Point] = []
    values: Values | None = None
    for leaf in leaves:
        if leaf.whole or entity in leaf.told:
            values = leaf.told.get(entity)
        if values is None or leaf.at < since:
            continue
        if points and _same(points[-1][0], leaf.at, width):
            points.pop()
        points.append((leaf.at, values))
    return points


def _same(one: datetime, other: datetime, width: timedelta) -> bool:
    return one.timestamp() // width.total_seconds() == other.timestamp() // width.total_seconds()


def beside(measured: Sequence[Point], counts: Sequence[Point], old: timedelta) -> list[Point]:
    """What an agent measured, with what was counted of it last, where that is not older than `old`."""
    if not counts:
        return list(measured)
    found, steps = [], iter([*pairwise(counts), (counts[-1], None)])
    (at, values), following = next(steps)
    for moment, own in measured:
        while following is not None and following[0] <= moment:
            (at, values), following = next(steps)
        found.append((moment, {**own, **values} if at <= moment <= at + old else own))
    return found
