"""In the manner of Jepsen: decides from a history whether what was promised holds. Pure.

Promised is a task for which a door said so. Work may be done more than once; it ends once in the record, with the whole output of one
generation, and that end is what was announced.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, fields
from uuid import UUID

from bus.messages import AttemptStatus, TaskRecord, TaskStatus
from tests.chaos.backend import expected
from tests.chaos.history import Acknowledged, Announced, Entry, Final, GenerationBegan, RequestFailed, Streamed, of


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Counts, and what went against a promise, by kind: one line for each case."""

    acknowledged: int
    failed_requests: dict[str, int]
    lost: list[str]
    not_completed: list[str]
    recorded_twice: list[str]
    made_twice: list[str]
    announced_otherwise: list[str]
    out_of_order: list[str]
    mixed_output: list[str]
    streamed_otherwise: list[str]

    @property
    def broken(self) -> dict[str, list[str]]:
        """What does not hold."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: cases for name, cases in found.items() if isinstance(cases, list) and cases}

    def __str__(self) -> str:
        failed = ", ".join(f"{why} {count}" for why, count in sorted(self.failed_requests.items())) or "none"
        broken = "".join(f"\n  {name}: {len(cases)}, such as {cases[:3]}" for name, cases in self.broken.items())
        return f"{self.acknowledged} acknowledged, {len(self.lost)} lost, {len(self.recorded_twice)} recorded twice; failed requests: {failed}{broken}"


def judge(history: Iterable[Entry]) -> Verdict:
    entries = list(history)
    promised = {entry.task_id: entry for entry in of(entries, Acknowledged)}
    records = {final.record.id: final.record for final in of(entries, Final)}
    kept = {task_id: records[task_id] for task_id in promised if task_id in records}
    ended = {task_id: record for task_id, record in kept.items() if record.status.terminal}
    events = of(entries, Announced)
    return Verdict(
        acknowledged=len(promised),
        failed_requests=dict(Counter(f"{entry.request}: {entry.why}" for entry in of(entries, RequestFailed))),
        lost=[f"{task_id} ({_state(records.get(task_id))})" for task_id in promised if task_id not in ended],
        not_completed=[
            f"{record.id} ({_state(record)})" for record in ended.values() if record.status is not TaskStatus.COMPLETED
        ],
        recorded_twice=[str(record.id) for record in records.values() if len(_completed(record)) > 1],
        made_twice=_made_twice(entries),
        announced_otherwise=_announced_otherwise(ended, events),
        out_of_order=_out_of_order(events),
        mixed_output=_mixed(promised, ended, of(entries, GenerationBegan)),
        streamed_otherwise=_streamed_otherwise(of(entries, Streamed), ended),
    )


def _state(record: TaskRecord | None) -> str:
    if record is None:
        return "no record"
    return f"{record.status}, {record.error.code}" if record.error else str(record.status)


def _completed(record: TaskRecord) -> list[UUID]:
    return [attempt.id for attempt in record.attempts if attempt.status is AttemptStatus.COMPLETED]


def _made_twice(entries: list[Entry]) -> list[str]:
    """What a client asked for once, in however many tries, is one task."""
    tasks: defaultdict[str, set[UUID]] = defaultdict(set)
    for acknowledged in of(entries, Acknowledged):
        tasks[acknowledged.op].add(acknowledged.task_id)
    for final in of(entries, Final):
        if final.op:  # those without one were asked for by no client, but by a workflow
            tasks[final.op].add(final.record.id)
    return [f"{op}: {sorted(map(str, ids))}" for op, ids in tasks.items() if len(ids) > 1]


def _announced_otherwise(ended: dict[UUID, TaskRecord], events: list[Announced]) -> list[str]:
    """Each end is announced once, as what it was and by the attempt that it was."""
    ends: defaultdict[UUID, list[Announced]] = defaultdict(list)
    for entry in events:
        if entry.event.data.status.terminal:
            ends[entry.event.data.task_id].append(entry)
    found = []
    for task_id, record in ended.items():
        said = [(entry.event.data.status, entry.event.data.attempt_id) for entry in ends[task_id]]
        if len(said) != 1:
            found.append(f"{task_id}: announced {len(said)} times")
        elif said[0][0] is not record.status or (_completed(record) and said[0][1] not in _completed(record)):
            found.append(f"{task_id}: announced {said[0]}, recorded {record.status} by {_completed(record)}")
    return found


def _out_of_order(events: list[Announced]) -> list[str]:
    """In each stream the ranks of a task's events only grow."""
    last: dict[tuple[str, UUID], int] = {}
    found = []
    for entry in sorted(events, key=lambda entry: (entry.stream, entry.sequence)):
        key, rank = (entry.stream, entry.event.data.task_id), entry.event.data.rank
        if rank <= last.get(key, -1):
            found.append(f"{key[1]}: {entry.event.type} of rank {rank} after rank {last[key]}")
        last[key] = max(rank, last.get(key, -1))
    return found


def _mixed(promised: dict[UUID, Acknowledged], ended: dict[UUID, TaskRecord], begun: list[GenerationBegan]) -> list[str]:
    """A completed task's text is the whole of one generation that really ran."""
    ran: defaultdict[str, set[int]] = defaultdict(set)
    for generation in begun:
        ran[generation.name].add(generation.number)
    found = []
    for task_id, record in ended.items():
        asked = promised[task_id]
        if asked.tokens is None or record.status is not TaskStatus.COMPLETED:
            continue
        text = record.output.text if record.output else ""
        if text not in {expected(asked.op, number, asked.tokens) for number in ran[asked.op]}:
            found.append(f"{task_id}: {text!r}")
    return found


def _streamed_otherwise(streams: list[Streamed], ended: dict[UUID, TaskRecord]) -> list[str]:
    found = []
    for stream in streams:
        record = ended.get(stream.task_id)
        if record is not None and record.output is not None and stream.text != record.output.text:
            found.append(f"{stream.task_id}: streamed {stream.text!r}, recorded {record.output.text!r}")
    return found
