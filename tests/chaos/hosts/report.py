"""The table at the end of a run on many hosts: each fault, what it cost, and what became of what was acknowledged from it to the next. Pure."""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from tests.chaos.history import Acknowledged, Entry, FaultBegan, RequestFailed, of
from tests.chaos.hosts.checker import HostsVerdict
from tests.chaos.report import costs

WANTED_GAP: Final = {"leader": 5.0, "nats leader": 10.0}
"""Seconds without dispatch, by role; of another OTHERS. While PostgreSQL is away there is none, however long."""
OTHERS: Final = 10.0
WITHOUT_BOUND: Final = ("store", "postgres")
WANTED_AGAIN: Final = {"kill -9": 2.0, "host vanishes": 5.0}
"""Seconds until a lost sidecar's work began anew."""
BEFORE: Final = "before any fault"


@dataclass
class Row:
    """Of all faults of one title. Times in seconds."""

    times: int = 0
    gap: float = 0.0
    again: list[float] = field(default_factory=list)
    acknowledged: int = 0
    lost: int = 0
    twice: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    late: list[str] = field(default_factory=list)


def rows(history: Iterable[Entry], verdict: HostsVerdict) -> dict[str, Row]:
    entries = list(history)
    faults = of(entries, FaultBegan)
    times = [fault.at for fault in faults]
    found: defaultdict[str, Row] = defaultdict(Row)
    lost = {line.split(" ")[0] for line in verdict.tasks.lost}
    twice = set(verdict.tasks.recorded_twice)
    for promise in of(entries, Acknowledged):
        index = bisect_right(times, promise.at)
        row = found[faults[index - 1].title if index else BEFORE]
        row.acknowledged += 1
        row.lost += str(promise.task_id) in lost
        row.twice += str(promise.task_id) in twice
    for title, cost in costs(entries).items():
        row = found[title]
        row.times, row.gap, row.again, row.failed = cost.count, cost.longest_gap, cost.again, cost.failed
        row.late = _late(title, row)
    return dict(found)


def _late(title: str, row: Row) -> list[str]:
    trouble, _, role = title.partition(": ")
    who = role.split(" from ")[0]
    found = []
    if who not in WITHOUT_BOUND and row.gap > (wanted := WANTED_GAP.get(who, OTHERS)):
        found.append(f"{row.gap:.1f} s without dispatch, wanted {wanted:g}")
    if row.again and max(row.again) > (wanted := WANTED_AGAIN.get(trouble, OTHERS)):
        found.append(f"work began anew after {max(row.again):.1f} s, wanted {wanted:g}")
    return found


def late(history: Iterable[Entry], verdict: HostsVerdict) -> dict[str, list[str]]:
    """What took longer than is wanted, by title."""
    return {title: row.late for title, row in rows(history, verdict).items() if row.late}


def refused_seconds(history: Iterable[Entry]) -> float:
    """The longest time from a client's first refusal until the same was acknowledged."""
    entries = list(history)
    first: dict[str, float] = {}
    for failed in of(entries, RequestFailed):
        first.setdefault(failed.op, failed.at)
    taken = [entry for entry in of(entries, Acknowledged) if entry.op in first]
    return max((entry.at - first[entry.op] for entry in taken), default=0.0)


def table(history: Iterable[Entry], verdict: HostsVerdict) -> str:
    """Markdown, for docs/performance.md."""
    lines = [
        "| fault | times | longest without dispatch | its work began anew | acknowledged | lost | twice | failed requests |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for title, row in rows(history, verdict).items():
        again = f"{min(row.again):.1f} to {max(row.again):.1f} s ({len(row.again)})" if row.again else ""
        failed = ", ".join(f"{count} {why}" for why, count in row.failed.most_common())
        lines.append(
            f"| {title} | {row.times} | {row.gap:.1f} s | {again} | {row.acknowledged} | {row.lost} | {row.twice} | {failed} |"
        )
    return "\n".join(lines)
