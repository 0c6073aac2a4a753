"""What faults cost, by kind: the longest time in which work waited and none was dispatched, and how soon lost work began again. Pure.

Dispatch is what the backend saw: a generation began. That is later than the coordinator's own word for it, and cannot be mistaken.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf
from typing import NamedTuple

from tests.chaos.history import Acknowledged, Entry, FaultBegan, GenerationBegan, GenerationEnded, RequestFailed, of


class Gap(NamedTuple):
    """Work waited, and none was dispatched."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        return self.end - self.start


@dataclass
class Cost:
    """Of all faults of one kind, in seconds. `again`: until work that a sidecar had in hand began anew."""

    count: int = 0
    longest_gap: float = 0.0
    again: list[float] = field(default_factory=list)
    failed: Counter[str] = field(default_factory=Counter)


def gaps(history: Iterable[Entry]) -> list[Gap]:
    """Between one dispatch and the next, as long as at least one task that was asked for had not been dispatched at all.

    From the client's first try on, which is before its acknowledgement: doors that do not take it in hold it up too.
    """
    entries = list(history)
    begun = of(entries, GenerationBegan)
    times = [entry.at for entry in begun]
    first: dict[str, float] = {}
    for entry in begun:
        first.setdefault(entry.name, entry.at)
    waiting_since = [inf] * (len(times) + 1)
    for promise in of(entries, Acknowledged):
        if promise.op in first:
            index = bisect_left(times, first[promise.op])
            waiting_since[index] = min(waiting_since[index], promise.asked_at)
    found = []
    for index in range(len(times) - 1, 0, -1):
        waiting_since[index] = min(waiting_since[index], waiting_since[index + 1])
        start = max(times[index - 1], waiting_since[index])
        if start < times[index]:
            found.append(Gap(start, times[index]))
    return found


def in_hand(history: Iterable[Entry], agent_id: str, at: float = inf) -> list[GenerationBegan]:
    """The generations that an agent's backend was at, at that moment."""
    entries = list(history)
    ended = {(end.name, end.number): end.at for end in of(entries, GenerationEnded)}
    return [
        begun
        for begun in of(entries, GenerationBegan)
        if begun.agent_id == agent_id and begun.at < at and at <= ended.get((begun.name, begun.number), inf)
    ]


def again(history: Iterable[Entry], fault: FaultBegan) -> list[float]:
    """For each generation that the victim, a sidecar, had in hand: seconds until the same work began anew."""
    entries = list(history)
    anew: dict[str, float] = {}
    for entry in of(entries, GenerationBegan):
        if entry.at > fault.at:
            anew.setdefault(entry.name, entry.at)
    return [anew[held.name] - fault.at for held in in_hand(entries, fault.victim, fault.at) if held.name in anew]


def costs(history: Iterable[Entry]) -> dict[str, Cost]:
    """By `fault of role`; a gap and a failed request count for the fault before them."""
    entries = list(history)
    faults = of(entries, FaultBegan)
    found: defaultdict[str, Cost] = defaultdict(Cost)
    times = [fault.at for fault in faults]

    def before(at: float) -> Cost:
        index = bisect_left(times, at)
        return found[faults[index - 1].title] if index else found["before any fault"]

    for fault in faults:
        cost = found[fault.title]
        cost.count += 1
        cost.again += again(entries, fault)
    for gap in gaps(entries):
        cost = before((gap.start + gap.end) / 2)
        cost.longest_gap = max(cost.longest_gap, gap.seconds)
    for failed in of(entries, RequestFailed):
        before(failed.at).failed[failed.why] += 1
    return dict(found)


def table(history: Iterable[Entry]) -> str:
    """Markdown, for docs/performance.md."""
    rows = [
        "| fault | times | longest without dispatch | work of its sidecar began anew | failed requests |",
        "|---|---|---|---|---|",
    ]
    for title, cost in sorted(costs(history).items()):
        anew = f"{min(cost.again):.1f} to {max(cost.again):.1f} s ({len(cost.again)})" if cost.again else ""
        failed = ", ".join(f"{count} {why}" for why, count in cost.failed.most_common())
        rows.append(f"| {title} | {cost.count} | {cost.longest_gap:.1f} s | {anew} | {failed} |")
    return "\n".join(rows)
